// JSON of which nothing is lost.
import { checkJson, jsonFields } from '../../binding.js';
import { ApiError } from '../errors.js';

/**
 * Bytes as text.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
function utf8(bytes) {
	try {
		return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		throw new ApiError('INVALID_JSON', 'the body is not valid JSON: it is not UTF-8');
	}
}

/**
 * JSON as a value: no deeper than bodies may be, and no object with a name twice, of which JSON.parse would take the last.
 *
 * @param {Uint8Array} bytes
 * @returns {any}
 */
export function readJson(bytes) {
	checkJson(bytes);
	return JSON.parse(utf8(bytes));
}

/**
 * The fields of a JSON object as texts.
 *
 * @param {Uint8Array} bytes
 * @returns {Map<string, string>}
 */
export function textsOf(bytes) {
	const parts = jsonFields(bytes);
	const texts = new Map();
	for (let at = 0; at < parts.length; at += 2) texts.set(parts[at], parts[at + 1]);
	return texts;
}

/**
 * The items of a JSON list as texts.
 *
 * @param {string} text of a list, as {@link textsOf} gives it: valid JSON
 * @returns {string[]}
 */
export function itemsOf(text) {
	const items = [];
	let [depth, isQuoted, start] = [0, false, text.indexOf('[') + 1];
	for (let at = start; at < text.length; at += 1) {
		const character = text[at];
		if (isQuoted) {
			if (character === '\\') at += 1;
			else if (character === '"') isQuoted = false;
		} else if (character === '"') isQuoted = true;
		else if (character === '[' || character === '{') depth += 1;
		else if (depth === 0 && (character === ',' || character === ']')) {
			const item = text.slice(start, at).trim();
			if (item !== '') items.push(item);
			start = at + 1;
		} else if (character === ']' || character === '}') depth -= 1;
	}
	return items;
}
