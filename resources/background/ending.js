// The end of the process. Only the main thread hears of it, and must not return to the event loop then; so other threads do what takes
// turns of theirs, and the main thread stands still until they have.
import { isMainThread } from 'node:worker_threads';
import { acquireLock, tryLock } from '../../binding.js';

/** The main thread, which loads this before the others are there, holds this lock until the process ends. */
const GOING_ON = 'the process goes on';
/** The end of the process waits no longer. */
const MAX_EXIT_MS = 5000;
const EXIT_POLL_MS = 5;

/**
 * Does something when the process ends in order. On the main thread nothing: there is nobody to wait for it.
 *
 * @param {() => Promise<unknown>} act
 * @param {AbortSignal} signal says that it is somebody else's now
 */
export async function atEnd(act, signal) {
	if (isMainThread) return;
	const ending = acquireLock(GOING_ON);
	const stopped = new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
	const lock = await Promise.race([ending, stopped]);
	if (!lock) {
		ending.then((late) => late.release());
		return;
	}
	try {
		await act();
	} finally {
		lock.release();
	}
}

/** Who waits for the lock gets it, and when it is free again all of them are done. */
function waitForOthers(lock) {
	const deadline = performance.now() + MAX_EXIT_MS;
	const cell = new Int32Array(new SharedArrayBuffer(4));
	lock.release();
	while (performance.now() < deadline && !tryLock(GOING_ON)) Atomics.wait(cell, 0, 0, EXIT_POLL_MS);
}

if (isMainThread) {
	const lock = tryLock(GOING_ON);
	process.prependListener('exit', () => waitForOthers(lock));
}
