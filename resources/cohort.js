// Requests that arrive in a row go on together. The steps of each are then still in the processor's caches for the next one,
// and tiny runs become one run.

/** Nobody waits longer than so many turns of the event loop, each of which takes some requests further. */
const MAX_TURNS = 16;

/** Of the cohort that gathers: its requests, those of them that came in this turn, its turns, and what it waits for. */
let gathered = 0;
let arrived = 0;
let turns = 0;
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
		end = new Promise((resolve) => (resolveEnd = resolve));
		setImmediate(endTurn);
	}
	gathered += 1;
	arrived += 1;
	return crowded || gathered > 1 ? end : undefined;
}

function endTurn() {
	turns += 1;
	const goesOn = arrived > 0 && turns < MAX_TURNS && (crowded || gathered > 1);
	arrived = 0;
	if (goesOn) {
		setImmediate(endTurn);
		return;
	}
	crowded = gathered > 1;
	gathered = turns = 0;
	resolveEnd();
}
