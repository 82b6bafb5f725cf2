// The rows to train a model with: its predictions with what really happened, the newest first, in memory that does not grow with them.
import { setImmediate as turn } from 'node:timers/promises';
import { ApiError } from '../../errors.js';
import { requireVisible, visibleTo } from '../../http/access.js';
import { identifier, moment, readFlag, shown } from '../../http/query.js';
import { versionsOf } from '../../registry/models.js';
import { modelAt } from '../../registry/record.js';
import { signatureOf } from '../../registry/signature.js';
import { byteLength, eventsOf } from '../events.js';
import { isEventId } from '../record.js';
import { rowsOf } from './event-rows.js';
import { FORMATS } from './formats.js';

/** What rows are asked for by. */
export const TRAINING_FIELDS = ['modelId', 'version', 'from', 'to', 'labelled', 'format', 'cursor'];

/** Events that are read at once: no read of the database is open while a caller is slow. */
const EVENTS_AT_ONCE = 256;
const BYTES_AT_ONCE = 1 << 20;
/** Characters that are handed on at once. */
const CHUNK_LENGTH = 1 << 16;

/**
 * @param {Record<string, string | undefined>} given of {@link TRAINING_FIELDS}
 * @param {object | undefined} user Harper's user
 * @param {AbortSignal} signal what ends it
 * @returns {Promise<{type: string, chunks: AsyncGenerator<string | Buffer>}>} rejects with what is wrong with the request
 */
export async function trainingData({ format: givenFormat = 'ndjson', labelled, cursor, ...given }, user, signal) {
	if (!Object.hasOwn(FORMATS, givenFormat)) {
		const names = Object.keys(FORMATS).join(', ');
		throw new ApiError('INVALID_REQUEST', `format must be one of ${names}, received ${shown(givenFormat)}`);
	}
	const filter = readFilter(given, user);
	const isLabelled = readFlag('labelled', labelled, undefined);
	if (isLabelled !== undefined) requireVisible(user, 'InferenceEvent', ['actualOutcome']);
	const after = readCursor(cursor);
	const { type, isTable, writer } = FORMATS[givenFormat];
	const signature = isTable ? await signatureFor(filter) : undefined;
	const made = await writer(visibleTo(user, 'InferenceEvent'), signature);
	const isWanted = ({ groundTruth }) => isLabelled === undefined || (groundTruth !== undefined) === isLabelled;
	const rows = rowsAfter(after, (range) => eventsOf({ ...filter, ...range }), new Signatures());
	return { type, chunks: chunksOf(rows, isWanted, made, signal) };
}

function readFilter({ modelId, version, from, to }, user) {
	const filter = {
		modelId: identifier('modelId', modelId),
		version: version === undefined ? undefined : identifier('version', version),
		startTime: moment('from', from),
		endTime: moment('to', to),
	};
	if (filter.startTime > filter.endTime) throw new ApiError('INVALID_REQUEST', 'from must not be after to');
	const isOfTime = filter.startTime !== undefined || filter.endTime !== undefined;
	const asked = [...(version === undefined ? [] : ['modelVersion']), ...(isOfTime ? ['timestamp'] : [])];
	requireVisible(user, 'InferenceEvent', ['modelId', ...asked]);
	return filter;
}

/** The event and the row of a cursor, which is the id of a row. */
function readCursor(cursor) {
	if (cursor === undefined) return undefined;
	const [id, row, ...more] = cursor.split(':');
	if (!isEventId(id) || more.length > 0 || !/^\d{1,9}$/.test(row ?? '0')) {
		throw new ApiError('INVALID_REQUEST', `cursor must be the id of a row, received ${shown(cursor)}`);
	}
	return { id, row: row === undefined ? undefined : Number(row) };
}

/** What a table has as its columns: those of the version, or of the one that was uploaded last. */
async function signatureFor({ modelId, version }) {
	const record = version === undefined ? (await versionsOf(modelId)).at(-1) : await modelAt(modelId, version);
	if (record) return signatureOf(record);
	const what = version === undefined ? 'model' : `version ${shown(version)} of a model`;
	throw new ApiError(
		'MODEL_NOT_FOUND',
		`a table has the columns of a version, and there is no ${what} ${shown(modelId)}; ndjson needs none`
	);
}

/** Signatures of what made events, as long as it is there with the same bytes. */
class Signatures {
	#known = new Map();

	async of({ modelId, modelVersion, digest }) {
		const key = `${modelVersion}|${digest}`;
		if (!this.#known.has(key)) {
			const record = await modelAt(modelId, modelVersion);
			const isSame = record !== undefined && record.digest === digest;
			this.#known.set(key, isSame ? signatureOf(record) : undefined);
		}
		return this.#known.get(key);
	}
}

/**
 * The rows of events, the newest first.
 *
 * @param {{id: string, row?: number} | undefined} after the row before the first one
 * @param {(range: {id?: string, before?: string}) => AsyncIterable<object>} read
 * @param {{of: (event: object) => Promise<object | undefined>}} signatures
 * @returns {AsyncGenerator<import('./event-rows.js').Row[]>} those of some events at once
 */
export async function* rowsAfter(after, read, signatures) {
	if (after?.row !== undefined) {
		for await (const event of read({ id: after.id })) {
			yield rowsOf(event, await signatures.of(event)).slice(after.row + 1);
		}
	}
	let before = after?.id;
	for (;;) {
		const events = [];
		let bytes = 0;
		for await (const event of read({ before })) {
			events.push(event);
			bytes += byteLength([event]);
			if (events.length === EVENTS_AT_ONCE || bytes >= BYTES_AT_ONCE) break;
		}
		if (events.length === 0) return;
		before = events.at(-1).id;
		// Where few rows are wanted, other requests get their turn.
		await turn();
		for (const event of events) yield rowsOf(event, await signatures.of(event));
	}
}

/**
 * Rows as they are written, in pieces of a bounded size; further ones are read when the caller has taken these.
 *
 * @param {AsyncIterable<import('./event-rows.js').Row[]>} rows
 * @param {(row: import('./event-rows.js').Row) => boolean} isWanted
 * @param {import('./formats.js').Writer} writer
 * @param {AbortSignal} signal
 */
export async function* chunksOf(rows, isWanted, writer, signal) {
	let failure = '';
	try {
		for await (const some of rows) {
			if (signal.aborted) return;
			for (const row of some) {
				if (isWanted(row)) writer.take(row);
				if (writer.size >= CHUNK_LENGTH) yield writer.taken();
			}
		}
	} catch (error) {
		if (signal.aborted) return;
		// A table has no place for it: its caller sees the connection break.
		if (!writer.failed) throw error;
		failure = writer.failed(error);
	}
	const last = writer.end();
	if (last.length > 0) yield last;
	if (failure !== '') yield failure;
}
