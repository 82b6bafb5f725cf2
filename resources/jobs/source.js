// The rows of a job's source, in the order of their keys.
import { setImmediate as turn } from 'node:timers/promises';
import { ApiError } from '../errors.js';
import { applicationTable } from './tables.js';
import { cellText } from '../serving/rows/cell.js';

/** Rows that are looked at in one go; other requests get their turn after that. */
const WINDOW = 256;

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
	const start = after == null ? [] : [{ attribute: key, comparator: 'greater_than', value: after }];
	const keys = await all(table.search({ conditions: start, select: [key], limit: WINDOW }));
	if (keys.length === 0) return undefined;
	const last = keys.at(-1)[key];
	const conditions = [...start, { attribute: key, comparator: 'less_than_equal', value: last }, ...source.conditions];
	const records = await all(table.search({ conditions, enforceExecutionOrder: true }));
	const rowOf = (record) => ({ id: record[key], features: featuresOf(record, source.fields, dtypes) });
	return { last, rows: records.map(rowOf) };
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
