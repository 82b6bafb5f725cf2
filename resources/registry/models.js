// Models: listing, reading, changing, deleting.
import { acquireLock, quarantineOf } from '../../binding.js';
import { inUploadOrder, STAGES } from '../../library/versions.js';
import { authorizeAttributes, requireVisible, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { readJsonObject } from '../http/body.js';
import { modelChanged, untilSettled } from './record-cache.js';
import { canBeKey, identifier, readQuery, shown } from '../http/query.js';
import { ATTRIBUTES, faultOf, modelAt, modelRecords } from './record.js';
import { signatureOf } from './signature.js';
import { absenceOf } from './transit.js';
import { lostUploads, removeRecord } from './uploads.js';
import { checkBatching } from './batching.js';
import { forget } from './sessions.js';
import { commit } from '../storage/disk.js';
import { patchAfter } from '../storage/after.js';
import { table, tried, versionKey } from '../storage/tables.js';

/** `GET /model/` */
export async function list({ query, user }) {
	readQuery(query, []);
	const isVisible = visibleTo(user, 'Model');
	const models = new Map();
	for await (const record of modelRecords()) {
		const known = models.get(record.modelId);
		if (!known) models.set(record.modelId, { latest: record, versions: 1 });
		else {
			known.versions += 1;
			if (record.uploadedAt > known.latest.uploadedAt) known.latest = record;
		}
	}
	return {
		body: {
			models: [...models.values()].map(({ latest, versions }) => ({
				...pick(latest, ['modelId'], isVisible),
				latestVersion: isVisible('version') ? latest.version : undefined,
				versions,
				...pick(latest, ['framework', 'stage', 'uploadedAt'], isVisible),
			})),
		},
	};
}

/** `GET /model/versions?modelId=` */
export async function versions({ query, user }) {
	const modelId = identifier('modelId', readQuery(query, ['modelId']).modelId);
	const records = await versionsOf(modelId);
	if (records.length === 0) throw new ApiError('MODEL_NOT_FOUND', `there is no model "${modelId}"`);
	const fields = ['version', 'framework', 'stage', 'uploadedAt', 'digest', 'size'];
	const isVisible = visibleTo(user, 'Model');
	const listed = records.map((record) => pick(record, fields, isVisible));
	return { body: { modelId: isVisible('modelId') ? modelId : undefined, versions: listed } };
}

/** `GET /model/:modelId/:version` */
export async function get({ params, query, user }) {
	readQuery(query, []);
	const record = await find(params.modelId, params.version);
	const lost = visibleTo(user, 'Model')('digest') ? await lostUploads(record) : [];
	return { body: { ...describe(record, user), conflict: lost.length > 0 ? lost : undefined } };
}

/** `GET /model/:modelId/:version/file`, of several files the one in `?name=` */
export async function file({ params, query, user }) {
	const { name } = readQuery(query, ['name']);
	requireVisible(user, 'Model', ['files']);
	requireVisible(user, 'ModelFile', ['content']);
	const record = await find(params.modelId, params.version);
	const names = record.files.map((entry) => entry.name);
	const entry =
		name === undefined && record.files.length === 1
			? record.files[0]
			: record.files.find((known) => known.name === name);
	if (!entry) {
		const problem =
			name === undefined ? 'the model has several files, name one with ?name=' : `the model has no file ${shown(name)}`;
		throw new ApiError(
			name === undefined ? 'INVALID_REQUEST' : 'NOT_FOUND',
			`${problem}; its files are ${names.join(', ')}`,
			{ files: names }
		);
	}
	const stored = await table('ModelFile').get(entry.fileId);
	if (!stored) throw await absenceOf(record);
	return {
		stream: stored.content.stream(),
		headers: {
			'content-type': 'application/octet-stream',
			'content-length': String(entry.size),
			'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(entry.name)}`,
			etag: `"${entry.digest}"`,
		},
	};
}

/** `PATCH /model/:modelId/:version` with `{stage?, metadata?}` */
export async function patch({ params, query, stream, user }) {
	readQuery(query, []);
	const change = await readJsonObject(stream, ['stage', 'metadata']);
	const update = {};
	if (change.stage !== undefined) update.stage = stage(change.stage);
	checkBatching(change.metadata);
	if (change.metadata !== undefined) update.metadata = JSON.stringify(change.metadata);
	authorizeAttributes(user, 'Model', 'update', Object.keys(update));
	return alone(params.modelId, async () => {
		const record = await find(params.modelId, params.version);
		await commit(JSON.stringify(update).length, () => patchAfter(table('Model'), record.id, update));
		modelChanged();
		return { body: { ...describe(record, user), ...update } };
	});
}

/** `DELETE /model/:modelId/:version` */
export async function remove({ params, query }) {
	readQuery(query, []);
	const { modelId, version } = params;
	return alone(modelId, async () => {
		const id = versionKey(modelId, version);
		const record = canBeKey(id) ? await table('Model').get(id) : undefined;
		if (!record) throw noVersion(modelId, version);
		// What a record names that no upload wrote is not its own.
		const isSound = faultOf(record) === undefined;
		await deleteRecord(record, isSound);
		modelChanged();
		// It is deleted now, and what is left of it harms nobody until it is swept.
		if (isSound) await tried('what belongs to a deleted model is not removed', () => removeFiles(record));
		return { body: { success: true, modelId, version } };
	});
}

async function deleteRecord(record, isSound) {
	const write = () => removeRecord(record.id);
	try {
		await commit(0, write, 'deletion');
	} catch (error) {
		if (error.code !== 'STORAGE_UNAVAILABLE' || !isSound) throw error;
		// Its unpacked files can be made again; they may take the space that the deletion lacks.
		await forget(record);
		await commit(0, write, 'deletion');
	}
}

/** Removes what belongs to a deleted record, but for what another record names as its own too. */
async function removeFiles(record) {
	await forget(record);
	const others = new Set();
	for await (const { files } of modelRecords()) for (const { fileId } of files) others.add(fileId);
	for (const { fileId } of record.files) {
		if (!others.has(fileId)) await commit(0, () => table('ModelFile').delete(fileId), 'deletion');
	}
}

/** Does something while no other thread of this process changes the model: of two changes at once Harper may lose one. */
async function alone(modelId, change) {
	const lock = await acquireLock(`model:${modelId}`);
	try {
		await untilSettled();
		return await change();
	} finally {
		lock.release();
	}
}

/**
 * The record of a version.
 *
 * @param {string} modelId
 * @param {string} version
 */
export async function find(modelId, version) {
	const record = await modelAt(modelId, version);
	if (!record) throw noVersion(modelId, version);
	return record;
}

const noVersion = (modelId, version) =>
	new ApiError('MODEL_NOT_FOUND', `there is no version ${shown(version)} of a model ${shown(modelId)}`);

/**
 * The version that was uploaded last.
 *
 * @param {string} modelId
 */
export async function latest(modelId) {
	const record = (await versionsOf(modelId)).at(-1);
	if (!record) throw new ApiError('MODEL_NOT_FOUND', `there is no model "${modelId}"`);
	return record;
}

/**
 * All versions in upload order.
 *
 * @param {string} modelId
 * @returns {Promise<object[]>}
 */
export async function versionsOf(modelId) {
	const records = [];
	for await (const record of modelRecords(modelId)) records.push(record);
	return inUploadOrder(records);
}

/**
 * @param {unknown} value
 * @returns {string}
 */
export function stage(value) {
	if (!STAGES.includes(value)) {
		throw new ApiError('INVALID_REQUEST', `stage must be one of ${STAGES.join(', ')}, received ${shown(value)}`);
	}
	return value;
}

/** A record as a user may see it. */
function describe(record, user) {
	const isVisible = visibleTo(user, 'Model');
	const { inputs, outputs } = signatureOf(record);
	const signature = {
		inputs: isVisible('inputSchema') ? inputs : undefined,
		outputs: isVisible('outputSchema') ? outputs : undefined,
	};
	// The only file of a model has its digest and size.
	const describeFile = (entry) =>
		pick(entry, ['name', 'digest', 'size'], (field) => field === 'name' || isVisible(field));
	return {
		// The id is made of both.
		id: isVisible('modelId') && isVisible('version') ? record.id : undefined,
		...pick(record, DESCRIBED, isVisible),
		signature,
		files: isVisible('files') ? record.files.map(describeFile) : undefined,
		quarantine: quarantineOf(record.digest)?.details,
	};
}

const DESCRIBED = ATTRIBUTES.filter((name) => !['id', 'files'].includes(name));

const pick = (record, fields, isVisible) =>
	Object.fromEntries(fields.filter(isVisible).map((field) => [field, record[field]]));
