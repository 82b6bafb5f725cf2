// Bodies: what a route takes, unpacked, bounded, and as JSON of which nothing is lost.
import { once } from 'node:events';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { bodyAsJson } from '../../binding.js';
import { ApiError } from '../errors.js';
import { options } from '../options.js';
import { formatOf } from './formats.js';
import { readJson, textsOf } from './json.js';
import { readFields, shown } from './query.js';

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
	gzip: () => createGunzip(),
	'x-gzip': () => createGunzip(),
	deflate: inflaterFor,
	br: () => createBrotliDecompress(),
};

/** In the first byte of zlib's header the method, deflate. Nothing that is deflated without a header begins so. */
const METHOD_BITS = 0x0f;
const DEFLATED = 8;

/** HTTP means zlib's format by "deflate", and some clients send what is in it alone. */
async function inflaterFor(stream) {
	const first = stream.read(1) ?? (await arrived(stream)).read(1);
	if (first === null) return createInflate();
	stream.unshift(first);
	return (first[0] & METHOD_BITS) === DEFLATED ? createInflate() : createInflateRaw();
}

/** Resolves to the stream when there is something to read, or nothing to come. */
async function arrived(stream) {
	if (stream.readableEnded) return stream;
	const waiting = new AbortController();
	const events = ['readable', 'end'].map((event) => once(stream, event, { signal: waiting.signal }));
	try {
		await Promise.race(events);
	} finally {
		waiting.abort();
	}
	return stream;
}

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
	return unpacked(stream, DECODERS[encoding]);
}

async function* unpacked(stream, decoderFor) {
	try {
		const decoder = await decoderFor(stream);
		stream.once('error', (error) => decoder.destroy(error));
		yield* stream.pipe(decoder);
	} catch (error) {
		if (stream.errored) throw error;
		throw new ApiError('INVALID_REQUEST', `the body cannot be unpacked: ${error.message}`);
	}
}

/**
 * A JSON object with only known fields. Null is absence.
 *
 * @param {import('node:http').IncomingMessage} stream
 * @param {string[]} known
 * @param {{nullable?: string[], asText?: string[]}} [how] fields for which null is a value; fields that come as JSON text, so that
 *   their numbers keep all digits
 * @returns {Promise<Record<string, any>>}
 */
export async function readJsonObject(stream, known, { nullable, asText = [] } = {}) {
	requireJson(stream.headers);
	const bytes = await readBody(stream);
	const object = readFields('the JSON body', readJson(bytes), known, nullable);
	const texts = asText.length > 0 ? textsOf(bytes) : undefined;
	for (const name of asText) {
		if (object[name] !== undefined) object[name] = texts.get(name);
	}
	return object;
}

/**
 * The same of an object in JSON, CBOR or MessagePack.
 *
 * @param {import('node:http').IncomingMessage} stream
 * @param {string[]} known
 * @returns {Promise<Record<string, any>>}
 */
export async function readObject(stream, known) {
	const format = formatOf(mediaType(stream.headers));
	if (format === 'json') return readJsonObject(stream, known);
	return readFields('the body', JSON.parse(bodyAsJson(await readBody(stream), format)), known);
}

/**
 * The same as {@link readJsonObject}, and the text of each field as it came: its numbers may have digits that JavaScript's have not.
 *
 * @param {import('node:http').IncomingMessage} stream
 * @param {string[]} known
 * @returns {Promise<{fields: Record<string, any>, texts: Map<string, string>}>}
 */
export async function readJsonTexts(stream, known) {
	requireJson(stream.headers);
	const bytes = await readBody(stream);
	return { fields: readFields('the JSON body', readJson(bytes), known), texts: textsOf(bytes) };
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
	return bytes.toString('latin1').trim() === '' ? {} : readFields('the JSON body', readJson(bytes), known, known);
}
