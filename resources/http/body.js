// Bodies: what a route takes, unpacked, bounded, and as JSON of which nothing is lost.
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { checkJson } from '../../binding.js';
import { ApiError } from '../errors.js';
import { options } from '../options.js';
import { shown, unknownName } from './query.js';

const JSON_TYPE = /^application\/([\w.-]+\+)?json$/;
/** What pages of other origins may send without asking first, but for the form that `curl -d` sends too. */
const PAGE_TYPES = /^(text\/|multipart\/)/;

/**
 * The media type of a body. None is JSON for callers that send credentials; from others, who may be trusted only for where
 * they are, the type is asked for, because any page can leave it out.
 *
 * @param {import('node:http').IncomingHttpHeaders} headers
 * @returns {string} in lower case, without parameters; empty for none
 */
export function mediaType({ 'content-type': type, authorization }) {
	if (!type) return authorization ? 'application/json' : '';
	return type.split(';', 1)[0].trim().toLowerCase();
}

/** Throws unless the body is JSON by its type. */
function requireJson(headers) {
	if (JSON_TYPE.test(mediaType(headers))) return;
	throw new ApiError(
		'UNSUPPORTED_MEDIA_TYPE',
		`send Content-Type: application/json, received ${shown(headers['content-type'] ?? 'none')}`
	);
}

/**
 * Throws for types that no client of the open protocols sends, but pages can. Their clients send JSON without a type, and as
 * what `curl -d` calls it.
 *
 * @param {import('node:http').IncomingHttpHeaders} headers
 */
export function refusePageTypes({ 'content-type': type = '', authorization }) {
	if (authorization || !PAGE_TYPES.test(type.trim().toLowerCase())) return;
	throw new ApiError('UNSUPPORTED_MEDIA_TYPE', `send Content-Type: application/json, received ${shown(type)}`);
}

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
	const tooLarge = () =>
		new ApiError('TOO_LARGE', `the body may have at most ${maxBodyBytes} bytes (option maxBodyBytes)`);
	const add = (chunk) => {
		size += chunk.length;
		if (size > maxBodyBytes) throw tooLarge();
		chunks.push(chunk);
	};
	if (stream.headers['content-encoding'] === undefined) {
		if (Number(stream.headers['content-length']) > maxBodyBytes) throw tooLarge();
		// A short body is mostly here as a whole already, and an iterator costs more than to parse it.
		const here = stream.read();
		if (here !== null) add(here);
		if (here?.length === Number(stream.headers['content-length'])) return here;
	}
	for await (const chunk of bodyChunks(stream)) add(chunk);
	return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

const DECODERS = {
	gzip: createGunzip,
	'x-gzip': createGunzip,
	deflate: createInflate,
	br: createBrotliDecompress,
};

/**
 * The body while it arrives, unpacked. Whoever stops reading leaves the rest to the router, which has to answer yet.
 *
 * @param {import('node:http').IncomingMessage} stream
 * @returns {AsyncIterable<Buffer>}
 */
export function bodyChunks(stream) {
	const encoding = stream.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
	if (encoding === 'identity') return stream.iterator({ destroyOnReturn: false });
	if (!Object.hasOwn(DECODERS, encoding)) {
		throw new ApiError(
			'UNSUPPORTED_MEDIA_TYPE',
			`Content-Encoding must be gzip, deflate or br, received ${shown(encoding)}`
		);
	}
	return unpacked(stream, DECODERS[encoding]());
}

async function* unpacked(stream, decoder) {
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
function utf8(bytes) {
	try {
		return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		throw new ApiError('INVALID_JSON', 'the body is not valid JSON: it is not UTF-8');
	}
}

/**
 * JSON as a value: no deeper than bodies may be, and no object with a name twice, of which JSON.parse would take the last.
 *
 * @param {Uint8Array} bytes
 * @returns {any}
 */
export function readJson(bytes) {
	checkJson(bytes);
	return JSON.parse(utf8(bytes));
}

/**
 * A JSON object with only known fields. Null is absence.
 *
 * @param {import('node:http').IncomingMessage} stream
 * @param {string[]} known
 * @param {string[]} [nullable] fields for which null is a value
 * @returns {Promise<Record<string, any>>}
 */
export async function readJsonObject(stream, known, nullable = []) {
	requireJson(stream.headers);
	return present(objectOf(readJson(await readBody(stream)), known), nullable);
}

/**
 * A JSON object with any fields, for the open protocols, which also take no body at all.
 *
 * @param {import('node:http').IncomingMessage} stream
 * @param {string[]} [known]
 * @returns {Promise<Record<string, any>>}
 */
export async function readOptionalObject(stream, known) {
	refusePageTypes(stream.headers);
	const bytes = await readBody(stream);
	return bytes.toString('latin1').trim() === '' ? {} : objectOf(readJson(bytes), known);
}

function objectOf(value, known) {
	if (value === null || typeof value !== 'object' || Array.isArray(value)) {
		throw new ApiError('INVALID_REQUEST', `the body must be a JSON object, received ${shown(value)}`);
	}
	const unknown = known && Object.keys(value).find((name) => !known.includes(name));
	if (unknown !== undefined) throw unknownName('field', unknown, known);
	return value;
}

/**
 * An object without the fields that are null.
 *
 * @param {Record<string, any>} object
 * @param {string[]} [nullable] fields that stay
 */
export const present = (object, nullable = []) =>
	Object.fromEntries(Object.entries(object).filter(([name, value]) => value !== null || nullable.includes(name)));
