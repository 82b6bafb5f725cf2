// From a model's record to its loaded session: the blobs are unpacked once into a directory named by the digest.
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { acquireLock, cachedSession, digestModel, evictSession, loadSession } from '../../binding.js';
import { within } from '../../library/deadline.js';
import { meterOf } from '../../library/meter.js';
import { ApiError } from '../errors.js';
import { log } from '../harper.js';
import { cacheDirectory } from '../options.js';
import { refuseQuarantined } from './quarantine/verdicts.js';
import { isDigest } from './record.js';
import { absenceOf } from './transit.js';
import { leftOf } from '../http/deadline.js';
import { cacheSpace, storageError } from '../storage/disk.js';
import { table } from '../storage/tables.js';

/** By record. Asking a session whether it is still in the cache costs a fraction of asking the cache for one. */
const sessions = new WeakMap();

/**
 * The session of a model, loaded when it is not cached.
 *
 * @param {object} record of the table Model
 * @param {{deadline?: number, preload?: boolean}} [options] `deadline`: when who asks has waited long enough, see `deadlineOf`; the
 *   load goes on; `preload`: nobody waits for it yet, so it is warm when it is given
 */
export async function sessionFor(record, { deadline, preload } = {}) {
	const last = sessions.get(record);
	if (last?.isCurrent()) return last;
	const session = cachedSession(record.digest) ?? (await loadBefore(deadline, record, preload));
	sessions.set(record, session);
	return session;
}

function loadBefore(deadline, record, preload) {
	const loaded = load(record, preload);
	if (deadline === undefined) return loaded;
	const late = () =>
		new ApiError('DEADLINE_EXCEEDED', 'the model was not loaded before the deadline of the request; its load goes on');
	return within(loaded, leftOf(deadline), late);
}

/** What the files are not to blame for. */
const UNBLAMED = new Set(['DEADLINE_EXCEEDED', 'CLOSED', 'MODEL_QUARANTINED']);

async function load(record, preload) {
	refuseQuarantined(record.digest);
	// It takes memory from now on, also when nobody runs it.
	meterOf(record);
	const directory = await unpack(record);
	const { digest, framework } = record;
	const names = fileNames(record.files);
	const files = record.files.map(({ name }, at) => ({ name, path: join(directory, names[at]) }));
	const start = () => loadSession(digest, files, { framework, cacheFolder: directory, preload });
	try {
		return await start();
	} catch (error) {
		if (UNBLAMED.has(error.code) || (await isSound(digest, files))) throw error;
	}
	await repair(record, files);
	return start();
}

/** Whether unpacked files have the bytes that were uploaded: a full disk or a crash may have damaged them. */
const isSound = (digest, files) =>
	digestModel(files).then(
		(found) => found === digest,
		() => false
	);

async function repair(record, files) {
	const lock = await acquireLock(`cache:${record.digest}`);
	try {
		// Another thread may have been first.
		if (await isSound(record.digest, files)) return;
		log.warn(`edge-ai: the cached files of model ${record.id} are damaged and are unpacked again`);
		await rm(directoryOf(record.digest), { recursive: true, force: true });
		await unpack(record);
	} finally {
		lock.release();
	}
}

/**
 * What the files of a model are named on disk. They are numbered, because a name that was uploaded never becomes a path; in the
 * order of their names, because models of one digest may have been uploaded in different orders and share one folder.
 *
 * @param {{name: string}[]} files
 * @returns {string[]} in the order of `files`
 */
export function fileNames(files) {
	const order = files.map(({ name }, at) => ({ name, at }));
	order.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.at - b.at));
	const names = [];
	for (const [rank, { at }] of order.entries()) names[at] = `file-${rank}`;
	return names;
}

/** A directory that is still being filled: `upload.<uuid>` or `<digest>.<uuid>`. */
export const unfinished = (name) => join(cacheDirectory(), `${name}.${randomUUID()}`);
const UNFINISHED = /^(upload|prepared|[0-9a-f]{64})\.[0-9a-f-]{36}$/;

/** Only a digest becomes a path, whatever record it comes from. */
function directoryOf(digest) {
	if (!isDigest(digest)) throw new TypeError('a digest has 64 hexadecimal digits');
	return join(cacheDirectory(), digest);
}

async function unpack(record) {
	const directory = directoryOf(record.digest);
	if (await exists(directory)) return directory;
	const filling = unfinished(record.digest);
	const names = fileNames(record.files);
	const space = cacheSpace(record.size);
	try {
		await mkdir(filling, { recursive: true });
		for (const [at, entry] of record.files.entries()) {
			const stored = await table('ModelFile').get(entry.fileId);
			if (!stored) throw await absenceOf(record);
			const path = join(filling, names[at]);
			const digest = await write(stored.content.stream(), path, space);
			if (digest === entry.digest) continue;
			const { size } = await stat(path);
			if (size < entry.size) throw await absenceOf(record);
			throw new Error(`the stored bytes of a model do not have the digest ${entry.digest}`);
		}
		await adopt(filling, record.digest);
	} catch (error) {
		throw storageError(error);
	} finally {
		space.release();
		await rm(filling, { recursive: true, force: true });
	}
	return directory;
}

/** Resolves to the SHA-256 of what was written. */
async function write(content, path, space) {
	const hash = createHash('sha256');
	const digesting = new Transform({
		transform(chunk, _encoding, done) {
			hash.update(chunk);
			space.written(chunk.length);
			done(null, chunk);
		},
	});
	await pipeline(Readable.from(content), digesting, createWriteStream(path));
	return hash.digest('hex');
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

/** Removes what a process that was killed left unfinished: directories that are older than this process. */
export const removeUnfinished = () => removeOlderThan(Date.now() - process.uptime() * 1000);

async function removeOlderThan(startedAt, directory = cacheDirectory()) {
	// Another thread may be removing it too.
	for (const name of await readdir(directory).catch(() => [])) {
		const path = join(directory, name);
		if (isDigest(name)) await removeOlderThan(startedAt, path);
		if (!UNFINISHED.test(name)) continue;
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
	await drop(record.digest);
}

/**
 * Drops what is cached of bytes that no model has any more.
 *
 * @param {string} digest as it stood in a record
 */
export async function forgetUnused(digest) {
	if (!isDigest(digest)) return;
	const conditions = [{ attribute: 'digest', value: digest }];
	for await (const _ of table('Model').search({ conditions, limit: 1 })) return;
	await drop(digest);
}

async function drop(digest) {
	evictSession(digest);
	await rm(directoryOf(digest), { recursive: true, force: true });
}

const exists = (path) =>
	access(path).then(
		() => true,
		() => false
	);
