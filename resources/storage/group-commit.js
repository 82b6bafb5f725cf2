// Many writes in one transaction: who waits for one is told when it is on disk, or that it is not.
import { ApiError } from '../errors.js';
import { log } from '../harper.js';

const DEFAULTS = {
	/** Records that may wait for their commit. */
	maxWaiting: 10_000,
	/** Records that one transaction takes. */
	maxBatch: 1000,
	/** Nobody waits longer for one commit. */
	timeoutMs: 10_000,
	/** The longest wait for those who were just answered, of the time of the last commit. */
	maxGatherMs: 50,
	/** The wait for more when nobody waits: what a commit costs by itself is shared by more records. */
	patienceMs: 100,
	/** So many do not wait for others: what a commit costs by itself is little beside them. */
	enough: 64,
	/** After a failure of the storage nothing is tried for so long: a full disk does not get better by writing. */
	retryMs: 1000,
	/** So many records that cannot be written even alone, and none that can, say that it is the storage and not the records. */
	maxFailures: 8,
	/** Commits that took too long and may still end: beside so many no other one is tried. */
	maxHung: 3,
	/** After so long one of them is no longer counted, so that a new one is tried. */
	hungMs: 60_000,
};

const CLOCK = {
	now: () => performance.now(),
	setTimeout: (act, ms) => setTimeout(act, ms),
	clearTimeout: (timer) => clearTimeout(timer),
};

/** A bounded queue of records in front of something that writes them. */
export class GroupCommit {
	#write;
	#limits;
	#clock;
	#waiting = [];
	#committing = false;
	/** How many the next commit waits for, whether one that somebody waits for ends that too, and what ends it. */
	#wanted = Infinity;
	#isPatient = false;
	#gathered = () => {};
	/** When something may be written again. */
	#availableAt = -Infinity;
	/** Records that could not be written alone, since one was written or the storage was given up for a while. */
	#failures = 0;
	/** When each commit began that took too long and has not ended. */
	#hung = new Set();

	/**
	 * @param {(records: object[], isAgain: boolean) => Promise<void>} write resolves when all are on disk; `isAgain` says that they are
	 *   those of a write that was rejected, and that storage which fails late may have them all the same. An error with the code
	 *   STORAGE_UNAVAILABLE says that it is not the records
	 * @param {Partial<typeof DEFAULTS>} [limits]
	 * @param {typeof CLOCK} [clock] one that never goes back
	 */
	constructor(write, limits, clock = CLOCK) {
		this.#write = write;
		this.#limits = { ...DEFAULTS, ...limits };
		this.#clock = clock;
	}

