// The files of an upload on their way to disk: their names, their sizes, and by their first bytes what they are.
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { FORMAT_HEAD_BYTES, foreignFormat } from '../../binding.js';
import { ApiError } from '../errors.js';
import { discarded } from '../http/minor-gc.js';
import { shown } from '../http/query.js';
import { options } from '../options.js';
import { MAX_FILES } from './record.js';
import { fileNames } from './sessions.js';

const MAX_NAME_LENGTH = 1024;
// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

/** The refusal of an upload that has too many bytes. */
export const tooLarge = () =>
	new ApiError('TOO_LARGE', `an upload may have at most ${options().maxUploadBytes} bytes (option maxUploadBytes)`);

/** The refusal of one that has too many files. */
export const tooManyFiles = () => new ApiError('TOO_LARGE', `an upload may have at most ${MAX_FILES} files`);

/** The files of one upload. */
export class ReceivedFiles {
	#files = [];
	#directory;
	#space;
	#size = 0;

	/**
	 * @param {string} directory for the files
	 * @param {{cache: object, blobs: object}} space that is reserved on disks as the bytes come
	 */
	constructor(directory, space) {
		this.#directory = directory;
		this.#space = space;
	}

	get isEmpty() {
		return this.#files.length === 0;
	}

	/** Reserves space for so many bytes that are to come. They are written twice: as they come, and as blobs. */
	expect(bytes) {
		this.#space.cache.ensure(bytes);
		this.#space.blobs.ensure(bytes);
	}

	/**
	 * Begins a file.
	 *
	 * @param {string} name
	 * @returns {{path: string, take: (chunk: Uint8Array) => void}} where it is to be written, and what is to be called with each of its
	 *   chunks before; it throws when they are not taken
	 */
	add(name) {
		const path = join(this.#directory, `part-${this.#files.length}`);
		const refuseForeign = this.isEmpty ? foreignRefusal(name) : () => {};
		this.#files.push({ name, path });
		const take = (chunk) => {
			refuseForeign(chunk);
			this.#count(chunk.length);
		};
		return { path, take };
	}

	#count(length) {
		this.#size += length;
		if (this.#size > options().maxUploadBytes) throw tooLarge();
		discarded(length);
		this.#space.cache.ensure(length);
		this.#space.blobs.ensure(this.#size);
		this.#space.cache.written(length);
	}

	/**
	 * Renames all files as they are named in the cache folder.
	 *
	 * @returns {Promise<{name: string, path: string}[]>}
	 */
	async numbered() {
		const files = this.#files;
		files.forEach(checkName);
		const names = fileNames(files);
		for (const [at, file] of files.entries()) {
			const path = join(this.#directory, names[at]);
			await rename(file.path, path);
			file.path = path;
		}
		return files;
	}
}

/** A file of another format is refused by its first bytes, before the rest comes. Further files may begin in any way. */
function foreignRefusal(name) {
	let head = Buffer.alloc(0);
	return (chunk) => {
		if (head.length >= FORMAT_HEAD_BYTES) return;
		head = Buffer.concat([head, chunk.subarray(0, FORMAT_HEAD_BYTES - head.length)]);
		const refusal = foreignFormat(name, head);
		if (refusal) throw refusal;
	};
}

/** Refuses names that are no names; whether they can be told from each other is asked when they are digested. */
function checkName({ name }) {
	const refuse = (problem) => {
		throw new ApiError('INVALID_MODEL', `the name of a file ${problem}, received ${shown(name)}`);
	};
	if (name.length > MAX_NAME_LENGTH) refuse(`may have at most ${MAX_NAME_LENGTH} characters`);
	if (CONTROL_CHARACTER.test(name)) refuse('has no control characters');
}
