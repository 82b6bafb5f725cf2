// An upload, wherever its files come from: they are brought to disk, checked there, and only then stored.
import { createReadStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { pipeline as connect, Transform } from 'node:stream';
import { acquireLock, createId, digestModel, inspectModel, processId } from '../../binding.js';
import { conflictWith, uploadTimeAfter } from '../../library/versions.js';
import { authorizeAttributes, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { storedBlob } from '../harper.js';
import { readJson } from '../http/json.js';
import { discarded } from '../http/minor-gc.js';
import { modelChanged, untilSettled } from './record-cache.js';
import { stage, versionsOf } from './models.js';
import { identifier } from '../http/query.js';
import { ATTRIBUTES, modelAt } from './record.js';
import { ReceivedFiles } from './received.js';
import { UploadProgress } from './upload-progress.js';
import { storeRecord } from './uploads.js';
import { checkMetadata } from './metadata.js';
import { adopt, unfinished } from './sessions.js';
import { blobSpace, cacheSpace, commit, storageError } from '../storage/disk.js';
import { changing } from '../storage/after.js';
import { nodeName, table, tried, versionKey } from '../storage/tables.js';

/** What may be said of an upload, beside its files. */
export const FIELDS = [
	'modelId',
	'version',
	'framework',
	'inputSchema',
	'outputSchema',
	'metadata',
	'stage',
	'uploadId',
	'retrainingRequest',
];

/**
 * @typedef {object} Answers What is above this room: requests for retraining, which an upload may answer.
 * @property {(request: unknown, upload: {modelId?: string, version?: string}, user: object) => Promise<void>} check refuses an upload that
 *   cannot
 * @property {(request: unknown, upload: {modelId: string, version: string}, user: object,
 *   store: (also?: import('./uploads.js').Also) => Promise<any>) => Promise<any>} answering
 */

let inForce;

/** Has uploads of applications answered, too; what they import knows nothing of the routes that this does. */
export const answerWith = (answers) => {
	inForce = answers;
};

/** @returns {Answers} */
export const answersInForce = () => inForce;

/** The attributes that every upload writes. The id is a key, and the metadata are asked for apart. */
const WRITTEN = ATTRIBUTES.filter((name) => !['id', 'metadata'].includes(name));

/**
 * Receives a model, and registers it.
 *
 * @param {object | undefined} user Harper's user
 * @param {(received: ReceivedFiles, progress: UploadProgress, check: (fields: object) => Promise<void>) => Promise<object>} receiveInto
 *   brings the files, and resolves to the fields, of which the schemas and the metadata are JSON text; `check` refuses by those that are
 *   known before the files
 * @param {Answers} answers
 * @returns {Promise<{created: boolean, body: object}>} false where the version is there with the same bytes
 */
export async function takeUpload(user, receiveInto, answers) {
	authorizeAttributes(user, 'Model', 'insert', WRITTEN);
	const progress = new UploadProgress(user);
	try {
		const taken = await receiveAndRegister({ user, answers }, receiveInto, progress);
		await progress.end();
		return taken;
	} catch (error) {
		if (!visibleTo(user, 'Model')('digest')) delete error.details?.digest;
		const said = storageError(error);
		await progress.end(said);
		throw said;
	}
}

async function receiveAndRegister(by, receiveInto, progress) {
	const { user, answers } = by;
	const check = async ({ retrainingRequest, ...upload }) => {
		if (retrainingRequest) await answers.check(retrainingRequest, upload, user);
	};
	const directory = unfinished('upload');
	const space = { cache: cacheSpace(0), blobs: blobSpace(0) };
	try {
		await mkdir(directory, { recursive: true });
		const received = new ReceivedFiles(directory, space);
		const fields = await receiveInto(received, progress, check);
		const files = await received.numbered();
		// What else is written there asks by itself.
		space.cache.release();
		const model = readFields(fields);
		if (model.metadata !== undefined) authorizeAttributes(user, 'Model', 'insert', ['metadata']);
		await check(model);
		const { record, created, warnings } = await registerAlone(model, files, directory, space.blobs, { progress, by });
		return { created, body: { ...answer(record, user), warnings } };
	} finally {
		space.cache.release();
		space.blobs.release();
		await tried('the folder of an upload is not removed', () => rm(directory, { recursive: true, force: true }));
	}
}

/** Of several uploads of one version at once the later ones find it registered, and store nothing that would be removed. */
async function registerAlone(fields, ...files) {
	const lock = await acquireLock(`upload:${versionKey(fields.modelId, fields.version)}`);
	try {
		return await register(fields, ...files);
	} finally {
		lock.release();
	}
}

/**
 * Registers the files in `directory` as a model.
 *
 * @param {object} fields modelId, version and what else was stated
 * @param {{name: string, path: string}[]} files numbered as `fileNames` says
 * @param {string} directory
 * @param {object} space for the blobs
 * @param {{progress: UploadProgress, by: {user: object, answers: Answers}}} how
 * @returns {Promise<{record: object, created: boolean, warnings?: string[]}>} `warnings` where something is doubtful
 */
async function register(fields, files, directory, space, { progress, by }) {
	const id = versionKey(fields.modelId, fields.version);
	progress.enter('checking');
	const digest = await digestModel(files);
	await untilSettled();
	const existing = await modelAt(fields.modelId, fields.version);
	if (existing) return { record: await again(existing, digest, fields, by), created: false };

	const { framework, inputSchema, outputSchema } = fields;
	progress.enter('trying');
	const inspected = await inspectModel(files, { framework, inputSchema, outputSchema, digest, cacheFolder: directory });
	const stored = [];
	let record;
	try {
		progress.enter('storing');
		await store(inspected.files, files, { space, progress }, stored);
		const lock = await acquireLock(`model:${fields.modelId}`);
		try {
			await untilSettled();
			const winner = await modelAt(fields.modelId, fields.version);
			if (winner) return { record: await again(winner, digest, fields, by), created: false };
			record = await create(fields, inspected, { stored, directory, by });
			const { warnings } = inspected;
			return { record, created: true, warnings: warnings.length > 0 ? warnings : undefined };
		} finally {
			lock.release();
		}
	} finally {
		if (!record) await tried('the bytes of an upload are not removed', () => discard(id, stored));
	}
}

/** Puts the record; from then on the model is there, and nothing may fail. */
async function create(fields, inspected, { stored, directory, by }) {
	const { modelId, version, metadata, retrainingRequest } = fields;
	const { framework, engine, inputSchema, outputSchema, labels, digest, size } = inspected;
	const last = (await versionsOf(modelId)).at(-1);
	const record = {
		id: versionKey(modelId, version),
		modelId,
		version,
		framework,
		engine,
		stage: fields.stage,
		inputSchema,
		outputSchema,
		metadata,
		labels,
		uploadedAt: uploadTimeAfter(last),
		digest,
		size,
		files: stored,
	};
	try {
		await answering(retrainingRequest, record, by, (also) =>
			commit(JSON.stringify(record).length + (also?.size ?? 0), () => storeRecord(record, also))
		);
	} catch (error) {
		if (!(await isRegistered(record.id, stored))) throw error;
	}
	modelChanged();
	await tried('the files of an upload are not kept', () => adopt(directory, digest));
	return record;
}

/** Stores something, and that it answers a request for retraining when it does. */
const answering = (request, { modelId, version }, { user, answers }, store) =>
	request ? answers.answering(request, { modelId, version }, user, store) : store();

/** The same bytes again may still be an answer. */
async function again(existing, digest, { retrainingRequest }, by) {
	const record = same(existing, digest);
	await answering(retrainingRequest, record, by, async (also) => {
		if (also) await commit(also.size, () => changing([also.record], also.write));
	});
	return record;
}

function same(existing, digest) {
	const conflict = conflictWith(existing, digest);
	if (conflict) throw new ApiError(conflict.code, conflict.message, conflict.details);
	return existing;
}

/** Stores the bytes of each file, and adds to `stored` what a record says of it before it is stored. */
async function store(digests, files, { space, progress }, stored) {
	for (const [at, { name, digest, size }] of digests.entries()) {
		const fileId = createId();
		stored.push({ name, digest, size, fileId });
		const counting = new Transform({
			transform(chunk, _encoding, done) {
				discarded(chunk.length);
				space.written(chunk.length);
				progress.stored(chunk.length);
				done(null, chunk);
			},
		});
		// An error of the file goes on to the blob, and the put tells of it.
		const bytes = connect(createReadStream(files[at].path), counting, () => {});
		const content = storedBlob(bytes);
		const origin = { node: nodeName(), process: processId() };
		await commit(0, () => table('ModelFile').put({ id: fileId, content, ...origin }));
	}
}

/** Whether a record names the bytes that were stored for it. */
async function isRegistered(id, stored) {
	modelChanged();
	await untilSettled();
	const record = await table('Model').get(id);
	return record?.files.some(({ fileId }) => stored.some((file) => file.fileId === fileId)) ?? false;
}

/** Removes stored bytes, unless a commit that was told to have failed is on the disk all the same. */
async function discard(id, stored) {
	if (await isRegistered(id, stored)) return;
	for (const { fileId } of stored) await commit(0, () => table('ModelFile').delete(fileId), 'deletion');
}

function answer(record, user) {
	const isVisible = visibleTo(user, 'Model');
	const { modelId, version, id } = record;
	const fields = ['uploadedAt', 'framework', 'digest', 'size'].filter(isVisible);
	// The names are the caller's own.
	return { success: true, modelId, version, id, ...Object.fromEntries(fields.map((field) => [field, record[field]])) };
}

function readFields(fields) {
	return {
		modelId: identifier('modelId', fields.modelId),
		version: identifier('version', fields.version),
		framework: fields.framework || undefined,
		inputSchema: jsonText('inputSchema', fields.inputSchema),
		outputSchema: jsonText('outputSchema', fields.outputSchema),
		metadata: jsonText('metadata', fields.metadata),
		stage: stage(fields.stage || 'development'),
		retrainingRequest: fields.retrainingRequest || undefined,
	};
}

function jsonText(name, text) {
	if (!text) return undefined;
	let value;
	try {
		value = readJson(Buffer.from(text));
	} catch (error) {
		throw new ApiError('INVALID_REQUEST', `${name} must be JSON text: ${error.message.replace(/^the body/, 'it')}`);
	}
	if (value === null) return undefined;
	if (name === 'metadata') checkMetadata(value);
	return text;
}
