// How many rows of all batches and jobs of a thread are in the engine at once: enough for a batch that runs and the next one,
// and never so many that the queue is full for single predictions.
import { options } from '../../options.js';
import { workerCount } from '../../harper.js';

let taken = 0;
const waiting = [];

function most() {
	const { maxBatchSize, maxQueueSize } = options();
	const share = Math.floor(maxQueueSize / 2 / workerCount());
	return Math.max(1, Math.min(2 * maxBatchSize, share));
}

/**
 * Does something when it is its turn; who asks first goes first.
 *
 * @template T
 * @param {() => Promise<T>} act
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
export async function inTurn(act, signal) {
	if (taken < most()) taken += 1;
	else await new Promise((resolve) => waiting.push(resolve));
	try {
		signal.throwIfAborted();
		return await act();
	} finally {
		// A turn is passed on, not given back and taken again.
		const next = waiting.shift();
		if (next) next();
		else taken -= 1;
	}
}
