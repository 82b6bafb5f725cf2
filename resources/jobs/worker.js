// Works on jobs: runs the rows, writes the results in steps, and goes on where a dead worker stopped.
//
// A step is stored in one transaction with the events of its rows, then written to the target, then its progress is stored and
// the step deleted in one transaction. Whatever happens in between, the next worker finds the step and finishes it with the
// same values: no row runs, and no event is recorded, a second time for it.
import { setMaxListeners } from 'node:events';
import { acquireLock } from '../../binding.js';
import { ApiError, answerOf } from '../errors.js';
import { putEvents } from '../events.js';
import { find } from '../models.js';
import { inOrder } from '../rows/order.js';
import { LIMITS, runRow, templateOf } from '../rows/run.js';
import { sessionFor } from '../sessions.js';
import { table } from '../store.js';
import { authorizeJob, fieldsFor } from './definition.js';
import { endLease, isLeased, lease, RENEWAL_MS } from './lease.js';
import { isJob, isStep } from './record.js';
import { sourceRows } from './source.js';
import { writeRows } from './target.js';

const POLL_MS = 2000;
const STEP_ROWS = 500;
const STEP_BYTES = 4 << 20;
const STEP_MS = 1000;
const MAX_ERRORS = 10;
/** The engine shuts down: the job is somebody else's, later. */
const ENDINGS = new Set(['CLOSED', 'CANCELLED']);

/** The jobs of this thread: what stops them. */
const working = new Map();

/** Looks for jobs that nobody works on, from now on. */
export function watchJobs() {
	const look = () => {
		// Harper makes the tables after it loads this module.
		if (globalThis.databases?.edge_ai?.Job) pickUp().catch(complain);
	};
	setInterval(look, POLL_MS).unref();
}

const complain = (error) => globalThis.logger?.error?.('edge-ai: a job', error);

async function pickUp() {
	const running = [];
	const conditions = [{ attribute: 'state', value: 'running' }];
	for await (const { id } of table('Job').search({ conditions, select: ['id'] })) running.push(id);
	for (const id of running) {
		if (!working.has(id) && !(await isLeased(id))) work(id);
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
		// Of all threads of this process one works; the lease is for the other processes.
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

/** A record as an object of its own: Harper's have their values, also nested ones, behind accessors of a prototype. */
export const plain = (record) => JSON.parse(JSON.stringify(record));

/**
 * @param {string} id
 * @returns {Promise<object | undefined>}
 */
export async function jobOf(id) {
	const job = await table('Job').get(id);
	const found = job && plain(job);
	return found && isJob(found) ? found : undefined;
}

async function workAlone(id, leaving) {
	const job = await jobOf(id);
	if (job?.state !== 'running' || (await isLeased(id))) return;
	if (await isCancelled(id)) {
		await end(id, { state: 'cancelled' });
		return;
	}
	await lease(id);
	const renewal = setInterval(() => renew(id, leaving).catch(complain), RENEWAL_MS);
	try {
		await run(job, leaving.signal);
		await end(id, { state: 'completed' });
	} catch (error) {
		// Who cancels it ends it.
		if (!leaving.signal.aborted && !ENDINGS.has(error.code)) {
			const { error: message, code } = answerOf(error).body;
			await end(id, { state: 'failed', error: { code, error: message } });
		}
	} finally {
		clearInterval(renewal);
		await endLease(id);
	}
}

async function renew(id, leaving) {
	if (await isCancelled(id)) leaving.abort(new ApiError('CANCELLED', 'the job was cancelled'));
	else await lease(id);
}

const isCancelled = async (id) => Boolean(await table('JobCancellation').get(id));

/** Ends a job. Only who has its lock does that: of two that patch a record at once, Harper may lose one. */
async function end(id, outcome) {
	await table('Job').patch(id, { ...outcome, finishedAt: Date.now() });
	await table('JobStep').delete(id);
	await table('JobCancellation').delete(id);
}

/**
 * Cancels a job; nothing is written any more when this resolves, as far as this node is concerned.
 *
 * @param {string} id
 */
export async function cancel(id) {
	await table('JobCancellation').put({ id });
	working.get(id)?.abort(new ApiError('CANCELLED', 'the job was cancelled'));
	const lock = await acquireLock(`job:${id}`);
	try {
		// It may have come to its own end just before.
		if ((await jobOf(id))?.state === 'running') await end(id, { state: 'cancelled' });
		else await table('JobCancellation').delete(id);
	} finally {
		lock.release();
	}
}

async function run(job, signal) {
	authorizeJob(job, await globalThis.server.getUser(job.userId, null));
	const model = await find(job.modelId, job.modelVersion);
	const session = await sessionFor(model);
	const { modelId, modelVersion: version, record, timeoutMs } = job;
	const batch = { template: templateOf({ modelId, version, record, timeoutMs }), model, session, signal };

	const unfinished = await table('JobStep').get(job.id);
	const { processed, written, failed, errors, checkpoint } = job;
	let progress = { processed, written, failed, errors, checkpoint };
	if (unfinished && isStep(unfinished, job)) progress = await take(job, unfinished, progress);

	let outcomes = [];
	let bytes = 0;
	let since = Date.now();
	const step = async () => {
		progress = await take(job, await store(job, outcomes, progress), progress);
		outcomes = [];
		bytes = 0;
		since = Date.now();
	};
	for await (const group of inOrder(sourceRows(job.source, progress.checkpoint), LIMITS, sizeOf, runIn(batch))) {
		for (const outcome of group) {
			signal.throwIfAborted();
			outcomes.push(outcome);
			bytes += outcome.result?.prediction.length ?? 0;
			if (outcomes.length >= STEP_ROWS || bytes >= STEP_BYTES) await step();
		}
		if (outcomes.length > 0 && Date.now() - since >= STEP_MS) await step();
	}
	signal.throwIfAborted();
	if (outcomes.length > 0) await step();
}

const sizeOf = ({ features }) => features.length;

const runIn = (batch) => async (row) => {
	let event;
	const { result, error } = await runRow(batch, row, (made) => (event = made));
	return { id: row.id, result, error, event };
};

/** Stores what is to be written, with the events of its rows. */
async function store(job, outcomes, { processed, failed, errors }) {
	const failures = outcomes.filter(({ error }) => error);
	const shownErrors = failures.map(({ id, error }) => ({ id, code: error.code, error: error.message }));
	const step = {
		id: job.id,
		writes: JSON.stringify(
			outcomes.flatMap((outcome) => {
				const fields = fieldsFor(job.target.fields, outcome, job);
				return fields ? [{ id: outcome.id, fields }] : [];
			})
		),
		progress: JSON.stringify({
			processed: processed + outcomes.length,
			failed: failed + failures.length,
			errors: [...errors, ...shownErrors].slice(0, MAX_ERRORS),
			checkpoint: outcomes.at(-1).id,
		}),
	};
	const events = outcomes.flatMap(({ event }) => event ?? []);
	const context = {};
	await globalThis.transaction(context, async () => {
		putEvents(events, context);
		await table('JobStep').put(step, context);
	});
	return step;
}

/** Writes a stored step and what it means for the job. */
async function take(job, step, { written }) {
	const held = await writeRows(job, JSON.parse(step.writes));
	const progress = { ...JSON.parse(step.progress), written: written + held };
	const context = {};
	await globalThis.transaction(context, async () => {
		await table('Job').patch(job.id, progress, context);
		await table('JobStep').delete(job.id, context);
	});
	return progress;
}
