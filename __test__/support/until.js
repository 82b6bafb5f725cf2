// Waiting for what happens in another process.
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_INTERVAL_MS = 10;

/**
 * Resolves when a condition holds.
 *
 * @param {string} what for the message when it does not come true
 * @param {() => boolean | Promise<boolean>} condition
 * @param {number} [timeoutMs]
 */
export async function until(what, condition, timeoutMs = 30_000) {
	const deadline = Date.now() + timeoutMs;
	while (!(await condition())) {
		if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
		await sleep(POLL_INTERVAL_MS);
	}
}

/** So many polls in a row see the same of what has come to rest. */
const POLLS_AT_REST = 50;

/**
 * Resolves to a value that no longer changes.
 *
 * @param {string} what for the message when it goes on changing
 * @param {() => unknown} read
 * @param {number} [timeoutMs]
 */
export async function untilStill(what, read, timeoutMs) {
	let last;
	let same = 0;
	const isStill = async () => {
		const value = await read();
		same = value === last ? same + 1 : 0;
		last = value;
		return same >= POLLS_AT_REST;
	};
	await until(what, isStill, timeoutMs);
	return last;
}
