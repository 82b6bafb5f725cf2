// Drift value by value: the events of one time or version beside those of another one.
import { setImmediate as turn } from 'node:timers/promises';
import { compareRecorded, RecordedRows } from '../../binding.js';
import { ApiError } from '../errors.js';
import { limited } from '../http/limited.js';
import { shown } from '../http/query.js';
import { options } from '../options.js';
import { modelAt } from '../registry/record.js';
import { eventsOf } from './events.js';
import { FIRST } from './first-rows.js';

/** Comparisons of a thread at once: each holds the values of both sides. */
const MAX_COMPARISONS = 2;
/** Of a side; so many events that have none are looked at, too. */
const MAX_ROWS = 100_000;
/** Numbers of a side, and its text by eight bytes. */
const MAX_VALUES = 10_000_000;
/** After so many events other requests get their turn. */
const EVENTS_PER_TURN = 100;

/**
 * Reads both sides and compares them.
 *
 * @param {{filter: object, names: {from: string, to: string}}} reference see {@link recorded}
 * @param {{filter: object, names: {from: string, to: string}}} current
 * @param {object} how as `compareProfiles` takes it
 * @returns {Promise<{before: object, now: object, report: object}>} what the sides are of, and how they differ
 */
export const compareEvents = limited(MAX_COMPARISONS, async (reference, current, how) => {
	const before = await recorded('reference', reference);
	const now = await recorded('current', current);
	const report = await compareRecorded(before.rows, now.rows, how);
	return { before: before.described, now: now.described, report: { exact: true, ...report } };
});

/**
 * The rows of the events of a side.
 *
 * @param {string} side what errors call it
 * @param {{filter: {modelId: string, version?: string, digest?: string, from: number, to: number}, names: {from: string, to: string},
 *   rows?: number}} given Unix milliseconds, both inclusive; what errors call them; how many rows there were, where that is known
 */
async function recorded(side, { filter, names, rows: known }) {
	const { modelId, version, digest, from, to } = filter;
	const rows = new RecordedRows(options().profileColumns);
	const models = new Models(rows);
	const described = { version, from: Infinity, to: -Infinity, rows: 0, events: 0 };
	let [seen, unknown] = [0, 0];
	// The newest come first. Those of the same millisecond stay together: from `whole` on all have been seen.
	let [oldest, whole] = [Infinity, Infinity];
	for await (const event of eventsOf({ modelId, version, digest, startTime: from, endTime: to })) {
		const { prediction, featuresIn, timestamp } = event;
		if (timestamp < oldest) [oldest, whole] = [timestamp, oldest];
		seen += 1;
		if (seen > MAX_ROWS) throw tooMany(side, 'events', MAX_ROWS, names, whole);
		if (seen % EVENTS_PER_TURN === 0) await turn();
		if (prediction === undefined) continue;
		const model = await models.placeOf(event);
		if (model === undefined) {
			unknown += 1;
			continue;
		}
		described.rows = rows.add(model, featuresIn, prediction);
		if (described.rows > MAX_ROWS) throw tooMany(side, 'rows', MAX_ROWS, names, whole);
		if (rows.size > MAX_VALUES) throw tooMany(side, 'values', MAX_VALUES, names, whole);
		described.events += 1;
		described.from = Math.min(described.from, timestamp);
		described.to = Math.max(described.to, timestamp);
	}
	const leftOut = unknown + rows.leftOut;
	if (described.rows === 0) throw nothing(side, leftOut);
	const { eventRetention } = options();
	const isExpired = eventRetention > 0 && from < Date.now() - eventRetention * 1000;
	described.events -= rows.leftOut;
	if (rows.withoutFeatures > 0) described.withoutFeatures = rows.withoutFeatures;
	if (leftOut > 0) described.leftOut = leftOut;
	if (isExpired || (known !== undefined && known !== described.rows)) described.incomplete = true;
	return { rows, described };
}

/** The models that events are of, as long as they are there with the same bytes. */
class Models {
	#rows;
	#places = new Map();

	/** @param {InstanceType<typeof RecordedRows>} rows which get to know them */
	constructor(rows) {
		this.#rows = rows;
	}

	/** Where the rows have the model of an event; nothing for one that is not there any more. */
	async placeOf({ modelId, modelVersion, digest }) {
		const key = `${modelVersion}|${digest}`;
		if (!this.#places.has(key)) this.#places.set(key, await this.#add(modelId, modelVersion, digest));
		return this.#places.get(key);
	}

	async #add(modelId, version, digest) {
		const record = await modelAt(modelId, version);
		if (!record || record.digest !== digest) return undefined;
		return this.#rows.addModel(record.inputSchema, record.outputSchema);
	}
}

function tooMany(side, what, most, names, whole) {
	const hint = Number.isFinite(whole) ? `; from ${whole} on they are fewer` : '';
	return new ApiError(
		'INVALID_REQUEST',
		`${side}: exact compares at most ${most} ${what} a side, and there are more${hint}; narrow ${names.from} and ${names.to}, or leave exact away: profiles have no such limit`
	);
}

function nothing(side, leftOut) {
	const why =
		leftOut > 0
			? `${leftOut} predictions cannot be read with the model that is there now`
			: 'no prediction of this time is stored: none was made or recorded, or its event has expired';
	return new ApiError('INVALID_REQUEST', `${side}: ${why}; see GET /monitoring/events`);
}

/**
 * The events that a stored reference is of.
 *
 * @param {object} record of the table Reference
 * @returns {{filter: object, names: {from: string, to: string}, rows: number}} rejects what is of no events with INVALID_REQUEST
 */
export function eventsOfReference({ modelId, version, name, digest, source, from, to, rows }) {
	if (source !== 'predictions' || from == null || name === FIRST) {
		const what = source === 'predictions' ? 'of the first predictions' : 'of uploaded data';
		throw new ApiError(
			'INVALID_REQUEST',
			`exact compares events, and of the reference ${shown(name)}, which is ${what}, a profile is kept; name the events by referenceVersion, referenceFrom or referenceTo`
		);
	}
	return {
		filter: { modelId, version, digest, from, to: to - 1 },
		names: { from: 'reference', to: 'reference' },
		rows,
	};
}
