// Records that expire.

/** An expiry that is given, so that the table's own does not count. */
export const NEVER = Date.UTC(9999, 0);

const MAX_SCAN_INTERVAL_SECONDS = 3600;

/** By table, the seconds that it knows of. */
const known = new WeakMap();

/**
 * Has expired records of a table removed: Harper looks for them only in a table that has a retention of its own, in each thread.
 *
 * @param {any} table
 * @param {number} seconds after which they expire, the shortest time if there are several
 */
export function removeExpired(table, seconds) {
	if (known.get(table) === seconds) return;
	table.setTTLExpiration({
		expiration: seconds,
		eviction: 0,
		scanInterval: Math.min(seconds, MAX_SCAN_INTERVAL_SECONDS),
	});
	known.set(table, seconds);
}
