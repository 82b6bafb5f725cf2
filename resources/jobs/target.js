// Writing results into a job's target.
import { isDeepStrictEqual } from 'node:util';
import { ApiError } from '../errors.js';
import { transaction } from '../harper.js';
import { contextAfter } from '../storage/after.js';
import { applicationTable } from './tables.js';

/**
 * Makes the attributes of a job known to a table without a schema, as Harper does when it inserts.
 *
 * @param {object} job
 */
export async function prepareTarget({ target }) {
	const table = applicationTable('target', target);
	const known = new Set(table.attributes.map(({ name }) => name));
	const missing = Object.keys(target.fields).filter((name) => !known.has(name));
	if (missing.length > 0) await table.addAttributes(missing.map((name) => ({ name })));
}

/**
 * Writes rows in one transaction. A row that holds its values already is left alone, so that repeating it changes nothing.
 *
 * @param {object} job
 * @param {Array<{id: any, fields: object}>} writes
 * @param {{again?: boolean}} [options] `again`: also rows that hold their values here, because another node may not have them
 * @returns {Promise<number>} rows that hold their values now
 */
export async function writeRows({ source, target }, writes, { again = false } = {}) {
	const table = applicationTable('target', target);
	const isSource = source.database === target.database && source.table === target.table;
	// Also over what a node wrote whose clock is ahead.
	const context = await contextAfter(writes.map(({ id }) => [table, id]));
	try {
		return await transaction(context, async () => {
			let held = 0;
			for (const { id, fields } of writes) {
				const record = await table.get(id, context);
				// A row that was deleted meanwhile is not made again.
				if (!record && isSource) continue;
				held += 1;
				if (!record) await table.put({ [table.primaryKey]: id, ...fields }, context);
				else if (again || !holds(record, fields)) await table.patch(id, fields, context);
			}
			return held;
		});
	} catch (error) {
		if (!(error.statusCode >= 400 && error.statusCode < 500)) throw error;
		throw new ApiError('INVALID_REQUEST', `target: ${error.message}`);
	}
}

const holds = (record, fields) =>
	Object.entries(fields).every(([name, value]) => isDeepStrictEqual(plain(record[name]), plain(value)));

const plain = (value) => (value !== null && typeof value === 'object' ? JSON.parse(JSON.stringify(value)) : value);
