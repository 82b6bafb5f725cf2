// /feedback and /monitoring: what was predicted, and what really happened.
import { readJsonObject } from '../http/body.js';
import { readQuery } from '../http/query.js';
import { authorizeFeedback, FEEDBACK_FIELDS, giveFeedback, NULLABLE } from './feedback.js';
import { EVENT_FIELDS, listEvents, METRICS_FIELDS, metricsOf } from './metrics.js';

/** `POST /feedback` with `{inferenceId, outcome, correct?}` */
export async function feedback({ query, stream, user }) {
	readQuery(query, []);
	authorizeFeedback(user);
	const how = { nullable: NULLABLE, asText: ['outcome'] };
	const { outcome: text, ...given } = await readJsonObject(stream, FEEDBACK_FIELDS, how);
	return { body: await giveFeedback({ ...given, text }, user) };
}

/** `GET /monitoring/events?inferenceId=&modelId=&version=&digest=&userId=&sessionId=&startTime=&endTime=&limit=&cursor=` */
export async function events({ query, user }) {
	return { body: await listEvents(readQuery(query, EVENT_FIELDS), user) };
}

/** `GET /monitoring/metrics?modelId=&version=&digest=&startTime=&endTime=` */
export async function metrics({ query, user }) {
	return { body: await metricsOf(readQuery(query, METRICS_FIELDS), user) };
}
