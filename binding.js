// The native functions as promises.
import { isMainThread } from 'node:worker_threads';
import { translated } from './library/edge-ai-error.js';
import { runTogether } from './library/joint-runs.js';
import { decodeOutputs, encodeInputs } from './library/message.js';
import { answered, channel, run } from './library/outcomes.js';
import { native, libraryPath } from './native.js';

const { Session } = native;

const toFile = ({ name, path, bytes }) => ({ name, content: path ?? bytes });

/**
 * Sets options of the one engine of this process; fields that are absent keep their values.
 *
 * @param {object} options
 */
export function configureEngine(options) {
	const executionProviders = options.executionProviders?.map(toProvider);
	translated(native.configureEngine)({ libraryPath, ...options, executionProviders });
}
configureEngine({});

// Libraries are unloaded when the process ends, which must not meet a load or a run. Only the end of the main thread is the end of
// the process; where the main thread does not have this package, the addon waits by itself a little later.
if (isMainThread) process.on('exit', native.drainEngine);

/** A provider by name, or with options, which are texts to the addon. */
function toProvider(given) {
	const { name, options = {} } = typeof given === 'string' ? { name: given } : given;
	return { name, options: Object.fromEntries(Object.entries(options).map(([key, value]) => [key, String(value)])) };
}

export const { engineStatus, evictSession, cachedSession, reportPreload, openJournal, quarantineOf } = native;
export const { engineOptions, MAX_ID_BYTES, MAX_PRIORITY, MAX_TIMEOUT_MS, OTHER_SEGMENTS } = native;
export const { registryChanges, noteRegistryChange, countLostEvent, lostEvents, followsEvents, followEvents } = native;
export const { tryLock, lockedNames, processId, reserveSpace, foreignFormat, FORMAT_HEAD_BYTES } = native;
export const { parseRows, fieldsOfRows, takeRow } = native;
export const {
	createId,
	bodyAsJson,
	checkJson,
	jsonFields,
	encodeAnswer,
	exposition,
	executionProviderNames,
	meantFiles,
	nearestName,
	openInferenceDatatype,
	meterHandle,
	MetricsAccumulator,
	nameColumns,
	configureProfiles,
} = native;
export const { MAX_PROFILE_COLUMNS, Profile, Profiler, RecordedRows, Resources } = native;
export const { configureChangeDetection, observeCorrectness, takeChanges } = native;
export const { EstimateSums, installedEstimators, LabelledPredictions } = native;
export const describeEstimator = translated(native.describeEstimator);
export const installEstimator = translated(native.installEstimator);
export const takeEstimates = translated(native.takeEstimates);
export const pendingEstimates = translated(native.pendingEstimates);
export const restoreEstimate = translated(native.restoreEstimate);
export const takeProfiles = translated(native.takeProfiles);
export const pendingProfiles = translated(native.pendingProfiles);
export const restoreProfile = translated(native.restoreProfile);
export const takeResources = translated(native.takeResources);
export const pendingResources = translated(native.pendingResources);
export const restoreResources = translated(native.restoreResources);
export const checkIdentifier = translated(native.checkIdentifier);
export const compareOutcome = translated(native.compareOutcome);
export const measureClassification = translated(native.measureClassification);
export const measureRegression = translated(native.measureRegression);

/**
 * SHA-256 of a model's files, in hexadecimal.
 *
 * @param {{name: string, path?: string, bytes?: Uint8Array}[]} files
 * @returns {Promise<string>}
 */
export function digestModel(files) {
	return answered((channel, id) => native.digestModel(channel, id, files.map(toFile)));
}

/**
 * Compares columns with their reference.
 *
 * @param {object[]} columns name, kind, reference, current (numbers, or how often each category occurs), missingReference,
 *   missingCurrent, method, threshold
 * @param {{minRows: number, driftShare: number, correction?: string}} options
 * @returns {Promise<object>} verdict, driftedColumns, insufficientColumns, driftedShare, columns
 */
export function compareColumns(columns, options) {
	return answered((channel, id) => native.drift(channel, id, columns, options));
}

/**
 * Compares profiles.
 *
 * @param {Uint8Array} reference
 * @param {Uint8Array} current
 * @param {{method?: string, methodOf?: Record<string, string>, threshold?: number, minRows: number, driftShare: number,
 *   correction?: string, features: boolean, outputs: boolean}} options `features`, `outputs`: which columns are compared
 * @returns {Promise<object>} verdict, driftedColumns, uncertainColumns, insufficientColumns, driftedShare, columns, notInReference
 */
