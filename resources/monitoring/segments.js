// Which segments of a model its metrics tell apart: the first ones that predictions name, for good. Further ones count together, so that
// rollups stay small whatever callers send.
import { acquireLock } from '../../binding.js';
import { options } from '../options.js';
import { putAfter } from '../storage/after.js';
import { mayReplicate } from '../storage/cluster.js';
import { commit } from '../storage/disk.js';
import { table } from '../storage/tables.js';

/** Segments of a model that are told apart. */
export const MAX_SEGMENTS = 50;
/** Who adds a segment in this process holds this lock. */
const LOCK = 'segments';

/** By model, the segments that this thread knows to be told apart. */
const known = new Map();

/** The table of segments, which reaches other nodes as that of events does. */
function segmentTable() {
	const segments = table('Segment');
	if (!segments.audit && options().replicateEvents && mayReplicate()) segments.enableAuditing();
	return segments;
}

/** Has segments replicated, also in a thread that adds none. */
export function prepareSegments() {
	segmentTable();
}

/**
 * Events that are about to be stored, with whether they count in a segment that is not told apart.
 *
 * @param {object[]} events
 * @returns {object[] | Promise<object[]>}
 */
export const withSegments = (events) => (events.some(({ segment }) => segment !== undefined) ? placed(events) : events);

async function placed(events) {
	const all = [];
	for (const event of events) {
		const { modelId, segment } = event;
		const isOwn =
			segment === undefined || (decidedBy(known.get(modelId), segment) ?? (await mayBeToldApart(modelId, segment)));
		all.push(isOwn ? event : { ...event, isOtherSegment: true });
	}
	return all;
}

async function mayBeToldApart(modelId, segment) {
	const lock = await acquireLock(LOCK);
	try {
		const names = await namesOf(modelId);
		known.set(modelId, names);
		return decidedBy(names, segment) ?? (await add(modelId, segment, names));
	} finally {
		lock.release();
	}
}

/** Nothing while there is room. */
function decidedBy(names, segment) {
	if (names?.has(segment)) return true;
	return names?.size >= MAX_SEGMENTS ? false : undefined;
}

async function add(modelId, name, names) {
	await commit(0, () => putAfter(segmentTable(), { id: `${modelId}|${name}`, modelId, name }));
	names.add(name);
	return true;
}

async function namesOf(modelId) {
	const names = new Set();
	// "}" follows "|", which no model has in its name.
	const conditions = [{ attribute: 'id', comparator: 'between', value: [`${modelId}|`, `${modelId}}`] }];
	for await (const { name } of segmentTable().search({ conditions })) if (typeof name === 'string') names.add(name);
	return names;
}

/**
 * Whether all events of a segment count in rollups as its own. Nodes that do not hear of each other may tell more segments apart than
 * there is room for; which events the others have counted together is not known then.
 *
 * @param {string} modelId
 * @param {string} segment
 */
export async function isToldApart(modelId, segment) {
	const names = await namesOf(modelId);
	return names.has(segment) && names.size <= MAX_SEGMENTS;
}
