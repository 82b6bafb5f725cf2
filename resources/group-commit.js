// Many writes in one transaction: who waits for one is told when it is on disk, or that it is not.
import { ApiError } from './errors.js';

const DEFAULTS = {
	/** Records that may wait for their commit. */
	maxWaiting: 10_000,
	/** Records that one transaction takes. */
	maxBatch: 1000,
	/** Nobody waits longer for one commit. */
	timeoutMs: 10_000,
	/** The longest wait for those who were just answered, of the time of the last commit. */
	maxGatherMs: 50,
	/** So many do not wait for others: what a commit costs by itself is little beside them. */
	enough: 64,
	/** After a failure nothing is tried for so long: a full disk does not get better by writing. */
	retryMs: 1000,
};

/** A bounded queue of records in front of something that writes them. */
export class GroupCommit {
	#write;
	#limits;
	#waiting = [];
	#committing = false;
	/** How many the next commit waits for, and what ends that. */
	#wanted = Infinity;
	#gathered = () => {};
	/** When something may be written again, on the clock of `performance`. */
	#availableAt = 0;

	/**
	 * @param {(records: object[]) => Promise<void>} write resolves when all are on disk, rejects when none is
	 * @param {Partial<typeof DEFAULTS>} [limits]
	 */
	constructor(write, limits) {
		this.#write = write;
		this.#limits = { ...DEFAULTS, ...limits };
	}

	/**
	 * Writes a record. Resolves when it is on disk; records that arrive while a commit is under way share the next one.
	 *
	 * @param {object} record
	 * @returns {Promise<void>} rejects with QUEUE_FULL, or with STORAGE_UNAVAILABLE when the commit failed or took too long
	 */
	add(record) {
		return new Promise((resolve, reject) => {
			if (performance.now() < this.#availableAt) throw unavailable();
			if (this.#waiting.length >= this.#limits.maxWaiting) {
				throw new ApiError('QUEUE_FULL', `${this.#limits.maxWaiting} events wait to be written already`);
			}
			this.#waiting.push({ record, resolve, reject });
			if (this.#waiting.length >= this.#wanted) this.#gathered();
			if (this.#committing) return;
			this.#committing = true;
			// What arrives in the same turn of the event loop goes into the same commit.
			setImmediate(() => this.#commitAll());
		});
	}

	async #commitAll() {
		while (this.#waiting.length > 0) {
			const batch = this.#waiting.splice(0, this.#limits.maxBatch);
			const startedAt = performance.now();
			const written = this.#write(batch.map(({ record }) => record));
			try {
				await this.#inTime(written);
				for (const { resolve } of batch) resolve();
				await this.#gather(batch.length, performance.now() - startedAt);
			} catch (error) {
				globalThis.logger?.error?.(`edge-ai: ${batch.length + this.#waiting.length} events were not written`, error);
				this.#availableAt = Infinity;
				for (const { reject } of [...batch, ...this.#waiting.splice(0)]) reject(unavailable());
				// One that takes too long is not joined by another.
				await written.catch(() => {});
				this.#availableAt = performance.now() + this.#limits.retryMs;
			}
		}
		this.#committing = false;
	}

	/**
	 * Waits until all are there who come back from the last commit, beside those who wait already. Without that callers fall
	 * into groups that take turns, each with a commit of its own.
	 */
	async #gather(count, commitMs) {
		const { enough, maxBatch } = this.#limits;
		const wanted = Math.min(count + this.#waiting.length, enough, maxBatch);
		if (this.#waiting.length >= wanted) return;
		const limitMs = Math.min(commitMs, this.#limits.maxGatherMs);
		await new Promise((resolve) => {
			const timer = setTimeout(resolve, limitMs);
			this.#wanted = wanted;
			this.#gathered = () => {
				clearTimeout(timer);
				resolve();
			};
		});
		this.#wanted = Infinity;
	}

	async #inTime(written) {
		const { timeoutMs } = this.#limits;
		let timer;
		const late = new Promise((_resolve, reject) => {
			timer = setTimeout(() => reject(new Error(`the commit takes longer than ${timeoutMs} ms`)), timeoutMs);
		});
		try {
			await Promise.race([written, late]);
		} finally {
			clearTimeout(timer);
		}
	}
}

const unavailable = () => new ApiError('STORAGE_UNAVAILABLE', 'the prediction could not be recorded');
