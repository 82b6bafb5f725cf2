// What a model measured in a range: from rows and deltas, as they stand in one moment, and from events where the range begins or ends
// within a minute. The events of those minutes are no part of the rows that are read, so they need not be read in the same moment.
import { transaction } from '../../harper.js';
import { nodeName } from '../../storage/tables.js';
import { deferredWritten } from '../../storage/deferral.js';
import { eventsOf } from '../events.js';
import { areEarlierCounted } from './earlier.js';
import { deltasOf } from './deltas.js';
import { rowsOf } from './rows.js';
import { JOB, lostIn, planOf } from './tiers.js';

/**
 * @typedef {object} Taker
 * @property {(record: {id: string, start: number, measures: Uint8Array}) => void} takeMeasures of a row or a delta
 * @property {(event: object) => Promise<void> | void} takeEvent
 */

/**
 * Reads what a model measured.
 *
 * @param {object} wanted
 * @param {string} wanted.modelId
 * @param {string} [wanted.version] events of others need not be handed on; measures are, with all versions
 * @param {number} wanted.from whole Unix milliseconds
 * @param {number} wanted.to the first one after it
 * @param {number} [wanted.longestMs] no rows that are longer
 * @param {Taker} taker
 * @returns {Promise<{from: number, to: number}[]>} of which times neither rows nor all events are there any more
 */
export async function readMeasures({ modelId, version, from, to, longestMs }, taker) {
	await deferredWritten();
	const planned = planOf(from, to, { longestMs });
	if (planned.length === 0) return [];
	const { segments, events } = await readRollups(modelId, planned, taker);
	for (const { from: begin, to: end, job } of events) {
		for await (const event of eventsOf({ modelId, version, startTime: begin, endTime: end - 1 })) {
			if (job === undefined || event.countedIn === job) await taker.takeEvent(event);
		}
	}
	return lostIn(segments);
}

/** Reads rows and deltas. Resolves to what is left for the events to tell, and to what the whole is made of. */
async function readRollups(modelId, planned, taker) {
	const ofRows = planned.filter(({ interval }) => interval !== undefined);
	const isIn = (start) => ofRows.some(({ from, to }) => start >= from && start < to);
	const jobs = new Jobs();
	const context = {};
	const areComplete = await transaction(context, async () => {
		if (!(await areEarlierCounted(context))) return false;
		for (const { interval, from, to } of ofRows) {
			for await (const row of rowsOf({ modelId, interval, from, to }, context)) taker.takeMeasures(row);
		}
		if (ofRows.length > 0) {
			const [from, to] = [ofRows[0].from, ofRows.at(-1).to];
			for await (const row of rowsOf({ modelId, interval: JOB, from, to }, context)) if (isIn(row.start)) jobs.add(row);
		}
		for await (const delta of deltasOf({ modelId, context })) {
			if (delta.isMarker || !isIn(delta.start)) continue;
			if (delta.job === undefined) taker.takeMeasures(delta);
			else jobs.add({ ...delta, node: nodeName() });
		}
		return true;
	});
	if (!areComplete) {
		const whole = { from: planned[0].from, to: planned.at(-1).to };
		return { segments: [whole], events: [whole] };
	}
	const left = jobs.take(taker);
	return { segments: planned, events: [...planned.filter(({ interval }) => interval === undefined), ...left] };
}

/** What nodes have counted of the rows of jobs. */
class Jobs {
	/** By job: `{ start, recorders, records }`. */
	#jobs = new Map();

	/** Takes a row, or a delta of this node. */
	add(record) {
		const { job, start, node, isRecorder } = record;
		let known = this.#jobs.get(job);
		if (!known) this.#jobs.set(job, (known = { start, recorders: new Set(), records: [] }));
		if (isRecorder) known.recorders.add(node);
		known.records.push(record);
	}

	/**
	 * Hands on what is counted once.
	 *
	 * @param {Taker} taker
	 * @returns {{from: number, to: number, job: string}[]} what several nodes may have counted
	 */
	take(taker) {
		const left = [];
		for (const [job, { start, recorders, records }] of this.#jobs) {
			if (recorders.size > 1) left.push({ from: start, to: start + 1, job });
			else for (const record of records) taker.takeMeasures(record);
		}
		return left;
	}
}
