// /monitoring/alerts: what rules have found, and what people do about it.
import { readJsonObject } from '../../http/body.js';
import { readQuery } from '../../http/query.js';
import { serverSentEvents, wantsEvents } from '../../http/server-sent-events.js';
import { ACTION_FIELDS, actOnAlert, ALERT_FIELDS, FILTER_FIELDS, listAlerts, readAlert } from './alerts.js';
import { subscribeToAlerts } from './subscription.js';

/** `GET /monitoring/alerts?state=&modelId=&rule=&limit=&cursor=`; as server-sent events those that change from now on */
export async function list({ query, stream, user }) {
	if (wantsEvents(stream)) {
		const given = readQuery(query, FILTER_FIELDS);
		return serverSentEvents(stream, (how) => subscribeToAlerts(given, user, how));
	}
	return { body: await listAlerts(readQuery(query, ALERT_FIELDS), user) };
}

/** `GET /monitoring/alerts/:alert` */
export async function get({ params, query, user }) {
	readQuery(query, []);
	return { body: await readAlert({ id: params.alert }, user) };
}

const does =
	(name) =>
	async ({ params, query, stream, user }) => {
		readQuery(query, []);
		const given = await readJsonObject(stream, ACTION_FIELDS[name]);
		return { body: await actOnAlert(name, { id: params.alert }, given, user) };
	};

/** `POST /monitoring/alerts/:alert/acknowledge` with `{comment?}` */
export const acknowledge = does('acknowledge');

/** `POST /monitoring/alerts/:alert/silence` with `{until, comment?}` */
export const silence = does('silence');

/** `POST /monitoring/alerts/:alert/resolve` with `{comment?}` */
export const resolve = does('resolve');
