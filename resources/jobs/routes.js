// /jobs: predictions for the rows of a table.
import { createId } from '../../binding.js';
import { authorize, requireVisible, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { readJsonObject } from '../http/body.js';
import { FIELDS, readDefinition } from './definition.js';
import { isJob, SHOWN, STATES } from './record.js';
import { begin, cancel, jobOf, plain } from './worker.js';
import { prepareTarget } from './target.js';
import { readLimit } from '../monitoring/metrics.js';
import { canBeKey, keyPart, readQuery, shown } from '../http/query.js';
import { deleteAfter } from '../storage/after.js';
import { commit } from '../storage/disk.js';
import { table } from '../storage/tables.js';

/** `POST /jobs/predict` with `{modelId, version?, source, target, record?, timeoutMs?}` */
export async function create({ query, stream, user, prefix }) {
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
	return { status: 202, headers: { location: `${prefix}/jobs/${job.id}` }, body: describe(job, user) };
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
	const whole = { ...job, ...job.result };
	return Object.fromEntries(
		SHOWN.filter((name) => whole[name] != null && (name === 'id' || isVisible(name))).map((name) => [name, whole[name]])
	);
}
