// Conditional requests: what a caller has already is not sent again, and what somebody else has changed meanwhile is not overwritten.
import { createHash } from 'node:crypto';
import { ApiError } from '../errors.js';
import { shown } from './query.js';

/**
 * The ETag of an answer: it changes when the answer does.
 *
 * @param {object} body
 * @returns {string}
 */
export const etagOf = (body) => `"${createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 32)}"`;

/**
 * An answer, or 304 when the caller has it.
 *
 * @param {{'if-none-match'?: string}} headers of the request
 * @param {string} etag
 * @param {() => {headers?: object}} answer
 */
export function unlessKnown({ 'if-none-match': known }, etag, answer) {
	if (known !== undefined && isIn(known, etag, true)) return { status: 304, headers: { etag } };
	const given = answer();
	return { ...given, headers: { ...given.headers, etag } };
}

/**
 * Throws PRECONDITION_FAILED when the caller has seen another answer than the one of now.
 *
 * @param {string | undefined} wanted the header If-Match
 * @param {() => Promise<string>} etag of now
 */
export async function requireMatch(wanted, etag) {
	if (wanted === undefined) return;
	const current = await etag();
	if (isIn(wanted, current, false)) return;
	throw new ApiError(
		'PRECONDITION_FAILED',
		`If-Match is ${shown(wanted)}, but the ETag is ${current} now: read it again`
	);
}

/** Whether an ETag is in a list of them; weak ones are good enough to read by, not to write by. */
function isIn(list, etag, weakCounts) {
	if (list.trim() === '*') return true;
	return list
		.split(',')
		.map((item) => item.trim())
		.some((item) => item === etag || (weakCounts && item === `W/${etag}`));
}
