// POST /predict/batch: many rows in one body, answered as a stream in the same order.
import { setMaxListeners } from 'node:events';
import { PredictRequest } from '../../binding.js';
import { ApiError, answerOf } from '../errors.js';
import { bodyChunks, mediaType, readBody } from '../http/body.js';
import { formatOf } from '../http/formats.js';
import { options } from '../options.js';
import { present, readQuery } from '../http/query.js';
import { columnFields } from './rows/columns.js';
import { csvRows } from './rows/csv.js';
import { encodedRows } from './rows/encoded.js';
import { readDelimiter } from './rows/header.js';
import { jsonRows } from './rows/json.js';
import { ndjsonRows } from './rows/ndjson.js';
import { FIELDS, predictRows } from './rows/batch.js';
import { signatureOf } from '../registry/signature.js';
import { traceOf } from './trace.js';

const NDJSON_TYPE = /^application\/(x-)?(ndjson|jsonl|jsonlines|json-lines)\b/i;
const CSV_TYPE = /^text\/csv\b/i;
const NDJSON = 'application/x-ndjson';
/** What is said of the columns of a table, too. */
const CSV_FIELDS = [...FIELDS, 'delimiter', 'fields'];

/** `POST /predict/batch` with a list of rows, `{modelId, version?, rows}`, in JSON, CBOR or MessagePack, lines of JSON or CSV */
export async function batch(call) {
	const { query, stream, user } = call;
	const leaving = new AbortController();
	const { signal } = leaving;
	// Every row in flight listens.
	setMaxListeners(0, signal);
	const leave = () => leaving.abort(new ApiError('CANCELLED', 'the caller disconnected'));
	stream.socket.once('close', leave);
	const forget = () => stream.socket.off('close', leave);
	try {
		const { fields, rows } = await read(stream, query);
		const groups = await predictRows(fields, rows, { user, signal, traceparent: traceOf(call) });
		// What is wrong from the beginning is answered with its status.
		const first = await groups.next();
		const isList = wantsList(stream.headers.accept);
		return {
			headers: { 'content-type': isList ? 'application/json' : NDJSON },
			stream: written(first, groups, { isList, signal, forget }),
		};
	} catch (error) {
		forget();
		throw error;
	}
}

/** How the body says what to run, and its rows when the model is known. */
async function read(stream, query) {
	const chunks = bodyChunks(stream);
	const contentType = mediaType(stream.headers);
	const { maxBodyBytes } = options();
	if (NDJSON_TYPE.test(contentType)) {
		return { fields: fieldsOfQuery(query), rows: () => ndjsonRows(chunks, maxBodyBytes) };
	}
	if (CSV_TYPE.test(contentType)) {
		const { delimiter, fields, ...shared } = fieldsOfQuery(query, CSV_FIELDS);
		const how = {
			delimiter: delimiter === undefined ? undefined : readDelimiter(delimiter),
			fields: fields === undefined ? undefined : columnFields(fields),
		};
		return { fields: shared, rows: (model) => csvRows(chunks, signatureOf(model).inputs, maxBodyBytes, how) };
	}
	const format = formatOf(contentType, [NDJSON, 'text/csv']);
	const { fields, rows } =
		format === 'json' ? await jsonRows(chunks, maxBodyBytes) : encodedRows(await readBody(stream), format);
	if (fields === undefined) return { fields: fieldsOfQuery(query), rows: () => rows };
	readQuery(query, []);
	return { fields: fieldsOfObject(fields), rows: () => rows };
}

function fieldsOfQuery(query, known = FIELDS) {
	const { outputs, timeoutMs, priority, record, receipt, ...texts } = readQuery(query, known);
	return {
		...texts,
		outputs: outputs?.split(','),
		timeoutMs: numberIn(timeoutMs),
		priority: numberIn(priority),
		record: flagIn(record),
		receipt: flagIn(receipt),
	};
}

const flagIn = (text) => ({ true: true, false: false })[text] ?? text;

/** A parameter that is no number is refused with the field's own message. */
const numberIn = (text) =>
	text === undefined || text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);

function fieldsOfObject(text) {
	// It is checked as the body of a prediction; what that cannot know is checked here.
	PredictRequest.parse(Buffer.from(text));
	const fields = present(JSON.parse(text));
	delete fields.features;
	if ('entityId' in fields) {
		throw new ApiError('INVALID_REQUEST', 'entityId is not accepted here: each row has its own features');
	}
	return fields;
}

const wantsList = (accept = '') => /application\/json\b/i.test(accept) && !accept.includes('ndjson');

async function* written(first, groups, { isList, signal, forget }) {
	let isFirst = true;
	const text = (lines) => {
		if (!isList) return `${lines.join('\n')}\n`;
		const start = isFirst ? '[' : ',\n';
		isFirst = false;
		return start + lines.join(',\n');
	};
	try {
		try {
			if (!first.done) yield text(first.value);
			for await (const lines of groups) yield text(lines);
		} catch (error) {
			// Nobody is there to read it.
			if (signal.aborted) return;
			// The status is sent: the last answer says why there are no more.
			yield text([JSON.stringify(answerOf(error).body)]);
		}
		if (isList) yield isFirst ? '[]\n' : ']\n';
	} finally {
		forget();
		await groups.return();
	}
}
