// One row of many: run as a prediction like every other, but a full queue is waited for instead of refused.
import { setTimeout as sleep } from 'node:timers/promises';
import { PredictRequest } from '../../../binding.js';
import { runRecorded } from '../inference.js';
import { inTurn } from './turns.js';

/** What is wrong with one row and leaves the others as they are. */
const ROW_ERRORS = new Set(['INVALID_JSON', 'INVALID_REQUEST', 'INVALID_INPUT', 'RUN_FAILED', 'DEADLINE_EXCEEDED']);
const QUEUE_PAUSE_MS = 10;
/** Of the requests that wait for a model, single ones go before the rows of a batch. */
const PRIORITY = -1;

/** Of one batch: rows that wait for their turn, run, wait for the commit of their events or for the reader. */
export const LIMITS = { count: 1024, bytes: 16 << 20 };

/**
 * The body of a prediction that lacks its features.
 *
 * @param {object} fields modelId, version, record ...
 * @returns {Buffer}
 */
export const templateOf = (fields) => Buffer.from(JSON.stringify({ priority: PRIORITY, ...fields, features: {} }));

/**
 * Runs a row.
 *
 * @param {{template: Buffer, model: object, session: object, presence: object, traceparent?: string}} batch `presence`: see
 *   `presenceOf`
 * @param {{features?: string | Uint8Array, format?: string, error?: Error}} row JSON text, or bytes in a format
 * @param {{inferenceId?: string, record?: (event: object) => any}} [options] `record` takes the event, by default to its table
 * @returns {Promise<{result?: object, error?: Error}>} `error` is of this row alone; all others are thrown
 */
export async function runRow(batch, { features, format, error }, { inferenceId, record } = {}) {
	if (error) return { error };
	const { template, model, session, presence, traceparent } = batch;
	const { signal } = presence;
	try {
		const request = PredictRequest.parse(template);
		request.addFeatures(features, format);
		const result = await runRecorded(request, model, session, {
			signal,
			together: true,
			start: (run) => inTurn(() => whilePresent(presence, () => patiently(run, signal)), signal),
			write: (write) => patiently(write, signal),
			record,
			inferenceId,
			traceparent,
		});
		request.release();
		return { result };
	} catch (problem) {
		if (!ROW_ERRORS.has(problem.code)) throw problem;
		problem.message = problem.message.replace(/^the body\b/, 'the row');
		return { error: problem };
	}
}

/** Rows that start together stay together: nothing is waited for unless a model has changed. */
function whilePresent(presence, act) {
	const checked = presence.check();
	return checked ? checked.then(act) : act();
}

async function patiently(act, signal) {
	for (;;) {
		try {
			return await act();
		} catch (error) {
			if (error.code !== 'QUEUE_FULL') throw error;
			await sleep(QUEUE_PAUSE_MS, undefined, { signal });
		}
	}
}
