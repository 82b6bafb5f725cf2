// JSON text taken apart one level at a time. The parts stay text: numbers keep all their digits, and Rust reads the long lists.
import { jsonFields, jsonItems, jsonSizes } from '../binding.js';
import { ApiError } from './errors.js';
import { readJson } from './http/body.js';

/**
 * The fields of an object as JSON text by name.
 *
 * @param {string} text
 * @returns {Map<string, string>}
 */
export function fieldsOf(text) {
	const parts = jsonFields(text);
	const fields = new Map();
	for (let at = 0; at < parts.length; at += 2) fields.set(parts[at], parts[at + 1]);
	return fields;
}

/** A caller's list that is taken apart. Each item costs more than its text. */
const MAX_ITEMS = 100_000;

/**
 * The items of a list as JSON text.
 *
 * @param {string} text
 * @param {number} [most] how many there may be
 * @returns {string[]}
 */
export const itemsOf = (text, most = MAX_ITEMS) => jsonItems(text, most);

/**
 * The sizes of nested lists, by the first list of each depth; none for what is no list.
 *
 * @type {(text: string) => number[]}
 */
export const sizesOf = jsonSizes;

/**
 * JSON text as a value.
 *
 * @param {string} text
 * @returns {any}
 */
export function valueOf(text) {
	if (text.startsWith('{') || text.startsWith('[')) return readJson(Buffer.from(text));
	try {
		return JSON.parse(text);
	} catch (error) {
		throw new ApiError('INVALID_JSON', `the body is not valid JSON: ${error.message}`);
	}
}
