// Requests of one turn of the event loop go on together at its end. The steps of each are then still in the processor's caches
// for the next one, and tiny runs become one run.

let arrived = 0;
/** Whether the last turn that had any had several. */
let crowded = false;
let end;
let resolveEnd;

/**
 * Counts a request of this turn.
 *
 * @returns {Promise<void> | undefined} resolves at the end of the turn; nothing for a request that comes alone, which never
 *   waits
 */
export function othersOfTurn() {
	arrived += 1;
	if (arrived === 1) {
		end = new Promise((resolve) => (resolveEnd = resolve));
		setImmediate(endTurn);
	}
	return crowded || arrived > 1 ? end : undefined;
}

function endTurn() {
	crowded = arrived > 1;
	arrived = 0;
	resolveEnd();
}
