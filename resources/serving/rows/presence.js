// Rows run as long as their model is there: when it is deleted or its version uploaded again with other bytes, they end.
import { setMaxListeners } from 'node:events';
import { registryChanges } from '../../../binding.js';
import { isAborted, leave, listenTo, reasonOf } from '../../../library/abort-signal.js';
import { ApiError } from '../../errors.js';
import { find } from '../../registry/models.js';
import { untilSettled } from '../../registry/record-cache.js';

/** How soon runs that are under way are stopped. */
const LOOK_MS = 100;

/**
 * Looks after the model of rows until `end` is called.
 *
 * @param {{modelId: string, version: string, digest: string}} model its record
 * @param {AbortSignal} signal of who waits for the rows
 * @returns {Presence}
 */
export const presenceOf = (model, signal) => new Presence(model, signal);

class Presence {
	#model;
	#caller;
	#ending = new AbortController();
	#timer;
	/** The count of changes up to which the model is known to be there, and the look at it that is under way. */
	#seen = registryChanges();
	#looking;
	#listener = { handleEvent: () => this.#ending.abort(reasonOf(this.#caller)) };

	constructor(model, caller) {
		this.#model = model;
		this.#caller = caller;
		// Every row in flight listens.
		setMaxListeners(0, this.signal);
		if (isAborted(caller)) this.#listener.handleEvent();
		else listenTo(caller, this.#listener);
		this.#timer = setInterval(() => this.check()?.catch(() => {}), LOOK_MS);
		this.#timer.unref();
	}

	/** Ends what is under way, for the model's sake or the caller's. */
	get signal() {
		return this.#ending.signal;
	}

	/**
	 * Whether the model is still there: at once, unless a model has changed since it was asked last.
	 *
	 * @returns {Promise<void> | undefined} rejects with MODEL_NOT_FOUND
	 */
	check() {
		if (registryChanges() === this.#seen) return undefined;
		this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
		return this.#looking;
	}

	async #look() {
		const changes = registryChanges();
		await untilSettled();
		try {
			const { modelId, version, digest } = this.#model;
			const record = await find(modelId, version);
			if (record.digest !== digest) {
				throw new ApiError('MODEL_NOT_FOUND', 'the version was deleted and uploaded again with other bytes meanwhile');
			}
		} catch (error) {
			this.#ending.abort(error);
			throw error;
		}
		this.#seen = changes;
	}

	/** Looks no more. */
	end() {
		clearInterval(this.#timer);
		leave(this.#caller, this.#listener);
	}
}
