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
	if (text === undefined || canBeKey(text)) return text;
	throw new ApiError(
		'INVALID_REQUEST',
		`${field} may have at most ${MAX_ID_BYTES} bytes and no control characters, received ${shown(text)}`
	);
}

/** The last time that a Date can hold, in Unix milliseconds: adding to it loses nothing. */
export const MAX_TIME = 8.64e15;

/**
 * A time in Unix milliseconds.
 *
 * @param {string} field
 * @param {string | undefined} text
 * @returns {number | undefined}
 */
export function time(field, text) {
	if (text === undefined) return undefined;
	const value = Number(text);
	if (text.trim() === '' || !(value >= 0 && value <= MAX_TIME)) {
		throw new ApiError('INVALID_REQUEST', `${field} must be a time in Unix milliseconds, received ${shown(text)}`);
	}
	return value;
}

/** A value as it may stand in a message. */
export const shown = (value) => (JSON.stringify(value) ?? String(value)).slice(0, 80);
