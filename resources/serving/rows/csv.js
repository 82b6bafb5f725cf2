// Rows of a CSV table whose header names the inputs of a model.
import { Readable, pipeline } from 'node:stream';
import { parse } from 'csv-parse';
import { ApiError } from '../../errors.js';
import { cellText } from './cell.js';
import { checkColumnCount, columnsOf } from './columns.js';
import { checkCommas, readHeader } from './header.js';

/**
 * A row for each record.
 *
 * @param {AsyncIterable<Buffer>} chunks
 * @param {object[]} inputs of the model, as its signature describes them
 * @param {number} maxRowBytes
 * @param {{delimiter?: string, fields?: string[] | Record<string, string | string[]>}} [how] `delimiter`: commas by default;
 *   `fields`: see `columnsOf`
 * @returns {AsyncGenerator<{features?: string, error?: Error}>}
 */
export async function* csvRows(chunks, inputs, maxRowBytes, { delimiter: given, fields } = {}) {
	const { header, texts } = await readHeader(decoded(chunks), maxRowBytes, checkColumnCount, given);
	const read = (cells) => columnsOf(cells, inputs, fields);
	if (given === undefined && header !== '' && header.length <= maxRowBytes) checkCommas(header, read);
	const parser = parse({
		bom: true,
		delimiter: given ?? ',',
		relax_column_count: true,
		skip_empty_lines: true,
		max_record_size: maxRowBytes,
		skip_records_with_error: true,
		// In its place behind the records before it. It ends the rows: nobody knows where the next one begins.
		on_skip: (error) => parser.push({ error: refusal(error, maxRowBytes) }),
	});
	// Errors of the source destroy the parser, which throws them below.
	pipeline(Readable.from(texts), parser, () => {});
	let columns;
	for await (const record of parser) {
		if (record.error) throw record.error;
		if (columns !== undefined) yield rowOfCells(record, columns);
		else columns = read(record);
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

function rowOfCells(cells, { used, count }) {
	if (cells.length !== count) {
		return { error: new ApiError('INVALID_REQUEST', `the row has ${cells.length} cells, the header ${count}`) };
	}
	const fields = used.map(({ name, dtype, isOne, columns }) => {
		const values = columns.map((at) => cellText(cells[at], dtype));
		return `${name}:${isOne ? values[0] : `[${values.join(',')}]`}`;
	});
	return { features: `{${fields.join(',')}}` };
}
