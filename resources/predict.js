// POST /predict: a body in, a recorded prediction out, in JSON, CBOR or MessagePack. Numbers never become JavaScript objects on
// the way.
import { createId, predictJson, PredictRequest } from '../binding.js';
import { authorize, authorizeAttributes, isUnrestricted, requireVisible, visibleTo } from './access.js';
import { othersOfCohort } from './cohort.js';
import { recordEvent } from './events.js';
import { featuresOf } from './features.js';
import { acceptedFormat, answerIn, formatOf } from './formats.js';
import { mediaType, readBody } from './http/body.js';
import { knownModel } from './known-models.js';
import { leavingOf } from './leaving.js';
import { find, latest } from './models.js';
import { options } from './options.js';
import { identifier, readQuery } from './query.js';
import { forbidsBatching } from './serving/batching.js';
import { deadlineOf, leftOf } from './serving/deadline.js';
import { sessionFor } from './sessions.js';
import { versionKey } from './store.js';

/** Larger features are recorded as a summary. */
const MAX_RECORDED_BYTES = 16 * 1024;
const LIMIT_OF = { summary: MAX_RECORDED_BYTES, full: 2 ** 32 - 1 };
/** What went wrong in a run, not in the request: these are recorded as events. */
const FAILED_RUNS = new Set(['RUN_FAILED', 'DEADLINE_EXCEEDED']);

/** The attributes of an event: those that every one has or may come to have, and those that its request may name. */
const EVENT_FIELDS = [
	'timestamp',
	'modelId',
	'modelVersion',
	'framework',
	'digest',
	'prediction',
	'confidence',
	'latencyMs',
	'error',
];
const GIVEN_IDS = ['userId', 'sessionId', 'requestId'];

/** What a caller of `/predict` needs; nothing when anonymous callers are welcome. */
export const needs = () => (options().anonymousPredict ? undefined : { InferenceEvent: ['insert', 'update'] });

/** `POST /predict` */
export async function predict({ query, stream, user }) {
	const others = othersOfCohort();
	if (others) await others;
	readQuery(query, []);
	const { headers } = stream;
	const [bodyFormat, format] = [formatOf(mediaType(headers)), acceptedFormat(headers.accept)];
	const request = PredictRequest.parse(await readBody(stream), bodyFormat, format);
	if (needs()) authorizeRecording(user, request);
	const deadline = deadlineOf(request.timeoutMs);
	const modelId = identifier('modelId', request.modelId);
	const model = await modelFor(modelId, request.version);
	if (request.entityId != null) {
		authorize(user, { Feature: ['read'] });
		requireVisible(user, 'Feature', ['features']);
		await addStoredFeatures(request, model);
	}
	const session = await sessionFor(model, { deadline });

	const result = await runRecorded(request, model, session, {
		deadline,
		signal: leavingOf(stream),
		together: others !== undefined,
	});
	request.release();
	return { ...answer(result, model, format, visibleTo(user, 'Model')), direct: true };
}

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
	authorizeAttributes(user, 'InferenceEvent', 'insert', [...EVENT_FIELDS, ...features, ...given]);
}

/** What the route answers: see `answerIn`. */
export const answer = (result, model, format, isVisible) =>
	format === 'json'
		? { json: answerJson(result, model, isVisible) }
		: answerIn(format, fieldsJson(result, model, isVisible), result.encoded);

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

/**
 * Runs a request and records what became of it, unless it says `record: false`. Every protocol's predictions come by here.
 *
 * @param {object} request a `PredictRequest`, or what `run` takes with the same `record`, `timeoutMs`, ids and `featuresJson`
 * @param {object} model its record
 * @param {object} session
 * @param {{deadline?: number, signal?: AbortSignal, together?: boolean, record?: (event: object) => any, run?: typeof predictJson,
 *   inferenceId?: string}} [options] `deadline`: that of all the request waits for, by default its run's alone; `record` takes
 *   the event
 * @returns {Promise<{inferenceId: string, prediction: string, confidence: string, latencyMs: number}>} JSON text, and what else
 *   `run` gives
 */
export async function runRecorded(
	request,
	model,
	session,
	{ deadline, signal, record = recordEvent, run = predictJson, together, inferenceId = createId() } = {}
) {
	let result;
	try {
		const timeoutMs = deadline === undefined ? (request.timeoutMs ?? options().timeoutMs) : leftOf(deadline);
		result = await run(session, request, { timeoutMs, signal, together, alone: forbidsBatching(model) });
	} catch (error) {
		if (request.record && FAILED_RUNS.has(error.code)) {
			await record(eventOf(inferenceId, request, model, { error: { code: error.code, message: error.message } }));
		}
		throw error;
	}
	if (request.record) {
		const { prediction, confidence, latencyMs } = result;
		const outcome = { prediction, confidence: JSON.parse(confidence), latencyMs };
		await record(eventOf(inferenceId, request, model, outcome));
	}
	result.inferenceId = inferenceId;
	return result;
}

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

/** Takes the inputs that the request lacks from the entity's features. */
async function addStoredFeatures(request, model) {
	const given = new Set(request.featureNames);
	const names = JSON.parse(model.inputSchema)
		.inputs.map(({ name }) => name)
		.filter((name) => !given.has(name));
	const { features } = await featuresOf(request.entityId, { names });
	request.addFeatures(JSON.stringify(features));
}

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
