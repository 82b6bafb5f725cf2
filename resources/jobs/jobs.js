// What callers do with jobs: make, list, read, cancel.
import { createId } from '../../binding.js';
import { authorize, isAllowed, requireVisible, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { copyOf } from '../harper.js';
import { readDefinition } from './definition.js';
import { isJob, SHOWN, STATES } from './record.js';
import { begin, cancel, jobOf } from './worker.js';
import { prepareTarget } from './target.js';
import { readLimit } from '../monitoring/metrics.js';
import { canBeKey, keyPart, shown } from '../http/query.js';
import { deleteAfter } from '../storage/after.js';
import { commit } from '../storage/disk.js';
import { table } from '../storage/tables.js';

/** What it takes to cancel or erase jobs that others made. */
const TO_END_OTHERS = { Job: ['delete'] };

/**
 * Makes a job, which begins at once.
 *
 * @param {object} given see `FIELDS` of a definition
 * @param {object} user Harper's user, whose rights it has
 * @param {string} [traceparent] the trace that its predictions are part of
 */
export async function createJob(given, user, traceparent) {
	const definition = await readDefinition(given, user);
	const job = {
		id: createId(),
		state: 'running',
		...definition,
		userId: user.username,
		processed: 0,
		written: 0,
		failed: 0,
		errors: [],
		createdAt: Date.now(),
		...(traceparent !== undefined && { traceparent }),
	};
	await commit(JSON.stringify(job).length, async () => {
		await prepareTarget(job);
		await begin(job);
	});
	return describe(job, user);
}

/**
 * A page of jobs, newest first.
 *
 * @param {{state?: unknown, limit?: unknown, cursor?: unknown}} given the limit may be a text
 * @param {object | undefined} user Harper's user
 */
export async function listJobs({ state, limit: givenLimit, cursor }, user) {
	const limit = readLimit(givenLimit);
	if (state !== undefined && !STATES.includes(state)) {
		throw new ApiError('INVALID_REQUEST', `state must be one of ${STATES.join(', ')}, received ${shown(state)}`);
	}
	if (state !== undefined) requireVisible(user, 'Job', ['state']);
	keyPart('cursor', cursor);
	// "~" sorts after every id.
	const conditions = [{ attribute: 'id', comparator: 'less_than', value: cursor ?? '~' }];
	if (state !== undefined) conditions.push({ attribute: 'state', value: state });
	const jobs = [];
	const found = table('Job').search({
		conditions,
		enforceExecutionOrder: true,
		sort: { attribute: 'id', descending: true },
		limit: limit + 1,
	});
	for await (const record of found) {
		const job = copyOf(record);
		if (isJob(job)) jobs.push(describe(job, user));
	}
	const page = jobs.slice(0, limit);
	return { jobs: page, count: page.length, cursor: jobs.length > limit ? page.at(-1).id : undefined };
}

/** A job as its caller may see it. */
export const readJob = async ({ id }, user) => describe(await find(id), user);

/** The same, with its state, which the caller may not see. */
export async function readJobAndState(id, user) {
	const job = await find(id);
	return { job: describe(job, user), state: job.state };
}

/**
 * Cancels a job that runs; one that has ended stays as it is.
 *
 * @param {{id: unknown}} given
 * @param {object} user Harper's user: who made it, or who may delete jobs
 */
export async function cancelJob({ id }, user) {
	const job = await findOwn(id, user);
	if (job.state !== 'running') return describe(job, user);
	await cancel(job.id);
	return describe(await find(job.id), user);
}

/**
 * Erases the record of a job that has ended.
 *
 * @param {{id: unknown}} given
 * @param {object} user as for {@link cancelJob}
 */
export async function eraseJob({ id }, user) {
	const job = await findOwn(id, user);
	if (job.state === 'running') {
		throw new ApiError('INVALID_REQUEST', 'the job is running: cancel it before its record is erased');
	}
	await commit(0, () => deleteAfter(table('Job'), job.id), 'deletion');
	return describe(job, user);
}

async function findOwn(id, user) {
	const job = await find(id);
	if (job.userId !== user.username) authorize(user, TO_END_OTHERS);
	return job;
}

/**
 * Whether a user may cancel jobs that others made, and erase their records.
 *
 * @param {object} user Harper's user
 */
export const mayEndJobsOfOthers = (user) => isAllowed(user, TO_END_OTHERS);

async function find(id) {
	const job = typeof id === 'string' && canBeKey(id) ? await jobOf(id) : undefined;
	if (!job) throw new ApiError('JOB_NOT_FOUND', `there is no job ${shown(id)}`);
	return job;
}

/** A job as a user may see it, without what only the worker needs. */
function describe(job, user) {
	const isVisible = visibleTo(user, 'Job');
	const whole = { ...job, ...job.result };
	return Object.fromEntries(
		SHOWN.filter((name) => whole[name] != null && whole[name] !== '' && (name === 'id' || isVisible(name))).map(
			(name) => [name, whole[name]]
		)
	);
}
