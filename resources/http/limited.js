// How much of something may be under way at once.
import { ApiError } from '../errors.js';

/**
 * An act that is refused while too many of its kind are under way in this thread.
 *
 * @template {any[]} Given
 * @template Made
 * @param {number} most
 * @param {(...given: Given) => Promise<Made>} act
 * @returns {(...given: Given) => Promise<Made>} rejects with QUEUE_FULL
 */
export function limited(most, act) {
	let running = 0;
	return async (...given) => {
		if (running >= most) throw new ApiError('QUEUE_FULL', `${most} of these are under way already; try again later`);
		running += 1;
		try {
			return await act(...given);
		} finally {
			running -= 1;
		}
	};
}
