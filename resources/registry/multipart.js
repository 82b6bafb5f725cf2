// The multipart body of an upload, streamed to disk.
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import busboy from 'busboy';
import { FORMAT_HEAD_BYTES, foreignFormat } from '../../binding.js';
import { ApiError, STATUS_OF } from '../errors.js';
import { bodyChunks } from '../http/body.js';
import { discarded } from '../http/minor-gc.js';
import { shown, unknownName } from '../http/query.js';
import { options } from '../options.js';
import { storageError } from '../storage/disk.js';
import { MAX_FILES } from './record.js';
import { fileNames } from './sessions.js';

export const FIELDS = ['modelId', 'version', 'framework', 'inputSchema', 'outputSchema', 'metadata', 'stage'];
/** Parts that are files: `file`, and what `tf.LayersModel.save(url)` sends. */
const FILE_PARTS = ['file', 'model.json', 'model.weights.bin'];
const MAX_FIELD_BYTES = 1 << 20;
const MAX_NAME_LENGTH = 1024;
// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Streams the parts of a multipart body to disk.
 *
 * @param {Iterable<[string, string]>} query fields that came in the URL
 * @param {import('node:stream').Readable & {headers: Record<string, string>}} stream
 * @param {string} directory for the files
 * @param {{cache: object, blobs: object}} space that is reserved on disks as the bytes come
 * @returns {Promise<{fields: Record<string, string>, files: {name: string, path: string}[]}>}
 */
export async function receive(query, stream, directory, space) {
	const contentType = stream.headers['content-type'] ?? '';
	if (!/^multipart\/form-data/i.test(contentType)) {
		throw new ApiError('UNSUPPORTED_MEDIA_TYPE', `an upload is multipart/form-data, received ${shown(contentType)}`);
	}
	const contentLength = Number(stream.headers['content-length'] ?? 0);
	if (contentLength > options().maxUploadBytes + MAX_FIELD_BYTES) throw tooLarge();
	// The bytes are written twice: as they come, and as blobs.
	space.cache.ensure(contentLength);
	space.blobs.ensure(contentLength);

	const parts = new Parts(directory, space);
	for (const [name, value] of query) parts.setField(name, value);
	await parts.read(stream);
	if (parts.files.length === 0) {
		throw new ApiError('INVALID_REQUEST', 'file is required: the model, as a file part named "file"');
	}
	return { fields: parts.fields, files: await numbered(parts.files, directory) };
}

const tooLarge = () =>
	new ApiError('TOO_LARGE', `an upload may have at most ${options().maxUploadBytes} bytes (option maxUploadBytes)`);

const malformed = (error) => new ApiError('INVALID_REQUEST', `the multipart body is malformed: ${error.message}`);

/** The parts of one body. */
class Parts {
	fields = {};
	files = [];
	#directory;
	#space;
	#parser;
	#writes = [];
	#stopping = new AbortController();
	#size = 0;

	constructor(directory, space) {
		this.#directory = directory;
		this.#space = space;
	}

	setField(name, value) {
		if (FILE_PARTS.includes(name)) {
			const problem = `${name} must be a file, received text; with curl type -F '${name}=@model.onnx', with an @`;
			throw new ApiError('INVALID_REQUEST', problem);
		}
		if (!FIELDS.includes(name)) throw unknownName('field', name, [...FIELDS, 'file']);
		if (name in this.fields) throw new ApiError('INVALID_REQUEST', `the field ${name} is given twice`);
		this.fields[name] = value;
	}

	async read(stream) {
		this.#parser = parserOf(stream.headers);
		this.#on(this.#parser, 'field', (name, value, { valueTruncated }) => {
			if (valueTruncated) {
				throw new ApiError('TOO_LARGE', `the field ${name} may have at most ${MAX_FIELD_BYTES} bytes`);
			}
			this.setField(name, value);
		});
		this.#on(this.#parser, 'file', (part, content, { filename }) => this.#addFile(part, content, filename));
		this.#on(this.#parser, 'filesLimit', () => {
			throw new ApiError('TOO_LARGE', `an upload may have at most ${MAX_FILES} files`);
		});
		try {
			await pipeline(bodyChunks(stream), this.#parser);
			await Promise.all(this.#writes);
		} catch (error) {
			this.#stopping.abort();
			// So that nothing is written any more when the folder is removed.
			await Promise.allSettled(this.#writes);
			const said = storageError(error);
			throw Object.hasOwn(STATUS_OF, said.code ?? '') ? said : malformed(error);
		}
	}

	/** What a listener throws ends the reading. */
	#on(emitter, event, act) {
		emitter.on(event, (...given) => {
			try {
				act(...given);
			} catch (error) {
				this.#parser.destroy(error);
			}
		});
	}

	#addFile(part, content, filename) {
		if (!FILE_PARTS.includes(part)) {
			content.resume();
			throw unknownName('field', part, [...FIELDS, 'file']);
		}
		const path = join(this.#directory, `part-${this.files.length}`);
		this.files.push({ name: filename || part, path });
		if (this.files.length === 1) this.#refuseForeign(filename || part, content);
		this.#on(content, 'data', ({ length }) => this.#count(length));
		const written = pipeline(content, createWriteStream(path), { signal: this.#stopping.signal });
		written.catch((error) => this.#parser.destroy(storageError(error)));
		this.#writes.push(written);
	}

	/** A file of another format is refused by its first bytes, before the rest comes. Further files may begin in any way. */
	#refuseForeign(name, content) {
		let head = Buffer.alloc(0);
		this.#on(content, 'data', (chunk) => {
			if (head.length >= FORMAT_HEAD_BYTES) return;
			head = Buffer.concat([head, chunk.subarray(0, FORMAT_HEAD_BYTES - head.length)]);
			const refusal = foreignFormat(name, head);
			if (refusal) throw refusal;
		});
	}

	#count(length) {
		this.#size += length;
		if (this.#size > options().maxUploadBytes) throw tooLarge();
		discarded(length);
		this.#space.cache.ensure(length);
		this.#space.blobs.ensure(this.#size);
		this.#space.cache.written(length);
	}
}

function parserOf(headers) {
	try {
		const limits = { fieldSize: MAX_FIELD_BYTES, fields: 100, files: MAX_FILES };
		return busboy({ headers, preservePath: true, defParamCharset: 'utf8', limits });
	} catch (error) {
		throw malformed(error);
	}
}

/** Refuses names that are no names; whether they can be told from each other is asked when they are digested. */
function checkName({ name }) {
	const refuse = (problem) => {
		throw new ApiError('INVALID_MODEL', `the name of a file ${problem}, received ${shown(name)}`);
	};
	if (name.length > MAX_NAME_LENGTH) refuse(`may have at most ${MAX_NAME_LENGTH} characters`);
	if (CONTROL_CHARACTER.test(name)) refuse('has no control characters');
}

/** Renames files as they are named in the cache folder. */
async function numbered(files, directory) {
	files.forEach(checkName);
	const names = fileNames(files);
	for (const [at, file] of files.entries()) {
		const path = join(directory, names[at]);
		await rename(file.path, path);
		file.path = path;
	}
	return files;
}
