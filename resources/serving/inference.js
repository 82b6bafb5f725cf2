// The one way to run a model and to record what became of it. Routes parse, call and answer, and so does what applications import.
import { createId, predictJson } from '../../binding.js';
import { isFailedRun } from '../../library/events.js';
import { meterOf } from '../../library/meter.js';
import { featuresOf } from '../features/features.js';
import { authorize, authorizeAttributes, isUnrestricted, requireVisible } from '../http/access.js';
import { identifier } from '../http/query.js';
import { recordEvent, writeEvent } from '../monitoring/events.js';
import { GIVEN, WRITTEN } from '../monitoring/record.js';
import { options } from '../options.js';
import { sessionFor } from '../registry/sessions.js';
import { signatureOf } from '../registry/signature.js';
import { modelFor } from '../registry/stages.js';
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
 * @param {{record?: boolean, userId?: string, sessionId?: string, segment?: string, requestId?: string}} request
 */
export function authorizeRecording(user, request) {
	if (isUnrestricted(user, 'InferenceEvent', 'insert') || request.record === false) return;
	const features = options().recordFeatures === 'none' ? [] : ['featuresIn'];
	const given = GIVEN.filter((name) => request[name] != null);
	authorizeAttributes(user, 'InferenceEvent', 'insert', [...WRITTEN, ...features, ...given]);
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
 *   write?: (write: () => Promise<void>) => Promise<void>, record?: (event: object) => any, inferenceId?: string,
 *   traceparent?: string}} [options]
 *   `deadline`: that of all the request waits for, by default its run's alone; `start` and `write` call what they are given, when
 *   it is time, again when the queue is full; `record` takes the event instead of the table; `traceparent`: see `traceOf`
 * @returns {Promise<{inferenceId: string, prediction: string, confidence: string, latencyMs: number, receipt?: string}>} what `predictJson` gives,
 *   and the id
 */
export async function runRecorded(request, model, session, options = {}) {
	const { start = atOnce, inferenceId = createId(), traceparent } = options;
	let result;
	try {
		result = await start(() => predictJson(session, request, limitsOf(request, model, options)));
	} catch (error) {
		if (request.record && isFailedRun(error)) {
			const failure = { error: { code: error.code, message: error.message } };
			await keep(eventOf(inferenceId, request, model, traceparent, failure), options);
		}
		throw error;
	}
	if (request.record) {
		const { prediction, confidence, latencyMs, queueMs, batchRows } = result;
		const outcome = { prediction, confidence: JSON.parse(confidence), latencyMs, queueMs, batchRows };
		await keep(eventOf(inferenceId, request, model, traceparent, outcome), options);
	}
	result.inferenceId = inferenceId;
	return result;
}

/**
 * Predicts for a caller with the model that the request names: authorizes, adds the stored features of its entity, loads, runs,
 * records.
 *
 * @param {object} request a `PredictRequest`
 * @param {object | undefined} user Harper's user
 * @param {{signal?: AbortSignal, together?: boolean, traceparent?: string}} [how]
 * @returns {Promise<{model: object, result: Awaited<ReturnType<typeof runRecorded>>}>}
 */
export async function predictFor(request, user, how) {
	if (needs()) authorizeRecording(user, request);
	const deadline = deadlineOf(request.timeoutMs);
	identifier('modelId', request.modelId);
	const model = await modelFor(request, user);
	if (request.entityId != null) {
		authorize(user, { Feature: ['read'] });
		requireVisible(user, 'Feature', ['features']);
		await addStoredFeatures(request, model);
	}
	return { model, result: await answered(request, model, { ...how, deadline }) };
}

/** Takes the inputs that the request lacks from the entity's features. */
async function addStoredFeatures(request, model) {
	const given = new Set(request.featureNames);
	const names = signatureOf(model)
		.inputs.map(({ name }) => name)
		.filter((name) => !given.has(name));
	const { text } = await featuresOf(request.entityId, { names });
	request.addFeatures(text);
}

/**
 * Predicts for a caller with a model that was named apart from the request, such as by a path.
 *
 * @param {object} request a `PredictRequest`
 * @param {object} model its record
 * @param {object | undefined} user Harper's user
 * @param {{signal?: AbortSignal, together?: boolean, traceparent?: string}} [how]
 * @returns {ReturnType<typeof runRecorded>}
 */
export async function infer(request, model, user, how) {
	if (needs()) authorizeRecording(user, request);
	return answered(request, model, { ...how, deadline: deadlineOf(request.timeoutMs) });
}

async function answered(request, model, how) {
	const session = await sessionFor(model, { deadline: how.deadline });
	const result = await runRecorded(request, model, session, how);
	request.release();
	return result;
}

/**
 * Runs a request that nobody counts as a prediction: no event, no meter, and never together with others.
 *
 * @param {object} request a `PredictRequest`
 * @param {object} session
 */
export const runUnrecorded = (request, session) => predictJson(session, request, { timeoutMs: options().timeoutMs });

function limitsOf(request, model, { deadline, signal, together }) {
	const timeoutMs = deadline === undefined ? (request.timeoutMs ?? options().timeoutMs) : leftOf(deadline);
	const meter = meterOf(model);
	return { timeoutMs, signal, together, alone: forbidsBatching(model), meter };
}

function keep(event, { record, write = atOnce }) {
	return record ? record(event) : recordEvent(event, () => write(() => writeEvent(event)));
}

/** The event of a prediction. */
function eventOf(id, request, model, traceparent, outcome) {
	const { recordFeatures } = options();
	const { modelId, version: modelVersion, framework, digest } = model;
	const event = { id, modelId, modelVersion, framework, digest };
	if (recordFeatures !== 'none') event.featuresIn = request.featuresJson(LIMIT_OF[recordFeatures]);
	for (const name of GIVEN) {
		if (request[name] != null) event[name] = request[name];
	}
	if (traceparent !== undefined) event.traceparent = traceparent;
	return Object.assign(event, outcome);
}

/**
 * The answer to a prediction as JSON text.
 *
 * @param {{inferenceId: string, prediction: string, confidence: string, latencyMs: number, receipt?: string}} result
 * @param {object} model its record
 * @param {(attribute: string) => boolean} isVisible what the caller may see of the record
 */
export const answerJson = (result, model, isVisible) =>
	fieldsJson(result, model, isVisible, `"prediction":${result.prediction},`);

/** The fields of an answer as JSON text, by default without its prediction. */
export function fieldsJson({ inferenceId, confidence, latencyMs, receipt }, model, isVisible, prediction = '') {
	// Identifiers need no escaping.
	const modelId = isVisible('modelId') ? `"modelId":"${model.modelId}",` : '';
	const version = isVisible('version') ? `"modelVersion":"${model.version}",` : '';
	const framework = isVisible('framework') ? `"framework":"${model.framework}",` : '';
	const of = modelId + version + framework;
	const costs = receipt === undefined ? '' : `,"receipt":${receipt}`;
	return `{"inferenceId":"${inferenceId}",${prediction}"confidence":${confidence},${of}"latencyMs":${latencyMs}${costs}}`;
}
