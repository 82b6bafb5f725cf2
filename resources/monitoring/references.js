// References: profiles that predictions are compared with, of training data or of predictions of some time.
import { Profile, ReferenceReader } from '../../binding.js';
import { authorize, authorizeAttributes, requireVisible, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { bodyChunks, mediaType } from '../http/body.js';
import { limited } from '../http/limited.js';
import { identifier, shown } from '../http/query.js';
import { options } from '../options.js';
import { find } from '../registry/models.js';
import { isDigest, modelAt } from '../registry/record.js';
import { deleteAfter, putAfter } from '../storage/after.js';
import { commit } from '../storage/disk.js';
import { table } from '../storage/tables.js';
import { storeEstimator } from './estimators.js';
import { makerOf } from './feedback.js';
import { FIRST, firstOf, firstRowsOf } from './first-rows.js';
import { isShownTo, mergedProfiles, readProfileFilter } from './profiles.js';

/** What a reference is made by. */
export const REFERENCE_FIELDS = ['modelId', 'version', 'name', 'format', 'delimiter', 'label', 'from', 'to'];
/** Of one version. */
const MAX_REFERENCES = 100;
/** Of a thread at once: each has threads of its own. */
const MAX_UPLOADS = 4;
/** Chunks of a body are gathered to so many bytes: each time the reading thread is woken. */
const GATHERED_BYTES = 256 << 10;
/** Of the name of a column of labels. */
const MAX_LABEL_LENGTH = 1024;
const DELIMITERS = { comma: ',', semicolon: ';', tab: '\t', pipe: '|', '\\t': '\t' };
/** What a body may be, and its media types. */
export const FORMATS = {
	csv: /^text\/csv$/,
	ndjson: /^application\/(x-)?(ndjson|jsonl|jsonlines|json-lines)$/,
	json: /^application\/json$/,
};

const idOf = ({ modelId, version, name }) => [modelId, version, name].join('|');

/** Which reference is meant. */
const readKey = (given) => ({
	modelId: identifier('modelId', given.modelId),
	version: identifier('version', given.version),
	name: identifier('name', given.name),
});

/** The same of one that is to be written: the first predictions are nobody's to write. */
function readNewKey(given) {
	const key = readKey(given);
	if (key.name !== FIRST) return key;
	throw new ApiError('INVALID_REQUEST', `name must not be ${FIRST}: that is what the first predictions are called`);
}

/**
 * Throws unless a caller may write references: they are kept with a version as its metadata is.
 *
 * @param {object | undefined} user Harper's user
 */
const authorizeWriting = (user) => authorizeAttributes(user, 'Model', 'update', ['metadata']);

/**
 * Makes a reference of training data.
 *
 * @param {Record<string, string>} given of {@link REFERENCE_FIELDS}
 * @param {import('node:http').IncomingMessage} stream whose body is the data
 * @param {object | undefined} user Harper's user
 */
export const uploadReference = limited(MAX_UPLOADS, async (given, stream, user) => {
	const key = readNewKey(given);
	const { label } = given;
	if (label !== undefined && (label === '' || label.length > MAX_LABEL_LENGTH)) {
		throw new ApiError('INVALID_REQUEST', `label must be the name of a column, received ${shown(label)}`);
	}
	const delimiter = readDelimiter(given.delimiter);
	const format = readFormat(given.format, stream.headers);
	authorizeWriting(user);
	// What is wrong with the data is told by the names of its columns.
	requireVisible(user, 'Model', ['inputSchema', 'outputSchema']);
	const { digest, inputSchema, outputSchema } = await find(key.modelId, key.version);
	const maker = await makerOf({ modelId: key.modelId, modelVersion: key.version, digest });
	await requireRoom(key);
	const maxColumns = options().profileColumns;
	const how = { maxColumns, format, delimiter, label, estimate: true, classNames: maker?.labels };
	const reader = new ReferenceReader({ inputSchema, outputSchema, ...how });
	try {
		let reading;
		for await (const bytes of gathered(bodyChunks(stream))) {
			await reading;
			reading = reader.push(bytes);
			// Whoever waits for it is told, if the body does not end before.
			reading.catch(() => {});
		}
		await reading;
		const { profile, contents, estimator: fitted } = await reader.finish();
		const { ignored, leftOut, estimator, ...rest } = contents;
		const reference = { ...key, digest, source: 'upload', ...rest };
		await store({ ...reference, createdAt: Date.now() }, profile);
		if (fitted) await storeEstimator({ modelId: key.modelId, version: key.version, digest, estimator: fitted });
		return { ...reference, ignored, leftOut: leftOut > 0 ? leftOut : undefined, estimator };
	} finally {
		reader.close();
	}
});

/** Chunks as a few long ones. */
async function* gathered(chunks) {
	let waiting = [];
	let size = 0;
	for await (const chunk of chunks) {
		waiting.push(chunk);
		size += chunk.length;
		if (size < GATHERED_BYTES) continue;
		yield Buffer.concat(waiting);
		[waiting, size] = [[], 0];
	}
	if (size > 0) yield Buffer.concat(waiting);
}

function readFormat(given, headers) {
	if (given !== undefined) {
		if (Object.hasOwn(FORMATS, given)) return given;
		const names = Object.keys(FORMATS).join(', ');
		throw new ApiError('INVALID_REQUEST', `format must be one of ${names}, received ${shown(given)}`);
	}
	const type = mediaType(headers);
	const format = Object.keys(FORMATS).find((name) => FORMATS[name].test(type));
	if (format) return format;
	throw new ApiError(
		'UNSUPPORTED_MEDIA_TYPE',
		`say format=csv, ndjson or json, or send Content-Type: text/csv, application/x-ndjson or application/json, received ${shown(type || 'none')}`
	);
}

function readDelimiter(given = 'comma') {
	const delimiter = Object.hasOwn(DELIMITERS, given) ? DELIMITERS[given] : given;
	if (/^[\t\u0020-\u007e]$/.test(delimiter) && delimiter !== '"') return delimiter;
	const names = Object.keys(DELIMITERS).join(', ');
	throw new ApiError(
		'INVALID_REQUEST',
		`delimiter must be one character of ASCII, or one of ${names}, received ${shown(given)}`
	);
}

/**
 * Makes a reference of predictions of some time: of its hours, those at its ends included.
 *
 * @param {Record<string, string>} given of {@link REFERENCE_FIELDS}
 * @param {import('node:http').IncomingMessage} stream which has no body
 * @param {object | undefined} user Harper's user
 */
export async function referenceFrom({ from, to, ...given }, stream, user) {
	const key = readNewKey(given);
	const ofBody = ['format', 'delimiter', 'label'].find((name) => given[name] !== undefined);
	if (ofBody !== undefined) {
		throw new ApiError('INVALID_REQUEST', `${ofBody} says how a body is read; from and to take none`);
	}
	const { 'content-length': length = '0', 'transfer-encoding': encoding } = stream.headers;
	if (length !== '0' || encoding !== undefined) {
		throw new ApiError('INVALID_REQUEST', 'from and to make a reference of predictions; they take no body');
	}
	authorizeWriting(user);
	authorize(user, { InferenceEvent: ['read'] });
	const filter = readProfileFilter({ modelId: key.modelId, version: key.version, from, to }, user);
	const { digest } = await find(key.modelId, key.version);
	await requireRoom(key);
	const { bytes, described } = await mergedProfiles('reference', { ...filter, digest });
	const profile = new Profile();
	profile.merge(bytes);
	const { columns, rows } = JSON.parse(profile.contents());
	const times = { from: described.from, to: described.to };
	const reference = { ...key, digest, source: 'predictions', ...times, rows, columns };
	await store({ ...reference, createdAt: Date.now() }, bytes);
	return { ...reference, columns: columns.filter(isShownTo(user)) };
}

/** Throws when a version has as many references as it may; one that is replaced needs no room. */
async function requireRoom({ modelId, version, name }) {
	let others = 0;
	for await (const record of rowsOf(modelId, version)) {
		if (record.name !== name && record.name !== FIRST) others += 1;
	}
	if (others < MAX_REFERENCES) return;
	throw new ApiError('INVALID_REQUEST', `a version may have at most ${MAX_REFERENCES} references; delete some first`);
}

async function store(reference, profile) {
	const record = { id: idOf(reference), ...reference, profile };
	await commit(profile.length, () => putAfter(table('Reference'), record));
}

/** The references of a model, or of one of its versions, without their profiles. */
function rowsOf(modelId, version) {
	const prefix = version === undefined ? `${modelId}|` : `${modelId}|${version}|`;
	// "~" sorts after every character of an identifier.
	const conditions = [{ attribute: 'id', comparator: 'between', value: [prefix, `${prefix}~`] }];
	return table('Reference').search({ conditions });
}

const isText = (value) => typeof value === 'string';

/** Whether a row is one that this component wrote; a role may write to the table itself. */
const isSound = (record) =>
	isText(record.modelId) &&
	isText(record.version) &&
	isText(record.name) &&
	(record.id === idOf(record) || record.id.startsWith(`${idOf({ ...record, name: FIRST })}|`)) &&
	isDigest(record.digest) &&
	Number.isSafeInteger(record.rows) &&
	Array.isArray(record.columns) &&
	record.columns.every((column) => isText(column?.name)) &&
	record.profile instanceof Uint8Array;

/** What there is of each reference. */
export async function referencesOf(given, user) {
	const modelId = identifier('modelId', given.modelId);
	const version = given.version === undefined ? undefined : identifier('version', given.version);
	requireVisible(user, 'InferenceEvent', ['modelId', 'modelVersion']);
	const isVisible = visibleTo(user, 'InferenceEvent');
	const references = [];
	for await (const record of rowsOf(modelId, version)) {
		if (!isSound(record)) continue;
		const { name, source, digest, rows, createdAt, from, to, columns, labels } = record;
		references.push({
			...{ version: record.version, name, source, digest: isVisible('digest') ? digest : undefined },
			...{ rows, createdAt, ...(isVisible('timestamp') && from != null ? { from, to } : {}) },
			columns: columns.filter(isShownTo(user)),
			labels: (isVisible('actualOutcome') ? labels : undefined) ?? undefined,
		});
	}
	return { modelId, references };
}

/** Removes a reference. */
export async function deleteReference(given, user) {
	const key = readKey(given);
	authorizeWriting(user);
	const references = table('Reference');
	const found = key.name === FIRST ? await firstRowsOf(key.modelId, key.version) : [await references.get(idOf(key))];
	const rows = found.filter(Boolean);
	if (rows.length === 0) throw noReference(key);
	for (const { id } of rows) await commit(0, () => deleteAfter(references, id), 'deletion');
	return { success: true, ...key };
}

const noReference = ({ modelId, version, name }) =>
	new ApiError('NOT_FOUND', `version ${shown(version)} of model ${shown(modelId)} has no reference ${shown(name)}`);

/**
 * A stored reference.
 *
 * @param {{modelId: string, version: string, name: string}} key
 * @returns {Promise<object>} its record; rejects with NOT_FOUND, and INVALID_REQUEST while there are too few first predictions
 */
export async function readReference(key) {
	if (key.name === FIRST) return firstReference(key);
	const record = await table('Reference').get(idOf(key));
	if (!record || !isSound(record)) throw noReference(key);
	return record;
}

async function firstReference(key) {
	const model = await modelAt(key.modelId, key.version);
	const found = await firstOf(key.modelId, key.version, model?.digest);
	if (found?.isComplete) return { ...key, source: 'predictions', ...found };
	const { referenceRows } = options();
	if (referenceRows === 0) throw noReference(key);
	throw new ApiError(
		'INVALID_REQUEST',
		`the reference is the first predictions of version ${shown(key.version)}, and ${found?.rows ?? 0} of ${referenceRows} rows are stored yet (option referenceRows); or name one: reference, referenceVersion, referenceFrom or referenceTo`
	);
}
