// What a model measured in a range: from rows and deltas, as they stand in one moment, and from events where the range begins or ends
// within a minute. The events of those minutes are no part of the rows that are read, so they need not be read in the same moment.
import { setImmediate as turn } from 'node:timers/promises';
import { MetricsAccumulator } from '../../../binding.js';
import { transaction } from '../../harper.js';
import { nodeName } from '../../storage/tables.js';
import { deferredWritten } from '../../storage/deferral.js';
import { eventsOf } from '../events.js';
import { areEarlierCounted } from './earlier.js';
import { deltasOf } from './deltas.js';
import { addMeasures } from './measures.js';
import { rowsOf } from './rows.js';
import { JOB, lostIn, planOf } from './tiers.js';

/**
 * @typedef {object} Taker
 * @property {(record: {id: string, start: number, measures: Uint8Array}) => void} takeMeasures of a row or a delta
 * @property {(event: object) => Promise<void> | void} takeEvent
 * @property {boolean} [needsTimes] whether each row must reach it by itself, and not added to others
 */

/** By model, the reads that begin in the next turn. */
const waiting = new Map();

/**
 * Reads what a model measured. Reads of a model that are asked for in one turn are made together: each row is read once for all of them.
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
export async function readMeasures(wanted, taker) {
	const { modelId, from, to, longestMs } = wanted;
	await deferredWritten();
	const planned = planOf(from, to, { longestMs });
	if (planned.length === 0) return [];
	const { segments, events, rows } = await joinedTo(modelId, { planned, taker });
	for (const row of rows) taker.takeMeasures(row);
	for (const { from: begin, to: end, job } of events) {
		for await (const event of eventsOf({ modelId, version: wanted.version, startTime: begin, endTime: end - 1 })) {
			if (job === undefined || event.countedIn === job) await taker.takeEvent(event);
		}
	}
	return lostIn(segments);
}

/** What {@link readRollups} gives for a read, made with the others of its model that wait. */
async function joinedTo(modelId, read) {
	const joined = waiting.get(modelId);
	if (joined) joined.push(read);
	else waiting.set(modelId, [read]);
	if (joined === undefined) turn().then(() => begin(modelId));
	return new Promise((resolve, reject) => Object.assign(read, { resolve, reject }));
}

async function begin(modelId) {
	const reads = waiting.get(modelId);
	waiting.delete(modelId);
	try {
		const found = await readRollups(modelId, reads);
		for (const [at, { resolve }] of reads.entries()) resolve(found[at]);
	} catch (error) {
		// What damages one read is no reason for the others.
		if (reads.length === 1) reads[0].reject(error);
		else for (const read of reads) readRollups(modelId, [read]).then(([found]) => read.resolve(found), read.reject);
	}
}

/** Reads rows and deltas of some reads. Gives each what there is of it, what is left for the events to tell, and what the whole is made of. */
async function readRollups(modelId, reads) {
	const parts = reads.map(({ planned, taker }) => new Part(planned, taker, reads.length > 1));
	const shared = new Shared();
	const context = {};
	const areComplete = await transaction(context, async () => {
		if (!(await areEarlierCounted(context))) return false;
		for (const [interval, ranges] of rangesOf(parts)) {
			for (const { from, to } of ranges) {
				for await (const row of rowsOf({ modelId, interval, from, to }, context)) {
					shared.take(
						row,
						parts.filter((part) => part.hasRow(row))
					);
				}
			}
		}
		const [from, to] = [Math.min(...parts.map(({ from }) => from)), Math.max(...parts.map(({ to }) => to))];
		if (from < to) {
			for await (const row of rowsOf({ modelId, interval: JOB, from, to }, context)) {
				for (const part of parts) if (part.isIn(row.start)) part.jobs.add(row);
			}
		}
		for await (const delta of deltasOf({ modelId, context })) {
			const takers = delta.isMarker ? [] : parts.filter((part) => part.isIn(delta.start));
			if (delta.job === undefined) shared.take(delta, takers);
			else for (const { jobs } of takers) jobs.add({ ...delta, node: nodeName() });
		}
		return true;
	});
	if (areComplete) shared.give();
	return parts.map((part) => part.found(areComplete));
}

/** By interval, the ranges that some read has rows in, each once. */
function rangesOf(parts) {
	const ranges = new Map();
	const all = parts.flatMap(({ ofRows }) => ofRows).sort((one, other) => one.from - other.from);
	for (const { interval, from, to } of all) {
		if (!ranges.has(interval)) ranges.set(interval, []);
		const last = ranges.get(interval).at(-1);
		if (last && from <= last.to) last.to = Math.max(last.to, to);
		else ranges.get(interval).push({ from, to });
	}
	return ranges;
}

/** Of one read. */
class Part {
	rows = [];
	jobs = new Jobs();
	#planned;

	constructor(planned, { needsTimes }, isShared) {
		this.#planned = planned;
		this.ofRows = planned.filter(({ interval }) => interval !== undefined);
		this.from = this.ofRows[0]?.from ?? Infinity;
		this.to = this.ofRows.at(-1)?.to ?? -Infinity;
		/** Whether rows may reach it added up. */
		this.takesSums = isShared && !needsTimes;
	}

	isIn(start) {
		return this.ofRows.some(({ from, to }) => start >= from && start < to);
	}

	hasRow({ interval, start }) {
		return this.ofRows.some((one) => one.interval === interval && start >= one.from && start < one.to);
	}

	found(isComplete) {
		if (!isComplete) {
			const whole = { from: this.#planned[0].from, to: this.#planned.at(-1).to };
			return { segments: [whole], events: [whole], rows: [] };
		}
		const { left, records } = this.jobs.counted();
		const events = [...this.#planned.filter(({ interval }) => interval === undefined), ...left];
		return { segments: this.#planned, events, rows: [...this.rows, ...records] };
	}
}

/** What several reads have in common: it is added up once for all that want the same. */
class Shared {
	/** By who wants them: sums, and a row of them. */
	#sums = new Map();
	#numbers = new Map();

	/**
	 * @param {{id: string, start: number, measures: Uint8Array}} row
	 * @param {Part[]} parts that want it
	 */
	take(row, parts) {
		const adding = parts.filter(({ takesSums }) => takesSums);
		for (const part of parts) if (!part.takesSums) part.rows.push(row);
		if (adding.length === 0) return;
		const key = adding.map((part) => this.#numberOf(part)).join();
		let sum = this.#sums.get(key);
		if (!sum) this.#sums.set(key, (sum = { accumulator: new MetricsAccumulator(), parts: adding, row }));
		addMeasures(sum.accumulator, row);
	}

	#numberOf(part) {
		if (!this.#numbers.has(part)) this.#numbers.set(part, this.#numbers.size);
		return this.#numbers.get(part);
	}

	/** Gives the sums to those who want them. */
	give() {
		for (const { accumulator, parts, row } of this.#sums.values()) {
			const summed = { id: row.id, start: row.start, measures: accumulator.toBytes() };
			for (const part of parts) part.rows.push(summed);
		}
	}
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
	 * What is counted once, and what several nodes may have counted.
	 *
	 * @returns {{records: object[], left: {from: number, to: number, job: string}[]}}
	 */
	counted() {
		const jobs = [...this.#jobs];
		const isOnce = ([, { recorders }]) => recorders.size <= 1;
		const records = jobs.filter(isOnce).flatMap(([, job]) => job.records);
		const left = jobs.filter((job) => !isOnce(job)).map(([job, { start }]) => ({ from: start, to: start + 1, job }));
		return { records, left };
	}
}
