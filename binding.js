// The native functions as promises. One channel per JavaScript thread brings the outcomes of work on other threads.
import { isMainThread } from 'node:worker_threads';
import { isAborted, leave, listenTo, reasonOf } from './library/abort-signal.js';
import { decodeOutputs, encodeInputs, forEachMessage, memory } from './library/message.js';
import { fromNative, translated } from './library/edge-ai-error.js';
import { native, libraryPath } from './native.js';

const { Channel, Session } = native;

/**
 * What waits for an outcome, by number. Every number gets exactly one, and then goes to the next. A Map would leave its old
 * tables behind, with all that was in them, until the next large garbage collection.
 */
const waiting = [];
const freeIds = [];
let awaited = 0;

const channel = new Channel(() => {
	const settled = channel.take();
	// All are read before the first is told: whoever is told may call the engine, which writes to the same memory.
	const outcomes = [];
	forEachMessage((id, at) => outcomes.push(outcomeOf(id, undefined, null, at)));
	for (let at = 0; at < settled.length; at += 3) {
		outcomes.push(outcomeOf(settled[at], settled[at + 1], settled[at + 2], 0));
	}
	for (const { entry, error, value } of outcomes) {
		if (error) entry.reject(error);
		else entry.resolve(value);
	}
}, memory);

function outcomeOf(id, error, outcome, at) {
	const entry = take(id);
	if (error) return { entry, error: fromNative(error) };
	try {
		return { entry, value: entry.read(outcome, at) };
	} catch (unreadable) {
		return { entry, error: unreadable };
	}
}

// The channel does not keep the event loop alive; this timer does, while something is awaited.
const keepAlive = setInterval(() => {}, 2 ** 30);
keepAlive.unref();

const itself = (outcome) => outcome;

/** Calls `start(channel, id)` and gives a promise for the outcome of that number. */
function answered(start) {
	const id = takeId();
	try {
		start(channel, id);
	} catch (error) {
		freeIds.push(id);
		throw fromNative(error);
	}
	return new Promise((resolve, reject) => expect(id, { read: itself, resolve, reject }));
}

/** A number that is nobody else's until it is given back to `freeIds`, by {@link take} or by who needs it no more. */
const takeId = () => freeIds.pop() ?? waiting.push(undefined) - 1;

function expect(id, entry) {
	if (awaited === 0) keepAlive.ref();
	awaited += 1;
	waiting[id] = entry;
}

function take(id) {
	const entry = waiting[id];
	waiting[id] = undefined;
	freeIds.push(id);
	awaited -= 1;
	if (awaited === 0) keepAlive.unref();
	return entry;
}

/** Runs that this thread waits for, and runs that were answered at once but whose callers had no turn yet. */
let pending = 0;
let untold = 0;
const turn = Promise.resolve();
const forgetUntold = () => {
	untold = 0;
};

/**
 * A run that may be answered at once. Aborting rejects with the signal's reason and stops the run.
 *
 * @param {(id: number, crowded: boolean) => any} start
 * @param {(outcome: any, at: number) => any} read what the outcome says
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
function run(start, read, signal) {
	if (signal && isAborted(signal)) return Promise.reject(reasonOf(signal));
	let id;
	try {
		id = takeId();
		const outcome = start(id, pending + untold > 0);
		if (outcome == null) {
			return new Promise((resolve, reject) => {
				const pendingRun = new PendingRun(id, read, { resolve, reject, signal });
				expect(id, pendingRun);
				pendingRun.listen();
			});
		}
		freeIds.push(id);
		// Whoever starts many in a row starts a crowd.
		if (untold === 0) turn.then(forgetUntold);
		untold += 1;
		id = undefined;
		return Promise.resolve(read(outcome, 0));
	} catch (error) {
		if (id !== undefined) freeIds.push(id);
		return Promise.reject(fromNative(error));
	}
}

class PendingRun {
	#id;
	#promise;
	#listens = false;

	constructor(id, read, promise) {
		pending += 1;
		this.#id = id;
		this.read = read;
		this.#promise = promise;
	}

	/** Ends the waiting when the signal is aborted. */
	listen() {
		const { signal } = this.#promise;
		if (signal === undefined) return;
		listenTo(signal, this);
		this.#listens = true;
	}

	resolve(value) {
		this.#end();
		this.#promise.resolve(value);
	}

	reject(error) {
		this.#end();
		this.#promise.reject(error);
	}

	/** The signal's. The outcome of the run still comes, and then tells nobody anything. */
	handleEvent() {
		this.#promise.reject(reasonOf(this.#promise.signal));
		channel.cancel(this.#id);
	}

	#end() {
		pending -= 1;
		if (this.#listens) leave(this.#promise.signal, this);
	}
}

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
export const { engineOptions, MAX_ID_BYTES, MAX_PRIORITY, MAX_TIMEOUT_MS } = native;
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
export const { MAX_PROFILE_COLUMNS, Profile, Profiler } = native;
export const takeProfiles = translated(native.takeProfiles);
export const pendingProfiles = translated(native.pendingProfiles);
export const restoreProfile = translated(native.restoreProfile);
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
 * @returns {Promise<{prediction?: string, encoded?: Uint8Array, text?: string, confidence?: string, latencyMs: number}>}
 *   prediction and confidence as JSON text; for an answer in another format the prediction is in `encoded`, for another protocol
 *   in `text` and what is binary of it in `encoded`, and as `prediction` only for an event
 */
