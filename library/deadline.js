// Waiting that ends in time. What is waited for goes on: others may wait for it too.

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {number} timeoutMs
 * @param {() => Error} late makes the error when it takes longer
 * @returns {Promise<T>}
 */
export function within(promise, timeoutMs, late) {
	let timer;
	const deadline = new Promise((_, reject) => {
		timer = setTimeout(() => reject(late()), timeoutMs);
	});
	return Promise.race([promise, deadline]).finally(() => clearTimeout(timer));
}
