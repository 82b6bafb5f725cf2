// Inference events: written many in one transaction, read as descending ranges of their keys.
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock, countLostEvent, followEvents, followsEvents } from '../../binding.js';
import { ApiError } from '../errors.js';
import { copyOf, readAnew, transaction, withoutLoading } from '../harper.js';
import { GroupCommit } from '../storage/group-commit.js';
import { ModelsNow } from './models-now.js';
import { withSegments } from './segments.js';
import { eventFrom, idPrefix, isEventId, timeOf } from './record.js';
import { MINUTE, putDeltas, putFeedbackDelta, putWitness } from './rollups/deltas.js';
import { changingCounted } from './rollups/earlier.js';
import { options } from '../options.js';
import { shown } from '../http/query.js';
import { contextAfter } from '../storage/after.js';
import { Deferral, deferredWritten } from '../storage/deferral.js';
import { hasOtherNodes, mayReplicate } from '../storage/cluster.js';
import { commit } from '../storage/disk.js';
import { NEVER, removeExpired } from '../storage/expiry.js';
import { table } from '../storage/tables.js';

/** So long an event may take from one node to another before it is taken for unknown. */
const TRANSIT_MS = 1000;
const TRANSIT_POLL_MS = 20;

/**
 * The table of events. Other nodes and other threads hear of what is in its audit log, which costs time and disk space, so the
 * schema leaves it off for events; it is turned on, in each thread, when somebody may want them.
 */
function eventTable() {
	const events = table('InferenceEvent');
	if (!events.audit && areAwaited()) events.enableAuditing();
	return events;
}

const areAwaited = () => followsEvents() || (options().replicateEvents && mayReplicate());

/**
 * The table of events for who follows it: every thread tells of what it writes from now on.
 */
export function followedEvents() {
	followEvents();
	return eventTable();
}

const commits = new GroupCommit(async (given, isAgain) => {
	// What is there counts already.
	const lacking = isAgain ? await notStored(given) : given;
	if (lacking.length === 0) return;
	const records = await withSegments(lacking);
	const context = {};
	await commit(byteLength(records), () => transaction(context, () => putEvents(records, context)));
});

async function notStored(events) {
	const stored = await readAnew(() => Promise.all(events.map(({ id }) => eventExists(id))));
	return events.filter((_, at) => !stored[at]);
}

const deferral = new Deferral(commits);

/** Bytes of what is large in events; the rest is in the space that is always left. */
export function byteLength(records) {
	let sum = 0;
	for (const { featuresIn, prediction } of records) sum += (featuresIn?.length ?? 0) + (prediction?.length ?? 0);
	return sum;
}

/** What a prediction may go without when availability goes first. */
const UNWRITTEN = new Set(['QUEUE_FULL', 'STORAGE_UNAVAILABLE']);

/**
 * Writes an event. Resolves when it is on disk.
 *
 * @param {object} event id, modelId, modelVersion, ...
 * @returns {Promise<void>} rejects with QUEUE_FULL or STORAGE_UNAVAILABLE
 */
export const writeEvent = (event) => commits.add(event);

/**
 * Writes the event of a prediction that is about to be answered. With `eventDurability: deferred` it resolves before the event is on
 * disk, unless too many are not. With that and with `best-effort` an event that cannot be written is counted instead.
 *
 * @param {object} event
 * @param {typeof writeEvent} [write]
 */
export async function recordEvent(event, write = writeEvent) {
	const { eventDurability } = options();
	const lose = () => countLostEvent(event.modelId);
	if (eventDurability === 'deferred' && deferral.take(event, byteLength([event]), lose)) return;
	try {
		await write(event);
	} catch (error) {
		if (eventDurability === 'required' || !UNWRITTEN.has(error.code)) throw error;
		lose();
	}
}

/**
 * Writes new events in a transaction that is under way, and what they add to rollups.
 *
 * @param {object[]} given as `withSegments` gives them
 * @param {object} context of the transaction
 * @param {string} [countedIn] the job whose rows they are, when another node may record them again under the same ids
 */
export function putEvents(given, { transaction }, countedIn = MINUTE) {
	const events = eventTable();
	const expiresAt = expiry(events);
	// Of its own, so that what else the transaction writes does not expire.
	const context = { transaction, expiresAt: expiresAt ?? NEVER };
	const unloaded = newEvents(events);
	const records = given.map((event) => recordOf(event, { expiresAt, countedIn }));
	for (const record of records) unloaded.put(record, context);
	putDeltas(records, context);
}

