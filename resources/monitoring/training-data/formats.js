// How rows are written.
import { answerOf } from '../../errors.js';
import { arrow } from './arrow.js';
import { columnsOf, weightOf } from './columns.js';
import { plainText } from './json-text.js';

/**
 * @typedef {object} Writer
 * @property {(row: import('./event-rows.js').Row) => void} take
 * @property {number} size characters that it has taken and not given
 * @property {() => string | Buffer} taken what they are written as
 * @property {() => string | Buffer} end the same, with what stands behind all rows
 * @property {(error: Error) => string} [failed] what stands in place of further rows; without it the connection breaks
 */

/** @implements {Writer} */
class TextWriter {
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

/** An object a line; what is absent has no field. */
function ndjson(isVisible) {
	const objectOf = (members) => `{${[...members].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
	const fields = [
		['modelVersion', 'version', ({ event }) => JSON.stringify(event.modelVersion)],
		['timestamp', 'timestamp', ({ event }) => String(event.timestamp)],
		['featuresIn', 'features', ({ features }) => objectOf(features)],
		['prediction', 'prediction', ({ prediction }) => objectOf(prediction)],
		['confidence', 'confidence', ({ confidence }) => confidence],
		['actualOutcome', 'groundTruth', ({ groundTruth }) => groundTruth],
		['samplingProbability', 'weight', ({ event }) => String(weightOf(event))],
	].filter(([attribute]) => isVisible(attribute));
	const textOf = (row) => {
		let line = `{"id":"${row.id}"`;
		for (const [, name, textIn] of fields) {
			const text = textIn(row);
			if (text !== undefined) line += `,"${name}":${text}`;
		}
		return `${line}}\n`;
	};
	return new TextWriter('', textOf, (error) => `${JSON.stringify(answerOf(error).body)}\n`);
}

/** Spreadsheets take a text that begins so for a formula; one more apostrophe tells it from one that began with that. */
const FORMULA = /^[=+\-@\t\r']/;

/** A cell of RFC 4180. */
function cell(text) {
	return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const protectedText = (text) => (FORMULA.test(text) ? `'${text}` : text);

function csv(isVisible, signature) {
	const columns = columnsOf(signature, isVisible);
	const cellOf = (text) => {
		if (text === undefined || text === 'null') return '';
		const plain = plainText(text);
		return cell(plain === text ? text : protectedText(plain));
	};
	const line = (cells) => `${cells.join(',')}\r\n`;
	const begin = line(columns.map(({ name }) => cell(protectedText(name))));
	return new TextWriter(begin, (row) => line(columns.map(({ textIn }) => cellOf(textIn(row)))));
}

/** By name: the media type, whether it is a table of columns, and what makes or promises the {@link Writer}. */
export const FORMATS = {
	ndjson: { type: 'application/x-ndjson', isTable: false, writer: ndjson },
	csv: { type: 'text/csv; charset=utf-8; header=present', isTable: true, writer: csv },
	arrow: { type: 'application/vnd.apache.arrow.stream', isTable: true, writer: arrow },
};
