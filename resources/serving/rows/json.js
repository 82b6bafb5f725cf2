// Rows in a JSON array, cut out of the stream without building values of them.
import { ApiError } from '../../errors.js';
import { withoutMark } from './mark.js';
import { rowOf } from './row.js';

const [QUOTE, BACKSLASH, COMMA] = Buffer.from('"\\,');
const SPACE = Buffer.from(' \t\r\n');
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('[]{}');
const MAX_FIELDS_BYTES = 1 << 20;
const ROWS_NAME = /^[,{]"rows":$/;
const ROWS_NAME_LENGTH = 8;

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
	const iterator = withoutMark(chunks);
	const opening = new Opening();
	for (;;) {
		const { done, value } = await iterator.next();
		const start = done ? undefined : opening.take(value);
		if (start !== undefined) {
			const rest = (async function* () {
				yield value.subarray(start);
				yield* { [Symbol.asyncIterator]: () => iterator };
			})();
			const { fields } = opening;
			return { fields, rows: elements(rest, fields !== undefined, maxRowBytes) };
		}
		if (done) throw noRows(opening.text());
		if (opening.size > MAX_FIELDS_BYTES) {
			const problem = `rows must begin within the first ${MAX_FIELDS_BYTES} bytes of the body`;
			throw new ApiError('TOO_LARGE', problem + hintOf(opening.text()));
		}
	}
}

const noRows = (text = '') =>
	new ApiError('INVALID_REQUEST', `the body must be a list of rows, or an object with the field rows${hintOf(text)}`);

/** How pandas writes a table unless it is told otherwise: columns as objects, or the parts of `orient="split"` and `"table"`. */
const OF_PANDAS = [
	/[{,]\s*"(rows|data|[^"\\]{0,200})"\s*:\s*\{\s*"/,
	/[{,]\s*"(columns|index|schema|data)"\s*:\s*[[{]/,
];
const MAX_SHOWN_BYTES = 4096;

/** What to send instead of what pandas wrote. */
function hintOf(text) {
	const head = text.slice(0, MAX_SHOWN_BYTES);
	if (!OF_PANDAS.some((form) => form.test(head))) return '';
	return '; for a pandas DataFrame send df.to_json(orient="records"), or df.to_csv(index=False) as text/csv';
}

/** What stands in front of the rows, looked at once while it arrives. */
class Opening {
	size = 0;
	/** The object in front of the rows as JSON text; undefined for rows that stand in no object. */
	fields = undefined;
	#parts = [];
	#scanner = new Scanner();
	#isInObject = false;
	/** The last bytes of the object itself, without the space between its parts, and where they stand. */
	#last = '';
	#places = [];

	/** Takes the next bytes. Gives where among them the first row may begin, behind the bracket that opens the array. */
	take(chunk) {
		for (let at = 0; at < chunk.length; at += 1) {
			const byte = chunk[at];
			const isStructure = this.#scanner.next(byte);
			if (isStructure && SPACE.includes(byte)) continue;
			if (!this.#isInObject) {
				if (byte === OPEN_ARRAY) return at + 1;
				if (byte !== OPEN_OBJECT) throw noRows();
				this.#isInObject = true;
			} else if (isStructure && byte === OPEN_ARRAY && this.#scanner.depth === 2 && ROWS_NAME.test(this.#last)) {
				const head = Buffer.concat([...this.#parts, chunk.subarray(0, at)]);
				this.fields = `${head.subarray(0, this.#places[1])}"features":{}}`;
				return at + 1;
			}
			if (this.#scanner.depth === 1) this.#remember(byte, this.size + at);
		}
		this.#parts.push(chunk);
		this.size += chunk.length;
		return undefined;
	}

	/** All that was taken, as text. */
	text() {
		return Buffer.concat(this.#parts).toString('latin1');
	}

	#remember(byte, place) {
		this.#last = (this.#last + String.fromCharCode(byte)).slice(-ROWS_NAME_LENGTH);
		this.#places = [...this.#places, place].slice(-ROWS_NAME_LENGTH);
	}
}

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
	new ApiError('TOO_LARGE', `a row may have at most ${maxRowBytes} bytes (option maxBodyBytes), row ${row} has more`);
