// The header of a CSV table, read before the rest: it shows whether commas separate the cells.
import { parse } from 'csv-parse/sync';
import { ApiError } from '../../errors.js';
import { shown } from '../../http/query.js';

/** A byte order mark. */
const MARK = '\uFEFF';
/** What often separates cells, the usual one first, by the names that the parameter takes. */
const DELIMITERS = { comma: ',', semicolon: ';', tab: '\t', pipe: '|' };
const DELIMITER_NAMES = { ...DELIMITERS, '\\t': '\t' };

/**
 * Reads up to the end of the header.
 *
 * @param {AsyncIterable<string>} texts
 * @param {number} maxLength of the header
 * @param {(count: number) => void} checkCount throws when a header of so many columns is too long
 * @param {string} [delimiter] otherwise any of those that often separate cells
 * @returns {Promise<{header: string, texts: AsyncIterable<string>}>} the header as it stands, and all of the text again
 */
export async function readHeader(texts, maxLength, checkCount, delimiter) {
	const iterator = texts[Symbol.asyncIterator]();
	const delimiters = delimiter === undefined ? Object.values(DELIMITERS) : [delimiter];
	const counts = new Map(delimiters.map((character) => [character, 1]));
	const read = [];
	let header = '';
	let isQuoted = false;
	let isWhole = false;
	while (!isWhole && header.length <= maxLength) {
		const { done, value } = await iterator.next();
		if (done) break;
		read.push(value);
		let from = 0;
		for (let at = 0; at < value.length; at += 1) {
			const character = value[at];
			if (character === '"') isQuoted = !isQuoted;
			if (isQuoted) continue;
			if (character !== '\n' && character !== '\r') {
				if (counts.has(character)) counts.set(character, counts.get(character) + 1);
				continue;
			}
			header += value.slice(from, at);
			from = at + 1;
			// Empty lines in front of it are skipped.
			isWhole = header !== '' && header !== MARK;
			if (isWhole) break;
			header = '';
		}
		if (!isWhole) header += value.slice(from);
		checkCount(Math.max(...counts.values()));
	}
	const rest = (async function* () {
		yield* read;
		yield* { [Symbol.asyncIterator]: () => iterator };
	})();
	return { header, texts: rest };
}

/**
 * Throws where a header says with another delimiter than commas what it does not say with them. Which one is meant is for who sends
 * it to say: a guess would read another table than was sent.
 *
 * @param {string} header
 * @param {(cells: string[]) => any} read throws for columns that it does not understand
 */
export function checkCommas(header, read) {
	const candidates = Object.entries(DELIMITERS)
		.filter(([, delimiter]) => header.includes(delimiter))
		.map(([name, delimiter]) => ({ name, cells: cellsOf(header, delimiter) }))
		.filter(({ cells }) => cells?.length > 1)
		.sort((a, b) => b.cells.length - a.cells.length);
	let failure;
	for (const { name, cells } of candidates) {
		try {
			read(cells);
		} catch (error) {
			failure ??= error;
			continue;
		}
		if (name === 'comma') return;
		throw new ApiError(
			'INVALID_REQUEST',
			`the cells of the header are separated by another character: say ?delimiter=${name}`
		);
	}
	if (failure) throw failure;
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
