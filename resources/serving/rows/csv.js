// Rows of a CSV table whose header names the inputs of a model.
import { Readable, pipeline } from 'node:stream';
import { parse } from 'csv-parse';
import { nearestName } from '../../../binding.js';
import { ApiError } from '../../errors.js';
import { shown } from '../../http/query.js';

/** A model with as many inputs, or elements of them, is asked in JSON. */
const MAX_COLUMNS = 65_536;
const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const ELEMENT = /^(.*)\[(\d+)\]$/s;

/**
 * A row for each record.
 *
 * @param {AsyncIterable<Buffer>} chunks
 * @param {Array<{name: string, dtype?: string}>} inputs of the model
 * @param {number} maxRowBytes
 * @returns {AsyncGenerator<{features?: string, error?: Error}>}
 */
export async function* csvRows(chunks, inputs, maxRowBytes) {
	const parser = parse({
		bom: true,
		relax_column_count: true,
		skip_empty_lines: true,
		max_record_size: maxRowBytes,
		skip_records_with_error: true,
		// In its place behind the records before it. It ends the rows: nobody knows where the next one begins.
		on_skip: (error) => parser.push({ error: refusal(error, maxRowBytes) }),
	});
	// Errors of the source destroy the parser, which throws them below.
	pipeline(Readable.from(decoded(chunks)), parser, () => {});
	let columns;
	for await (const record of parser) {
		if (record.error) throw record.error;
		if (columns !== undefined) yield rowOfCells(record, columns);
		else columns = columnsOf(record, inputs);
	}
	if (columns === undefined) throw new ApiError('INVALID_REQUEST', 'the CSV body has no header');
}

function refusal(error, maxRowBytes) {
	if (error.code === 'CSV_MAX_RECORD_SIZE') {
		return new ApiError(
			'TOO_LARGE',
			`a row may have at most ${maxRowBytes} bytes (option maxBodyBytes), line ${error.lines} has more`
		);
	}
	return new ApiError('INVALID_REQUEST', `the body is not valid CSV: ${error.message}`);
}

async function* decoded(chunks) {
	const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
	try {
		for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
		yield decoder.decode();
	} catch (error) {
		if (error.code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
		throw new ApiError('INVALID_REQUEST', 'the body is not valid CSV: it is not UTF-8');
	}
}

/** By input, the columns that hold it: one, or the elements of a list. */
function columnsOf(header, inputs) {
	if (header.length > MAX_COLUMNS) {
		throw new ApiError('TOO_LARGE', `a CSV body may have at most ${MAX_COLUMNS} columns, received ${header.length}`);
	}
	const byName = new Map(
		inputs.map(({ name, dtype }) => [name, { name: JSON.stringify(name), dtype, columns: new Map() }])
	);
	for (const [at, cell] of header.entries()) {
		const title = cell.trim();
		const [, base, index] = byName.has(title) ? [] : (title.match(ELEMENT) ?? []);
		const input = byName.get(base ?? title);
		if (!input) throw unknownColumn(title, [...byName.keys()]);
		const element = Number(index ?? 0);
		const isTaken = input.columns.has(element) || input.isOne || (index === undefined && input.columns.size > 0);
		if (isTaken) throw new ApiError('INVALID_REQUEST', `the column ${shown(title)} is given twice`);
		input.columns.set(element, at);
		input.isOne = index === undefined;
	}
	const used = [...byName.values()].filter(({ columns }) => columns.size > 0);
	return { used: used.map((input) => ({ ...input, columns: elementsOf(input) })), count: header.length };
}

/** The columns of elements 0, 1, 2 ... */
function elementsOf({ name, columns }) {
	return Array.from({ length: columns.size }, (_, element) => {
		if (columns.has(element)) return columns.get(element);
		throw new ApiError('INVALID_REQUEST', `the column ${shown(`${JSON.parse(name)}[${element}]`)} is missing`);
	});
}

function unknownColumn(title, names) {
	const nearest = nearestName(title, names);
	const hint = nearest ? `did you mean "${nearest}"?` : `the inputs are ${names.join(', ')}`;
	return new ApiError('INVALID_REQUEST', `the column ${shown(title)} is no input of the model; ${hint}`, {
		inputs: names,
	});
}

function rowOfCells(cells, { used, count }) {
	if (cells.length !== count) {
		return { error: new ApiError('INVALID_REQUEST', `the row has ${cells.length} cells, the header ${count}`) };
	}
	const fields = used.map(({ name, dtype, isOne, columns }) => {
		const values = columns.map((at) => valueOf(cells[at], dtype));
		return `${name}:${isOne ? values[0] : `[${values.join(',')}]`}`;
	});
	return { features: `{${fields.join(',')}}` };
}

/** A cell as JSON text. What is no value of the dtype stays a string, which is then refused by its name. */
function valueOf(cell, dtype) {
	if (dtype === 'string') return JSON.stringify(cell);
	const text = cell.trim();
	if (text === '') return 'null';
	if (dtype === 'bool' && /^(true|false)$/i.test(text)) return text.toLowerCase();
	return JSON_NUMBER.test(text) ? text : JSON.stringify(text);
}