export function predictJson(session, request, { timeoutMs, signal, together, alone = false, meter } = {}) {
	if (together && !alone) return gathered(session, { request, timeoutMs, meter }, signal);
	const start = (id, crowded) => {
		session.predict ??= session.predictor(channel);
		return session.predict(id, request.slot, crowded, timeoutMs, alone, meter);
	};
	return run(start, toPrediction, signal);
}

/** More wait for the next turn, so that the event loop does not stand still for long. */
const MAX_TOGETHER = 128;

/** Adds a request to those that run together. */
function gathered(session, run, signal) {
	return new Promise((resolve, reject) => {
		const requests = (session.gathered ??= []);
		requests.push({ ...run, promise: { resolve, reject, signal } });
		if (requests.length === 1) queueMicrotask(() => runGathered(session));
	});
}

function runGathered(session) {
	const requests = session.gathered.splice(0, MAX_TOGETHER);
	if (session.gathered.length > 0) setImmediate(runGathered, session);
	const runs = [];
	const given = [];
	for (const { request, timeoutMs, meter, promise } of requests) {
		if (promise.signal && isAborted(promise.signal)) {
			promise.reject(reasonOf(promise.signal));
			continue;
		}
		const id = takeId();
		expect(id, new PendingRun(id, toPrediction, promise));
		runs.push(waiting[id]);
		given.push(id, request.slot, timeoutMs, meter);
	}
	session.predictTogether ??= session.jointPredictor(channel);
	let outcomes;
	try {
		outcomes = session.predictTogether(given);
	} catch (error) {
		outcomes = runs.map(() => error);
	}
	for (const [at, outcome] of outcomes.entries()) {
		if (outcome == null) runs[at].listen();
		else if (Array.isArray(outcome)) take(given[4 * at]).resolve(toPrediction(outcome));
		else take(given[4 * at]).reject(fromNative(outcome));
	}
}

const toPrediction = ([prediction, confidence, latencyMs, encoded, text]) => ({
	prediction,
	confidence,
	latencyMs,
	encoded,
	text,
});

/**
 * Runs inputs on a session.
 *
 * @param {object} session
 * @param {import('./library/tensor.js').Input[]} inputs
 * @param {string[]} names of the outputs that come back
 * @param {{outputs?: string[], timeoutMs?: number, priority?: number, signal?: AbortSignal, alone?: boolean}} [options]
 *   `alone`: never together with others
 * @param {number} [meter] the handle of who counts it, nobody by default
 * @param {Profiler} [profiler] who profiles it beside those of the meter
 * @returns {Promise<{outputs: Record<string, any>, confidence: number | (number | null)[] | null, latencyMs: number}>}
 */
export function runSession(
	session,
	inputs,
	names,
	{ outputs, timeoutMs, priority, signal, alone } = {},
	meter,
	profiler
) {
	const isLimited = outputs || timeoutMs !== undefined || priority || alone;
	const limits = isLimited ? { outputs, timeoutMs, priority, alone } : undefined;
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
