// The header of a CSV table, read before the rest: it tells what separates the cells.
import { parse } from 'csv-parse/sync';
import { ApiError } from '../../errors.js';
import { shown } from '../../http/query.js';

/** What may separate cells, the usual one first. */
const DELIMITERS = [',', ';', '\t', '|'];
const DELIMITER_NAMES = { comma: ',', semicolon: ';', tab: '\t', '\\t': '\t', pipe: '|' };

/**
 * Reads up to the end of the header.
 *
 * @param {AsyncIterable<string>} texts
 * @param {number} maxLength of the header
 * @returns {Promise<{header: string, texts: AsyncIterable<string>}>} the header as it stands, and all of the text again
 */
export async function readHeader(texts, maxLength) {
	const iterator = texts[Symbol.asyncIterator]();
	let head = '';
	let end;
	let at = 0;
	let isQuoted = false;
	let start = 0;
	while (end === undefined && head.length <= maxLength) {
		const { done, value } = await iterator.next();
		if (done) break;
		head += value;
		for (; at < head.length && end === undefined; at += 1) {
			const character = head[at];
			if (character === '"') isQuoted = !isQuoted;
			if (isQuoted || (character !== '\n' && character !== '\r')) continue;
			// Empty lines in front of it are skipped.
			if (head.slice(start, at).replace('\uFEFF', '') === '') start = at + 1;
			else end = at;
		}
	}
	const rest = (async function* () {
		yield head;
		yield* { [Symbol.asyncIterator]: () => iterator };
	})();
	return { header: head.slice(start, end ?? head.length), texts: rest };
}

/**
 * What separates the cells of a table: of what stands in its header what makes the most columns that a reader understands.
 *
 * @param {string} header
 * @param {(cells: string[]) => any} read throws for columns that it does not understand
 * @returns {string}
 */
export function delimiterOf(header, read) {
	const candidates = DELIMITERS.map((delimiter) => ({ delimiter, cells: cellsOf(header, delimiter) }))
		.filter(({ cells }) => cells?.length > 1)
		.sort((a, b) => b.cells.length - a.cells.length);
	let failure;
	for (const { delimiter, cells } of candidates) {
		try {
			read(cells);
			return delimiter;
		} catch (error) {
			failure ??= error;
		}
	}
	if (failure) throw failure;
	return ',';
}

/** Nothing for a quote in the wrong place, of which the reader of the table tells. */
function cellsOf(header, delimiter) {
	try {
		return parse(header, { bom: true, delimiter, relax_column_count: true, to: 1 })[0];
	} catch {
		return undefined;
	}
}

/**
 * The parameter `delimiter`: a character, or a name of it.
 *
 * @param {string} text
 */
export function readDelimiter(text) {
	const delimiter = Object.hasOwn(DELIMITER_NAMES, text) ? DELIMITER_NAMES[text] : text;
	if ([...delimiter].length === 1 && !/["\r\n]/.test(delimiter)) return delimiter;
	throw new ApiError(
		'INVALID_REQUEST',
		`delimiter must be one character, or one of ${Object.keys(DELIMITER_NAMES).join(', ')}, received ${shown(text)}`
	);
}
