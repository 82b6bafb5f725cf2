// The tiers of rollups: minutes, ten of them, hours and days, each complete by itself, so that each may be kept for a time of its own.
// Tens of minutes are there for ranges that begin or end within an hour: they are read from fewer rows, however many events there are.
import { options } from '../../options.js';

export const MINUTE_MS = 60_000;
const TEN_MINUTES_MS = 10 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The retention that each tier has beside that of events, unless an option says otherwise. */
const TIMES_EVENTS = { minuteRetention: 2, hourRetention: 10, dayRetention: Infinity };

/** Coarsest first. */
export const TIERS = [
	{ interval: '1d', lengthMs: DAY_MS, option: 'dayRetention' },
	{ interval: '1h', lengthMs: HOUR_MS, option: 'hourRetention' },
	{ interval: '10m', lengthMs: TEN_MINUTES_MS, option: 'minuteRetention' },
	{ interval: '1m', lengthMs: MINUTE_MS, option: 'minuteRetention' },
];

/** The interval of what the rows of a job that several nodes may run have measured. */
export const JOB = 'job';

/** The end of time: a day that begins after every event. */
export const END_MS = Math.ceil(2 ** 48 / DAY_MS) * DAY_MS;

/**
 * How long a tier is kept, in milliseconds; Infinity for ever.
 *
 * @param {TIERS[number]} tier
 */
export function retentionMs({ option }) {
	const { eventRetention, [option]: given } = options();
	if (given !== undefined) return given === 0 ? Infinity : given * 1000;
	return eventRetention === 0 ? Infinity : eventRetention * 1000 * TIMES_EVENTS[option];
}

/** How long events are kept, in milliseconds; Infinity for ever. */
export function eventRetentionMs() {
	const { eventRetention } = options();
	return eventRetention === 0 ? Infinity : eventRetention * 1000;
}

/** The begin of the interval that a time is in. */
export const startOf = (lengthMs, time) => Math.floor(time / lengthMs) * lengthMs;

/**
 * When a row of a tier expires, in Unix milliseconds; Infinity for never.
 *
 * @param {TIERS[number]} tier
 * @param {number} start of its interval
 */
export const expiryOf = (tier, start) => start + tier.lengthMs + retentionMs(tier);

/**
 * @typedef {object} Segment A part of a range, from its begin to before its end.
 * @property {string} [interval] the tier whose rows make it up; absent where the events themselves do
 * @property {number} from
 * @property {number} to
 */

/**
 * What a range is read from: rows that are as long as they can be, and events where it does not begin or end with a minute, or where
 * no rows are kept any more.
 *
 * @param {number} from Unix milliseconds
 * @param {number} to the first one after it
 * @param {object} [how]
 * @param {number} [how.now]
 * @param {number} [how.longestMs] no rows are longer
 * @returns {Segment[]} in their order, without gaps
 */
export function planOf(from, to, { now = Date.now(), longestMs = Infinity } = {}) {
	const usable = TIERS.filter(({ lengthMs }) => lengthMs <= longestMs);
	return segmentsOf(from, to, usable, now);
}

function segmentsOf(from, to, [tier, ...finer], now) {
	if (from >= to) return [];
	if (tier === undefined) return [{ from, to }];
	const { interval, lengthMs } = tier;
	// Rows expire by the end of their interval.
	const kept = startOf(lengthMs, Math.max(0, now - retentionMs(tier)));
	const first = Math.max(Math.ceil(from / lengthMs) * lengthMs, kept);
	const end = startOf(lengthMs, to);
	if (first >= end) return segmentsOf(from, to, finer, now);
	return [
		...segmentsOf(from, first, finer, now),
		{ interval, from: first, to: end },
		...segmentsOf(end, to, finer, now),
	];
}

/**
 * The parts of a range that only events could make up, and whose events have expired.
 *
 * @param {Segment[]} segments
 * @param {number} [now]
 * @returns {Segment[]}
 */
export function lostIn(segments, now = Date.now()) {
	const kept = Math.max(0, now - eventRetentionMs());
	return segments
		.filter(({ interval, from }) => interval === undefined && from < kept)
		.map(({ from, to }) => ({ from, to: Math.min(to, kept) }));
}
