// What events measure, stored in the transaction that stores them: so a transaction that ends, whenever that is, has both or neither.
// Deltas stay on their node, which makes rows of them.
import { createId, MetricsAccumulator } from '../../../binding.js';
import { measure, measureFeedback } from '../../../library/events.js';
import { withoutLoading } from '../../harper.js';
import { NEVER, removeExpired } from '../../storage/expiry.js';
import { table } from '../../storage/tables.js';
import { timeOf } from '../record.js';
import { JOB, MINUTE_MS, startOf } from './tiers.js';

/** What `countedIn` of an event says when it is counted in the rollups of its minute, at once and for good. */
export const MINUTE = 'minute';

/** Spent deltas are removed that often. */
const SPENT_SECONDS = 5;

let prepared;

/** The table for records that are new, in a thread that has its spent ones removed. */
function deltaTable() {
	const deltas = table('RollupDelta');
	if (!prepared || Object.getPrototypeOf(prepared) !== deltas) {
		// A deleted record leaves something behind that searches go through; one that has expired does not.
		removeExpired(deltas, SPENT_SECONDS);
		prepared = withoutLoading(deltas);
	}
	return prepared;
}

/**
 * Stores what new events measure.
 *
 * @param {object[]} events as they are stored
 * @param {object} context of the transaction that stores them
 */
export function putDeltas(events, context) {
	const sums = new Map();
	for (const event of events) {
		const place = placeOf(event);
		const key = `${event.modelId}|${place.start}|${place.job ?? ''}`;
		let sum = sums.get(key);
		if (!sum) sums.set(key, (sum = { modelId: event.modelId, ...place, accumulator: new MetricsAccumulator() }));
		measure(sum.accumulator, event, event.digest);
	}
	for (const { accumulator, ...sum } of sums.values()) putDelta({ ...sum, isRecorder: true }, accumulator, context);
}

/**
 * Stores what feedback changes of an event.
 *
 * @param {object} before the event as it is stored
 * @param {object} after the same with the feedback
 * @param {string | undefined} digest of what ran
 * @param {object} context of the transaction that stores the feedback
 */
export function putFeedbackDelta(before, after, digest, context) {
	const accumulator = new MetricsAccumulator();
	measureFeedback(accumulator, before, after, digest);
	putDelta({ modelId: after.modelId, ...placeOf(after), isRecorder: false }, accumulator, context);
}

/** Says that this node, too, has recorded events of a job, whatever it counts of them. */
export function putWitness({ id, modelId, countedIn }, context) {
	putDelta({ modelId, ...placeOf({ id, countedIn }), isRecorder: true }, new MetricsAccumulator(), context);
}

/** Where an event counts: in its minute, or in the moment that all events of a job are of. */
function placeOf({ id, countedIn }) {
	const time = timeOf(id);
	if (countedIn === undefined || countedIn === MINUTE) return { start: startOf(MINUTE_MS, time) };
	return { start: time, job: countedIn };
}

function putDelta(delta, accumulator, { transaction }) {
	const record = { id: `${delta.modelId}|${createId()}`, ...delta, measures: accumulator.toBytes() };
	deltaTable().put(record, { transaction, expiresAt: NEVER });
}

/** That a row of a job is to become part of the tiers some day. */
export const markerOf = ({ modelId, start, job }) => ({
	id: `${modelId}|${JOB}|${job}`,
	...{ modelId, start, job, isRecorder: false, isMarker: true },
});

export const putMarker = (marker, { transaction }) => deltaTable().put(marker, { transaction, expiresAt: NEVER });

/**
 * Removes deltas, in the transaction that stores what has been made of them.
 *
 * @param {object[]} deltas
 * @param {object} context
 */
export function spend(deltas, { transaction }) {
	for (const { id } of deltas) deltaTable().put({ id }, { transaction, expiresAt: 1 });
}

const isDelta = ({ modelId, start, measures, job, isRecorder, isMarker }) =>
	typeof modelId === 'string' &&
	Number.isSafeInteger(start) &&
	(measures instanceof Uint8Array || isMarker === true) &&
	(job == null || typeof job === 'string') &&
	typeof isRecorder === 'boolean';

/**
 * The deltas of this node that are not spent.
 *
 * @param {object} [how]
 * @param {string} [how.modelId] only those of a model
 * @param {object} [how.context] of the transaction that reads them
 * @returns {AsyncGenerator<{id: string, modelId: string, start: number, job?: string, isRecorder: boolean, isMarker: boolean,
 *   measures?: Uint8Array}>} a marker measures nothing
 */
export async function* deltasOf({ modelId, context } = {}) {
	// "~" sorts after every character of an id.
	const value = modelId === undefined ? ['', '~'] : [`${modelId}|`, `${modelId}|~`];
	const found = table('RollupDelta').search(
		{ conditions: [{ attribute: 'id', comparator: 'between', value }] },
		context
	);
	for await (const record of found) {
		if (!isDelta(record)) continue;
		const { id, start, job, isRecorder, isMarker = false, measures } = record;
		yield { id, modelId: record.modelId, start, job: job ?? undefined, isRecorder, isMarker, measures };
	}
}
