// Rows as lines of JSON.
import { ApiError } from '../../errors.js';
import { withoutMark } from './mark.js';
import { rowOf } from './row.js';

const LINE_FEED = 10;

/**
 * A row for each line that is not blank.
 *
 * @param {AsyncIterable<Buffer>} chunks
 * @param {number} maxRowBytes
 * @returns {AsyncGenerator<{features?: string, error?: Error}>}
 */
export async function* ndjsonRows(chunks, maxRowBytes) {
	let count = 0;
	for await (const line of lines(withoutMark(chunks), maxRowBytes, () => count)) {
		if (line.toString('latin1').trim() === '') continue;
		count += 1;
		yield rowOf(line);
	}
}

async function* lines(chunks, maxBytes, row) {
	let parts = [];
	let size = 0;
	const check = () => {
		if (size > maxBytes) {
			throw new ApiError(
				'TOO_LARGE',
				`a row may have at most ${maxBytes} bytes (option maxBodyBytes), row ${row()} has more`
			);
		}
	};
	for await (const chunk of chunks) {
		let from = 0;
		for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
			size += end - from;
			check();
			const last = chunk.subarray(from, end);
			yield parts.length === 0 ? last : Buffer.concat([...parts, last]);
			parts = [];
			size = 0;
			from = end + 1;
		}
		parts.push(chunk.subarray(from));
		size += chunk.length - from;
		check();
	}
	yield Buffer.concat(parts);
}
