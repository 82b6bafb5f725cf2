// The formats of bodies, by the media types that name them in Content-Type and Accept.
import { encodeAnswer } from '../../binding.js';
import { ApiError, answerOf } from '../errors.js';
import { shown } from './query.js';

/** In the order of preference where a caller has none. */
const FORMATS = [
	{ name: 'json', type: 'application/json', pattern: /^application\/([\w.-]+\+)?json$/ },
	{ name: 'cbor', type: 'application/cbor', pattern: /^application\/([\w.-]+\+)?cbor$/ },
	{ name: 'msgpack', type: 'application/msgpack', pattern: /^application\/(x-|vnd\.)?msgpack$/ },
];

/** Their media types, JSON's first. */
export const TYPES = FORMATS.map(({ type }) => type);

/**
 * The format of a body.
 *
 * @param {string | undefined} contentType
 * @param {string[]} [others] types that the route takes too, for the message
 * @returns {'json' | 'cbor' | 'msgpack'}
 */
export function formatOf(contentType = 'application/json', others = []) {
	const type = contentType.split(';', 1)[0].trim().toLowerCase();
	const format = FORMATS.find(({ pattern }) => pattern.test(type));
	if (format) return format.name;
	const types = [...TYPES, ...others].join(', ');
	const received = shown(contentType || 'none');
	throw new ApiError('UNSUPPORTED_MEDIA_TYPE', `send Content-Type: one of ${types}, received ${received}`);
}

/**
 * The format that a caller wants most for the answer; the first for one who names none of ours.
 *
 * @param {string | undefined} accept
 * @param {{name: string, type: string, pattern: RegExp}[]} [formats] by default those of most routes, of which JSON is the first
 * @returns {string} the name of a format
 */
export function acceptedFormat(accept, formats = FORMATS) {
	// What most callers say.
	if (accept === undefined || accept === '*/*') return formats[0].name;
	const ranges = accept.split(',').map(readRange);
	const wishes = formats.map(({ name, type: own, pattern }) => {
		const named = ranges.filter(({ type }) => pattern.test(type));
		const group = `${own.split('/')[0]}/*`;
		const wild = ranges.find(({ type }) => type === group) ?? ranges.find(({ type }) => type === '*/*');
		const quality = named.length > 0 ? Math.max(...named.map((range) => range.quality)) : (wild?.quality ?? 0);
		return { name, quality, place: named.length > 0 ? ranges.indexOf(named[0]) : Infinity };
	});
	// Of equal quality, what is named goes before what a wildcard allows, and first before last.
	wishes.sort((a, b) => b.quality - a.quality || (a.place === b.place ? 0 : a.place - b.place));
	return wishes[0].quality > 0 ? wishes[0].name : formats[0].name;
}

function readRange(range) {
	const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
	const given = parameters.find((parameter) => parameter.startsWith('q='));
	const quality = given === undefined ? 1 : Number(given.slice(2));
	return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/**
 * What a route answers with an object in a format.
 *
 * @param {'json' | 'cbor' | 'msgpack'} format
 * @param {string} json the object as JSON text
 * @param {Uint8Array} [prediction] one more field, in that format already
 * @returns {{json: string} | {bytes: Uint8Array, headers: object}}
 */
export function answerIn(format, json, prediction) {
	if (format === 'json') return { json };
	const { type } = FORMATS.find(({ name }) => name === format);
	return { bytes: encodeAnswer(format, json, prediction), headers: { 'content-type': type } };
}

/**
 * The answer for an error of a route whose answers have the format that the caller accepts.
 *
 * @param {Error} error
 * @param {{accept?: string}} headers
 * @returns {{status: number, json?: string, bytes?: Uint8Array, headers?: object}}
 */
export function acceptedAnswerOf(error, { accept }) {
	const { status, body } = answerOf(error);
	return { status, ...answerIn(acceptedFormat(accept), JSON.stringify(body)) };
}
