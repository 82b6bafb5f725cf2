// The one way to run a model and to record what became of it. Routes parse, call and answer.
import { createId, predictJson } from '../../binding.js';
import { isFailedRun } from '../../library/events.js';
import { authorizeAttributes, isUnrestricted } from '../http/access.js';
import { leavingOf } from '../http/disconnect.js';
import { answerIn } from '../http/formats.js';
import { identifier } from '../http/query.js';
import { recordEvent, writeEvent } from '../monitoring/events.js';
import { GIVEN_IDS, WRITTEN } from '../monitoring/record.js';
import { options } from '../options.js';
import { find, latest } from '../registry/models.js';
import { knownModel } from '../registry/record-cache.js';
import { sessionFor } from '../registry/sessions.js';
import { versionKey } from '../storage/tables.js';
import { forbidsBatching } from '../registry/batching.js';
import { deadlineOf, leftOf } from '../http/deadline.js';

/** Larger features are recorded as a summary. */
const MAX_RECORDED_BYTES = 16 * 1024;
const LIMIT_OF = { summary: MAX_RECORDED_BYTES, full: 2 ** 32 - 1 };

/** What a caller of a prediction needs; nothing when anonymous callers are welcome. */
export const needs = () => (options().anonymousPredict ? undefined : { InferenceEvent: ['insert', 'update'] });

/**
 * Throws unless a caller may write all that the event of a request will hold.
 *
 * @param {object} user Harper's user
 * @param {{record?: boolean, userId?: string, sessionId?: string, requestId?: string}} request
 */
export function authorizeRecording(user, request) {
	if (isUnrestricted(user, 'InferenceEvent', 'insert') || request.record === false) return;
	const features = options().recordFeatures === 'none' ? [] : ['featuresIn'];
	const given = GIVEN_IDS.filter((name) => request[name] != null);
	authorizeAttributes(user, 'InferenceEvent', 'insert', [...WRITTEN, ...features, ...given]);
}

/**
 * The record of a version, or of the one uploaded last.
 *
 * @param {string} modelId
 * @param {string | null | undefined} version
 */
export async function modelFor(modelId, version) {
	if (version == null) return knownModel(modelId, () => latest(modelId));
	return knownModel(versionKey(modelId, identifier('version', version)), () => find(modelId, version));
}

/** How a run is started and its event written: at once, unless the caller knows better. */
const atOnce = (act) => act();

/**
 * Runs a request and records what became of it, unless it says `record: false`. Every protocol's predictions come by here.
 *
 * @param {object} request a `PredictRequest`
 * @param {object} model its record
 * @param {object} session
 * @param {{deadline?: number, signal?: AbortSignal, together?: boolean, start?: (run: () => Promise<object>) => Promise<object>,
 *   write?: (write: () => Promise<void>) => Promise<void>, record?: (event: object) => any, inferenceId?: string}} [options]
 *   `deadline`: that of all the request waits for, by default its run's alone; `start` and `write` call what they are given, when
 *   it is time, again when the queue is full; `record` takes the event instead of the table
 * @returns {Promise<{inferenceId: string, prediction: string, confidence: string, latencyMs: number}>} what `predictJson` gives,
 *   and the id
 */
export async function runRecorded(request, model, session, options = {}) {
	const { start = atOnce, inferenceId = createId() } = options;
	let result;
	try {
		result = await start(() => predictJson(session, request, limitsOf(request, model, options)));
	} catch (error) {
		if (request.record && isFailedRun(error)) {
			const failure = { error: { code: error.code, message: error.message } };
			await keep(eventOf(inferenceId, request, model, failure), options);
		}
		throw error;
	}
	if (request.record) {
		const { prediction, confidence, latencyMs } = result;
		const outcome = { prediction, confidence: JSON.parse(confidence), latencyMs };
		await keep(eventOf(inferenceId, request, model, outcome), options);
	}
	result.inferenceId = inferenceId;
	return result;
}

/**
 * Answers a request of a route whose path names the model: authorizes, loads, runs, records.
 *
 * @param {object} request a `PredictRequest`
 * @param {object} model its record
 * @param {{stream: import('node:http').IncomingMessage, user: object | undefined, together: boolean}} call
 * @returns {ReturnType<typeof runRecorded>}
 */
export async function infer(request, model, { stream, user, together }) {
	if (needs()) authorizeRecording(user, request);
	const deadline = deadlineOf(request.timeoutMs);
	const session = await sessionFor(model, { deadline });
	const result = await runRecorded(request, model, session, { deadline, signal: leavingOf(stream), together });
	request.release();
	return result;
}

/**
 * Runs a request that nobody counts as a prediction: no event, and never together with others.
 *
 * @param {object} request a `PredictRequest`
 * @param {object} session
 */
export const runUnrecorded = (request, session) => predictJson(session, request, { timeoutMs: options().timeoutMs });

function limitsOf(request, model, { deadline, signal, together }) {
	const timeoutMs = deadline === undefined ? (request.timeoutMs ?? options().timeoutMs) : leftOf(deadline);
	return { timeoutMs, signal, together, alone: forbidsBatching(model) };
}

function keep(event, { record, write = atOnce }) {
	return record ? record(event) : recordEvent(event, () => write(() => writeEvent(event)));
}

/** The event of a prediction. */
function eventOf(id, request, model, outcome) {
	const { recordFeatures } = options();
	const { modelId, version: modelVersion, framework, digest } = model;
	const event = { id, modelId, modelVersion, framework, digest };
	if (recordFeatures !== 'none') event.featuresIn = request.featuresJson(LIMIT_OF[recordFeatures]);
	for (const name of GIVEN_IDS) {
		if (request[name] != null) event[name] = request[name];
	}
	return Object.assign(event, outcome);
}

/**
 * What `/predict` answers: see `answerIn`.
 *
 * @param {object} result of {@link runRecorded}
 * @param {object} model its record
 * @param {'json' | 'cbor' | 'msgpack'} format
 * @param {(attribute: string) => boolean} isVisible what the caller may see of the record
 */
export const answer = (result, model, format, isVisible) =>
	format === 'json'
		? { json: answerJson(result, model, isVisible) }
		: answerIn(format, fieldsJson(result, model, isVisible), result.encoded);

/**
 * The answer to a prediction as JSON text.
 *
 * @param {{inferenceId: string, prediction: string, confidence: string, latencyMs: number}} result
 * @param {object} model its record
 * @param {(attribute: string) => boolean} isVisible what the caller may see of the record
 */
export const answerJson = (result, model, isVisible) =>
	fieldsJson(result, model, isVisible, `"prediction":${result.prediction},`);

/** The fields of an answer, by default without its prediction. */
function fieldsJson({ inferenceId, confidence, latencyMs }, model, isVisible, prediction = '') {
	// Identifiers need no escaping.
	const modelId = isVisible('modelId') ? `"modelId":"${model.modelId}",` : '';
	const version = isVisible('version') ? `"modelVersion":"${model.version}",` : '';
	const framework = isVisible('framework') ? `"framework":"${model.framework}",` : '';
	const of = modelId + version + framework;
	return `{"inferenceId":"${inferenceId}",${prediction}"confidence":${confidence},${of}"latencyMs":${latencyMs}}`;
}
