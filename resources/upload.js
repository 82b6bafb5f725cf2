// POST /model/upload: multipart parts are streamed to disk, checked there, and only then stored.
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline as connect } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import busboy from 'busboy';
import { acquireLock, digestModel, inspectModel } from '../binding.js';
import { authorizeAttributes, visibleTo } from './access.js';
import { ApiError } from './errors.js';
import { discarded, discarding } from './garbage.js';
import { modelChanged, untilSettled } from './known-models.js';
import { stage, versionsOf } from './models.js';
import { options } from './options.js';
import { identifier, shown, unknownName } from './query.js';
import { modelAt } from './registry/record.js';
import { adopt, fileName, removeUnfinished, unfinished } from './sessions.js';
import { storeRecord } from './registry/uploads.js';
import { table, versionKey } from './store.js';

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

/** `POST /model/upload` */
export async function upload({ query, request, stream, user }) {
	authorizeAttributes(user, 'Model', 'insert', WRITTEN);
	const directory = unfinished('upload');
	await mkdir(directory, { recursive: true });
	try {
		await removeUnfinished();
		const { fields, files } = await receive(query, request, stream, directory);
		const model = readFields(fields);
		if (model.metadata !== undefined) authorizeAttributes(user, 'Model', 'insert', ['metadata']);
		const { record, created } = await register(model, files, directory);
		return { status: created ? 201 : 200, body: answer(record, user) };
	} catch (error) {
		if (!visibleTo(user, 'Model')('digest')) delete error.details?.digest;
		throw error;
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
}

/**
 * Registers the files in `directory` as a model.
 *
 * @param {object} fields modelId, version and what else was stated
 * @param {{name: string, path: string}[]} files numbered as `fileName` says
 * @param {string} directory
 * @returns {Promise<{record: object, created: boolean}>}
 */
export async function register(fields, files, directory) {
	const id = versionKey(fields.modelId, fields.version);
	const digest = await digestModel(files);
	const existing = await modelAt(fields.modelId, fields.version);
	if (existing) return { record: same(existing, digest), created: false };

	const { framework, inputSchema, outputSchema } = fields;
	const inspected = await inspectModel(files, { framework, inputSchema, outputSchema, cacheFolder: directory });
	const stored = await store(inspected.files, files);
	const lock = await acquireLock(`model:${fields.modelId}`);
	try {
		await untilSettled();
		const winner = await modelAt(fields.modelId, fields.version);
		if (winner) {
			await discard(stored);
			return { record: same(winner, digest), created: false };
		}
		const last = (await versionsOf(fields.modelId)).at(-1);
		const record = {
			id,
			modelId: fields.modelId,
			version: fields.version,
			framework: inspected.framework,
			engine: inspected.engine,
			stage: fields.stage,
			inputSchema: inspected.inputSchema,
			outputSchema: inspected.outputSchema,
			metadata: fields.metadata,
			labels: inspected.labels,
			uploadedAt: Math.max(Date.now(), (last?.uploadedAt ?? 0) + 1),
			digest,
			size: inspected.size,
			files: stored,
		};
		await storeRecord(record);
		modelChanged();
		await adopt(directory, digest);
		return { record, created: true };
	} catch (error) {
		await discard(stored);
		throw error;
	} finally {
		lock.release();
	}
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

async function store(digests, files) {
	const stored = [];
	for (const [at, { name, digest, size }] of digests.entries()) {
		const fileId = randomUUID();
		// An error of the file goes on to the blob, and the put tells of it.
		const bytes = connect(createReadStream(files[at].path), discarding(), () => {});
		const content = globalThis.createBlob(bytes, { saveBeforeCommit: true });
		await table('ModelFile').put({ id: fileId, content });
		stored.push({ name, digest, size, fileId });
	}
	return stored;
}

async function discard(stored) {
	for (const { fileId } of stored) await table('ModelFile').delete(fileId);
}

function answer(record, user) {
	const isVisible = visibleTo(user, 'Model');
	const { modelId, version, id } = record;
	const fields = ['uploadedAt', 'framework', 'digest', 'size'].filter(isVisible);
	// The names are the caller's own.
	return { success: true, modelId, version, id, ...Object.fromEntries(fields.map((field) => [field, record[field]])) };
}

/** Streams the parts of a multipart body to disk. */
async function receive(query, request, stream, directory) {
	const contentType = stream.headers['content-type'] ?? '';
	if (!/^multipart\/form-data/i.test(contentType)) {
		throw new ApiError('UNSUPPORTED_MEDIA_TYPE', `an upload is multipart/form-data, received ${shown(contentType)}`);
	}
	const { maxUploadBytes } = options();
	const tooLarge = () =>
		new ApiError('TOO_LARGE', `an upload may have ${maxUploadBytes} bytes (option maxUploadBytes)`);
	if (Number(stream.headers['content-length']) > maxUploadBytes + MAX_FIELD_BYTES) throw tooLarge();

	const fields = {};
	const setField = (name, value) => {
		if (!FIELDS.includes(name)) throw unknownName('field', name, [...FIELDS, 'file']);
		if (name in fields && fields[name] !== value) {
			throw new ApiError('INVALID_REQUEST', `the field ${name} is given twice`);
		}
		fields[name] = value;
	};
	for (const [name, value] of query) setField(name, value);

	const files = [];
	const writes = [];
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
			const path = join(directory, fileName(files.length));
			files.push({ name: filename ? filename.slice(0, 1024) : part, path });
			content.on('data', (chunk) => {
				size += chunk.length;
				discarded(chunk.length);
				if (size > maxUploadBytes) parser.destroy(tooLarge());
			});
			const written = pipeline(content, createWriteStream(path));
			written.catch(() => {});
			writes.push(written);
		})
	);
	parser.on('filesLimit', () => parser.destroy(new ApiError('TOO_LARGE', `an upload may have ${MAX_FILES} files`)));
	try {
		await pipeline(stream, parser);
		await Promise.all(writes);
	} catch (error) {
		throw error instanceof ApiError
			? error
			: new ApiError('INVALID_REQUEST', `the multipart body is malformed: ${error.message}`);
	}
	if (files.length === 0) {
		throw new ApiError('INVALID_REQUEST', 'file is required: the model, as a file part named "file"');
	}
	return { fields, files };
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
		inputSchema: fields.inputSchema || undefined,
		outputSchema: fields.outputSchema || undefined,
		metadata: metadata(fields.metadata),
		stage: stage(fields.stage || 'development'),
	};
}

function metadata(text) {
	if (!text) return undefined;
	try {
		JSON.parse(text);
	} catch (error) {
		throw new ApiError('INVALID_REQUEST', `metadata must be JSON text: ${error.message}`);
	}
	return text;
}
