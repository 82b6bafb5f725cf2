// /jobs: predictions for the rows of a table.
import { readJsonObject } from '../http/body.js';
import { readQuery, shown } from '../http/query.js';
import { FIELDS } from './definition.js';
import { ApiError } from '../errors.js';
import { cancelJob, createJob, eraseJob, listJobs, readJob } from './jobs.js';

/** `POST /jobs/predict` with `{modelId, version?, source, target, record?, timeoutMs?}` */
export async function create({ query, stream, user, prefix }) {
	readQuery(query, []);
	const job = await createJob(await readJsonObject(stream, FIELDS), user);
	return { status: 202, headers: { location: `${prefix}/jobs/${job.id}` }, body: job };
}

/** `GET /jobs?state=&limit=&cursor=` */
export async function list({ query, user }) {
	return { body: await listJobs(readQuery(query, ['state', 'limit', 'cursor']), user) };
}

/** `GET /jobs/:id` */
export async function get({ params, query, user }) {
	readQuery(query, []);
	return { body: await readJob(params, user) };
}

/** `DELETE /jobs/:id?erase=true`: cancels a job; sent again it changes nothing. With `erase` the record of one that has ended goes. */
export async function remove({ params, query, user }) {
	const { erase = 'false' } = readQuery(query, ['erase']);
	if (erase !== 'true' && erase !== 'false') {
		throw new ApiError('INVALID_REQUEST', `erase must be true or false, received ${shown(erase)}`);
	}
	return { body: await (erase === 'true' ? eraseJob : cancelJob)(params, user) };
}
