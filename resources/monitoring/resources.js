// What predictions cost: taken from the addon now and then, added to rows of this node by hour and by day, and read over any time.
import {
	acquireLock,
	engineStatus,
	pendingResources,
	Resources,
	restoreResources,
	takeResources,
} from '../../binding.js';
import { log } from '../harper.js';
import { allowedTo, authorize, requireVisible, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { limited } from '../http/limited.js';
import { identifier, moment, shown } from '../http/query.js';
import { options } from '../options.js';
import { isDigest, modelRecords } from '../registry/record.js';
import { nodeName } from '../storage/tables.js';
import { INTERVALS, isRow, overlaps, rowOf, storeRows, tableOfRows, tellsOf } from './hours-and-days.js';
import { pricesIn, priced } from './prices.js';

/** Who stores what this process has summed up, or reads it, holds this lock: what is taken is in the table, or is not taken yet. */
const LOCK = 'resources';
/** Versions whose rows one transaction writes. */
const MAX_VERSIONS = 100;

const resourceTable = () => tableOfRows('ResourceUse');

/** Has rows removed when they expire, and replicated, also in a thread that writes none. */
export function prepareResources() {
	resourceTable();
}

/** Adds what predictions of this process cost since the last call to the rows of this node. */
export async function storeResources() {
	const lock = await acquireLock(LOCK);
	try {
		const now = Date.now();
		const waiting = takeResources();
		try {
			while (waiting.length > 0) {
				await store(waiting.slice(0, MAX_VERSIONS), now);
				waiting.splice(0, MAX_VERSIONS);
			}
		} finally {
			for (const taken of waiting) restoreResources(taken);
		}
	} finally {
		lock.release();
	}
}

async function store(taken, now) {
	const resources = resourceTable();
	const node = nodeName();
	const rows = [];
	for (const { modelId, version, digest, bytes } of taken) {
		for (const interval of Object.keys(INTERVALS)) {
			const { start } = rowOf(interval, now);
			const id = [modelId, version, interval, start, digest, node].join('|');
			const sums = new Resources();
			const stored = rowFrom(await resources.get(id));
			if (stored) addTo(sums, stored);
			sums.merge(bytes);
			rows.push({ id, modelId, version, digest, interval, start, node, sums: sums.toBytes() });
		}
	}
	await storeRows(resources, rows);
}

/** A row that this component wrote; nothing for what a role that may write to the table itself put there instead. */
function rowFrom(record) {
	const isSound =
		isRow(record) &&
		record.sums instanceof Uint8Array &&
		typeof record.version === 'string' &&
		record.id.startsWith(`${record.modelId}|${record.version}|`) &&
		isDigest(record.digest);
	return isSound ? record : undefined;
}

/** Adds a row; what nobody can read, and no addon of this release has written, is left out, and the log says so. */
function addTo(resources, { id, sums }) {
	try {
		resources.merge(sums);
	} catch (error) {
		if (error.code !== 'INVALID_REQUEST') throw error;
		log.error(`edge-ai: the resources "${id}" are left out`, error);
	}
}

/** Answers that a thread makes at once: one after the other is made. */
const MAX_READS = 64;

/** What resources are asked for by. */
export const RESOURCE_FIELDS = ['modelId', 'version', 'from', 'to', 'by'];

/** What they may be told by. */
export const BY = ['version', 'user'];

/** What the answer tells of events, beside who asked for them. */
export const TOLD = ['modelId', 'modelVersion', 'timestamp', 'latencyMs'];

/**
 * What predictions of a model cost, by version and digest, or by user.
 *
 * @param {Record<string, unknown>} given of {@link RESOURCE_FIELDS}; times may be texts
 * @param {object | undefined} user Harper's user
 */
export async function resourcesReport({ by = 'version', ...given }, user) {
	if (!BY.includes(by)) {
		throw new ApiError('INVALID_REQUEST', `by must be one of ${BY.join(', ')}, received ${shown(by)}`);
	}
	const filter = {
		modelId: identifier('modelId', given.modelId),
		version: given.version === undefined ? undefined : identifier('version', given.version),
		from: moment('from', given.from) ?? 0,
		to: moment('to', given.to) ?? Infinity,
	};
	if (filter.from > filter.to) throw new ApiError('INVALID_REQUEST', 'from must not be after to');
	requireVisible(user, 'InferenceEvent', by === 'user' ? [...TOLD, 'userId'] : TOLD);
	const { pricePerCpuHour, pricePerGbHour, currency } = options();
	const prices = pricesIn({ pricePerCpuHour, pricePerGbHour, currency });
	const total = new Resources();
	const parts = [];
	const { from, to } = await readParts(filter, ({ version, digest, sums }) => {
		total.merge(sums.toBytes());
		if (by === 'version') parts.push({ version, digest, ...withoutUsers(JSON.parse(sums.toJson())) });
	});
	const { users, others, ...all } = JSON.parse(total.toJson());
	const answer = { modelId: filter.modelId, from, to, currency: prices?.currency, total: priced(all, prices) };
	if (by === 'version') return { ...answer, versions: await describedVersions(filter.modelId, parts, prices, user) };
	// Memory is that of a model, whoever uses it.
	const described = (costs) => priced({ ...costs, byteSeconds: 0 }, prices, { hasMemory: false });
	return { ...answer, users: users.map(described), others: others && described(others) };
}

/** The same for callers, of whom so many at once are served. */
export const resourcesOf = limited(MAX_READS, resourcesReport);

function withoutUsers(costs) {
	delete costs.users;
	delete costs.others;
	return costs;
}

/** What each version cost, and what it takes now: in the memory of this process, and stored. */
async function describedVersions(modelId, parts, prices, user) {
	const loaded = new Map();
	for (const { digest, bytes } of engineStatus().sessions) loaded.set(digest, (loaded.get(digest) ?? 0) + bytes);
	const stored = new Map();
	if (maySeeSizes(user)) {
		for await (const record of modelRecords(modelId)) stored.set(`${record.version}|${record.digest}`, record.size);
	}
	const isDigestShown = visibleTo(user, 'InferenceEvent')('digest');
	return parts.map(({ version, digest, ...costs }) => ({
		version,
		digest: isDigestShown ? digest : undefined,
		...priced(costs, prices),
		loadedBytes: loaded.get(digest) ?? 0,
		storedBytes: stored.get(`${version}|${digest}`),
	}));
}

/** Sizes are those of models. */
function maySeeSizes(user) {
	try {
		authorize(user, { Model: ['read'] });
	} catch (error) {
		if (error.code !== 'FORBIDDEN') throw error;
		return false;
	}
	return allowedTo(user, 'Model', 'read')('size');
}

/**
 * Reads sums over a time: of whole hours, those at its ends included. Where hours are no longer kept, of whole days.
 *
 * @param {{modelId: string, version?: string, from: number, to: number}} filter Unix milliseconds
 * @param {(part: {version: string, digest: string, sums: Resources}) => void} take each of a version and a digest
 * @returns {Promise<{from?: number, to?: number}>} what there was
 */
async function readParts({ modelId, version, from, to }, take) {
	const lock = await acquireLock(LOCK);
	const parts = new Map();
	const range = { from: undefined, to: undefined };
	const add = ({ id, version: of, digest, interval, start, sums }) => {
		const end = start + INTERVALS[interval];
		const key = `${of}|${digest}`;
		let part = parts.get(key);
		if (!part) parts.set(key, (part = { version: of, digest, sums: new Resources() }));
		addTo(part.sums, { id, sums });
		range.from = Math.min(range.from ?? start, start);
		range.to = Math.max(range.to ?? end, end);
	};
	try {
		const now = Date.now();
		const isWanted = tellsOf({ from, to }, now);
		for await (const record of rowsOf(modelId, version)) {
			const row = rowFrom(record);
			if (row && isWanted(row)) add(row);
		}
		const hour = rowOf('1h', now);
		for (const { bytes, ...of } of overlaps({ from, to }, hour) ? pendingResources(modelId) : []) {
			if (version === undefined || of.version === version) add({ ...of, ...hour, sums: bytes });
		}
	} finally {
		lock.release();
	}
	for (const part of parts.values()) take(part);
	return range;
}

/** The rows of a model, or of one of its versions. */
function rowsOf(modelId, version) {
	const prefix = version === undefined ? `${modelId}|` : `${modelId}|${version}|`;
	// "~" sorts after every character of an identifier.
	const conditions = [{ attribute: 'id', comparator: 'between', value: [prefix, `${prefix}~`] }];
	return resourceTable().search({ conditions });
}
