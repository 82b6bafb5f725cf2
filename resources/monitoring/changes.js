// Changes in time of what model versions answer: detected in the addon while predictions are made, stored by each node now and then.
import { acquireLock, createId, takeChanges } from '../../binding.js';
import { transaction } from '../harper.js';
import { requireVisible, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { identifier, moment } from '../http/query.js';
import { options } from '../options.js';
import { isDigest } from '../registry/record.js';
import { mayReplicate } from '../storage/cluster.js';
import { commit } from '../storage/disk.js';
import { NEVER, removeExpired } from '../storage/expiry.js';
import { nodeName, table } from '../storage/tables.js';
import { retentionSeconds } from './hours-and-days.js';
import { readLimit } from './metrics.js';
import { idPrefix, isEventId } from './record.js';

/** Who stores changes of this process holds this lock. */
const LOCK = 'changes';
/** Changes that wait for a disk which takes none; beyond them the oldest are forgotten. */
const MAX_WAITING = 10_000;
/** Of a change without its texts; roughly. */
const BYTES = 512;

/** Those that were taken from the addon and are not stored yet. */
const waiting = [];

/** The table of changes, which reaches other nodes as that of events does. */
function changeTable() {
	const changes = table('Change');
	if (!changes.audit && options().replicateEvents && mayReplicate()) changes.enableAuditing();
	const seconds = retentionSeconds();
	if (seconds > 0) removeExpired(changes, seconds);
	return changes;
}

/** Has rows removed when they expire, and replicated, also in a thread that writes none. */
export function prepareChanges() {
	changeTable();
}

/** Stores what was detected in this process since the last call. */
export async function storeChanges() {
	const lock = await acquireLock(LOCK);
	try {
		for (const { changes, ...of } of takeChanges()) waiting.push(...changes.map((change) => ({ ...of, ...change })));
		waiting.splice(0, waiting.length - MAX_WAITING);
		while (waiting.length > 0) {
			await store(waiting[0]);
			waiting.shift();
		}
	} finally {
		lock.release();
	}
}

async function store({ modelId, version, ...change }) {
	const changes = changeTable();
	const seconds = retentionSeconds();
	const id = `${idPrefix(change.timestamp)}${createId().slice(13)}`;
	const keys = { id: `${modelId}|${id}`, versionKey: `${modelId}|${version}|${id}` };
	const record = { ...keys, modelId, version, ...change, node: nodeName() };
	if (seconds > 0) record.expiresAt = change.timestamp + seconds * 1000;
	const context = { expiresAt: record.expiresAt ?? NEVER };
	await commit(BYTES, () => transaction(context, () => changes.put(record, context)));
}

const isText = (value) => typeof value === 'string';
const isPart = (value) => Number.isSafeInteger(value?.count) && Number.isFinite(value.mean);

/** What a change shows, and what each of it is: a role may be allowed to write to the table itself. */
const SHOWN = {
	version: isText,
	digest: isDigest,
	signal: isText,
	detector: isText,
	timestamp: Number.isFinite,
	before: isPart,
	after: isPart,
	skipped: Number.isSafeInteger,
	node: isText,
};

/** @returns {object | undefined} nothing for what is no change, or has expired: Harper removes that later */
function changeFrom(record) {
	const isSound =
		isEventId(record.id.slice(record.id.lastIndexOf('|') + 1)) &&
		Object.entries(SHOWN).every(([field, isRight]) => isRight(record[field])) &&
		(record.expiresAt ?? Infinity) > Date.now();
	return isSound ? Object.fromEntries(Object.keys(SHOWN).map((field) => [field, record[field]])) : undefined;
}

/** What changes are asked for by. */
export const CHANGE_FIELDS = ['modelId', 'version', 'from', 'to', 'limit'];

/** What the signals of a prediction tell of its event; those of outputs tell of the prediction. */
const ATTRIBUTE_OF = { correctness: 'correct', confidence: 'confidence' };
const attributeOf = (signal) => (Object.hasOwn(ATTRIBUTE_OF, signal) ? ATTRIBUTE_OF[signal] : 'prediction');

/**
 * The changes that were detected in the predictions of a model, newest first.
 *
 * @param {Record<string, string | undefined>} given of {@link CHANGE_FIELDS}
 * @param {object | undefined} user Harper's user
 */
export async function changesOf(given, user) {
	const modelId = identifier('modelId', given.modelId);
	const version = given.version === undefined ? undefined : identifier('version', given.version);
	const [from, to] = [moment('from', given.from) ?? 0, moment('to', given.to) ?? Infinity];
	if (from > to) throw new ApiError('INVALID_REQUEST', 'from must not be after to');
	const limit = readLimit(given.limit);
	requireVisible(user, 'InferenceEvent', ['modelId', 'modelVersion', 'timestamp']);
	const isVisible = visibleTo(user, 'InferenceEvent');
	const told = ['confidence', 'correct', 'prediction'];
	if (!told.some(isVisible)) requireVisible(user, 'InferenceEvent', told);
	const [attribute, prefix] = version === undefined ? ['id', `${modelId}|`] : ['versionKey', `${modelId}|${version}|`];
	// "~" sorts after every character of an id.
	const value = [`${prefix}${idPrefix(Math.ceil(from))}`, `${prefix}${idPrefix(Math.floor(to))}~`];
	const found = changeTable().search({
		conditions: [{ attribute, comparator: 'between', value }],
		sort: { attribute, descending: true },
	});
	const changes = [];
	for await (const record of found) {
		const change = changeFrom(record);
		if (!change || !isVisible(attributeOf(change.signal))) continue;
		changes.push(isVisible('digest') ? change : { ...change, digest: undefined });
		if (changes.length === limit) break;
	}
	return { modelId, changes };
}
