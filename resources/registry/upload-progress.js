// How far an upload is, for who made it: a record that any thread can read, written once a second at most.
import { processId } from '../../binding.js';
import { ApiError, STATUS_OF } from '../errors.js';
import { canBeKey, identifier, shown } from '../http/query.js';
import { log } from '../harper.js';
import { putAfter } from '../storage/after.js';
import { commit } from '../storage/disk.js';
import { table } from '../storage/tables.js';

const INTERVAL_MS = 1000;

/** What an upload does, in this order. */
export const STEPS = ['receiving', 'checking', 'trying', 'storing'];

/** Ids are a user's own: nobody sees, or writes over, what is another's. */
function keyOf(uploadId, user) {
	const key = `${user?.username ?? ''}|${identifier('uploadId', uploadId)}`;
	if (canBeKey(key)) return key;
	throw new ApiError('INVALID_REQUEST', `uploadId is too long, received ${shown(uploadId)}`);
}

const store = (row) => commit(0, () => putAfter(table('UploadProgress'), row));

/** The progress of one upload. Before it has an id, and without one, nothing is written. */
export class UploadProgress {
	#user;
	#write;
	#now;
	#row = { state: 'running', step: STEPS[0], receivedBytes: 0 };
	#writtenAt = -Infinity;
	#writing = Promise.resolve();
	#isWriting = false;
	/** Whether what is being written is no longer how it is. */
	#isOutdated = false;
	/** Whether it could not be written; an upload does not fail for that. */
	#isLost = false;

	/**
	 * @param {object | undefined} user Harper's user
	 * @param {{write?: (row: object) => Promise<unknown>, now?: () => number}} [how] `now` never goes back
	 */
	constructor(user, { write = store, now = () => performance.now() } = {}) {
		this.#user = user;
		this.#write = write;
		this.#now = now;
	}

	/**
	 * @param {unknown} uploadId chosen by the caller
	 * @throws {ApiError} INVALID_REQUEST
	 */
	begin(uploadId) {
		this.#row = { id: keyOf(uploadId, this.#user), process: processId(), ...this.#row };
		this.#writeNow();
	}

	/** So many bytes are to be received. */
	expect(bytes) {
		this.#row.totalBytes = bytes;
	}

	/** So many more bytes are there. */
	received(bytes) {
		this.#row.receivedBytes += bytes;
		this.#writeSoon();
	}

	/** So many more bytes are stored. */
	stored(bytes) {
		this.#row.storedBytes = (this.#row.storedBytes ?? 0) + bytes;
		this.#writeSoon();
	}

	/** @param {(typeof STEPS)[number]} step that begins */
	enter(step) {
		this.#row.step = step;
		this.#writeNow();
	}

	/**
	 * Resolves when it is written that the upload has ended, well or not.
	 *
	 * @param {Error & {code?: string}} [error]
	 */
	async end(error) {
		this.#row.state = error ? 'failed' : 'completed';
		if (error) this.#row.error = describe(error);
		this.#writeNow();
		while (this.#isWriting) await this.#writing;
	}

	#writeSoon() {
		if (this.#now() - this.#writtenAt >= INTERVAL_MS) this.#writeNow();
	}

	#writeNow() {
		if (this.#row.id === undefined || this.#isLost) return;
		this.#isOutdated = true;
		if (!this.#isWriting) this.#writing = this.#writeAll();
	}

	async #writeAll() {
		this.#isWriting = true;
		try {
			while (this.#isOutdated) {
				this.#isOutdated = false;
				this.#writtenAt = this.#now();
				await this.#write({ ...this.#row });
			}
		} catch (error) {
			this.#isLost = true;
			log.error('edge-ai: the progress of an upload is not written any more', error);
		}
		this.#isWriting = false;
	}
}

/** An error as its answer has it; what has no known code is told by the log. */
function describe({ code, message }) {
	if (Object.hasOwn(STATUS_OF, code ?? '')) return { code, error: message };
	return { code: 'INTERNAL', error: 'internal error' };
}

/**
 * How far an upload of a user is.
 *
 * @param {unknown} uploadId
 * @param {object} user Harper's user
 * @returns {Promise<object>}
 */
export async function progressOf(uploadId, user) {
	const row = await table('UploadProgress').get(keyOf(uploadId, user));
	// What another process of this table's node was about is over, and nobody has said how.
	if (!row || (row.state === 'running' && row.process !== processId())) {
		throw new ApiError('NOT_FOUND', `there is no upload ${shown(uploadId)}, or it has ended a while ago`);
	}
	const { state, step, receivedBytes, totalBytes, storedBytes, error } = row;
	const known = { state, step, receivedBytes, totalBytes, storedBytes, error };
	const present = Object.entries(known).filter(([, value]) => value != null);
	return { uploadId, ...JSON.parse(JSON.stringify(Object.fromEntries(present))) };
}
