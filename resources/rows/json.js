// Rows in a JSON array, cut out of the stream without building values of them.
import { ApiError } from '../errors.js';
import { rowOf } from './row.js';

const [QUOTE, BACKSLASH, COMMA] = Buffer.from('"\\,');
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('[]{}');
const MAX_FIELDS_BYTES = 1 << 20;

const malformed = (problem) => new ApiError('INVALID_JSON', `the body is not valid JSON: ${problem}`);

/**
 * Reads up to the first row of `[row, ...]` or `{..., "rows": [row, ...]}`.
 *
 * @param {AsyncIterable<Buffer>} chunks
 * @param {number} maxRowBytes
 * @returns {Promise<{fields?: string, rows: AsyncIterable<{features?: string, error?: Error}>}>} `fields` is the object
 *   without its rows, as JSON text
 */
export async function jsonRows(chunks, maxRowBytes) {
	const iterator = chunks[Symbol.asyncIterator]();
	let head = Buffer.alloc(0);
	for (;;) {
		const { done, value } = await iterator.next();
		if (!done) head = Buffer.concat([head, value]);
		const start = firstRow(head);
		if (start !== undefined) {
			const fields = start.isWrapped ? fieldsOf(head.subarray(0, start.at)) : undefined;
			const rest = (async function* () {
				yield head.subarray(start.at);
				yield* { [Symbol.asyncIterator]: () => iterator };
			})();
			return { fields, rows: elements(rest, start.isWrapped, maxRowBytes) };
		}
		if (done) {
			throw new ApiError('INVALID_REQUEST', 'the body must be a list of rows, or an object with the field rows');
		}
		if (head.length > MAX_FIELDS_BYTES) {
			throw new ApiError('TOO_LARGE', `rows must begin within the first ${MAX_FIELDS_BYTES} bytes of the body`);
		}
	}
}

const ROWS_KEY = /"rows"\s*:\s*$/;

/** Where the first row may begin: behind the bracket that opens the array. */
function firstRow(head) {
	const scanner = new Scanner();
	for (let at = 0; at < head.length; at += 1) {
		const isStructure = scanner.next(head[at]);
		if (!isStructure || head[at] !== OPEN_ARRAY) continue;
		if (scanner.depth === 1) return { at: at + 1, isWrapped: false };
		if (scanner.depth === 2 && ROWS_KEY.test(head.toString('utf8', 0, at))) return { at: at + 1, isWrapped: true };
	}
	return undefined;
}

const fieldsOf = (head) => head.toString().slice(0, -1).replace(ROWS_KEY, '"features":{}}');

/** How deep in a JSON text a byte stands. */
class Scanner {
	depth = 0;
	#inString = false;
	#escaped = false;

	/** Takes the next byte; whether it is one of structure and not of a string. */
	next(byte) {
		if (this.#inString) {
			if (this.#escaped) this.#escaped = false;
			else if (byte === BACKSLASH) this.#escaped = true;
			else if (byte === QUOTE) this.#inString = false;
			return false;
		}
		if (byte === QUOTE) this.#inString = true;
		else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) this.depth += 1;
		else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) this.depth -= 1;
		return byte !== QUOTE;
	}
}

async function* elements(chunks, isWrapped, maxRowBytes) {
	const scanner = new Scanner();
	let parts = [];
	let size = 0;
	let count = 0;
	let tail;
	for await (const chunk of chunks) {
		let from = 0;
		for (let at = 0; at < chunk.length && tail === undefined; at += 1) {
			const byte = chunk[at];
			if (!scanner.next(byte)) continue;
			const isEnd = scanner.depth === -1;
			if (!isEnd && !(byte === COMMA && scanner.depth === 0)) continue;
			if (isEnd && byte !== CLOSE_ARRAY) throw malformed('the list of rows is not closed by "]"');
			const bytes = Buffer.concat([...parts, chunk.subarray(from, at)]);
			if (bytes.length > maxRowBytes) throw tooLarge(count, maxRowBytes);
			const isEmpty = bytes.toString('latin1').trim() === '';
			if (isEmpty && !(isEnd && count === 0)) {
				throw malformed(`there is nothing between two commas, behind row ${count - 1}`);
			}
			if (!isEmpty) yield rowOf(bytes);
			count += 1;
			parts = [];
			size = 0;
			from = at + 1;
			if (isEnd) tail = '';
		}
		const rest = chunk.subarray(from);
		if (tail === undefined) {
			parts.push(Buffer.from(rest));
			size += rest.length;
			if (size > maxRowBytes) throw tooLarge(count, maxRowBytes);
		} else {
			tail = (tail + rest.toString('latin1')).trim();
			checkTail(tail, isWrapped);
		}
	}
	if (tail !== (isWrapped ? '}' : '')) throw malformed('it ends too early');
}

function checkTail(tail, isWrapped) {
	if (tail === '' || (isWrapped && tail === '}')) return;
	if (isWrapped && tail.startsWith(',')) {
		throw new ApiError('INVALID_REQUEST', 'rows must be the last field, so that they can be read while they arrive');
	}
	throw malformed('something follows its end');
}

const tooLarge = (row, maxRowBytes) =>
	new ApiError('TOO_LARGE', `a row may have ${maxRowBytes} bytes (option maxBodyBytes), row ${row} has more`);
