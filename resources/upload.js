// POST /model/upload: multipart parts are streamed to disk, checked there, and only then stored.
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline as connect, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import busboy from 'busboy';
import { acquireLock, createId, digestModel, inspectModel, processId } from '../binding.js';
import { authorizeAttributes, visibleTo } from './access.js';
import { ApiError, STATUS_OF } from './errors.js';
import { bodyChunks, readJson } from './http/body.js';
import { discarded } from './garbage.js';
import { modelChanged, untilSettled } from './known-models.js';
import { stage, versionsOf } from './models.js';
import { options } from './options.js';
import { identifier, shown, unknownName } from './query.js';
import { modelAt } from './registry/record.js';
import { storeRecord } from './registry/uploads.js';
import { checkBatching } from './serving/batching.js';
import { adopt, fileNames, unfinished } from './sessions.js';
import { blobSpace, cacheSpace, commit, storageError } from './storage/disk.js';
import { nodeName, table, tried, versionKey } from './store.js';

const FIELDS = ['modelId', 'version', 'framework', 'inputSchema', 'outputSchema', 'metadata', 'stage'];
/** Parts that are files: `file`, and what `tf.LayersModel.save(url)` sends. */
const FILE_PARTS = ['file', 'model.json', 'model.weights.bin'];
/** The attributes that every upload writes. */
const WRITTEN = [
	'modelId',
	'version',
	'framework',
	'engine',
	'stage',
	'inputSchema',
	'outputSchema',
	'labels',
	'uploadedAt',
	'digest',
	'size',
	'files',
];
const MAX_FIELD_BYTES = 1 << 20;
const MAX_FILES = 1000;
const MAX_NAME_LENGTH = 1024;
// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

