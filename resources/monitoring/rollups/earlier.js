// Counts the events that releases without rollups recorded, once: a thousand at a time, in the order of their ids, each time in one
// transaction with how far that is. Until it is at the end, metrics are counted from events.
import { setImmediate as turn } from 'node:timers/promises';
import { acquireLock } from '../../../binding.js';
import { readAnew, transaction } from '../../harper.js';
import { options } from '../../options.js';
import { contextAfter } from '../../storage/after.js';
import { mayReplicate } from '../../storage/cluster.js';
import { commit } from '../../storage/disk.js';
import { leases } from '../../storage/lease-rows.js';
import { table } from '../../storage/tables.js';
import { ModelsNow } from '../models-now.js';
import { eventFrom } from '../record.js';
import { putDeltas } from './deltas.js';

const EVENTS_PER_STEP = 1000;
/** The key of the only row: how far the events have been counted. */
const KEY = 'events';
/** The name of the lock in the process, and of the lease in the cluster, of whoever counts. */
const COUNTING = 'rollups of earlier events';

let isFinished = false;

/** The table of how far it is, which reaches other nodes as that of events does. */
function progressTable() {
	const progress = table('RollupProgress');
	if (!progress.audit && options().replicateEvents && mayReplicate()) progress.enableAuditing();
	return progress;
}

/**
 * Whether all events of earlier releases are in rollups.
 *
 * @param {object} [context] of the transaction that asks
 */
export async function areEarlierCounted(context) {
	isFinished ||= (await progressTable().get(KEY, context))?.isFinished === true;
	return isFinished;
}

/**
 * Counts what is not counted yet, if this node is the one to do it.
 *
 * @param {{signal: AbortSignal}} held
 */
export async function countEarlier({ signal }) {
	if (await areEarlierCounted()) return;
	const lease = await leases().take(COUNTING);
	if (!lease) return;
	try {
		while (!signal.aborted && (await lease.renew())) {
			if (await countStep()) break;
			await turn();
		}
	} finally {
		await lease.release();
	}
}

/** Counts some more. Resolves to whether that was all. */
async function countStep() {
	const lock = await acquireLock(COUNTING);
	try {
		const from = (await progressTable().get(KEY))?.countedTo ?? '';
		const { events, countedTo, isLast } = await eventsFrom(from);
		const context = await contextAfter([[progressTable(), KEY]]);
		const put = () => {
			putDeltas(events, context);
			return progressTable().put({ id: KEY, countedTo, isFinished: isLast }, context);
		};
		await commit(0, () => transaction(context, put));
		return isLast;
	} finally {
		lock.release();
	}
}

/** The next events in the order of their ids, but for those that were counted when they were recorded. */
async function eventsFrom(from) {
	const models = new ModelsNow();
	const conditions = [{ attribute: 'id', comparator: 'between', value: [from, '~'] }];
	const events = [];
	let countedTo = from;
	let seen = 0;
	for await (const record of table('InferenceEvent').search({ conditions })) {
		if (seen === EVENTS_PER_STEP) return { events, countedTo, isLast: false };
		if (record.id === from) continue;
		seen += 1;
		countedTo = record.id;
		const event = eventFrom(record);
		if (event && event.countedIn === undefined) events.push({ ...event, digest: await models.digestOf(event) });
	}
	return { events, countedTo, isLast: true };
}

/**
 * Changes an event, in the knowledge of whether it is counted.
 *
 * @template T
 * @param {object} event
 * @param {(isCounted: boolean) => Promise<T>} change
 * @returns {Promise<T>}
 */
export async function changingCounted({ id, countedIn }, change) {
	if (countedIn !== undefined) return change(true);
	const lock = await acquireLock(COUNTING);
	try {
		const progress = await readAnew(() => progressTable().get(KEY));
		return await change(id <= (progress?.countedTo ?? ''));
	} finally {
		lock.release();
	}
}
