// Reading what callers send: query parameters, JSON bodies, identifiers.
import { createGunzip, createInflate } from 'node:zlib';
import { checkIdentifier, nearestName } from '../binding.js';
import { ApiError } from './errors.js';
import { options } from './options.js';

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
	if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
		throw new ApiError('INVALID_REQUEST', `${field} must be a time in Unix milliseconds, received ${shown(text)}`);
	}
	return value;
}

/** A value as it may stand in a message. */
export const shown = (value) => (JSON.stringify(value) ?? String(value)).slice(0, 80);

/**
 * The whole body, unpacked.
 *
 * @param {import('node:http').IncomingMessage} stream
 * @returns {Promise<Buffer>}
 */
export async function readBody(stream) {
	const { maxBodyBytes } = options();
	const chunks = [];
	let size = 0;
	const add = (chunk) => {
		size += chunk.length;
		if (size > maxBodyBytes) {
			throw new ApiError('TOO_LARGE', `the body may have ${maxBodyBytes} bytes (option maxBodyBytes)`);
		}
		chunks.push(chunk);
	};
	if (stream.headers['content-encoding'] === undefined) {
		// A short body is mostly here as a whole already, and an iterator costs more than to parse it.
		const here = stream.read();
		if (here !== null) add(here);
		if (here?.length === Number(stream.headers['content-length'])) return here;
	}
	for await (const chunk of unpacked(stream)) add(chunk);
	return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

const DECODERS = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate };

function unpacked(stream) {
	const encoding = stream.headers['content-encoding']?.toLowerCase() ?? 'identity';
	// Whoever stops reading leaves the rest to the router, which has to answer yet.
	if (encoding === 'identity') return stream.iterator({ destroyOnReturn: false });
	if (!Object.hasOwn(DECODERS, encoding)) {
		throw new ApiError(
			'UNSUPPORTED_MEDIA_TYPE',
			`Content-Encoding must be gzip or deflate, received ${shown(encoding)}`
		);
	}
	return inflated(stream, DECODERS[encoding]());
}

async function* inflated(stream, decoder) {
	stream.once('error', (error) => decoder.destroy(error));
	try {
		yield* stream.pipe(decoder);
	} catch (error) {
		if (stream.errored) throw error;
		throw new ApiError('INVALID_REQUEST', `the body cannot be unpacked: ${error.message}`);
	}
}

/**
 * Bytes as text.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function utf8(bytes) {
	try {
		return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		throw new ApiError('INVALID_JSON', 'the body is not valid JSON: it is not UTF-8');
	}
}

/**
 * A JSON object with only known fields.
 *
 * @param {import('node:http').IncomingMessage} stream
 * @param {string[]} known
 * @returns {Promise<Record<string, any>>}
 */
export async function readJsonObject(stream, known) {
	const text = utf8(await readBody(stream));
	let value;
	try {
		value = JSON.parse(text);
	} catch (error) {
		throw new ApiError('INVALID_JSON', `the body is not valid JSON: ${error.message}`);
	}
	if (value === null || typeof value !== 'object' || Array.isArray(value)) {
		throw new ApiError('INVALID_REQUEST', `the body must be a JSON object, received ${shown(value)}`);
	}
	for (const name of Object.keys(value)) {
		if (!known.includes(name)) throw unknownName('field', name, known);
	}
	return value;
}