	/**
	 * Writes a record. Resolves when it is on disk; records that arrive while a commit is under way share the next one.
	 *
	 * @param {{id?: string}} record
	 * @returns {Promise<void>} rejects with QUEUE_FULL, or with STORAGE_UNAVAILABLE: then `details.recorded` is false, or "unknown"
	 *   when the commit took too long and may still end
	 */
	add(record) {
		return new Promise((resolve, reject) => this.#take({ record, resolve, reject, isAwaited: true }));
	}

	/**
	 * Writes a record that nobody waits for: there may be more of its kind before the next commit.
	 *
	 * @param {{id?: string}} record
	 * @param {() => void} resolve called when it is on disk
	 * @param {(error: ApiError) => void} reject called as `add` rejects, maybe at once
	 */
	addUnawaited(record, resolve, reject) {
		this.#take({ record, resolve, reject, isAwaited: false });
	}

	#take(entry) {
		if (!this.#isAvailable()) {
			entry.reject(unavailable(entry.record, false));
			return;
		}
		if (this.#waiting.length >= this.#limits.maxWaiting) {
			const problem = `${this.#limits.maxWaiting} events are already waiting to be written`;
			entry.reject(new ApiError('QUEUE_FULL', problem));
			return;
		}
		this.#waiting.push(entry);
		if (this.#waiting.length >= this.#wanted || (this.#isPatient && entry.isAwaited)) this.#gathered();
		if (this.#committing) return;
		this.#committing = true;
		// What arrives in the same turn of the event loop goes into the same commit.
		setImmediate(() => this.#commitAll());
	}

	#isAvailable() {
		const now = this.#clock.now();
		if (now < this.#availableAt) return false;
		if (this.#hung.size < this.#limits.maxHung) return true;
		for (const commit of this.#hung) {
			if (now - commit.startedAt >= this.#limits.hungMs) this.#hung.delete(commit);
		}
		return this.#hung.size < this.#limits.maxHung;
	}

	async #commitAll() {
		while (this.#waiting.length > 0) {
			if (!this.#waiting.some(isAwaited)) await this.#pause(this.#limits.maxBatch, this.#limits.patienceMs, true);
			const batch = this.#waiting.splice(0, this.#limits.maxBatch);
			const startedAt = this.#clock.now();
			if (await this.#commit(batch, startedAt + this.#limits.timeoutMs)) {
				await this.#gather(batch.filter(isAwaited).length, this.#clock.now() - startedAt);
			} else {
				this.#failures = 0;
				this.#availableAt = this.#clock.now() + this.#limits.retryMs;
				refuse(this.#waiting.splice(0), false);
			}
		}
		this.#committing = false;
	}

	/**
	 * Writes a batch. Of one that cannot be written the halves are tried, so that only those records fail that cannot be written
	 * alone. Resolves to false when the storage does not work.
	 */
	async #commit(batch, deadline, isAgain = false) {
		const failure = await this.#attempt(batch, deadline, isAgain);
		if (failure === undefined) {
			this.#failures = 0;
			for (const { resolve } of batch) resolve();
			return true;
		}
		const { error, isLate = false } = failure;
		if (isLate || batch.length === 1 || error.code === 'STORAGE_UNAVAILABLE') {
			log.error(`edge-ai: ${batch.length} events were not written`, error);
			refuse(batch, isLate ? 'unknown' : false);
			if (isLate || error.code === 'STORAGE_UNAVAILABLE') return false;
			this.#failures += 1;
			return this.#failures < this.#limits.maxFailures;
		}
		const middle = batch.length >> 1;
		let works = true;
		for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
			if (works && this.#clock.now() < deadline) works = await this.#commit(half, deadline, true);
			else refuse(half, false);
		}
		return works;
	}

	/** Writes a batch in one transaction. Resolves to nothing when it is on disk, otherwise to what went wrong. */
	async #attempt(batch, deadline, isAgain) {
		const commit = { startedAt: this.#clock.now() };
		// Within an async function what is thrown at once is a rejection too.
		const written = (async () =>
			this.#write(
				batch.map(({ record }) => record),
				isAgain
			))().then(
			() => undefined,
			(error) => ({ error })
		);
		let timer;
		const late = new Promise((resolve) => {
			const error = new Error(`the commit takes longer than ${this.#limits.timeoutMs} ms`);
			timer = this.#clock.setTimeout(() => resolve({ error, isLate: true }), deadline - commit.startedAt);
		});
		const failure = await Promise.race([written, late]);
		this.#clock.clearTimeout(timer);
		if (failure?.isLate) this.#watch(commit, written, batch.length);
		return failure;
	}

	/** Waits for a commit that took too long, beside others. */
	async #watch(commit, written, count) {
		this.#hung.add(commit);
		const failure = await written;
		this.#hung.delete(commit);
		const outcome = failure ? 'were not written after all' : 'were written after all';
		log.warn(`edge-ai: ${count} events, whose commit took too long, ${outcome}`, failure?.error ?? '');
		if (!failure) this.#availableAt = this.#clock.now();
	}

	/**
	 * Waits until all are there who come back from the last commit, beside those who wait already. Without that callers fall
	 * into groups that take turns, each with a commit of its own.
	 */
	async #gather(count, commitMs) {
		const { enough, maxBatch, maxGatherMs } = this.#limits;
		await this.#pause(Math.min(count + this.#waiting.length, enough, maxBatch), Math.min(commitMs, maxGatherMs));
	}

	/** Resolves when so many wait, or after so long; a patient pause also ends when somebody waits for a record. */
	async #pause(wanted, limitMs, isPatient = false) {
		if (this.#waiting.length >= wanted) return;
		await new Promise((resolve) => {
			const timer = this.#clock.setTimeout(resolve, limitMs);
			this.#wanted = wanted;
			this.#isPatient = isPatient;
			this.#gathered = () => {
				this.#clock.clearTimeout(timer);
				resolve();
			};
		});
		this.#wanted = Infinity;
		this.#isPatient = false;
	}
}

const isAwaited = (entry) => entry.isAwaited;

function refuse(batch, recorded) {
	for (const { record, reject } of batch) reject(unavailable(record, recorded));
}

function unavailable({ id }, recorded) {
	const problem =
		recorded === false
			? 'the prediction could not be recorded'
			: 'recording the prediction takes too long; it may be recorded later';
	return new ApiError('STORAGE_UNAVAILABLE', problem, { inferenceId: id, recorded });
}
