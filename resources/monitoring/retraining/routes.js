// /monitoring/retraining: that models should be trained again, and what becomes of it.
import { readJsonObject } from '../../http/body.js';
import { readQuery } from '../../http/query.js';
import { serverSentEvents, wantsEvents } from '../../http/server-sent-events.js';
import {
	ACTION_FIELDS,
	actOnRequest,
	CREATE_FIELDS,
	createRequest,
	FILTER_FIELDS,
	listRequests,
	readRequest,
	REQUEST_FIELDS,
} from './requests.js';
import { subscribeToRequests } from './subscription.js';

/** `GET /monitoring/retraining?state=&modelId=&limit=&cursor=`; as server-sent events those that change from now on */
export async function list({ query, stream, user }) {
	if (wantsEvents(stream)) {
		const given = readQuery(query, FILTER_FIELDS);
		return serverSentEvents(stream, (how) => subscribeToRequests(given, user, how));
	}
	return { body: await listRequests(readQuery(query, REQUEST_FIELDS), user) };
}

/** `POST /monitoring/retraining` with `{modelId, version?, reason}` */
export async function create({ query, stream, user, prefix }) {
	readQuery(query, []);
	const request = await createRequest(await readJsonObject(stream, CREATE_FIELDS), user);
	return { status: 201, headers: { location: `${prefix}/monitoring/retraining/${request.id}` }, body: request };
}

/** `GET /monitoring/retraining/:request` */
export async function get({ params, query, user }) {
	readQuery(query, []);
	return { body: await readRequest({ id: params.request }, user) };
}

const does =
	(name) =>
	async ({ params, query, stream, user }) => {
		readQuery(query, []);
		const given = await readJsonObject(stream, ACTION_FIELDS[name]);
		return { body: await actOnRequest(name, { id: params.request }, given, user) };
	};

/** `POST /monitoring/retraining/:request/approve` with `{comment?}` */
export const approve = does('approve');

/** `POST /monitoring/retraining/:request/reject` with `{comment?}` */
export const reject = does('reject');

/** `POST /monitoring/retraining/:request/start` with `{comment?}` */
export const start = does('start');

/** `POST /monitoring/retraining/:request/complete` with `{version?, comment?}` */
export const complete = does('complete');

/** `POST /monitoring/retraining/:request/fail` with `{comment?}` */
export const fail = does('fail');
