// Rows in CBOR or MessagePack, of a body that is read as a whole. Each stays as it came until it runs.
import { fieldsOfRows, parseRows, takeRow } from '../../../binding.js';

/**
 * Reads `[row, ...]` or `{..., rows: [row, ...]}`.
 *
 * @param {Buffer} body
 * @param {'cbor' | 'msgpack'} format
 * @returns {{fields?: string, rows: AsyncIterable<{features: Uint8Array, format: string}>}} `fields` as of `jsonRows`
 */
export function encodedRows(body, format) {
	const rows = parseRows(body, format);
	return { fields: fieldsOfRows(rows) ?? undefined, rows: rowsOf(rows, format) };
}

async function* rowsOf(rows, format) {
	for (let row = takeRow(rows); row != null; row = takeRow(rows)) yield { features: row, format };
}
