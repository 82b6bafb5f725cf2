// Numbers and times as people read them. What there is none of is a dash, and never zero.

export const NONE = '–';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const significant = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
/** Smaller numbers are written with an exponent. */
const SMALLEST = 0.0001;
const isAbsent = (value) => value === null || value === undefined || Number.isNaN(value);

/** @param {number | null | undefined} value */
export const count = (value) => (isAbsent(value) ? NONE : whole.format(value));

/** @param {number | null | undefined} value */
export function decimal(value) {
	if (isAbsent(value)) return NONE;
	const size = Math.abs(value);
	if (size > 0 && size < SMALLEST) return value.toExponential(2);
	return size >= 1000 ? whole.format(value) : significant.format(value);
}

/** Below, a number is written as a power of ten. */
const LEAST = 1e-3;

/**
 * What a test or a distance is: of p-values the order counts, and infinities come as texts.
 *
 * @param {number | string | null | undefined} value
 */
export function score(value) {
	if (typeof value === 'string') return value;
	return value !== 0 && Math.abs(value) < LEAST ? value.toExponential(1) : decimal(value);
}

/** A share, between 0 and 1. */
export const percent = (share) => (isAbsent(share) ? NONE : `${significant.format(share * 100)} %`);

/** @param {number | null | undefined} value milliseconds */
export function ms(value) {
	if (isAbsent(value)) return NONE;
	return value >= 10_000 ? `${significant.format(value / 1000)} s` : `${decimal(value)} ms`;
}

/** @param {number | null | undefined} value seconds */
export const seconds = (value) => (isAbsent(value) ? NONE : value < 1 ? ms(value * 1000) : `${decimal(value)} s`);

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** @param {number | null | undefined} value */
export function bytes(value) {
	if (isAbsent(value)) return NONE;
	const step = value < 1 ? 0 : Math.min(Math.floor(Math.log10(value) / 3), UNITS.length - 1);
	return `${significant.format(value / 1000 ** step)} ${UNITS[step]}`;
}

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** @param {number | null | undefined} at Unix milliseconds */
export const time = (at) => (isAbsent(at) ? NONE : dateTime.format(at));

const AGES = [
	[60, 'second'],
	[60, 'minute'],
	[24, 'hour'],
	[Infinity, 'day'],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

/**
 * @param {number | null | undefined} at Unix milliseconds
 * @param {number} now
 */
export function ago(at, now) {
	if (isAbsent(at)) return NONE;
	let value = Math.max(0, (now - at) / 1000);
	for (const [size, unit] of AGES) {
		if (value < size) return relative.format(-Math.floor(value), unit);
		value /= size;
	}
	return NONE;
}
