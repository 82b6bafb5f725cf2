// What changes in a table, as it changes, on whatever thread or node.
import { isAborted, leave, listenTo, reasonOf } from '../../library/abort-signal.js';
import { ApiError } from '../errors.js';

/**
 * @typedef {object} How
 * @property {AbortSignal} [signal] what ends it
 * @property {number} [maxWaiting] so many changes may wait for who reads slower than they come; one more ends it with QUEUE_FULL
 */

/**
 * Follows a table from now on. The subscription lasts until it is returned, aborted or over.
 *
 * @template T
 * @param {object} target Harper's table
 * @param {object} what is followed
 * @param {string} [what.id] one record; all of them when absent
 * @param {boolean} [what.withCurrent] whether `select` is asked at once, too, without a change
 * @param {(value?: object) => Promise<{item: T, isLast?: boolean} | undefined> | {item: T, isLast?: boolean} | undefined} what.select
 *   what a changed record means; nothing when it is of no interest
 * @param {How} [how]
 * @returns {Promise<AsyncIterableIterator<T>>} as soon as no change passes by
 */
export async function changesOf(target, { id, withCurrent = false, select }, { signal, maxWaiting = Infinity } = {}) {
	const one = id === undefined ? {} : { id };
	const changes = await target.subscribe({ ...one, omitCurrent: true });
	return new Changes(changes, { select, signal, maxWaiting, waiting: withCurrent ? [undefined] : [] });
}

class Changes {
	#changes;
	#select;
	#signal;
	#waiting;
	#maxWaiting;
	#isOver = false;
	#failure;
	#wake = () => {};
	#listener = { handleEvent: () => this.#end(reasonOf(this.#signal)) };

	constructor(changes, { select, signal, maxWaiting, waiting }) {
		this.#changes = changes;
		this.#select = select;
		this.#signal = signal;
		this.#maxWaiting = maxWaiting;
		this.#waiting = waiting;
		if (signal && isAborted(signal)) this.#listener.handleEvent();
		else if (signal) listenTo(signal, this.#listener);
		this.#read().catch((error) => this.#end(error));
	}

	[Symbol.asyncIterator]() {
		return this;
	}

	async next() {
		while (!this.#isOver) {
			if (this.#waiting.length === 0) {
				await new Promise((resolve) => (this.#wake = resolve));
				continue;
			}
			const selected = await this.#selected();
			if (!selected || this.#isOver) continue;
			if (selected.isLast) this.#end();
			return { done: false, value: selected.item };
		}
		const failure = this.#failure;
		this.#failure = undefined;
		if (failure) throw failure;
		return { done: true, value: undefined };
	}

	async #selected() {
		try {
			return await this.#select(this.#waiting.shift());
		} catch (error) {
			this.#end(error);
			return undefined;
		}
	}

	/** Ends it at once, also for who waits for the next one. */
	async return() {
		this.#end();
		return { done: true, value: undefined };
	}

	/** Takes the changes as they come, so that they wait here, where they are counted. */
	async #read() {
		for await (const { value } of this.#changes) {
			if (this.#isOver) return;
			if (this.#waiting.length === this.#maxWaiting) {
				throw new ApiError('QUEUE_FULL', `more than ${this.#maxWaiting} changes wait for who reads them: read faster`);
			}
			this.#waiting.push(value);
			this.#wake();
		}
		this.#end();
	}

	#end(failure) {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#failure = failure;
		this.#waiting = [];
		if (this.#signal) leave(this.#signal, this.#listener);
		this.#changes.end?.();
		this.#wake();
	}
}