let unloadedEvents;

/** The table for records that are new: Harper need not read before what a record replaces. */
function newEvents(events) {
	if (!unloadedEvents || Object.getPrototypeOf(unloadedEvents) !== events) unloadedEvents = withoutLoading(events);
	return unloadedEvents;
}

/** When what is written now expires, in Unix milliseconds. */
function expiry(events) {
	const { eventRetention } = options();
	if (eventRetention === 0) return undefined;
	removeExpired(events, eventRetention);
	return Date.now() + eventRetention * 1000;
}

/** Has events removed when they expire, and replicated, also in a thread that records none. */
export function prepareEvents() {
	expiry(eventTable());
}

/**
 * Adds what really happened to an event, which expires no later for that. All fields are set, so of two at once one
 * stands whole.
 *
 * @param {string} id
 * @param {(event: object) => Promise<object>} outcomeOf the fields to set
 */
export async function patchEvent(id, outcomeOf) {
	const events = eventTable();
	// Harper may lose one of two patches of a record that are under way at once.
	const lock = await acquireLock(`event:${id}`);
	try {
		const stored = await awaitedEvent(events, id);
		const event = stored && eventFrom(stored);
		if (!event) throw new ApiError('INFERENCE_NOT_FOUND', `there is no prediction ${shown(id)}`);
		const context = await contextAfter([[events, id]], { expiresAt: event.expiresAt ?? NEVER });
		const outcome = await outcomeOf(event);
		const after = eventFrom({ ...event, ...outcome });
		const digest = await new ModelsNow().digestOf(event);
		await changingCounted(event, (isCounted) => {
			const write = async () => {
				await events.patch(id, outcome, context);
				if (isCounted) putFeedbackDelta(event, after, digest, context);
			};
			const { quality, ...rest } = outcome;
			const bytes = byteLength([event]) + JSON.stringify(rest).length + (quality?.length ?? 0);
			return commit(bytes, () => transaction(context, write));
		});
	} finally {
		lock.release();
	}
}

/**
 * Events that nobody else changes until they are released, as they are stored now; those that are not there any more are left out.
 *
 * @param {string[]} ids
 * @returns {Promise<{events: object[], context: object, release: () => void}>} the context of a transaction that changes them
 */
export async function heldEvents(ids) {
	const table = eventTable();
	const locks = [];
	const release = () => locks.forEach((lock) => lock.release());
	try {
		// In one order: who holds some of them waits for no one that waits for those.
		for (const id of ids.toSorted()) locks.push(await acquireLock(`event:${id}`));
		const events = [];
		for (const id of ids) {
			const stored = await readAnew(() => table.get(id));
			const event = stored && eventFrom(stored);
			if (event) events.push(event);
		}
		return { events, context: await contextAfter(events.map(({ id }) => [table, id])), release };
	} catch (error) {
		release();
		throw error;
	}
}

/**
 * Sets fields of an event that is held, which expires no later for that.
 *
 * @param {object} event of {@link heldEvents}
 * @param {object} fields that count in no metric
 * @param {object} context of the transaction
 */
export const patchHeld = ({ id, expiresAt }, fields, context) =>
	eventTable().patch(id, fields, { ...context, expiresAt: expiresAt ?? NEVER });

/**
 * An event that is stored here, and has not expired.
 *
 * @param {string} id
 * @returns {Promise<object | undefined>}
 */
export async function storedEvent(id) {
	const record = await table('InferenceEvent').get(id);
	const event = record && eventFrom(record);
	// Harper removes them later.
	return event && (event.expiresAt ?? Infinity) > Date.now() ? event : undefined;
}

/** Whether an event is stored here. */
export const eventExists = async (id) => Boolean(await table('InferenceEvent').get(id));

/**
 * Stores events again as they are, so that they reach every node.
 *
 * @param {unknown} ids
 */
export async function storeEventsAgain(ids) {
	const events = eventTable();
	for (const id of Array.isArray(ids) ? ids.filter(isEventId) : []) {
		const record = await events.get(id);
		if (!record) continue;
		const context = await contextAfter([[events, id]], { expiresAt: record.expiresAt ?? NEVER });
		await transaction(context, async () => {
			await events.put(copyOf(record), context);
			if (record.countedIn != null) putWitness(record, context);
		});
	}
}

