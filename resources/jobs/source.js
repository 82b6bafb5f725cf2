// The rows of a job's source, in the order of their keys.
import { setImmediate as turn } from 'node:timers/promises';
import { ApiError } from '../errors.js';
import { applicationTable } from './tables.js';
import { cellText } from '../serving/rows/cell.js';

/** Rows that are looked at in one go; other requests get their turn after that. */
const WINDOW = 256;
/** The same where only keys are. */
const KEY_WINDOW = 1024;

/**
 * The rows behind a key that meet the conditions. It goes through the table by its primary key, a window at a time, so the
 * conditions need no index, memory stays flat and a read transaction ends with its window.
 *
 * @param {{database: string, table: string, conditions: object[], fields: Record<string, string | string[]>}} source
 * @param {any} after the key
 * @param {Array<{name: string, dtype?: string}>} inputs of the model
 * @returns {AsyncGenerator<{id: any, features: string}>}
 */
export async function* sourceRows(source, after, inputs) {
	const dtypes = new Map(inputs.map(({ name, dtype }) => [name, dtype]));
	for (let window; (window = await read(source, after, dtypes)); after = window.last) {
		yield* window.rows;
		await turn();
	}
}

/**
 * How many rows meet the conditions.
 *
 * @param {object} source
 * @param {AbortSignal} signal
 * @returns {Promise<number | undefined>} nothing when it is aborted
 */
export async function countRows(source, signal) {
	const table = applicationTable('source', source);
	let count = 0;
	for (let after, keys; (keys = await keysBehind(table, after, KEY_WINDOW)).length > 0; after = keys.at(-1)) {
		count += source.conditions.length === 0 ? keys.length : (await within(table, after, keys.at(-1), source)).length;
		await turn();
		if (signal.aborted) return undefined;
	}
	return count;
}

/**
 * Throws when Harper does not take the conditions.
 *
 * @param {object} source
 */
export async function tryConditions(source) {
	try {
		await read(source);
	} catch (error) {
		if (!(error.statusCode >= 400 && error.statusCode < 500)) throw error;
		throw new ApiError('INVALID_REQUEST', `source.conditions: ${error.message}`);
	}
}

/** Of the next rows those that meet the conditions, and the last key that was looked at. */
async function read(source, after, dtypes = new Map()) {
	const table = applicationTable('source', source);
	const key = table.primaryKey;
	const keys = await keysBehind(table, after, WINDOW);
	if (keys.length === 0) return undefined;
	const last = keys.at(-1);
	const records = await within(table, after, last, source);
	const rowOf = (record) => ({ id: record[key], features: featuresOf(record, source.fields, dtypes) });
	return { last, rows: records.map(rowOf) };
}

const behind = (table, after) =>
	after == null ? [] : [{ attribute: table.primaryKey, comparator: 'greater_than', value: after }];

/** The next keys behind one. */
async function keysBehind(table, after, limit) {
	const key = table.primaryKey;
	const records = await all(table.search({ conditions: behind(table, after), select: [key], limit }));
	return records.map((record) => record[key]);
}

/** The records behind a key and up to another one that meet the conditions. */
function within(table, after, last, { conditions }) {
	const upTo = { attribute: table.primaryKey, comparator: 'less_than_equal', value: last };
	const found = table.search({
		conditions: [...behind(table, after), upTo, ...conditions],
		enforceExecutionOrder: true,
	});
	return all(found);
}

async function all(found) {
	const records = [];
	for await (const record of found) records.push(record);
	return records;
}

/** A record as JSON text. Texts that stand for values of another kind are read as cells of a table of text are. */
function featuresOf(record, fields, dtypes) {
	const parts = Object.entries(fields).flatMap(([input, attributes]) => {
		const textOf = (value) =>
			typeof value === 'string' ? cellText(value, dtypes.get(input) ?? 'string') : JSON.stringify(value, asFeature);
		const text = Array.isArray(attributes)
			? `[${attributes.map((name) => textOf(record[name] ?? null)).join(',')}]`
			: textOf(record[attributes]);
		return text === undefined ? [] : [`${JSON.stringify(input)}:${text}`];
	});
	return `{${parts.join(',')}}`;
}

/** Numbers that JSON lacks, as predictions take them. */
function asFeature(_name, value) {
	if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value);
	return value;
}
