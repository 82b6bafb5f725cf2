// From a model's record to its loaded session: the blobs are unpacked once into a directory named by the digest.
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { cachedSession, evictSession, loadSession } from '../binding.js';
import { ApiError } from './errors.js';
import { cacheDirectory } from './options.js';
import { table } from './store.js';

/**
 * The session of a model, loaded when it is not cached.
 *
 * @param {object} record of the table Model
 */
export async function sessionFor(record) {
	return cachedSession(record.digest) ?? load(record);
}

async function load(record) {
	const directory = await unpack(record);
	const files = record.files.map(({ name }, at) => ({ name, path: join(directory, fileName(at)) }));
	return loadSession(record.digest, files, { framework: record.framework, weightsDirectory: directory });
}

/** Files on disk are numbered: a name that was uploaded never becomes a path. */
export const fileName = (at) => `file-${at}`;

/** A directory that is still being filled: `upload.<uuid>` or `<digest>.<uuid>`. */
export const unfinished = (name) => join(cacheDirectory(), `${name}.${randomUUID()}`);
const UNFINISHED = /^(upload|[0-9a-f]{64})\.[0-9a-f-]{36}$/;

const directoryOf = (digest) => join(cacheDirectory(), digest);

async function unpack(record) {
	const directory = directoryOf(record.digest);
	if (await exists(directory)) return directory;
	const filling = unfinished(record.digest);
	await mkdir(filling, { recursive: true });
	try {
		for (const [at, entry] of record.files.entries()) {
			const stored = await table('ModelFile').get(entry.fileId);
			if (!stored) throw new ApiError('MODEL_NOT_FOUND', 'the model has just been deleted');
			await write(stored.content.stream(), join(filling, fileName(at)), entry.digest);
		}
		await adopt(filling, record.digest);
	} finally {
		await rm(filling, { recursive: true, force: true });
	}
	return directory;
}

async function write(content, path, digest) {
	const hash = createHash('sha256');
	const digesting = new Transform({
		transform(chunk, _encoding, done) {
			hash.update(chunk);
			done(null, chunk);
		},
	});
	await pipeline(Readable.from(content), digesting, createWriteStream(path));
	if (hash.digest('hex') !== digest) throw new Error(`the stored bytes of a model do not have the digest ${digest}`);
}

/**
 * Makes a directory of numbered files the cached one of a digest. Of several at once the first wins; all hold the same.
 *
 * @param {string} directory
 * @param {string} digest
 */
export async function adopt(directory, digest) {
	try {
		await rename(directory, directoryOf(digest));
	} catch (error) {
		if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST' && error.code !== 'EPERM') throw error;
	}
}

let removing;

/** Removes, once per thread, what a process that was killed left unfinished: directories that are older than this process. */
export function removeUnfinished() {
	removing ??= removeOlderThan(Date.now() - process.uptime() * 1000);
	return removing;
}

async function removeOlderThan(startedAt) {
	const names = await readdir(cacheDirectory());
	for (const name of names.filter((candidate) => UNFINISHED.test(candidate))) {
		const path = join(cacheDirectory(), name);
		// Another thread may be removing it too.
		const modifiedAt = await stat(path).then(
			({ mtimeMs }) => mtimeMs,
			() => Infinity
		);
		if (modifiedAt < startedAt) await rm(path, { recursive: true, force: true });
	}
}

/**
 * Drops what is cached of a deleted model, unless another one has the same bytes.
 *
 * @param {object} record
 */
export async function forget(record) {
	const conditions = [{ attribute: 'digest', value: record.digest }];
	for await (const other of table('Model').search({ conditions, limit: 2 })) {
		if (other.id !== record.id) return;
	}
	evictSession(record.digest);
	await rm(directoryOf(record.digest), { recursive: true, force: true });
}

const exists = (path) =>
	access(path).then(
		() => true,
		() => false
	);
