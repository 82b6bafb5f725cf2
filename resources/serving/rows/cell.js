// How people and programs spell values in a table of text.

const NUMBER = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const INFINITE = /^([+-]?)inf(inity)?$/i;
/** What pandas, R and databases write for a value that is missing, in lower case. */
const MISSING = new Set([
	...['', 'na', 'n/a', 'nan', '-nan', '+nan', 'null', 'none', 'nil', 'nat', '<na>', '#n/a', '#na', '#n/a n/a'],
	...['1.#ind', '-1.#ind', '1.#qnan', '-1.#qnan'],
]);
const TRUTHS = { true: 1, false: 0 };

/**
 * A cell as JSON text, by the dtype of the input that it is for. What is no value of it stays a string, so that it is refused as
 * it was written.
 *
 * @param {string} cell
 * @param {string} [dtype] of tensors
 * @returns {string}
 */
export function cellText(cell, dtype) {
	if (dtype === 'string') return JSON.stringify(cell);
	const text = cell.trim();
	if (text === '') return 'null';
	if (dtype === 'bool') return truthOf(text) ?? JSON.stringify(text);
	return numberOf(text, dtype) ?? JSON.stringify(text);
}

function truthOf(text) {
	const word = text.toLowerCase();
	if (Object.hasOwn(TRUTHS, word)) return word;
	const number = numberOf(text, 'int8');
	return { 0: 'false', 1: 'true' }[number];
}

function numberOf(text, dtype) {
	const isInteger = /^u?int/.test(dtype);
	const found = NUMBER.exec(text);
	if (found) return asJson(found, isInteger);
	const word = text.toLowerCase();
	if (dtype !== undefined && Object.hasOwn(TRUTHS, word)) return String(TRUTHS[word]);
	if (isInteger || dtype === undefined) return undefined;
	if (MISSING.has(word)) return 'null';
	const infinite = INFINITE.exec(text);
	return infinite && (infinite[1] === '-' ? '"-Infinity"' : '"Infinity"');
}

/** JSON has no leading zeros, no plus, and digits on both sides of a point. */
function asJson([, sign, digits, exponent = ''], isInteger) {
	const [whole, fraction = ''] = digits.split('.');
	// As pandas writes integers of a column in which some are missing: 5.0.
	const isWhole = isInteger && exponent === '' && /^0*$/.test(fraction);
	const rest = fraction === '' || isWhole ? '' : `.${fraction}`;
	return `${sign === '-' ? '-' : ''}${whole.replace(/^0+(?=\d)/, '') || '0'}${rest}${exponent}`;
}
