// The times that are looked at.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Ranges that end now, by their names in the address. `interval` is that of their series. */
export const RANGES = {
	'15m': { label: '15 minutes', spanMs: 15 * MINUTE_MS, interval: '1m' },
	'1h': { label: '1 hour', spanMs: HOUR_MS, interval: '1m' },
	'6h': { label: '6 hours', spanMs: 6 * HOUR_MS, interval: '1m' },
	'24h': { label: '24 hours', spanMs: DAY_MS, interval: '1h' },
	'7d': { label: '7 days', spanMs: 7 * DAY_MS, interval: '1h' },
	'30d': { label: '30 days', spanMs: 30 * DAY_MS, interval: '1d' },
};

export const DEFAULT_RANGE = '1h';
const INTERVAL_MS = { '1m': MINUTE_MS, '1h': HOUR_MS, '1d': DAY_MS };

/**
 * @typedef {object} Times
 * @property {string} name of the range, or `custom`
 * @property {number} from Unix milliseconds
 * @property {number} to Unix milliseconds
 * @property {'1m' | '1h' | '1d'} interval of a series
 * @property {boolean} isMoving whether it ends now, whenever that is
 */

/**
 * @param {Record<string, string>} parameters of the address: `range`, or `from` and `to`
 * @param {number} now
 * @returns {Times}
 */
export function timesOf({ range = DEFAULT_RANGE, from, to }, now) {
	if (range === 'custom') {
		const custom = customTimes(Number(from), Number(to));
		if (custom) return custom;
	}
	const name = Object.hasOwn(RANGES, range) ? range : DEFAULT_RANGE;
	const { spanMs, interval } = RANGES[name];
	// Whole intervals are answered from sums alone.
	const intervalMs = INTERVAL_MS[interval];
	return { name, from: Math.floor((now - spanMs) / intervalMs) * intervalMs, to: now, interval, isMoving: true };
}

function customTimes(from, to) {
	if (!(from >= 0 && to > from)) return undefined;
	const spanMs = to - from;
	const interval = spanMs <= 12 * HOUR_MS ? '1m' : spanMs <= 31 * DAY_MS ? '1h' : '1d';
	return { name: 'custom', from, to, interval, isMoving: false };
}
