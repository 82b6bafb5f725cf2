// Profiles: taken from the addon now and then, merged into rows of this node by hour and by day, and read over any time.
import { acquireLock, pendingProfiles, Profile, restoreProfile, takeProfiles } from '../../binding.js';
import { log, transaction } from '../harper.js';
import { requireVisible, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { limited } from '../http/limited.js';
import { identifier, moment } from '../http/query.js';
import { options } from '../options.js';
import { isDigest } from '../registry/record.js';
import { contextAfter } from '../storage/after.js';
import { mayReplicate } from '../storage/cluster.js';
import { commit } from '../storage/disk.js';
import { NEVER, removeExpired } from '../storage/expiry.js';
import { nodeName, table } from '../storage/tables.js';
import { firstRowWith } from './first-rows.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const INTERVALS = { '1h': HOUR_MS, '1d': DAY_MS };
/** After so long only the day of an hour is left. */
const HOURS_KEPT_MS = 31 * DAY_MS;
/** Who stores profiles of this process, or reads them, holds this lock: what is taken is in the table, or is not taken yet. */
const LOCK = 'profiles';
/** What the names of columns begin with that are of outputs; the addon gives them. */
const OUTPUT_PREFIX = 'output.';

/** The table of profiles, which reaches other nodes as that of events does. */
function profileTable() {
	const profiles = table('Profile');
	if (!profiles.audit && options().replicateEvents && mayReplicate()) profiles.enableAuditing();
	removeExpired(profiles, HOURS_KEPT_MS / 1000);
	return profiles;
}

/** Has rows removed when they expire, and replicated, also in a thread that writes none. */
export function prepareProfiles() {
	profileTable();
}

/**
 * Merges what was profiled in this process since the last call into the rows of this node.
 *
 * @returns {Promise<{modelId: string, version: string, digest: string}[]>} what was profiled
 */
export async function storeProfiles() {
	const lock = await acquireLock(LOCK);
	try {
		const now = Date.now();
		const waiting = takeProfiles();
		const profiled = waiting.map(({ modelId, version, digest }) => ({ modelId, version, digest }));
		try {
			for (; waiting.length > 0; waiting.shift()) await store(waiting[0], now);
		} finally {
			for (const taken of waiting) restoreProfile(taken);
		}
		return profiled;
	} finally {
		lock.release();
	}
}

async function store({ modelId, version, digest, bytes }, now) {
	const profiles = profileTable();
	const node = nodeName();
	const rows = [];
	for (const [interval, lengthMs] of Object.entries(INTERVALS)) {
		const start = now - (now % lengthMs);
		const id = [modelId, version, interval, start, digest, node].join('|');
		const profile = new Profile();
		const stored = rowFrom(await profiles.get(id));
		if (stored) addTo(profile, stored);
		profile.merge(bytes);
		const expiresAt = expiryOf(interval, start + lengthMs);
		rows.push({ id, modelId, version, digest, interval, start, node, profile: profile.takeBytes(), expiresAt });
	}
	const first = await firstRowWith({ modelId, version, digest, bytes }, now);
	const references = table('Reference');
	const size = [...rows, ...(first ? [first] : [])].reduce((sum, { profile }) => sum + profile.length, 0);
	const changed = rows.map(({ id }) => [profiles, id]);
	if (first) changed.push([references, first.id]);
	const context = await contextAfter(changed);
	const write = async ({ expiresAt, ...row }) => {
		const record = expiresAt === undefined ? row : { ...row, expiresAt };
		await profiles.put(record, { ...context, expiresAt: expiresAt ?? NEVER });
	};
	await commit(size, () =>
		transaction(context, async () => {
			for (const row of rows) await write(row);
			if (first) await references.put(first, context);
		})
	);
}

/** When a row expires, in Unix milliseconds, whose interval ends then. */
function expiryOf(interval, end) {
	const { eventRetention, profileRetention } = options();
	const seconds = profileRetention ?? 10 * eventRetention;
	const kept = [seconds > 0 ? seconds * 1000 : Infinity, interval === '1h' ? HOURS_KEPT_MS : Infinity];
	const keptMs = Math.min(...kept);
	return keptMs === Infinity ? undefined : end + keptMs;
}

/** A row that this component wrote; nothing for what a role that may write to the table itself put there instead. */
function rowFrom(record) {
	// Harper removes what has expired later.
	const isSound =
		(record?.expiresAt ?? Infinity) > Date.now() &&
		record?.profile instanceof Uint8Array &&
		typeof record.version === 'string' &&
		record.id.startsWith(`${record.modelId}|${record.version}|`) &&
		isDigest(record.digest) &&
		Object.hasOwn(INTERVALS, record.interval) &&
		Number.isSafeInteger(record.start);
	return isSound ? record : undefined;
}

/** Adds a row to a profile; what nobody can read, and no addon of this release has written, is left out, and the log says so. */
function addTo(profile, { id, profile: bytes }) {
	try {
		profile.merge(bytes);
	} catch (error) {
		if (error.code !== 'INVALID_REQUEST') throw error;
		log.error(`edge-ai: the profile "${id}" is left out`, error);
	}
}

/** Profiles that a thread is asked for at once: one after the other is read. */
const MAX_READS = 64;

/** What profiles are asked for by. */
export const PROFILE_FIELDS = ['modelId', 'version', 'from', 'to'];

/**
 * The profiles of a model by version and digest.
 *
 * @param {Record<string, unknown>} given of {@link PROFILE_FIELDS}; times may be texts
 * @param {object | undefined} user Harper's user
 */
export const profileOf = limited(MAX_READS, async (given, user) => {
	const filter = readProfileFilter(given, user);
	const isVisible = visibleTo(user, 'InferenceEvent');
	const isShown = isShownTo(user);
	const profiles = [];
	for await (const { profile, digest, ...of } of profilesIn(filter)) {
		const { columns, ...rest } = { ...of, ...JSON.parse(profile.takeJson()) };
		const shown = Object.fromEntries(Object.entries(columns).filter(([name]) => isShown({ name })));
		profiles.push({ ...rest, digest: isVisible('digest') ? digest : undefined, columns: shown });
	}
	return { modelId: filter.modelId, profiles };
});

/**
 * Which columns a caller may see.
 *
 * @param {object | undefined} user Harper's user
 * @returns {(column: {name: string}) => boolean}
 */
export function isShownTo(user) {
	const isVisible = visibleTo(user, 'InferenceEvent');
	return ({ name }) => isVisible(name.startsWith(OUTPUT_PREFIX) ? 'prediction' : 'featuresIn');
}

const NAMES = { version: 'version', from: 'from', to: 'to' };

/**
 * What profiles are asked for by; whoever filters by an attribute, or is shown it, must be allowed to read it.
 *
 * @param {Record<string, unknown>} given of {@link PROFILE_FIELDS}
 * @param {object | undefined} user Harper's user
 * @param {typeof NAMES} [names] what errors call the parameters
 */
export function readProfileFilter({ modelId, version, from, to }, user, names = NAMES) {
	const filter = {
		modelId: identifier('modelId', modelId),
		version: version === undefined ? undefined : identifier(names.version, version),
		from: moment(names.from, from) ?? 0,
		to: moment(names.to, to) ?? Infinity,
	};
	if (filter.from > filter.to) {
		throw new ApiError('INVALID_REQUEST', `${names.from} must not be after ${names.to}`);
	}
	requireVisible(user, 'InferenceEvent', ['modelId', 'modelVersion', 'timestamp']);
	const isVisible = visibleTo(user, 'InferenceEvent');
	if (!isVisible('featuresIn') && !isVisible('prediction')) requireVisible(user, 'InferenceEvent', ['featuresIn']);
	return filter;
}

/**
 * Profiles over a time: of whole hours, those at its ends included. Where hours are no longer kept, of whole days.
 *
 * @param {{modelId: string, version?: string, from: number, to: number}} filter Unix milliseconds
 * @returns {AsyncGenerator<{version: string, digest: string, from: number, to: number, profile: Profile}>} each to be taken before
 *   the next one
 */
export async function* profilesIn({ modelId, version, from, to }) {
	const lock = await acquireLock(LOCK);
	try {
		const now = Date.now();
		// Read by days, each whole one at once.
		const isByDay = (day) => (day >= from && day + DAY_MS - 1 <= to) || day + DAY_MS < now - HOURS_KEPT_MS;
		const overlaps = (start, lengthMs) => start <= to && start + lengthMs > from;
		const hour = now - (now % HOUR_MS);
		const pending = new Map();
		for (const { bytes, ...of } of overlaps(hour, HOUR_MS) ? pendingProfiles(modelId) : []) {
			if (version !== undefined && of.version !== version) continue;
			if (!pending.has(of.version)) pending.set(of.version, new Merged());
			pending.get(of.version).add({ ...of, profile: bytes }, hour, hour + HOUR_MS);
		}
		const takePending = (of) => {
			const merged = pending.get(of) ?? new Merged();
			pending.delete(of);
			return merged;
		};
		// One version at a time is in memory: the rows of each come together.
		let current;
		let merged = new Merged();
		for await (const record of rowsOf(modelId, version)) {
			const row = rowFrom(record);
			if (!row) continue;
			if (row.version !== current) {
				yield* merged.taken();
				current = row.version;
				merged = takePending(current);
			}
			const lengthMs = INTERVALS[row.interval];
			const isDay = row.interval === '1d';
			const isRead = isDay === isByDay(row.start - (row.start % DAY_MS));
			if (isRead && overlaps(row.start, lengthMs)) merged.add(row, row.start, row.start + lengthMs);
		}
		yield* merged.taken();
		for (const rest of pending.values()) yield* rest.taken();
	} finally {
		lock.release();
	}
}

/**
 * All profiles of a time as one, and what they are of.
 *
 * @param {string} side what errors call them
 * @param {{modelId: string, version?: string, digest?: string, from: number, to: number}} filter as that of {@link profilesIn}
 * @returns {Promise<{profile: Profile, described: {version?: string, from: number, to: number, rows: number}}>} rejects with
 *   INVALID_REQUEST when there are none
 */
export async function mergedProfiles(side, { digest, ...filter }) {
	const profile = new Profile();
	let [from, to] = [Infinity, -Infinity];
	for await (const part of profilesIn(filter)) {
		if (digest !== undefined && part.digest !== digest) continue;
		[from, to] = [Math.min(from, part.from), Math.max(to, part.to)];
		profile.merge(part.profile.takeBytes());
	}
	const { rows } = profile;
	if (rows > 0) return { profile, described: { version: filter.version, from, to, rows } };
	throw new ApiError(
		'INVALID_REQUEST',
		`${side}: no prediction was profiled in this time; see GET /monitoring/profile`
	);
}

/** The profiles of a version, by digest. */
class Merged {
	#parts = new Map();

	add({ id, version, digest, profile }, start, end) {
		let part = this.#parts.get(digest);
		if (!part) {
			part = { version, digest, from: start, to: end, profile: new Profile() };
			this.#parts.set(digest, part);
		}
		part.from = Math.min(part.from, start);
		part.to = Math.max(part.to, end);
		addTo(part.profile, { id, profile });
	}

	*taken() {
		for (const part of this.#parts.values()) if (part.profile.rows > 0) yield part;
	}
}

/** The rows of a model, or of one of its versions. */
function rowsOf(modelId, version) {
	const prefix = version === undefined ? `${modelId}|` : `${modelId}|${version}|`;
	// "~" sorts after every character of an identifier.
	const conditions = [{ attribute: 'id', comparator: 'between', value: [prefix, `${prefix}~`] }];
	return profileTable().search({ conditions });
}
