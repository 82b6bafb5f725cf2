// The multipart body of an upload, streamed to disk.
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import busboy from 'busboy';
import { ApiError, STATUS_OF } from '../errors.js';
import { bodyChunks } from '../http/body.js';
import { shown, unknownName } from '../http/query.js';
import { options } from '../options.js';
import { storageError } from '../storage/disk.js';
import { tooLarge, tooManyFiles } from './received.js';
import { FIELDS } from './registration.js';
import { MAX_FILES } from './record.js';

/** Parts that are files: `file`, and what `tf.LayersModel.save(url)` sends. */
const FILE_PARTS = ['file', 'model.json', 'model.weights.bin'];
const MAX_FIELD_BYTES = 1 << 20;

/**
 * Streams the parts of a multipart body to disk.
 *
 * @param {Iterable<[string, string]>} query fields that came in the URL
 * @param {import('node:stream').Readable & {headers: Record<string, string>}} stream
 * @param {import('./received.js').ReceivedFiles} received takes the files
 * @param {object} how
 * @param {import('./upload-progress.js').UploadProgress} how.progress hears of the bytes, and what it is called
 * @param {(fields: Record<string, string>) => Promise<void>} how.check refuses an upload by the fields of the URL, before bytes are read
 * @returns {Promise<Record<string, string>>} the fields
 */
export async function receive(query, stream, received, { progress, check }) {
	const { 'content-type': contentType = '', 'content-length': length, 'content-encoding': encoding } = stream.headers;
	if (!/^multipart\/form-data/i.test(contentType)) {
		throw new ApiError('UNSUPPORTED_MEDIA_TYPE', `an upload is multipart/form-data, received ${shown(contentType)}`);
	}
	const contentLength = Number(length ?? 0);
	if (contentLength > maxFormBytes()) throw tooLarge();
	received.expect(contentLength);
	// What is packed has more bytes in the end.
	if (length !== undefined && encoding === undefined) progress.expect(contentLength);

	const parts = new Parts(received, progress);
	for (const [name, value] of query) parts.setField(name, value);
	await check(parts.fields);
	await parts.read(stream);
	if (received.isEmpty) {
		throw new ApiError('INVALID_REQUEST', 'file is required: the model, as a file part named "file"');
	}
	return parts.fields;
}

/** Of a form as a whole, with what stands around its files. */
const maxFormBytes = () => options().maxUploadBytes + MAX_FIELD_BYTES;

const malformed = (error) => new ApiError('INVALID_REQUEST', `the multipart body is malformed: ${error.message}`);

/** The parts of one body. */
class Parts {
	fields = {};
	#received;
	#progress;
	#parser;
	#writes = [];
	#stopping = new AbortController();

	constructor(received, progress) {
		this.#received = received;
		this.#progress = progress;
	}

	setField(name, value) {
		if (FILE_PARTS.includes(name)) {
			const problem = `${name} must be a file, received text; with curl type -F '${name}=@model.onnx', with an @`;
			throw new ApiError('INVALID_REQUEST', problem);
		}
		if (!FIELDS.includes(name)) throw unknownName('field', name, [...FIELDS, 'file']);
		if (name in this.fields) throw new ApiError('INVALID_REQUEST', `the field ${name} is given twice`);
		this.fields[name] = value;
		if (name === 'uploadId') this.#progress.begin(value);
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
			throw tooManyFiles();
		});
		try {
			await pipeline(this.#counted(bodyChunks(stream)), this.#parser);
			await Promise.all(this.#writes);
		} catch (error) {
			this.#stopping.abort();
			// So that nothing is written any more when the folder is removed.
			await Promise.allSettled(this.#writes);
			const said = storageError(error);
			throw Object.hasOwn(STATUS_OF, said.code ?? '') ? said : malformed(error);
		}
	}

	/** What is no file is not counted elsewhere, and packed it may be endless. */
	async *#counted(chunks) {
		let size = 0;
		for await (const chunk of chunks) {
			size += chunk.length;
			if (size > maxFormBytes()) throw tooLarge();
			this.#progress.received(chunk.length);
			yield chunk;
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
		const file = this.#received.add(filename || part);
		this.#on(content, 'data', file.take);
		const written = pipeline(content, createWriteStream(file.path), { signal: this.#stopping.signal });
		written.catch((error) => this.#parser.destroy(storageError(error)));
		this.#writes.push(written);
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
