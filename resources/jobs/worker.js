// Works on jobs: each is the work of one thread of one node, which has its lease, and goes on where a dead one stopped.
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock } from '../../binding.js';
import { ApiError, answerOf } from '../errors.js';
import { copyOf, log, readAnew, transaction } from '../harper.js';
import { deleteAfter, patchAfter, putAfter } from '../storage/after.js';
import { commit } from '../storage/disk.js';
import { RENEWAL_MS } from '../storage/lease.js';
import { leases } from '../storage/lease-rows.js';
import { table } from '../storage/tables.js';
import { isJob } from './record.js';
import { forgetStep, forgetSteps, run } from './run.js';

/** A node that has not ended a cancelled job by then does not hear of it. */
const CANCEL_MS = 15_000;
const CANCEL_POLL_MS = 50;
/** The engine shuts down, another node goes on, the disk is full or the model is still on its way: the job goes on elsewhere or later. */
const ENDINGS = new Set(['CLOSED', 'CANCELLED', 'STORAGE_UNAVAILABLE', 'MODEL_NOT_READY']);

/** The name of a job's lease. */
const leaseOf = (id) => `job:${id}`;

/** The jobs of this thread: what stops them. */
const working = new Map();

function complain(error) {
	// A log that grows would not help a full disk; the job goes on when there is room.
	if (error.code !== 'STORAGE_UNAVAILABLE') log.error('edge-ai: a job', error);
}

/** Takes up the jobs that nobody works on. */
export async function watchJobs() {
	try {
		await pickUp();
	} catch (error) {
		complain(error);
	}
}

async function pickUp() {
	const running = [];
	const conditions = [{ attribute: 'state', value: 'running' }];
	for await (const { id } of table('Job').search({ conditions, select: ['id'] })) running.push(id);
	for (const id of running) {
		if (!working.has(id) && (await leases().isFree(leaseOf(id)))) work(id);
	}
}

/**
 * Works on a job until it is done or cancelled.
 *
 * @param {string} id
 */
export async function work(id) {
	if (working.has(id)) return;
	const leaving = new AbortController();
	setMaxListeners(0, leaving.signal);
	working.set(id, leaving);
	try {
		// Of all threads of this process one works; the lease is for the other nodes.
		const lock = await acquireLock(`job:${id}`);
		try {
			await workAlone(id, leaving);
		} finally {
			lock.release();
		}
	} catch (error) {
		complain(error);
	} finally {
		working.delete(id);
	}
}

/**
 * @param {string} id
 * @returns {Promise<object | undefined>}
 */
export async function jobOf(id) {
	const job = await table('Job').get(id);
	const found = job && copyOf(job);
	return found && isJob(found) ? found : undefined;
}

/**
 * Stores a new job, which belongs to this node from the start.
 *
 * @param {object} job
 */
export async function begin(job) {
	const claim = leases().first(leaseOf(job.id));
	const context = {};
	await transaction(context, async () => {
		await table('Job').put(job, context);
		await table('Lease').put(claim, context);
	});
	work(job.id);
}

async function workAlone(id, leaving) {
	if ((await jobOf(id))?.state !== 'running') return;
	const lease = await leases().take(leaseOf(id));
	if (!lease) return;
	const renewal = setInterval(() => renew(id, lease, leaving).catch(complain), RENEWAL_MS);
	try {
		const outcome = await outcomeOf(id, lease, leaving.signal);
		if (outcome) {
			await end(id, outcome);
			await leases().forget(leaseOf(id));
		}
	} finally {
		clearInterval(renewal);
		if (lease.isHeld()) await lease.release();
		else await forgetStep(id, lease);
	}
}

/** Does what there is to do. Resolves to how the job ended, or to nothing when it is to go on elsewhere or later. */
async function outcomeOf(id, lease, signal) {
	try {
		// The last owner may have changed it until the lease was ours.
		const job = await jobOf(id);
		if (await isCancelled(id)) return { state: 'cancelled' };
		const result = await run(job, lease, signal);
		await lease.check();
		return { state: 'completed', result };
	} catch (error) {
		if (!lease.isHeld()) return undefined;
		if (signal.aborted) return { state: 'cancelled' };
		if (ENDINGS.has(error.code)) return undefined;
		const { error: message, code } = answerOf(error).body;
		return { state: 'failed', error: { code, error: message } };
	}
}

/** Keeps the lease, and stops the work when it is lost or the job is to stop. */
async function renew(id, lease, leaving) {
	if (!(await lease.renew())) leaving.abort(new ApiError('CLOSED', 'another node works on the job'));
	else if (await isCancelled(id)) leaving.abort(new ApiError('CANCELLED', 'the job was cancelled'));
}

/** Whether it is to stop, or another node has ended it when nothing got through between them. */
async function isCancelled(id) {
	return Boolean(await table('JobCancellation').get(id)) || (await jobOf(id))?.state !== 'running';
}

/** Ends a job. Only who has its lock does that: of two that patch a record at once, Harper may lose one. */
async function end(id, outcome) {
	const job = await jobOf(id);
	if (job?.state === 'running') {
		const finishedAt = Math.max(Date.now(), job.createdAt);
		const change = { ...outcome, finishedAt };
		await commit(JSON.stringify(change).length, () => patchAfter(table('Job'), id, change));
	}
	await forgetSteps(id);
	await uncancel(id);
}

const uncancel = (id) => deleteAfter(table('JobCancellation'), id);

/**
 * Cancels a job; nothing is written any more when this resolves, also on another node as long as that one is heard.
 *
 * @param {string} id
 */
export async function cancel(id) {
	await commit(0, () => putAfter(table('JobCancellation'), { id }));
	await endedElsewhere(id);
	working.get(id)?.abort(new ApiError('CANCELLED', 'the job was cancelled'));
	const lock = await acquireLock(`job:${id}`);
	try {
		// It may have come to its own end just before.
		if ((await jobOf(id))?.state === 'running') await end(id, { state: 'cancelled' });
		else await uncancel(id);
	} finally {
		lock.release();
	}
}

/** Waits for the node that works on a job to end it, as long as there is one. */
async function endedElsewhere(id) {
	const deadline = performance.now() + CANCEL_MS;
	const isOver = async () => (await jobOf(id))?.state !== 'running' || !(await leases().isElsewhere(leaseOf(id)));
	while (performance.now() < deadline) {
		if (await readAnew(isOver)) return;
		await sleep(CANCEL_POLL_MS);
	}
}
