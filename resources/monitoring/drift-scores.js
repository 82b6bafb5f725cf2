// Drift as Prometheus collects it: the profiles of today beside the first predictions of their versions, now and then, kept in the addon.
import { gaugeDrift } from '../../binding.js';
import { DRIFT_SHARE, MIN_ROWS } from '../../library/drift.js';
import { firstOf } from './first-rows.js';
import { DAY_MS } from './hours-and-days.js';
import { mergedProfiles } from './profiles.js';

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
	const first = await firstOf(modelId, version, digest);
	if (!first?.isComplete) return false;
	// A whole day is read at once.
	const filter = { modelId, version, digest, from: today, to: today + DAY_MS - 1 };
	const { bytes } = await mergedProfiles('current', filter);
	const how = { minRows: MIN_ROWS, driftShare: DRIFT_SHARE };
	await gaugeDrift({ modelId, version }, first.profile, bytes, how);
	return true;
}
