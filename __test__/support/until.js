// Waiting for what happens in another process.
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_INTERVAL_MS = 10;
/** What is waited for long is looked at less often: a look takes processor time from what it waits for. */
const growingMs = (waitedMs) => Math.min(100, Math.max(POLL_INTERVAL_MS, waitedMs / 20));

/**
 * Resolves when a condition holds.
 *
 * @param {string} what for the message when it does not come true
 * @param {() => boolean | Promise<boolean>} condition
 * @param {number} [timeoutMs]
 * @param {(waitedMs: number) => number} [intervalMs] between two looks
 */
export async function until(what, condition, timeoutMs = 30_000, intervalMs = growingMs) {
	const startedAt = performance.now();
	while (!(await condition())) {
		const waitedMs = performance.now() - startedAt;
		if (waitedMs > timeoutMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
		await sleep(intervalMs(waitedMs));
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
	await until(what, isStill, timeoutMs, () => POLL_INTERVAL_MS);
	return last;
}
