// What metrics are added up in: a total, and the points of a series.
import { setImmediate as turn } from 'node:timers/promises';
import { MetricsAccumulator } from '../../binding.js';
import { measure } from '../../library/events.js';
import { ApiError } from '../errors.js';
import { shown } from '../http/query.js';
import { ModelsNow } from './models-now.js';
import { addWanted } from './rollups/measures.js';
import { startOf, TIERS } from './rollups/tiers.js';
import { timeOf } from './record.js';

const MAX_POINTS = 1500;
/** With each of them by segment. */
const MAX_POINTS_BY_SEGMENT = 100;
/** After so many events other requests get their turn. */
const EVENTS_PER_TURN = 500;

/** The sums of what is asked for. */
export class Sums {
	models = new ModelsNow();
	total = new MetricsAccumulator();
	#wanted;
	#series;
	#seen = 0;

	/**
	 * @param {{version?: string, digest?: string, segment?: string, bySegment?: boolean}} wanted
	 * @param {Series} [series]
	 */
	constructor({ version, digest, segment, bySegment }, series) {
		this.#wanted = { version, digest, segment, bySegment };
		this.#series = series;
	}

	/** Whether rows count by their time. */
	get needsTimes() {
		return this.#series !== undefined;
	}

	/**
	 * Adds what a row or a delta of rollups measured.
	 *
	 * @param {{id: string, start: number, measures: Uint8Array}} record
	 */
	takeMeasures(record) {
		for (const sum of this.#sumsAt(record.start)) addWanted(sum, record, this.#wanted);
	}

	/** Adds an event. */
	async takeEvent(event) {
		this.#seen += 1;
		if (this.#seen % EVENTS_PER_TURN === 0) await turn();
		const { digest: wantedDigest, segment } = this.#wanted;
		const digest = event.digest ?? (await this.models.digestOf(event));
		if (wantedDigest !== undefined && digest !== wantedDigest) return;
		if (segment !== undefined && event.segment !== segment) return;
		for (const sum of this.#sumsAt(timeOf(event.id))) measure(sum, event, digest);
	}

	#sumsAt(time) {
		return this.#series ? [this.total, this.#series.sumAt(time)] : [this.total];
	}
}

/** The points of a series: an interval each, the first and the last one cut off by the range. */
export class Series {
	#from;
	#to;
	#sums = new Map();

	/**
	 * @param {unknown} interval that of a tier
	 * @param {{from: number, to: number}} range from its begin to before its end, in Unix milliseconds
	 * @param {{bySegment?: boolean}} [how] whether each point is by segment
	 */
	constructor(interval, { from, to }, { bySegment = false } = {}) {
		const most = bySegment ? MAX_POINTS_BY_SEGMENT : MAX_POINTS;
		const tier = TIERS.find((known) => known.interval === interval);
		if (!tier) {
			const known = TIERS.map((each) => each.interval).join(', ');
			throw new ApiError('INVALID_REQUEST', `interval must be one of ${known}, received ${shown(interval)}`);
		}
		const points = (length) => Math.ceil(to / length) - Math.floor(from / length);
		if (points(tier.lengthMs) > most) {
			const fitting = TIERS.findLast(({ lengthMs }) => points(lengthMs) <= most);
			const hint = fitting ? `interval=${fitting.interval} fits` : 'give a later startTime';
			throw new ApiError(
				'INVALID_REQUEST',
				`a series${bySegment ? ' by segment' : ''} has at most ${most} points: ${hint}`
			);
		}
		this.lengthMs = tier.lengthMs;
		this.#from = from;
		this.#to = to;
	}

	/** The sum of the point that a time is in. */
	sumAt(time) {
		const start = startOf(this.lengthMs, time);
		let sum = this.#sums.get(start);
		if (!sum) this.#sums.set(start, (sum = new MetricsAccumulator()));
		return sum;
	}

	/**
	 * The points in their order.
	 *
	 * @template T
	 * @param {(sum: MetricsAccumulator, startTime: number, endTime: number) => T} describe both times inclusive
	 * @returns {T[]}
	 */
	map(describe) {
		const described = [];
		for (let start = startOf(this.lengthMs, this.#from); start < this.#to; start += this.lengthMs) {
			const [from, to] = [Math.max(start, this.#from), Math.min(start + this.lengthMs, this.#to)];
			described.push(describe(this.#sums.get(start) ?? new MetricsAccumulator(), from, to - 1));
		}
		return described;
	}
}
