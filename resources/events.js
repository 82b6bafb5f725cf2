// Inference events: written many in one transaction, read as descending ranges of their keys.
import { ApiError } from './errors.js';
import { options } from './options.js';
import { table, tablesExist } from './store.js';

/** Events that may wait for their commit, per thread. */
const MAX_WAITING = 10_000;
/** Events that one transaction takes. */
const MAX_BATCH = 1000;

/** An expiry that is given, so that the table's own does not count. */
const NEVER = Date.UTC(9999, 0);
const MAX_SCAN_INTERVAL_SECONDS = 3600;

let waiting = [];
let committing = false;
/** The retention that the table knows of, in seconds. */
let cleaned = 0;

/**
 * Writes an event. Resolves when it is on disk; events that arrive while a commit is under way share the next one.
 *
 * @param {object} event id, modelId, modelVersion, ...
 */
export function recordEvent(event) {
	if (waiting.length >= MAX_WAITING) {
		throw new ApiError('QUEUE_FULL', `${MAX_WAITING} events wait to be written already`);
	}
	const written = new Promise((resolve, reject) => waiting.push({ record: event, resolve, reject }));
	if (!committing) {
		committing = true;
		// What arrives in the same turn of the event loop goes into the same commit.
		setImmediate(commitAll);
	}
	return written;
}

async function commitAll() {
	while (waiting.length > 0) {
		const batch = waiting.slice(0, MAX_BATCH);
		waiting = waiting.slice(MAX_BATCH);
		try {
			await commit(batch.map(({ record }) => record));
			for (const { resolve } of batch) resolve();
		} catch (error) {
			globalThis.logger?.error?.('edge-ai: events were not written', error);
			const refusal = new ApiError('STORAGE_UNAVAILABLE', 'the prediction could not be recorded; it was not counted');
			for (const { reject } of batch) reject(refusal);
		}
	}
	committing = false;
}

function commit(records) {
	const context = {};
	return globalThis.transaction(context, () => putEvents(records, context));
}

/**
 * Writes events in a transaction that is under way.
 *
 * @param {object[]} records
 * @param {object} context of the transaction
 */
export function putEvents(records, { transaction }) {
	const events = table('InferenceEvent');
	const expiresAt = expiry(events);
	// Of its own, so that what else the transaction writes does not expire.
	const context = { transaction, expiresAt: expiresAt ?? NEVER };
	for (const record of records) events.put({ ...withKeys(record), expiresAt }, context);
}

/** When what is written now expires, in Unix milliseconds. */
function expiry(events) {
	const { eventRetention } = options();
	if (eventRetention === 0) return undefined;
	if (eventRetention !== cleaned) {
		// Harper looks for expired records only in a table that has a retention of its own.
		const scanInterval = Math.min(eventRetention, MAX_SCAN_INTERVAL_SECONDS);
		events.setTTLExpiration({ expiration: eventRetention, eviction: 0, scanInterval });
		cleaned = eventRetention;
	}
	return Date.now() + eventRetention * 1000;
}

/** Has events removed when they expire, also in a thread that records none. */
export async function cleanEvents() {
	await tablesExist();
	expiry(table('InferenceEvent'));
}

/**
 * Adds what really happened to an event, which expires no later for that.
 *
 * @param {object} event
 * @param {object} outcome
 */
export function patchEvent(event, outcome) {
	return table('InferenceEvent').patch(event.id, outcome, { expiresAt: event.expiresAt ?? NEVER });
}

function withKeys(event) {
	const { id, modelId, modelVersion, userId, sessionId } = event;
	return {
		timestamp: timeOf(id),
		...event,
		modelKey: `${modelId}|${id}`,
		versionKey: `${modelId}|${modelVersion}|${id}`,
		userKey: userId === undefined ? undefined : `${userId}|${id}`,
		sessionKey: sessionId === undefined ? undefined : `${sessionId}|${id}`,
	};
}

/** The Unix milliseconds in a UUIDv7. */
const timeOf = (id) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

/** The first 48 bits of the UUIDv7s of a millisecond, as they stand in the text of an id. */
function idPrefix(milliseconds) {
	const hex = Math.min(milliseconds, 2 ** 48 - 1)
		.toString(16)
		.padStart(12, '0');
	return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/**
 * The events of a filter, newest first.
 *
 * @param {{modelId?: string, version?: string, userId?: string, sessionId?: string, startTime?: number, endTime?: number,
 *   before?: string}} filter times in Unix milliseconds, both inclusive; `before` is the id of an event that is newer
 * @returns {AsyncGenerator<object>}
 */
export async function* eventsOf({ modelId, version, userId, sessionId, startTime = 0, endTime = 2 ** 48 - 1, before }) {
	const { attribute, prefix } = narrowest({ modelId, version, userId, sessionId });
	const lowest = `${prefix}${idPrefix(Math.ceil(startTime))}`;
	// "~" sorts after every character of an id.
	const end = `${idPrefix(Math.floor(endTime))}~`;
	const highest = `${prefix}${before !== undefined && before < end ? before : end}`;
	const found = table('InferenceEvent').search({
		conditions: [{ attribute, comparator: 'between', value: [lowest, highest] }],
		sort: { attribute, descending: true },
	});
	const now = Date.now();
	for await (const event of found) {
		const wanted =
			event.id !== before &&
			// Harper removes them later.
			(event.expiresAt == null || event.expiresAt > now) &&
			(modelId === undefined || event.modelId === modelId) &&
			(version === undefined || event.modelVersion === version) &&
			(userId === undefined || event.userId === userId) &&
			(sessionId === undefined || event.sessionId === sessionId);
		if (wanted) yield event;
	}
}

/** The index that leaves the fewest events to look at. */
function narrowest({ modelId, version, userId, sessionId }) {
	if (sessionId !== undefined) return { attribute: 'sessionKey', prefix: `${sessionId}|` };
	if (userId !== undefined) return { attribute: 'userKey', prefix: `${userId}|` };
	if (modelId !== undefined && version !== undefined) {
		return { attribute: 'versionKey', prefix: `${modelId}|${version}|` };
	}
	if (modelId !== undefined) return { attribute: 'modelKey', prefix: `${modelId}|` };
	return { attribute: 'id', prefix: '' };
}
