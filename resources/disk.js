// Room on the disk of the database. A database that runs into a full disk may take the whole process down, so it is not let there.
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { rootPath } from './options.js';
import { DATABASE } from './store.js';

const MIN_FREE_BYTES = 32 * 2 ** 20;
const CHECK_INTERVAL_MS = 250;

let checkedAt = -Infinity;
let freeBytes;

/** Rejects when the disk of the events is as good as full. What it says may be a quarter of a second old. */
export async function assertRoom() {
	const now = performance.now();
	if (now - checkedAt >= CHECK_INTERVAL_MS) {
		freeBytes = await freeBytesOf(databasePath());
		checkedAt = now;
	}
	if (freeBytes < MIN_FREE_BYTES) throw new Error(`${freeBytes} bytes are free where the events are`);
}

async function freeBytesOf(path) {
	try {
		const { bavail, bsize } = await statfs(path);
		return bavail * bsize;
	} catch (error) {
		// Harper keeps it elsewhere: then only a failed commit tells.
		if (error.code === 'ENOENT') return Infinity;
		throw error;
	}
}

function databasePath() {
	const { databases, storage } = globalThis.server?.config ?? {};
	return databases?.[DATABASE]?.path ?? storage?.path ?? join(rootPath(), 'database');
}
