// Many writes in one transaction: who waits for one is told when it is on disk, or that it is not.
import { ApiError } from './errors.js';

const DEFAULTS = {
	/** Records that may wait for their commit. */
	maxWaiting: 10_000,
	/** Records that one transaction takes. */
	maxBatch: 1000,
	/** Nobody waits longer for one commit. */
	timeoutMs: 10_000,
	/** After a failure nothing is tried for so long: a full disk does not get better by writing. */
	retryMs: 1000,
};

/** A bounded queue of records in front of something that writes them. */
export class GroupCommit {
	#write;
	#limits;
	#waiting = [];
	#committing = false;
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
			if (this.#committing) return;
			this.#committing = true;
			// What arrives in the same turn of the event loop goes into the same commit.
			setImmediate(() => this.#commitAll());
		});
	}

	async #commitAll() {
		while (this.#waiting.length > 0) {
			const batch = this.#waiting.splice(0, this.#limits.maxBatch);
			const written = this.#write(batch.map(({ record }) => record));
			try {
				await this.#inTime(written);
				for (const { resolve } of batch) resolve();
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