export async function compareProfiles(reference, current, options) {
	return JSON.parse(await answered((channel, id) => native.driftOfProfiles(channel, id, reference, current, options)));
}

/**
 * Compares recorded predictions value by value, after which nothing is left in either.
 *
 * @param {InstanceType<typeof RecordedRows>} reference
 * @param {InstanceType<typeof RecordedRows>} current
 * @param {object} options as of {@link compareProfiles}
 * @returns {Promise<object>} as of {@link compareProfiles}, without bounds
 */
export async function compareRecorded(reference, current, options) {
	return JSON.parse(await answered((channel, id) => native.driftOfRecorded(channel, id, reference, current, options)));
}

/** A file of training data on its way into a profile. */
export class ReferenceReader {
	#reader;

	/**
	 * @param {{inputSchema: string, outputSchema: string, maxColumns: number, format: 'csv' | 'ndjson' | 'json', delimiter: string,
	 *   label?: string, estimate: boolean, classNames?: string[]}} input schemas as the record of the model has them
	 */
	constructor(input) {
		this.#reader = translated((given) => new native.ReferenceReader(given))(input);
	}

	/**
	 * @param {Uint8Array} bytes the next ones
	 * @returns {Promise<void>} when they are read
	 */
	push(bytes) {
		return answered((channel, id) => this.#reader.push(channel, id, bytes));
	}

	/**
	 * @returns {Promise<{profile: Uint8Array, contents: object, estimator?: Uint8Array}>} `contents`: rows, leftOut, columns ({name, kind,
	 *   count, missing}), ignored, labels, estimator
	 */
	async finish() {
		const { contents, ...rest } = await answered((channel, id) => this.#reader.finish(channel, id));
		return { ...rest, contents: JSON.parse(contents) };
	}

	/** Ends it, wherever it is. */
	close() {
		this.#reader.close();
	}
}

/**
 * Merges profiles.
 *
 * @param {Uint8Array[]} parts
 * @returns {Promise<{bytes: Uint8Array, rows: number, unreadable: number[]}>} positions of what is no profile are `unreadable`
 */
export const mergeProfiles = (parts) => answered((channel, id) => native.mergeProfiles(channel, id, parts));

/**
 * Compares profiles and keeps how far they have drifted for `exposition`.
 *
 * @param {{modelId: string, version: string}} of
 * @param {Uint8Array} reference
 * @param {Uint8Array} current
 * @param {{minRows: number, driftShare: number}} options
 * @returns {Promise<string>} the verdict
 */
export function gaugeDrift(of, reference, current, options) {
	return answered((channel, id) => native.gaugeDrift(channel, id, of, reference, current, options));
}

/**
 * Fits an estimator of quality without labels, after which no labelled predictions are left.
 *
 * @param {InstanceType<typeof LabelledPredictions>} labelled
 * @param {object} [how]
 * @param {number} [how.chunkRows] of the chunks that thresholds are from
 * @param {Float64Array} [how.businessValue] what predictions are worth, by the true class, and in that by the predicted one
 * @returns {Promise<Uint8Array>}
 */
export function fitLabelled(labelled, { chunkRows, businessValue } = {}) {
	return answered((channel, id) => labelled.fit(channel, id, chunkRows, businessValue));
}

/**
 * Detects, checks and once loads a model, without keeping it.
 *
 * @param {{name: string, path?: string, bytes?: Uint8Array}[]} files
 * @param {{framework?: string, engine?: string, inputSchema?: string, outputSchema?: string, cacheFolder?: string, digest?: string}}
 *   [options] `digest`: the model's, by which one that took too long before is refused
 * @returns {Promise<object>} framework, engine, digest, size, files, inputSchema, outputSchema, labels
 */
export function inspectModel(files, { inputSchema, outputSchema, ...options } = {}) {
	const stated = { inputSchema, outputSchema };
	return answered((channel, id) => native.inspectModel(channel, id, files.map(toFile), options, stated));
}

/**
 * The ONNX model that a TensorFlow.js model is translated to.
 *
 * @param {{name: string, path?: string, bytes?: Uint8Array}[]} files
 * @returns {Promise<Uint8Array>}
 */
export function translateModel(files) {
	return answered((channel, id) => native.translateModel(channel, id, files.map(toFile)));
}

/**
 * The session of a digest: cached, or loaded once however many ask.
 *
 * @param {string} digest
 * @param {{name: string, path?: string, bytes?: Uint8Array}[]} files
 * @param {{framework?: string, engine?: string, beside?: boolean, cacheFolder?: string, preload?: boolean}} [options]
 *   `cacheFolder`: where the files lie, and what later loads start from is kept; `preload`: wait until it is warm
 * @returns {Promise<object>}
 */
export function loadSession(digest, files, options = {}) {
	return answered((channel, id) => native.loadSession(channel, id, digest, files.map(toFile), options));
}

/**
 * The session of files whose digest is not known. What is loaded is what was digested, also when the files change meanwhile.
 *
 * @param {{name: string, path?: string, bytes?: Uint8Array}[]} files
 * @param {{framework?: string, engine?: string, beside?: boolean}} [options]
 * @returns {Promise<object>}
 */
export function openSession(files, options = {}) {
	return answered((channel, id) => native.openSession(channel, id, files.map(toFile), options));
}

/**
 * Runs a request body on a session.
 *
 * @param {object} session
 * @param {object} request a `PredictRequest`
 * @param {{timeoutMs?: number, signal?: AbortSignal, together?: boolean, alone?: boolean, meter?: number}} [options] `timeoutMs`:
 *   by default what the body says; `together`: with the others of the session that are about to be started by microtasks, as far as
 *   their runs are tiny; `alone`: never with others; `meter`: the handle of who counts it, nobody by default
 * @returns {Promise<{prediction?: string, encoded?: Uint8Array, text?: string, confidence?: string, latencyMs: number,
 *   receipt?: string, queueMs?: number, batchRows?: number}>} the last two where an event is written; prediction, confidence and, where the body asks for it, receipt as JSON text; for an answer in another format the prediction is in `encoded`, for another protocol
 *   in `text` and what is binary of it in `encoded`, and as `prediction` only for an event
 */
export function predictJson(session, request, { timeoutMs, signal, together, alone = false, meter } = {}) {
	if (together && !alone) return runTogether(session, { request, timeoutMs, meter, read: toPrediction, signal });
	const start = (id, crowded) => {
		session.predict ??= session.predictor(channel);
		return session.predict(id, request.slot, crowded, timeoutMs, alone, meter);
	};
	return run(start, toPrediction, signal);
}

const toPrediction = ([prediction, confidence, latencyMs, encoded, text, receipt, queueMs, batchRows]) => ({
	prediction,
	confidence,
	latencyMs,
	encoded,
	text,
	receipt,
	queueMs,
	batchRows,
});

/**
 * Runs inputs on a session.
 *
 * @param {object} session
 * @param {import('./library/tensor.js').Input[]} inputs
 * @param {string[]} names of the outputs that come back
 * @param {{outputs?: string[], timeoutMs?: number, priority?: number, signal?: AbortSignal, alone?: boolean, receipt?: boolean,
 *   userId?: string}} [options] `alone`: never together with others; `receipt`: the outputs come with theirs; `userId`: who pays
 * @param {number} [meter] the handle of who counts it, nobody by default
 * @param {Profiler} [profiler] who profiles it beside those of the meter
 * @returns {Promise<{outputs: Record<string, any>, confidence: number | (number | null)[] | null, latencyMs: number,
 *   receipt?: object, run?: {queueMs: number, batchRows: number}}>} `run` where a profiler is given
 */
export function runSession(
	session,
	inputs,
	names,
	{ outputs, timeoutMs, priority, signal, alone, receipt, userId } = {},
	meter,
	profiler
) {
	const isLimited = outputs || timeoutMs !== undefined || priority || alone || receipt || userId !== undefined;
	const limits = isLimited ? { outputs, timeoutMs, priority, alone, receipt, userId } : undefined;
	const start = (id, crowded) => {
		session.run ??= session.runner(channel);
		// Nothing comes between that another run could write to the memory.
		return session.run(id, encodeInputs(inputs), crowded, limits, meter, profiler);
	};
	// A number is the length of a message in the memory.
	const read = (outcome, at) => decodeOutputs(typeof outcome === 'number' ? null : outcome, at, names);
	return run(start, read, signal);
}

/**
 * Forgets the crashes at which a model was under way, so that a quarantine ends; on disk and on all threads.
 *
 * @param {string} digest
 * @returns {Promise<boolean>} false when none is known
 */
export function releaseQuarantined(digest) {
	return answered((channel, id) => native.releaseQuarantined(channel, id, digest));
}

/**
 * A mutex of the whole process by name; who asks first gets it first. It is released by `release()`, and when its thread
 * ends.
 *
 * @param {string} name
 * @returns {Promise<{release: () => void}>}
 */
export async function acquireLock(name) {
	return answered((channel, id) => native.acquireLock(channel, id, name));
}

export { PredictRequest } from './library/predict-request.js';
export { Session };
