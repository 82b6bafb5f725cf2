// What a thread does by itself, as soon as it knows its options.
import { acquireLock, tryLock } from '../../binding.js';
import { makeRoles } from '../http/roles.js';
import { watchJobs } from '../jobs/worker.js';
import { prepareChanges, storeChanges } from '../monitoring/changes.js';
import { evaluateRules } from '../monitoring/alerts/watch.js';
import { scoreDrift } from '../monitoring/drift-scores.js';
import { prepareEstimates, storeEstimates } from '../monitoring/estimates.js';
import { prepareDraws } from '../monitoring/labels/draws.js';
import { watchEstimators } from '../monitoring/estimators.js';
import { prepareEvents } from '../monitoring/events.js';
import { prepareProfiles, storeProfiles } from '../monitoring/profiles.js';
import { prepareResources, storeResources } from '../monitoring/resources.js';
import { compact } from '../monitoring/rollups/compaction.js';
import { countEarlier } from '../monitoring/rollups/earlier.js';
import { complainOfRules } from '../monitoring/rules/complaint.js';
import { deliverToWebhooks } from '../monitoring/webhooks/watch.js';
import { prepareRollups } from '../monitoring/rollups/rows.js';
import { prepareSegments } from '../monitoring/segments.js';
import { sweep } from '../registry/sweep.js';
import { watchModels } from '../registry/watch.js';
import { preload } from '../serving/preload.js';
import { leases } from '../storage/lease-rows.js';
import { tablesExist } from '../storage/tables.js';
import { atEnd } from './ending.js';
import { Schedule } from './schedule.js';
import { log, servesHttp } from '../harper.js';

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;

/** @type {import('./schedule.js').Entry[]} */
const ENTRIES = [
	{ name: 'roles', owner: 'process', run: makeRoles },
	// The retention and the audit log of a table are each thread's own.
	{ name: 'events', owner: 'thread', onChange: true, run: prepareEvents },
	{ name: 'segment table', owner: 'thread', onChange: true, run: prepareSegments },
	{ name: 'rollup tables', owner: 'thread', onChange: true, run: prepareRollups },
	{ name: 'rollups', owner: 'process', everyMs: 2 * SECOND_MS, run: compact },
	{ name: 'rollups of earlier events', owner: 'process', everyMs: 60 * SECOND_MS, run: countEarlier },
	{ name: 'profile table', owner: 'thread', onChange: true, run: prepareProfiles },
	{ name: 'change table', owner: 'thread', onChange: true, run: prepareChanges },
	{ name: 'resource table', owner: 'thread', onChange: true, run: prepareResources },
	// The lease is taken for each evaluation: to keep it would be a write every second.
	{ name: 'rules', owner: 'process', everyMs: SECOND_MS, run: evaluateRules },
	// The same.
	{ name: 'webhooks', owner: 'process', everyMs: SECOND_MS, run: deliverToWebhooks },
	{ name: 'declared rules', owner: 'process', onChange: true, run: complainOfRules },
	{ name: 'estimate table', owner: 'thread', onChange: true, run: prepareEstimates },
	{ name: 'label draw table', owner: 'thread', onChange: true, run: prepareDraws },
	{ name: 'estimators', owner: 'process', everyMs: 10 * SECOND_MS, run: watchEstimators },
	{ name: 'preload', owner: 'process', onChange: true, run: preload },
	{ name: 'models', owner: 'process', run: watchModels },
	{ name: 'sweep', owner: 'process', everyMs: HOUR_MS, run: sweep },
	// Each job has a lock and a lease of its own.
	{ name: 'jobs', owner: 'thread', everyMs: 2 * SECOND_MS, run: watchJobs },
];

/**
 * Not for a main thread beside others: it stands still at the end of the process, when what it is amid would be lost.
 *
 * @type {import('./schedule.js').Entry[]}
 */
const OF_SERVING_THREADS = [
	{ name: 'profiles', owner: 'process', everyMs: 10 * SECOND_MS, run: async () => scoreDrift(await storeProfiles()) },
	{ name: 'last profiles', owner: 'process', run: ({ signal }) => atEnd(storeProfiles, signal) },
	{ name: 'estimates', owner: 'process', everyMs: 10 * SECOND_MS, run: storeEstimates },
	{ name: 'last estimates', owner: 'process', run: ({ signal }) => atEnd(storeEstimates, signal) },
	{ name: 'changes', owner: 'process', everyMs: 10 * SECOND_MS, run: storeChanges },
	{ name: 'last changes', owner: 'process', run: ({ signal }) => atEnd(storeChanges, signal) },
	{ name: 'resources', owner: 'process', everyMs: 10 * SECOND_MS, run: storeResources },
	{ name: 'last resources', owner: 'process', run: ({ signal }) => atEnd(storeResources, signal) },
];

const makeSchedule = () =>
	new Schedule({
		ready: tablesExist,
		tryLock,
		acquireLock,
		leases,
		log: (name, error) => log.error(`edge-ai: background work "${name}"`, error),
	});

let schedule;
const added = [];

/**
 * Starts it; called again, when the options have changed, it starts nothing twice.
 *
 * @param {import('./schedule.js').Entry[]} [others] beside what is listed here, from now on
 */
export function start(others = []) {
	added.push(...others);
	schedule ??= makeSchedule();
	schedule.start([...ENTRIES, ...(servesHttp() ? OF_SERVING_THREADS : []), ...added]);
}

/** Ends it, so that other threads and nodes go on at once. */
export async function stop() {
	const last = schedule;
	schedule = undefined;
	await last?.stop();
}
