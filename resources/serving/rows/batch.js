// Many rows as one request: each is a prediction, and they are answered in their order.
import { PredictRequest } from '../../../binding.js';
import { answerOf } from '../../errors.js';
import { visibleTo } from '../../http/access.js';
import { deadlineOf } from '../../http/deadline.js';
import { identifier } from '../../http/query.js';
import { sessionFor } from '../../registry/sessions.js';
import { modelFor } from '../../registry/stages.js';
import { answerJson, authorizeRecording } from '../inference.js';
import { inOrder } from './order.js';
import { presenceOf } from './presence.js';
import { LIMITS, runRow, templateOf } from './run.js';

/** What is said of all rows. */
export const FIELDS = [
	'modelId',
	'version',
	'stage',
	'outputs',
	'timeoutMs',
	'priority',
	'record',
	'receipt',
	'userId',
	'sessionId',
	'segment',
	'requestId',
];

/**
 * Predicts for rows. What is wrong with the request as a whole is thrown before the first row is read.
 *
 * @param {Record<string, any>} fields of {@link FIELDS}
 * @param {(model: object) => AsyncIterable<{features?: string | Uint8Array, format?: string, error?: Error}>} rowsFor the rows, when the model is known
 * @param {{user: object | undefined, signal: AbortSignal, traceparent?: string}} call the caller, what ends it, and the trace of all rows
 * @returns {Promise<AsyncGenerator<string[]>>} answers as JSON text, as many at a time as are known
 */
export async function predictRows(fields, rowsFor, { user, signal, traceparent }) {
	const template = templateOf(fields);
	const request = PredictRequest.parse(template);
	authorizeRecording(user, request);
	identifier('modelId', request.modelId);
	const model = await modelFor(request, user);
	const session = await sessionFor(model, { deadline: deadlineOf(request.timeoutMs) });

	const isVisible = visibleTo(user, 'Model');
	return answersTo(rowsFor(model), { template, model, session, traceparent }, isVisible, signal);
}

async function* answersTo(rows, given, isVisible, signal) {
	const presence = presenceOf(given.model, signal);
	const batch = { ...given, presence };
	const run = async (row, at) => line(at, given.model, isVisible, await runRow(batch, row));
	try {
		yield* inOrder(rows, LIMITS, sizeOf, run);
	} finally {
		presence.end();
	}
}

const sizeOf = ({ features }) => features?.length ?? 0;

function line(row, model, isVisible, { result, error }) {
	if (result) return `{"row":${row},${answerJson(result, model, isVisible).slice(1)}`;
	return JSON.stringify({ row, ...answerOf(error).body });
}
