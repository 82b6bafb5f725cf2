// /jobs: predictions for the rows of a table.
import { readObject } from '../http/body.js';
import { readFlag, readQuery } from '../http/query.js';
import { traceOf } from '../serving/trace.js';
import { serverSentEvents, wantsEvents } from '../http/server-sent-events.js';
import { FIELDS } from './definition.js';
import { cancelJob, createJob, eraseJob, listJobs, readJob } from './jobs.js';
import { subscribeToJob } from './subscription.js';

/** `POST /jobs/predict` with `{modelId, version?, source, target, record?, timeoutMs?}` */
export async function create(call) {
	const { query, stream, user, prefix } = call;
	readQuery(query, []);
	const job = await createJob(await readObject(stream, FIELDS), user, traceOf(call));
	return { status: 202, headers: { location: `${prefix}/jobs/${job.id}` }, body: job };
}

/** `GET /jobs?state=&limit=&cursor=` */
export async function list({ query, user }) {
	return { body: await listJobs(readQuery(query, ['state', 'limit', 'cursor']), user) };
}

/** `GET /jobs/:id`; as server-sent events, whenever it has changed */
export async function get({ params, query, stream, user }) {
	readQuery(query, []);
	if (wantsEvents(stream)) return serverSentEvents(stream, (how) => subscribeToJob(params, user, how));
	return { body: await readJob(params, user) };
}

/** `DELETE /jobs/:id?erase=true`: cancels a job; sent again it changes nothing. With `erase` the record of one that has ended goes. */
export async function remove({ params, query, user }) {
	const erase = readFlag('erase', readQuery(query, ['erase']).erase, false);
	return { body: await (erase ? eraseJob : cancelJob)(params, user) };
}
