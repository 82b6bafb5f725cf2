// Requests that arrive in a row go on together. The steps of each are then still in the processor's caches for the next one,
// and tiny runs become one run.

/** A cohort that has gathered for so long ends with the turn of the event loop. */
const MAX_WAIT_MS = 2;

/** Of the cohort that gathers: its requests, those of them that came in this turn, when it began, and its end. */
let gathered = 0;
let arrived = 0;
let startedAt;
let end;
let resolveEnd;
/** Whether the last cohort had several requests. */
let crowded = false;

/**
 * Counts a request of the present cohort, which ends with the first turn of the event loop that brings no other.
 *
 * @returns {Promise<void> | undefined} resolves when it ends; nothing for a request that comes alone, which never waits
 */
export function othersOfCohort() {
	if (gathered === 0) {
		startedAt = performance.now();
		end = new Promise((resolve) => (resolveEnd = resolve));
		setImmediate(endTurn);
	}
	gathered += 1;
	arrived += 1;
	return crowded || gathered > 1 ? end : undefined;
}

function endTurn() {
	const othersCome = arrived > 0 && (crowded || gathered > 1);
	arrived = 0;
	if (othersCome && performance.now() - startedAt < MAX_WAIT_MS) {
		setImmediate(endTurn);
		return;
	}
	crowded = gathered > 1;
	gathered = 0;
	resolveEnd();
}
