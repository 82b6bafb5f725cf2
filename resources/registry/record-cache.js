// The records of models that predictions ask for again and again, remembered for each thread.
//
// A change through a route counts on every thread as soon as it is answered: it is noted for the whole process before, and a
// thread that sees a new count forgets everything. What comes another way (replication, Harper's operations) counts when a
// record is read again.
import { setTimeout as sleep } from 'node:timers/promises';
import { noteRegistryChange, registryChanges } from '../../binding.js';

/** A record that is older is read again, while those who ask get the old one; beyond the second age they wait. */
const REFRESH_AGE_MS = 500;
const MAX_AGE_MS = 1000;
/** Harper may read from the snapshot of a moment ago: what is read so soon after a change is not remembered. */
const MAX_SNAPSHOT_AGE_MS = 10;
const MAX_RECORDS = 1000;

const known = new Map();
/** The count of changes that this thread saw last, and the one after which it may remember what it reads. */
let seen;
let settled;

/** Notes that a model was stored, changed or deleted; between the commit and the answer. */
export const modelChanged = noteRegistryChange;

/**
 * The record that `read` gives, or the one that it gave a moment ago under the same key.
 *
 * @param {string} key
 * @param {() => Promise<object>} read
 * @returns {Promise<object> | object} a plain object, the same while the record does not change
 */
export function knownModel(key, read) {
	if (!isSettled()) return read();
	const found = known.get(key);
	const ageMs = found ? performance.now() - found.readAt : Infinity;
	if (ageMs >= MAX_AGE_MS) return remember(key, read, seen);
	if (ageMs >= REFRESH_AGE_MS && !found.refreshed) {
		found.refreshed = true;
		// One that cannot be read any more is an error for those who ask next.
		remember(key, read, seen).catch(() => known.delete(key));
	}
	return found.record;
}

async function remember(key, read, changes) {
	const readAt = performance.now();
	// Harper's records have their values behind accessors of a prototype.
	const text = JSON.stringify(await read());
	const last = known.get(key);
	// What is remembered elsewhere by a record stays with it.
	const record = last?.text === text ? last.record : JSON.parse(text);
	if (isSettled() && seen === changes) {
		if (known.size >= MAX_RECORDS) known.clear();
		known.set(key, { record, text, readAt });
	}
	return record;
}

/** Resolves when what this thread reads of models is no older than the last change that was noted. */
export async function untilSettled() {
	while (!isSettled()) await sleep(MAX_SNAPSHOT_AGE_MS);
}

function isSettled() {
	const changes = registryChanges();
	if (changes !== seen) {
		seen = changes;
		known.clear();
		setTimeout(() => (settled = changes), MAX_SNAPSHOT_AGE_MS).unref();
	}
	return changes === settled;
}
