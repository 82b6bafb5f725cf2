// Profiles: taken from the addon now and then, merged into rows of this node by hour and by day, and read over any time.
import { acquireLock, mergeProfiles, pendingProfiles, Profile, restoreProfile, takeProfiles } from '../../binding.js';
import { log } from '../harper.js';
import { requireVisible, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { limited } from '../http/limited.js';
import { identifier, moment } from '../http/query.js';
import { isDigest } from '../registry/record.js';
import { nodeName, table } from '../storage/tables.js';
import { firstRowWith } from './first-rows.js';
import { INTERVALS, isRow, overlaps, rowOf, storeRows, tableOfRows, tellsOf } from './hours-and-days.js';

/** Who stores profiles of this process, or reads them, holds this lock: what is taken is in the table, or is not taken yet. */
const LOCK = 'profiles';
/** What the names of columns begin with that are of outputs; the addon gives them. */
export const OUTPUT_PREFIX = 'output.';

const profileTable = () => tableOfRows('Profile');

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
	for (const interval of Object.keys(INTERVALS)) {
		const { start } = rowOf(interval, now);
		const id = [modelId, version, interval, start, digest, node].join('|');
		const stored = rowFrom(await profiles.get(id));
		const { bytes: profile } = await merge([...(stored ? [stored] : []), { id: 'not stored yet', profile: bytes }]);
		rows.push({ id, modelId, version, digest, interval, start, node, profile });
	}
	const first = await firstRowWith({ modelId, version, digest, bytes }, now);
	await storeRows(profiles, rows, first ? [[table('Reference'), first]] : []);
}

/** A row that this component wrote; nothing for what a role that may write to the table itself put there instead. */
function rowFrom(record) {
	const isSound =
		isRow(record) &&
		record.profile instanceof Uint8Array &&
		typeof record.version === 'string' &&
		record.id.startsWith(`${record.modelId}|${record.version}|`) &&
		isDigest(record.digest);
	return isSound ? record : undefined;
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
	for await (const { bytes, digest, ...of } of profilesIn(filter)) {
		const profile = new Profile();
		profile.merge(bytes);
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
 * @returns {AsyncGenerator<{version: string, digest: string, from: number, to: number, rows: number, bytes: Uint8Array}>}
 */
export async function* profilesIn({ modelId, version, from, to }) {
	const lock = await acquireLock(LOCK);
	try {
		const now = Date.now();
		const isWanted = tellsOf({ from, to }, now);
		const hour = rowOf('1h', now);
		const pending = overlaps({ from, to }, hour) ? pendingProfiles(modelId) : [];
		const wanted = [];
		for await (const row of rowsOf(modelId, version)) if (isWanted(row)) wanted.push(row);
		// One version at a time is in memory.
		const isOf = (part) => version === undefined || part.version === version;
		for (const of of new Set([...wanted, ...pending.filter(isOf)].map((part) => part.version))) {
			const merged = new Merged();
			for (const part of pending.filter((part) => part.version === of)) {
				await merged.add({ id: 'not stored yet', ...part, ...hour, profile: part.bytes });
			}
			for (const { id } of wanted.filter((row) => row.version === of)) {
				const row = rowFrom(await profileTable().get(id));
				if (row) await merged.add(row);
			}
			yield* merged.taken();
		}
	} finally {
		lock.release();
	}
}

/**
 * All profiles of a time as one, and what they are of.
 *
 * @param {string} side what errors call them
 * @param {{modelId: string, version?: string, digest?: string, from: number, to: number}} filter as that of {@link profilesIn}
 * @returns {Promise<{bytes: Uint8Array, described: {version?: string, from: number, to: number, rows: number}}>} rejects with
 *   INVALID_REQUEST when there are none
 */
export async function mergedProfiles(side, { digest, ...filter }) {
	const parts = [];
	let [from, to] = [Infinity, -Infinity];
	for await (const part of profilesIn(filter)) {
		if (digest !== undefined && part.digest !== digest) continue;
		[from, to] = [Math.min(from, part.from), Math.max(to, part.to)];
		parts.push(part.bytes);
	}
	const { rows, bytes } = await mergeProfiles(parts);
	if (rows > 0) return { bytes, described: { version: filter.version, from, to, rows } };
	throw new ApiError(
		'INVALID_REQUEST',
		`${side}: no prediction was profiled in this time; see GET /monitoring/profile`
	);
}

/** Rows that are merged at once: so many are in memory. */
const ROWS_AT_ONCE = 32;

/** The profiles of a version, by digest. */
class Merged {
	#parts = new Map();

	async add({ id, version, digest, interval, start, profile }) {
		const end = start + INTERVALS[interval];
		let part = this.#parts.get(digest);
		if (!part) {
			part = { version, digest, from: start, to: end, rows: [] };
			this.#parts.set(digest, part);
		}
		part.from = Math.min(part.from, start);
		part.to = Math.max(part.to, end);
		part.rows.push({ id, profile });
		if (part.rows.length >= ROWS_AT_ONCE) part.rows = [{ id: 'merged', profile: (await merge(part.rows)).bytes }];
	}

	async *taken() {
		for (const { rows, ...of } of this.#parts.values()) {
			const merged = await merge(rows);
			if (merged.rows > 0) yield { ...of, ...merged };
		}
	}
}

/** What nobody can read, and no addon of this release has written, is left out, and the log says so. */
async function merge(rows) {
	const { unreadable, ...merged } = await mergeProfiles(rows.map(({ profile }) => profile));
	for (const at of unreadable) log.error(`edge-ai: the profile "${rows[at].id}" is left out`);
	return merged;
}

/** Which rows of a model, or of one of its versions, there are, without what they hold. */
async function* rowsOf(modelId, version) {
	const prefix = version === undefined ? `${modelId}|` : `${modelId}|${version}|`;
	// "~" sorts after every character of an identifier.
	const conditions = [{ attribute: 'id', comparator: 'between', value: [prefix, `${prefix}~`] }];
	for await (const { id } of profileTable().search({ conditions, select: ['id'] })) {
		const [, of, interval, start] = id.split('|');
		if (Object.hasOwn(INTERVALS, interval)) yield { id, version: of, interval, start: Number(start) };
	}
}
