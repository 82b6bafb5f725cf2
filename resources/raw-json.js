// JSON text taken apart one level at a time. The parts stay text: numbers keep all their digits, and Rust reads the long lists.
import { ApiError } from './errors.js';

/**
 * The fields of an object as JSON text by name.
 *
 * @param {string} text
 * @returns {Map<string, string>}
 */
export function fieldsOf(text) {
	const reader = new Reader(text);
	const fields = new Map();
	reader.list('{', '}', () => {
		const name = valueOf(reader.value());
		if (typeof name !== 'string') throw malformed(`a field is named ${shortened(String(name))}`);
		if (fields.has(name)) throw new ApiError('INVALID_REQUEST', `the field "${shortened(name)}" is given twice`);
		reader.expect(':');
		fields.set(name, reader.value());
	});
	return fields;
}

/**
 * The items of a list as JSON text.
 *
 * @param {string} text
 * @returns {string[]}
 */
export function itemsOf(text) {
	const reader = new Reader(text);
	const items = [];
	reader.list('[', ']', () => items.push(reader.value()));
	return items;
}

/**
 * The first item of a list, without a look at the others.
 *
 * @param {string} text
 * @returns {string | undefined}
 */
export function firstItemOf(text) {
	const reader = new Reader(text);
	reader.expect('[');
	return reader.takes(']') ? undefined : reader.value();
}

/**
 * The sizes of nested lists, by the first list of each depth; none for what is no list.
 *
 * @param {string} text
 * @returns {number[]}
 */
export function sizesOf(text) {
	const sizes = [];
	for (let level = text; level?.startsWith('[');) {
		const items = itemsOf(level);
		sizes.push(items.length);
		level = items[0];
	}
	return sizes;
}

/**
 * JSON text as a value.
 *
 * @param {string} text
 * @returns {any}
 */
export function valueOf(text) {
	try {
		return JSON.parse(text);
	} catch (error) {
		throw malformed(error.message);
	}
}

const malformed = (problem) => new ApiError('INVALID_JSON', `the body is not valid JSON: ${problem}`);
const shortened = (text) => text.slice(0, 40);

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /[^\s,:[\]{}"]+/y;
const NESTING = /["[\]{}]/g;

class Reader {
	constructor(text) {
		this.text = text;
		this.at = 0;
	}

	/** Reads a list to the end of the text. */
	list(open, close, readItem) {
		this.expect(open);
		if (!this.takes(close)) {
			do readItem();
			while (this.takes(','));
			this.expect(close);
		}
		this.skipSpace();
		if (this.at < this.text.length) throw this.unexpected('nothing');
	}

	skipSpace() {
		SPACE.lastIndex = this.at;
		SPACE.test(this.text);
		this.at = SPACE.lastIndex;
	}

	takes(character) {
		this.skipSpace();
		if (this.text[this.at] !== character) return false;
		this.at += 1;
		return true;
	}

	expect(character) {
		if (!this.takes(character)) throw this.unexpected(`"${character}"`);
	}

	unexpected(expected) {
		const found = shortened(this.text.slice(this.at));
		return malformed(found === '' ? `it ends where ${expected} is expected` : `expected ${expected} at ${found}`);
	}

	/** The text of the value that begins here. */
	value() {
		this.skipSpace();
		const start = this.at;
		const first = this.text[start];
		if (first === '"') this.at = this.endOfString(start);
		else if (first === '[' || first === '{') this.at = this.endOfNesting(start);
		else {
			SCALAR.lastIndex = start;
			if (!SCALAR.test(this.text)) throw this.unexpected('a value');
			this.at = SCALAR.lastIndex;
		}
		return this.text.slice(start, this.at);
	}

	/** Brackets are only counted here; who reads the part sees whether they match. */
	endOfNesting(start) {
		let depth = 0;
		NESTING.lastIndex = start;
		for (let found = NESTING.exec(this.text); found; found = NESTING.exec(this.text)) {
			if (found[0] === '"') NESTING.lastIndex = this.endOfString(found.index);
			else if (found[0] === '[' || found[0] === '{') depth += 1;
			else if (--depth === 0) return NESTING.lastIndex;
		}
		throw malformed('a list or an object does not end');
	}

	endOfString(start) {
		const { text } = this;
		for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
			let escape = end;
			while (text[escape - 1] === '\\') escape -= 1;
			if ((end - escape) % 2 === 0) return end + 1;
		}
		throw malformed('a string does not end');
	}
}
