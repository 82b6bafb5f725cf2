// Drift as Prometheus collects it: the profiles of today beside those of the days before, now and then, kept in the addon.
import { gaugeDrift, mergeProfiles } from '../../binding.js';
import { DRIFT_SHARE, MIN_ROWS } from '../../library/drift.js';
import { profilesIn } from './profiles.js';

const DAY_MS = 86_400_000;
/** What today is compared with: whole weeks have as many of each day. */
const REFERENCE_MS = 7 * DAY_MS;
/** A version is compared once in such a time at most. */
const PAUSE_MS = 60_000;
/** Comparisons in a row: the next profiles wait to be stored meanwhile. */
const MAX_COMPARISONS = 100;
/** Versions that wait; more of them wait until they are profiled again. */
const MAX_WAITING = 10_000;

/** Versions that were profiled since they were compared, the one that waits longest first. */
const waiting = new Map();
/** When versions were compared, those of the last minute. */
const comparedAt = new Map();

/**
 * Compares versions with their references, unless that was done a moment ago: then it is done in a later call.
 *
 * @param {{modelId: string, version: string, digest: string}[]} profiled since the last call
 * @param {number} [now] Unix milliseconds
 */
export async function scoreDrift(profiled, now = Date.now()) {
	for (const of of profiled) if (waiting.size < MAX_WAITING) waiting.set(`${of.modelId}|${of.version}`, of);
	for (const [key, at] of comparedAt) if (Math.abs(now - at) >= PAUSE_MS) comparedAt.delete(key);
	const due = [...waiting].filter(([key]) => !comparedAt.has(key)).slice(0, MAX_COMPARISONS);
	for (const [key, of] of due) {
		waiting.delete(key);
		if (await score(of, now - (now % DAY_MS))) comparedAt.set(key, now);
	}
}

/** Resolves to whether there was something to compare with. */
async function score({ modelId, version, digest }, today) {
	const reference = await profileOf({ modelId, version, from: today - REFERENCE_MS, to: today - 1 }, digest);
	if (reference.rows === 0) return false;
	const current = await profileOf({ modelId, version, from: today, to: today + DAY_MS - 1 }, digest);
	const how = { minRows: MIN_ROWS, driftShare: DRIFT_SHARE };
	await gaugeDrift({ modelId, version }, reference.bytes, current.bytes, how);
	return true;
}

/** The profile of a version over whole days, of the bytes that it has. */
async function profileOf(filter, digest) {
	const parts = [];
	for await (const part of profilesIn(filter)) if (part.digest === digest) parts.push(part.bytes);
	return mergeProfiles(parts);
}