/** `POST /model/upload` */
export async function upload({ query, request, stream, user }) {
	authorizeAttributes(user, 'Model', 'insert', WRITTEN);
	const directory = unfinished('upload');
	const space = { cache: cacheSpace(0), blobs: blobSpace(0) };
	try {
		await mkdir(directory, { recursive: true });
		const { fields, files } = await receive(query, request, stream, directory, space);
		// What else is written there asks by itself.
		space.cache.release();
		const model = readFields(fields);
		if (model.metadata !== undefined) authorizeAttributes(user, 'Model', 'insert', ['metadata']);
		const { record, created } = await registerAlone(model, files, directory, space.blobs);
		return { status: created ? 201 : 200, body: answer(record, user) };
	} catch (error) {
		if (!visibleTo(user, 'Model')('digest')) delete error.details?.digest;
		throw storageError(error);
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
 * @returns {Promise<{record: object, created: boolean}>}
 */
async function register(fields, files, directory, space) {
	const id = versionKey(fields.modelId, fields.version);
	const digest = await digestModel(files);
	await untilSettled();
	const existing = await modelAt(fields.modelId, fields.version);
	if (existing) return { record: same(existing, digest), created: false };

	const { framework, inputSchema, outputSchema } = fields;
	const inspected = await inspectModel(files, { framework, inputSchema, outputSchema, digest, cacheFolder: directory });
	const stored = [];
	let record;
	try {
		await store(inspected.files, files, space, stored);
		const lock = await acquireLock(`model:${fields.modelId}`);
		try {
			await untilSettled();
			const winner = await modelAt(fields.modelId, fields.version);
			if (winner) return { record: same(winner, digest), created: false };
			record = await create(fields, inspected, stored, directory);
			return { record, created: true };
		} finally {
			lock.release();
		}
	} finally {
		if (!record) await tried('the bytes of an upload are not removed', () => discard(id, stored));
	}
}

/** Puts the record; from then on the model is there, and nothing may fail. */
async function create(fields, inspected, stored, directory) {
	const { modelId, version, metadata } = fields;
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
		uploadedAt: Math.max(Date.now(), (last?.uploadedAt ?? 0) + 1),
		digest,
		size,
		files: stored,
	};
	try {
		await commit(JSON.stringify(record).length, () => storeRecord(record));
	} catch (error) {
		if (!(await isRegistered(record.id, stored))) throw error;
	}
	modelChanged();
	await tried('the files of an upload are not kept', () => adopt(directory, digest));
	return record;
}

function same(existing, digest) {
	if (existing.digest === digest) return existing;
	const { modelId, version } = existing;
	throw new ApiError(
		'VERSION_EXISTS',
		`version "${version}" of model "${modelId}" exists with other bytes; versions do not change`,
		{
			digest: existing.digest,
		}
	);
}

/** Stores the bytes of each file, and adds to `stored` what a record says of it before it is stored. */
async function store(digests, files, space, stored) {
	for (const [at, { name, digest, size }] of digests.entries()) {
		const fileId = createId();
		stored.push({ name, digest, size, fileId });
		const counting = new Transform({
			transform(chunk, _encoding, done) {
				discarded(chunk.length);
				space.written(chunk.length);
				done(null, chunk);
			},
		});
		// An error of the file goes on to the blob, and the put tells of it.
		const bytes = connect(createReadStream(files[at].path), counting, () => {});
		const content = globalThis.createBlob(bytes, { saveBeforeCommit: true });
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

/** Streams the parts of a multipart body to disk. */
async function receive(query, request, stream, directory, space) {
	const contentType = stream.headers['content-type'] ?? '';
	if (!/^multipart\/form-data/i.test(contentType)) {
		throw new ApiError('UNSUPPORTED_MEDIA_TYPE', `an upload is multipart/form-data, received ${shown(contentType)}`);
	}
	const { maxUploadBytes } = options();
	const tooLarge = () =>
		new ApiError('TOO_LARGE', `an upload may have ${maxUploadBytes} bytes (option maxUploadBytes)`);
	const contentLength = Number(stream.headers['content-length'] ?? 0);
	if (contentLength > maxUploadBytes + MAX_FIELD_BYTES) throw tooLarge();
	// The bytes are written twice: as they come, and as blobs.
	space.cache.ensure(contentLength);
	space.blobs.ensure(contentLength);

	const fields = {};
	const setField = (name, value) => {
		if (!FIELDS.includes(name)) throw unknownName('field', name, [...FIELDS, 'file']);
		if (name in fields) {
			throw new ApiError('INVALID_REQUEST', `the field ${name} is given twice`);
		}
		fields[name] = value;
	};
	for (const [name, value] of query) setField(name, value);

	const files = [];
	const writes = [];
	const stopping = new AbortController();
	let size = 0;
	const parser = malformed(() =>
		busboy({
			headers: stream.headers,
			preservePath: true,
			limits: { fieldSize: MAX_FIELD_BYTES, fields: 100, files: MAX_FILES },
		})
	);
	const guard =
		(act) =>
		(...given) => {
			try {
				act(...given);
			} catch (error) {
				parser.destroy(error);
			}
		};
	parser.on(
		'field',
		guard((name, value, { valueTruncated }) => {
			if (valueTruncated) throw new ApiError('TOO_LARGE', `the field ${name} may have ${MAX_FIELD_BYTES} bytes`);
			setField(name, value);
		})
	);
	parser.on(
		'file',
		guard((part, content, { filename }) => {
			if (!FILE_PARTS.includes(part)) {
				content.resume();
				throw unknownName('field', part, [...FIELDS, 'file']);
			}
			const path = join(directory, `part-${files.length}`);
			files.push({ name: filename || part, path });
			content.on(
				'data',
				guard((chunk) => {
					size += chunk.length;
					if (size > maxUploadBytes) throw tooLarge();
					discarded(chunk.length);
					space.cache.ensure(chunk.length);
					space.blobs.ensure(size);
					space.cache.written(chunk.length);
				})
			);
			const written = pipeline(content, createWriteStream(path), { signal: stopping.signal });
			written.catch((error) => parser.destroy(storageError(error)));
			writes.push(written);
		})
	);
	parser.on('filesLimit', () => parser.destroy(new ApiError('TOO_LARGE', `an upload may have ${MAX_FILES} files`)));
	try {
		await pipeline(bodyChunks(stream), parser);
		await Promise.all(writes);
	} catch (error) {
		stopping.abort();
		// So that nothing is written any more when the folder is removed.
		await Promise.allSettled(writes);
		const said = storageError(error);
		throw Object.hasOwn(STATUS_OF, said.code ?? '')
			? said
			: new ApiError('INVALID_REQUEST', `the multipart body is malformed: ${error.message}`);
	}
	if (files.length === 0) {
		throw new ApiError('INVALID_REQUEST', 'file is required: the model, as a file part named "file"');
	}
	return { fields, files: await numbered(files, directory) };
}

/** Refuses names that are no names; whether they can be told from each other is asked when they are digested. */
function checkName({ name }) {
	const refuse = (problem) => {
		throw new ApiError('INVALID_MODEL', `the name of a file ${problem}, received ${shown(name)}`);
	};
	if (name.length > MAX_NAME_LENGTH) refuse(`may have ${MAX_NAME_LENGTH} characters`);
	if (CONTROL_CHARACTER.test(name)) refuse('has no control characters');
}

/** Renames files as they are named in the cache folder. */
async function numbered(files, directory) {
	files.forEach(checkName);
	const names = fileNames(files);
	for (const [at, file] of files.entries()) {
		const path = join(directory, names[at]);
		await rename(file.path, path);
		file.path = path;
	}
	return files;
}

function malformed(make) {
	try {
		return make();
	} catch (error) {
		throw new ApiError('INVALID_REQUEST', `the multipart body is malformed: ${error.message}`);
	}
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
	if (name === 'metadata') checkBatching(value);
	return text;
}
