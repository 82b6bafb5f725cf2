// Records that are answered for before they are on disk: how many may be, how others learn of them, and what waits for them.
import { isMainThread } from 'node:worker_threads';
import { acquireLock, createId, lockedNames, tryLock } from '../../binding.js';

const LIMITS = {
	/** Records of a thread that may be deferred at once, and their bytes. */
	maxRecords: 5000,
	maxBytes: 32 * 2 ** 20,
	/** When one has waited for so long, no others are deferred. */
	maxAgeMs: 1000,
	/** Records of so long are announced together. */
	togetherMs: 100,
};

/** The lock of what is deferred begins like this; it is held until all of that is on disk or given up. */
const ANNOUNCED = 'deferred ';
/** Who holds this lock lets nothing more be deferred. */
const CLOSED = 'closed for what is deferred';
/** The end of the process waits no longer for what is deferred. */
const MAX_EXIT_MS = 5000;
const EXIT_POLL_MS = 5;

/** Says to all threads that something is deferred; nothing when nothing may be any more. */
function announce() {
	const lock = tryLock(ANNOUNCED + createId());
	// Checked after it is announced: who closes looks in the other order.
	const open = tryLock(CLOSED);
	if (!open) lock.release();
	open?.release();
	return open ? lock : undefined;
}

/** The deferred records of a thread. */
export class Deferral {
	#group;
	#limits;
	#announce;
	#now;
	/** What is not on disk, oldest first: `{ since, left, lock }`. */
	#announced = new Set();
	#latest;
	#records = 0;
	#bytes = 0;

	/**
	 * @param {import('./group-commit.js').GroupCommit} group that writes them
	 * @param {Partial<typeof LIMITS>} [limits]
	 * @param {{announce?: typeof announce, now?: () => number}} [how]
	 */
	constructor(group, limits, how = {}) {
		this.#group = group;
		this.#limits = { ...LIMITS, ...limits };
		this.#announce = how.announce ?? announce;
		this.#now = how.now ?? (() => performance.now());
	}

	/**
	 * Takes a record to be written later.
	 *
	 * @param {{id?: string}} record
	 * @param {number} bytes
	 * @param {(error: Error) => void} lost called when it could not be written
	 * @returns {boolean} false when too much is deferred: then the caller is to wait for the disk
	 */
	take(record, bytes, lost) {
		const { maxRecords, maxBytes } = this.#limits;
		if (this.#records >= maxRecords || this.#bytes + bytes > maxBytes) return false;
		const announced = this.#announcement();
		if (!announced) return false;
		announced.left += 1;
		this.#records += 1;
		this.#bytes += bytes;
		const settle = () => {
			this.#records -= 1;
			this.#bytes -= bytes;
			announced.left -= 1;
			if (announced.left === 0) this.#end(announced);
		};
		this.#group.addUnawaited(record, settle, (error) => {
			settle();
			lost(error);
		});
		return true;
	}

	/** The announcement that a record of now belongs to. */
	#announcement() {
		const now = this.#now();
		const { maxAgeMs, togetherMs } = this.#limits;
		for (const oldest of this.#announced) {
			if (now - oldest.since >= maxAgeMs) return undefined;
			break;
		}
		if (this.#latest && now - this.#latest.since < togetherMs) return this.#latest;
		const lock = this.#announce();
		if (!lock) return undefined;
		this.#latest = { since: now, left: 0, lock };
		this.#announced.add(this.#latest);
		return this.#latest;
	}

	#end(announced) {
		this.#announced.delete(announced);
		if (this.#latest === announced) this.#latest = undefined;
		announced.lock.release();
	}
}

/** Resolves when all is on disk, or given up, that any thread of this process has deferred before. */
export async function deferredWritten() {
	const wait = async (name) => (await acquireLock(name)).release();
	await Promise.all(lockedNames(ANNOUNCED).map(wait));
}

/** Stands still until the other threads have written what they deferred, as only a process that ends may. */
function writeDeferred() {
	const deadline = performance.now() + MAX_EXIT_MS;
	const cell = new Int32Array(new SharedArrayBuffer(4));
	let closed;
	while (performance.now() < deadline) {
		closed ??= tryLock(CLOSED);
		if (closed && lockedNames(ANNOUNCED).length === 0) return;
		Atomics.wait(cell, 0, 0, EXIT_POLL_MS);
	}
}

// Workers hear nothing of the end of the process.
if (isMainThread) process.prependListener('exit', writeDeferred);
