// /jobs: predictions for the rows of a table.
import { createId } from '../binding.js';
import { authorize, requireVisible, visibleTo } from './access.js';
import { ApiError } from './errors.js';
import { readJsonObject } from './http/body.js';
import { FIELDS, readDefinition } from './jobs/definition.js';
import { isJob } from './jobs/record.js';
import { begin, cancel, jobOf, plain } from './jobs/worker.js';
import { prepareTarget } from './jobs/target.js';
import { readLimit } from './monitoring.js';
import { canBeKey, keyPart, readQuery, shown } from './query.js';
import { deleteAfter } from './storage/after.js';
import { commit } from './storage/disk.js';
import { table } from './store.js';

const TOLD = [
	'id',
	'state',
	'modelId',
	'modelVersion',
	'source',
	'target',
	'record',
	'timeoutMs',
	'userId',
	'processed',
	'written',
	'failed',
	'errors',
	'error',
	'createdAt',
	'finishedAt',
];
const STATES = ['running', 'completed', 'failed', 'cancelled'];

/** `POST /jobs/predict` with `{modelId, version?, source, target, record?, timeoutMs?}` */
export async function create({ query, stream, user }) {
	readQuery(query, []);
	const definition = await readDefinition(await readJsonObject(stream, FIELDS), user);
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
	};
	await commit(JSON.stringify(job).length, async () => {
		await prepareTarget(job);
		await begin(job);
	});
	return { status: 202, headers: { location: `/jobs/${job.id}` }, body: describe(job, user) };
}

/** `GET /jobs?state=&limit=&cursor=` */
export async function list({ query, user }) {
	const { state, limit: limitText, cursor } = readQuery(query, ['state', 'limit', 'cursor']);
	const limit = readLimit(limitText);
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
		const job = plain(record);
		if (isJob(job)) jobs.push(describe(job, user));
	}
	const page = jobs.slice(0, limit);
	return { body: { jobs: page, count: page.length, cursor: jobs.length > limit ? page.at(-1).id : undefined } };
}

/** `GET /jobs/:id` */
export async function get({ params, query, user }) {
	readQuery(query, []);
	return { body: describe(await find(params.id), user) };
}

/** `DELETE /jobs/:id`: cancels a job that runs, and removes one that has ended */
export async function remove({ params, query, user }) {
	readQuery(query, []);
	const job = await find(params.id);
	if (job.userId !== user.username) authorize(user, { Job: ['delete'] });
	if (job.state !== 'running') {
		await commit(0, () => deleteAfter(table('Job'), job.id), 'deletion');
		return { body: describe(job, user) };
	}
	await cancel(job.id);
	return { body: describe(await find(job.id), user) };
}

async function find(id) {
	const job = canBeKey(id) ? await jobOf(id) : undefined;
	if (!job) throw new ApiError('JOB_NOT_FOUND', `there is no job ${shown(id)}`);
	return job;
}

/** A job as a user may see it, without what only the worker needs. */
function describe(job, user) {
	const isVisible = visibleTo(user, 'Job');
	const told = { ...job, ...job.result };
	return Object.fromEntries(
		TOLD.filter((name) => told[name] != null && (name === 'id' || isVisible(name))).map((name) => [name, told[name]])
	);
}
