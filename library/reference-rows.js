// Rows of training data, given by a program, as the addon reads them.
import { ReferenceReader } from '../binding.js';
import { plainLists } from './plain.js';

/** Rows that are handed on at once. */
const ROWS_AT_ONCE = 1000;

/**
 * Profiles training data.
 *
 * @param {Iterable<object> | AsyncIterable<object>} rows
 * @param {{inputSchema: string, outputSchema: string, maxColumns: number, label?: string}} of the schemas of the model, and the column of
 *   labels
 * @returns {Promise<{profile: Uint8Array, contents: object}>}
 * @throws INVALID_REQUEST without rows; SCHEMA_MISMATCH, INVALID_INPUT for rows that do not fit the model; TOO_LARGE
 */
export async function readReference(rows, of) {
	const reader = new ReferenceReader({ ...of, format: 'ndjson', delimiter: ',', estimate: false });
	try {
		let lines = [];
		for await (const row of rows) {
			lines.push(JSON.stringify(plainLists(row)));
			if (lines.length < ROWS_AT_ONCE) continue;
			await reader.push(Buffer.from(`${lines.join('\n')}\n`));
			lines = [];
		}
		await reader.push(Buffer.from(lines.join('\n')));
		return await reader.finish();
	} finally {
		reader.close();
	}
}
