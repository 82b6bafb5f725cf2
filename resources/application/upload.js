// An upload by an application: its files as JavaScript has them, taken as those of the route are.
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ApiError } from '../errors.js';
import { shown } from '../http/query.js';
import { options } from '../options.js';
import { tooLarge, tooManyFiles } from '../registry/received.js';
import { MAX_FILES } from '../registry/record.js';
import { answersInForce, takeUpload } from '../registry/registration.js';
import { isIterable, jsonText } from './values.js';

/** JSON text, or a value in its place. */
const JSON_FIELDS = ['inputSchema', 'outputSchema', 'metadata'];

const invalid = (problem) => new ApiError('INVALID_REQUEST', problem);

/** As `POST /model/upload`. */
export async function uploadModel({ files, ...fields }, { user, asCaller }) {
	const receiveInto = async (received, progress, check) => {
		const given = readFiles(files);
		if (fields.uploadId !== undefined) progress.begin(fields.uploadId);
		await check(fields);
		const sizes = given.map(({ content }) => sizeOf(content));
		if (!sizes.includes(undefined)) {
			const total = sizes.reduce((sum, size) => sum + size, 0);
			if (total > options().maxUploadBytes) throw tooLarge();
			received.expect(total);
			progress.expect(total);
		}
		for (const { name, content } of given) {
			await write(asCaller.iterable(chunksOf(name, content)), received.add(name), progress);
		}
		return textFields(fields);
	};
	const { body } = await takeUpload(user, receiveInto, answersInForce());
	return body;
}

function readFiles(files) {
	if (!Array.isArray(files) || files.length === 0) {
		throw invalid(`files is required: a list of { name, content }, received ${shown(files)}`);
	}
	if (files.length > MAX_FILES) throw tooManyFiles();
	return files.map((file) => {
		const { name, content } = file ?? {};
		if (typeof name !== 'string' || name === '') {
			throw invalid(`the name of a file must be a text, received ${shown(name)}`);
		}
		if (!isBytes(content) && !isBlob(content) && !isStream(content)) {
			throw invalid(`the content of ${shown(name)} must be bytes, a Blob or a stream of bytes`);
		}
		return { name, content };
	});
}

const isBytes = (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
/** Of the platform, or of Harper. */
const isBlob = (value) => typeof value?.stream === 'function';
const isStream = (value) => isIterable(value) && !Array.isArray(value);

/** The bytes of a content, where that is known. */
function sizeOf(content) {
	if (isBytes(content)) return content.byteLength;
	return isBlob(content) && typeof content.size === 'number' ? content.size : undefined;
}

async function* chunksOf(name, content) {
	const chunks = isBytes(content) ? [content] : isBlob(content) ? content.stream() : content;
	for await (const chunk of chunks) {
		if (!isBytes(chunk)) throw invalid(`the content of ${shown(name)} must give bytes, received ${shown(chunk)}`);
		yield ArrayBuffer.isView(chunk)
			? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
			: Buffer.from(chunk);
	}
}

/** Files are written one after the other. */
async function write(chunks, file, progress) {
	const checked = async function* () {
		for await (const chunk of chunks) {
			file.take(chunk);
			progress.received(chunk.length);
			yield chunk;
		}
	};
	await pipeline(checked, createWriteStream(file.path));
}

/** Fields as a form has them. */
function textFields(fields) {
	const textOf = (name, value) =>
		JSON_FIELDS.includes(name) && typeof value !== 'string' ? jsonText(name, value) : value;
	return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, textOf(name, value)]));
}