/** An event, which may wait for its commit, or be on its way when another node has just recorded it. */
async function awaitedEvent(events, id) {
	const stored = await events.get(id);
	if (stored) return stored;
	await deferredWritten();
	const deadline = performance.now() + (hasOtherNodes() ? TRANSIT_MS : 0);
	for (;;) {
		const event = await readAnew(() => events.get(id));
		if (event || performance.now() >= deadline) return event;
		await sleep(TRANSIT_POLL_MS);
	}
}

/** What the table holds of an event. Fields that it lacks are left out, because Harper would store each as undefined. */
function recordOf(event, { expiresAt, countedIn }) {
	const { id, modelId, modelVersion, userId, sessionId, segment } = event;
	const record = {
		timestamp: timeOf(id),
		...event,
		countedIn,
		modelKey: `${modelId}|${id}`,
		versionKey: `${modelId}|${modelVersion}|${id}`,
	};
	if (userId !== undefined) record.userKey = `${userId}|${id}`;
	if (sessionId !== undefined) record.sessionKey = `${sessionId}|${id}`;
	if (segment !== undefined) record.segmentKey = `${modelId}|${segment}|${id}`;
	if (expiresAt !== undefined) record.expiresAt = expiresAt;
	return record;
}

/**
 * The events of a filter, newest first.
 *
 * @param {{id?: string, modelId?: string, version?: string, digest?: string, userId?: string, sessionId?: string,
 *   segment?: string, startTime?: number, endTime?: number, before?: string}} filter times in Unix milliseconds, both inclusive; `before` is the
 *   id of an event that is newer
 * @returns {AsyncGenerator<object>}
 */
export async function* eventsOf({
	id,
	modelId,
	version,
	digest,
	userId,
	sessionId,
	segment,
	startTime = 0,
	endTime = 2 ** 48 - 1,
	before,
}) {
	await deferredWritten();
	const { attribute, prefix } =
		id === undefined ? narrowest({ modelId, version, userId, sessionId, segment }) : { attribute: 'id' };
	const lowest = `${prefix}${idPrefix(Math.ceil(startTime))}`;
	// "~" sorts after every character of an id.
	const end = `${idPrefix(Math.floor(endTime))}~`;
	const highest = `${prefix}${before !== undefined && before < end ? before : end}`;
	const found = table('InferenceEvent').search({
		conditions: [{ attribute, comparator: 'between', value: id === undefined ? [lowest, highest] : [id, id] }],
		sort: { attribute, descending: true },
	});
	const now = Date.now();
	for await (const record of found) {
		const event = eventFrom(record);
		const wanted =
			event !== undefined &&
			event.id !== before &&
			// Harper removes them later.
			(event.expiresAt == null || event.expiresAt > now) &&
			isOf(event, { modelId, version, digest, userId, sessionId, segment });
		if (wanted) yield event;
	}
}

/** Whether an event is one of those that are asked for. */
export const isOf = (event, { modelId, version, digest, userId, sessionId, segment }) =>
	(modelId === undefined || event.modelId === modelId) &&
	(version === undefined || event.modelVersion === version) &&
	(digest === undefined || event.digest === digest) &&
	(userId === undefined || event.userId === userId) &&
	(sessionId === undefined || event.sessionId === sessionId) &&
	(segment === undefined || event.segment === segment);

/** The index that leaves the fewest events to look at. */
function narrowest({ modelId, version, userId, sessionId, segment }) {
	if (sessionId !== undefined) return { attribute: 'sessionKey', prefix: `${sessionId}|` };
	if (userId !== undefined) return { attribute: 'userKey', prefix: `${userId}|` };
	if (modelId !== undefined && segment !== undefined) {
		return { attribute: 'segmentKey', prefix: `${modelId}|${segment}|` };
	}
	if (modelId !== undefined && version !== undefined) {
		return { attribute: 'versionKey', prefix: `${modelId}|${version}|` };
	}
	if (modelId !== undefined) return { attribute: 'modelKey', prefix: `${modelId}|` };
	return { attribute: 'id', prefix: '' };
}
