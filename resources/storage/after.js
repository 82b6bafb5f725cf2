// Writes that count.
//
// Of two writes of a record Harper keeps the one with the later time, and drops the other one without a word. The time is that of
// the clock of the node that wrote. When that clock is minutes ahead of this one, or this one was set back, a change or a deletion
// here would be answered and lost. So what changes a record says that it is later than what the record holds.
import { transaction, writtenAt } from '../harper.js';

/**
 * The context of a transaction that changes records.
 *
 * @param {Array<[any, any]>} records of each its table and its key
 * @param {object} [context] what else is in it
 * @returns {Promise<object>}
 */
export async function contextAfter(records, context = {}) {
	let latest = 0;
	for (const [table, key] of records) {
		const written = await writtenAt(table, key);
		if (written > latest) latest = written;
	}
	return latest < Date.now() ? context : { ...context, timestamp: latest + 1 };
}

/**
 * Changes records in one transaction.
 *
 * @template T
 * @param {Array<[any, any]>} records of each its table and its key
 * @param {(context: object) => T} change given the context for each write
 * @returns {Promise<Awaited<T>>}
 */
export async function changing(records, change) {
	const context = await contextAfter(records);
	return transaction(context, () => change(context));
}

/** Puts a record. */
export const putAfter = (table, record) =>
	changing([[table, record[table.primaryKey]]], (context) => table.put(record, context));

/** Changes attributes of a record. */
export const patchAfter = (table, key, update) =>
	changing([[table, key]], (context) => table.patch(key, update, context));

/** Deletes a record. */
export const deleteAfter = (table, key) => changing([[table, key]], (context) => table.delete(key, context));
