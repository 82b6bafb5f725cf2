// Rows that each node keeps by hour and by day of what predictions told: how they are stored, for how long, and which tell of a time.
import { transaction } from '../harper.js';
import { options } from '../options.js';
import { contextAfter } from '../storage/after.js';
import { mayReplicate } from '../storage/cluster.js';
import { commit } from '../storage/disk.js';
import { NEVER, removeExpired } from '../storage/expiry.js';
import { table } from '../storage/tables.js';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** How long each lasts. */
export const INTERVALS = { '1h': HOUR_MS, '1d': DAY_MS };
/** After so long only the day of an hour is left. */
const HOURS_KEPT_MS = 31 * DAY_MS;

/**
 * A table of such rows, which reaches other nodes as that of events does, and has them removed when they expire.
 *
 * @param {string} name
 */
export function tableOfRows(name) {
	const rows = table(name);
	if (!rows.audit && options().replicateEvents && mayReplicate()) rows.enableAuditing();
	removeExpired(rows, HOURS_KEPT_MS / 1000);
	return rows;
}

/**
 * Stores rows in one transaction, each for as long as it is kept.
 *
 * @param {object} target their table
 * @param {{id: string, interval: '1h' | '1d', start: number}[]} rows
 * @param {[target: object, record: object][]} [others] that belong to them, and do not expire
 */
export async function storeRows(target, rows, others = []) {
	const all = [...rows.map((row) => [target, row]), ...others];
	const context = await contextAfter(all.map(([of, { id }]) => [of, id]));
	const put = (row) => {
		const expiresAt = expiryOf(row);
		const record = expiresAt === undefined ? row : { ...row, expiresAt };
		return target.put(record, { ...context, expiresAt: expiresAt ?? NEVER });
	};
	const size = all.reduce((sum, [, record]) => sum + bytesIn(record), 0);
	await commit(size, () =>
		transaction(context, async () => {
			for (const row of rows) await put(row);
			for (const [of, record] of others) await of.put(record, context);
		})
	);
}

/** How long rows of days are kept; 0 for ever. */
export function retentionSeconds() {
	const { eventRetention, profileRetention } = options();
	return profileRetention ?? 10 * eventRetention;
}

/** When a row expires, in Unix milliseconds. */
function expiryOf({ interval, start }) {
	const seconds = retentionSeconds();
	const kept = [seconds > 0 ? seconds * 1000 : Infinity, interval === '1h' ? HOURS_KEPT_MS : Infinity];
	const keptMs = Math.min(...kept);
	return keptMs === Infinity ? undefined : start + INTERVALS[interval] + keptMs;
}

function bytesIn(record) {
	const parts = Object.values(record).filter((value) => value instanceof Uint8Array);
	return parts.reduce((sum, { length }) => sum + length, 0);
}

/** Whether a record can be such a row, and has not expired: Harper removes it later. */
export const isRow = (record) =>
	record &&
	(record.expiresAt ?? Infinity) > Date.now() &&
	Object.hasOwn(INTERVALS, record.interval) &&
	Number.isSafeInteger(record.start);

/**
 * Which rows tell of a time: of whole days, each at once; of other times by hours, those at the ends included. Where hours are no longer
 * kept, days.
 *
 * @param {{from: number, to: number}} range Unix milliseconds, both included
 * @param {number} now Unix milliseconds
 * @returns {(row: {interval: string, start: number}) => boolean}
 */
export function tellsOf(range, now) {
	const isByDay = (day) => (day >= range.from && day + DAY_MS - 1 <= range.to) || day + DAY_MS < now - HOURS_KEPT_MS;
	return (row) => overlaps(range, row) && (row.interval === '1d') === isByDay(row.start - (row.start % DAY_MS));
}

/** Whether a row has a part in a time. */
export const overlaps = ({ from, to }, { interval, start }) => start <= to && start + INTERVALS[interval] > from;

/** The row of now. */
export const rowOf = (interval, now) => ({ interval, start: now - (now % INTERVALS[interval]) });
