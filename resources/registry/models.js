// Models: listing, reading, changing, deleting. What is answered has only what the caller may see.
import { acquireLock, meantFiles, quarantineOf } from '../../binding.js';
import { inUploadOrder, STAGES } from '../../library/versions.js';
import { authorizeAttributes, requireVisible, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { etagOf, requireMatch } from '../http/conditional.js';
import { modelChanged, untilSettled } from './record-cache.js';
import { canBeKey, identifier, shown } from '../http/query.js';
import { ATTRIBUTES, faultOf, modelAt, modelRecords } from './record.js';
import { signatureOf } from './signature.js';
import { absenceOf } from './transit.js';
import { lostUploads, removeRecord } from './uploads.js';
import { checkMetadata } from './metadata.js';
import { forget } from './sessions.js';
import { commit } from '../storage/disk.js';
import { patchAfter } from '../storage/after.js';
import { table, tried, versionKey } from '../storage/tables.js';

/**
 * @param {object | undefined} user Harper's user
 */
export async function listModels(user) {
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
		models: [...models.values()].map(({ latest, versions }) => ({
			...pick(latest, ['modelId'], isVisible),
			latestVersion: isVisible('version') ? latest.version : undefined,
			versions,
			...pick(latest, ['framework', 'stage', 'uploadedAt'], isVisible),
		})),
	};
}

/**
 * The names of all models, for the protocols.
 *
 * @param {object | undefined} user Harper's user
 * @returns {Promise<string[]>}
 */
export async function modelNames(user) {
	requireVisible(user, 'Model', ['modelId']);
	const names = new Set();
	for await (const { modelId } of modelRecords()) names.add(modelId);
	return [...names].sort();
}

/**
 * The versions of a model in upload order.
 *
 * @param {{modelId?: unknown}} given
 * @param {object | undefined} user Harper's user
 */
export async function listVersions(given, user) {
	const modelId = identifier('modelId', given.modelId);
	const records = await versionsOf(modelId);
	if (records.length === 0) throw new ApiError('MODEL_NOT_FOUND', `there is no model "${modelId}"`);
	const fields = ['version', 'framework', 'stage', 'uploadedAt', 'digest', 'size'];
	const isVisible = visibleTo(user, 'Model');
	const listed = records.map((record) => pick(record, fields, isVisible));
	return { modelId: isVisible('modelId') ? modelId : undefined, versions: listed };
}

/**
 * @param {{modelId: string, version: string}} name
 * @param {object | undefined} user Harper's user
 */
export async function readModel({ modelId, version }, user) {
	return viewOf(await find(modelId, version), user);
}

/** What `GET` answers of a record. */
async function viewOf(record, user) {
	const lost = visibleTo(user, 'Model')('digest') ? await lostUploads(record) : [];
	return { ...describe(record, user), conflict: lost.length > 0 ? lost : undefined };
}

/**
 * The bytes of a model's file, and what its record says of it.
 *
 * @param {{modelId: string, version: string, name?: string}} given a name only where there are several files
 * @param {object | undefined} user Harper's user
 * @returns {Promise<{entry: {name: string, digest: string, size: number}, content: object}>} `content` is Harper's blob
 */
export async function readFile({ modelId, version, name }, user) {
	requireVisible(user, 'Model', ['files']);
	requireVisible(user, 'ModelFile', ['content']);
	const record = await find(modelId, version);
	const entry = entryOf(record.files, name);
	const stored = await table('ModelFile').get(entry.fileId);
	if (!stored) throw await absenceOf(record);
	return { entry, content: stored.content };
}

/** The file that a name means: its own, or one that shards are found by. Any, where there is one and none is named. */
function entryOf(files, name) {
	if (name === undefined && files.length === 1) return files[0];
	const names = files.map((entry) => entry.name);
	const refuse = (code, problem) => {
		throw new ApiError(code, `${problem}; its files are ${names.join(', ')}`, { files: names });
	};
	if (name === undefined) refuse('INVALID_REQUEST', 'the model has several files, name one with ?name=');
	const found = files.find((entry) => entry.name === name);
	if (found) return found;
	const [first, ...others] = meantFiles(names, name).map((at) => files[at]);
	if (!first) refuse('NOT_FOUND', `the model has no file ${shown(name)}`);
	if (others.some(({ digest }) => digest !== first.digest)) {
		refuse('INVALID_REQUEST', `the model has several files that ${shown(name)} may mean`);
	}
	return first;
}

/** What of a model may change. */
export const CHANGEABLE = ['stage', 'metadata'];

/**
 * @param {{modelId: string, version: string}} name
 * @param {{stage?: unknown, metadata?: any, metadataText?: string}} change the metadata as a value, or as JSON text, of which no digit
 *   is lost
 * @param {object | undefined} user Harper's user
 * @param {string} [ifMatch] the ETags of what may be changed
 */
export async function changeModel({ modelId, version }, change, user, ifMatch) {
	const update = {};
	if (change.stage !== undefined) update.stage = stage(change.stage);
	const { metadataText = JSON.stringify(change.metadata) } = change;
	if (metadataText !== undefined) {
		checkMetadata(JSON.parse(metadataText));
		update.metadata = metadataText;
	}
	authorizeAttributes(user, 'Model', 'update', Object.keys(update));
	return alone(modelId, async () => {
		const record = await find(modelId, version);
		const view = await viewOf(record, user);
		await requireMatch(ifMatch, () => etagOf(view));
		await commit(JSON.stringify(update).length, () => patchAfter(table('Model'), record.id, update));
		modelChanged();
		return { ...view, ...update };
	});
}

/**
 * @param {{modelId: string, version: string}} name
 * @param {object | undefined} user Harper's user
 * @param {string} [ifMatch] the ETags of what may be deleted
 */
export async function removeModel({ modelId, version }, user, ifMatch) {
	return alone(modelId, async () => {
		const id = versionKey(modelId, version);
		const record = canBeKey(id) ? await table('Model').get(id) : undefined;
		if (!record) throw noVersion(modelId, version);
		await requireMatch(ifMatch, async () => etagOf(await readModel({ modelId, version }, user)));
		// What a record names that no upload wrote is not its own.
		const isSound = faultOf(record) === undefined;
		await deleteRecord(record, isSound);
		modelChanged();
		// It is deleted now, and what is left of it harms nobody until it is swept.
		if (isSound) await tried('what belongs to a deleted model is not removed', () => removeFiles(record));
		return { success: true, modelId, version };
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
