// Space on the disks that the component and Harper write to: everything that is written asks for it before, and what fails all
// the same for want of it is 503. A database that runs into a full disk may take the whole process down.
import { join } from 'node:path';
import { reserveSpace } from '../../binding.js';
import { ApiError, STATUS_OF } from '../errors.js';
import { harperConfig, log } from '../harper.js';
import { cacheDirectory, rootPath } from '../options.js';
import { DATABASE } from './tables.js';

/** What a commit writes for each byte of its records: indexes, the audit log, copies of pages. */
const COMMIT_FACTOR = 4;

/** Space for several copies of what is still to be written. */
class Space {
	#reservations;

	constructor(folders, bytes) {
		this.#reservations = [];
		try {
			for (const folder of folders) this.#reservations.push(reserveSpace(folder, bytes, 'files'));
		} catch (error) {
			this.release();
			throw error;
		}
	}

	/** Sees to it that `bytes` are there that are not written yet. */
	ensure(bytes) {
		for (const reservation of this.#reservations) {
			if (reservation.bytes < bytes) reservation.grow(bytes - reservation.bytes);
		}
	}

	/** Bytes that are written now. */
	written(bytes) {
		for (const reservation of this.#reservations) reservation.written(bytes);
	}

	release() {
		for (const reservation of this.#reservations) reservation.release();
	}
}

/**
 * Reserves space for files in the cache folder.
 *
 * @param {number} bytes
 * @returns {Space}
 * @throws STORAGE_UNAVAILABLE
 */
export const cacheSpace = (bytes) => new Space([cacheDirectory()], bytes);

/**
 * Reserves space for blobs. With several folders Harper chooses one for each blob, so each must have it.
 *
 * @param {number} bytes
 * @returns {Space}
 * @throws STORAGE_UNAVAILABLE
 */
export const blobSpace = (bytes) => new Space(blobFolders(), bytes);

/**
 * Writes records when the disk of the database has room for them.
 *
 * @template T
 * @param {number} byteLength of the records, roughly
 * @param {() => Promise<T>} write
 * @param {'records' | 'deletion'} [purpose] a deletion may use up more of a disk that is nearly full: it gives space back
 * @returns {Promise<T>} rejects with STORAGE_UNAVAILABLE
 */
export async function commit(byteLength, write, purpose = 'records') {
	const reservation = reserveSpace(databaseFolder(), COMMIT_FACTOR * byteLength, purpose);
	try {
		return await write();
	} catch (error) {
		throw storageError(error);
	} finally {
		reservation.release();
	}
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);
/** How Harper's store says it. */
const FAILED_COMMIT = /commit failed|no space left|MDB_\w*FULL/i;

/**
 * The error of a write: STORAGE_UNAVAILABLE when that is what went wrong, else the error itself.
 *
 * @param {Error & {code?: string}} error
 * @returns {Error}
 */
export function storageError(error) {
	const known = Object.hasOwn(STATUS_OF, error?.code ?? '');
	if (known || !(FULL.has(error?.code) || FAILED_COMMIT.test(error?.message))) return error;
	log.error('edge-ai: a write failed', error);
	return new ApiError('STORAGE_UNAVAILABLE', 'the server could not write to its disk; its log says more');
}

function databaseFolder() {
	const { databases, storage } = harperConfig();
	return databases?.[DATABASE]?.path ?? storage?.path ?? join(rootPath(), 'database');
}

function blobFolders() {
	const { blobPaths } = harperConfig().storage ?? {};
	const given = [blobPaths ?? []].flat();
	return given.length > 0 ? given : [join(rootPath(), 'blobs')];
}
