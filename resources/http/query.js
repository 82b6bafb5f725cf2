// Reading what callers send: query parameters, identifiers.
import { checkIdentifier, MAX_ID_BYTES, nearestName } from '../../binding.js';
import { ApiError } from '../errors.js';

/**
 * The query parameters of a call, none unknown and none twice.
 *
 * @param {URLSearchParams} query
 * @param {string[]} known
 * @returns {Record<string, string>}
 */
export function readQuery(query, known) {
	const values = {};
	for (const [name, value] of query) {
		if (!known.includes(name)) throw unknownName('parameter', name, known);
		if (name in values) throw new ApiError('INVALID_REQUEST', `the parameter ${name} is given twice`);
		values[name] = value;
	}
	return values;
}

/**
 * An object with only known fields, without those that are absent: null is absence.
 *
 * @param {string} what it is, for messages
 * @param {unknown} value
 * @param {string[]} [known] any when absent
 * @param {string[]} [nullable] fields for which null is a value
 * @returns {Record<string, any>}
 */
export function readFields(what, value, known, nullable) {
	if (value === null || typeof value !== 'object' || Array.isArray(value)) {
		throw new ApiError('INVALID_REQUEST', `${what} must be an object, received ${shown(value)}`);
	}
	const unknown = known && Object.keys(value).find((name) => !known.includes(name));
	if (unknown !== undefined) throw unknownName('field', unknown, known);
	return present(value, nullable);
}

/**
 * An object without the fields that are null.
 *
 * @param {Record<string, any>} object
 * @param {string[]} [nullable] fields that stay
 */
export const present = (object, nullable = []) =>
	Object.fromEntries(
		Object.entries(object).filter(([name, value]) => value !== undefined && (value !== null || nullable.includes(name)))
	);

/**
 * The error for a name that is not known.
 *
 * @param {'parameter' | 'field'} kind
 * @param {string} name
 * @param {string[]} known
 */
export function unknownName(kind, name, known) {
	const nearest = nearestName(name, known);
	const hint = nearest
		? `did you mean "${nearest}"?`
		: known.length > 0
			? `known are ${known.join(', ')}`
			: 'none is taken here';
	return new ApiError('INVALID_REQUEST', `unknown ${kind} "${name.slice(0, 64)}"; ${hint}`);
}

/**
 * A parameter that is true or false.
 *
 * @param {string} name
 * @param {string | null | undefined} text
 * @param {boolean} otherwise what it is when it is absent
 * @returns {boolean}
 */
export function readFlag(name, text, otherwise) {
	if (text == null) return otherwise;
	if (text === 'true' || text === 'false') return text === 'true';
	throw new ApiError('INVALID_REQUEST', `${name} must be true or false, received ${shown(text)}`);
}

/**
 * A model's name or version.
 *
 * @param {string} field
 * @param {unknown} value
 * @returns {string}
 */
export function identifier(field, value) {
	if (value === undefined || value === '') throw new ApiError('INVALID_REQUEST', `${field} is required`);
	if (typeof value !== 'string') {
		throw new ApiError('INVALID_REQUEST', `${field} must be a string, received ${shown(value)}`);
	}
	checkIdentifier(field, value);
	return value;
}

// In keys some control characters take two bytes.
// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

/**
 * Whether a text can be a key of Harper's, which have a limit, or the part of one that callers choose.
 *
 * @param {string} text
 */
export const canBeKey = (text) => Buffer.byteLength(text) <= MAX_ID_BYTES && !CONTROL_CHARACTER.test(text);

/**
 * Whose events are asked for.
 *
 * @param {string} field
 * @param {string | undefined} text
 * @returns {string | undefined}
 */
export function keyPart(field, text) {
	if (text === undefined || (typeof text === 'string' && canBeKey(text))) return text;
	throw new ApiError(
		'INVALID_REQUEST',
		`${field} may have at most ${MAX_ID_BYTES} bytes and no control characters, received ${shown(text)}`
	);
}

/**
 * A number.
 *
 * @param {string} field
 * @param {string | undefined} text
 * @param {{least: number, most?: number}} range
 * @returns {number | undefined}
 */
export function numberIn(field, text, { least, most = Infinity }) {
	if (text === undefined) return undefined;
	const value = text.trim() === '' ? NaN : Number(text);
	if (Number.isFinite(value) && value >= least && value <= most) return value;
	const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
	throw new ApiError('INVALID_REQUEST', `${field} must be a number ${range}, received ${shown(text)}`);
}

/** The last time that a Date can hold, in Unix milliseconds: adding to it loses nothing. */
export const MAX_TIME = 8.64e15;

/**
 * A time in Unix milliseconds.
 *
 * @param {string} field
 * @param {unknown} given a number or its text
 * @returns {number | undefined}
 */
export function time(field, given) {
	if (given === undefined) return undefined;
	const value = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
	if (typeof value !== 'number' || !(value >= 0 && value <= MAX_TIME)) {
		throw new ApiError('INVALID_REQUEST', `${field} must be a time in Unix milliseconds, received ${shown(given)}`);
	}
	return value;
}

/** Smaller numbers are seconds: as milliseconds they would be before March 1973, as seconds they reach to the year 5138. */
const MIN_MILLISECONDS = 1e11;
/** Larger numbers are microseconds or nanoseconds. */
const MIN_MICROSECONDS = 1e14;
/** A `+` in a query arrives as a space. */
const ISO_TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:[.,]\d{1,9})?)?(Z|[+ -]\d\d:?\d\d)?)?$/i;

/**
 * A time as callers have it: Unix seconds, Unix milliseconds, or ISO 8601, in UTC where it names no zone.
 *
 * @param {string} field
 * @param {unknown} given a number or a text
 * @returns {number | undefined} Unix milliseconds
 */
export function moment(field, given) {
	if (given === undefined) return undefined;
	const text = typeof given === 'string' ? given.trim() : '';
	const value = ISO_TIME.test(text) ? isoTime(text) : text === '' ? given : Number(text);
	if (typeof value !== 'number' || !(value >= 0 && value < MIN_MICROSECONDS)) {
		const expected = 'a time in Unix seconds or milliseconds, or as 2026-01-31T12:00:00Z';
		throw new ApiError('INVALID_REQUEST', `${field} must be ${expected}, received ${shown(given)}`);
	}
	return value < MIN_MILLISECONDS && !ISO_TIME.test(text) ? value * 1000 : value;
}

/** NaN for a day that there is not. */
function isoTime(text) {
	const [, day, minutes = '00:00', seconds = ':00', zone = 'Z'] = text.match(ISO_TIME);
	const isDay = new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day) ?? false;
	const hours = zone
		.replace(' ', '+')
		.replace(/^(.\d\d)(\d\d)$/, '$1:$2')
		.toUpperCase();
	return isDay ? Date.parse(`${day}T${minutes}${seconds.replace(',', '.')}${hours}`) : NaN;
}

/** A value as it may stand in a message. */
export const shown = (value) => (JSON.stringify(value) ?? String(value)).slice(0, 80);
