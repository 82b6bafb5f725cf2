// What takes rows and gives them as they are written.

/**
 * @typedef {object} Writer
 * @property {(row: import('./event-rows.js').Row) => void} take
 * @property {number} size characters that it has taken and not given
 * @property {() => string | Buffer} taken what they are written as
 * @property {() => string | Buffer} end the same, with what stands behind all rows
 * @property {(error: Error) => string} [failed] what stands in place of further rows; without it the connection breaks
 */

/** @implements {Writer} */
export class TextWriter {
	#text;
	#textOf;

	constructor(begin, textOf, failed) {
		this.#text = begin;
		this.#textOf = textOf;
		this.failed = failed;
	}

	get size() {
		return this.#text.length;
	}

	take(row) {
		this.#text += this.#textOf(row);
	}

	taken() {
		const text = this.#text;
		this.#text = '';
		return text;
	}

	end() {
		return this.taken();
	}
}
