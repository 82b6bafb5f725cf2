// /feedback and /monitoring: what was predicted, and what really happened.
import { readJsonObject } from '../http/body.js';
import { readQuery } from '../http/query.js';
import { serverSentEvents, wantsEvents } from '../http/server-sent-events.js';
import { CHANGE_FIELDS, changesOf } from './changes.js';
import { DRIFT_FIELDS, driftOf } from './drift.js';
import { FIT_FIELDS, fitEstimator, NAME_FIELDS, removeEstimator } from './estimators.js';
import { authorizeFeedback, FEEDBACK_FIELDS, giveFeedback, NULLABLE } from './feedback.js';
import { EVENT_FIELDS, listEvents, METRICS_FIELDS, metricsOf } from './metrics.js';
import { metricsFor } from './prometheus.js';
import { PROFILE_FIELDS, profileOf } from './profiles.js';
import { RESOURCE_FIELDS, resourcesOf } from './resources.js';
import { deleteReference, referenceFrom, referencesOf, REFERENCE_FIELDS, uploadReference } from './references.js';
import { SUBSCRIPTION_FIELDS, subscribeToEvents } from './subscription.js';

/** `POST /feedback` with `{inferenceId, outcome, correct?}` */
export async function feedback({ query, stream, user }) {
	readQuery(query, []);
	authorizeFeedback(user);
	const how = { nullable: NULLABLE, asText: ['outcome'] };
	const { outcome: text, ...given } = await readJsonObject(stream, FEEDBACK_FIELDS, how);
	return { body: await giveFeedback({ ...given, text }, user) };
}

/**
 * `GET /monitoring/events?inferenceId=&modelId=&version=&digest=&userId=&sessionId=&segment=&startTime=&endTime=&limit=&cursor=`; as server-sent
 * events those that are recorded from now on
 */
export async function events({ query, stream, user }) {
	if (wantsEvents(stream)) {
		const given = readQuery(query, SUBSCRIPTION_FIELDS);
		return serverSentEvents(stream, (how) => subscribeToEvents(given, user, how));
	}
	return { body: await listEvents(readQuery(query, EVENT_FIELDS), user) };
}

/** `GET /monitoring/metrics?modelId=&version=&digest=&userId=&segment=&startTime=&endTime=&interval=&by=` */
export async function metrics({ query, user }) {
	return { body: await metricsOf(readQuery(query, METRICS_FIELDS), user) };
}

/** `GET /metrics`, in the format that `Accept` asks for */
export function processMetrics({ query, stream, user }) {
	readQuery(query, []);
	const { contentType, text } = metricsFor(stream.headers.accept, user);
	return { bytes: Buffer.from(text), headers: { 'content-type': contentType } };
}

/** `GET /monitoring/profile?modelId=&version=&from=&to=` */
export async function profile({ query, user }) {
	return { body: await profileOf(readQuery(query, PROFILE_FIELDS), user) };
}

/** `GET /monitoring/changes?modelId=&version=&from=&to=&limit=` */
export async function changes({ query, user }) {
	return { body: await changesOf(readQuery(query, CHANGE_FIELDS), user) };
}

/**
 * `GET /monitoring/drift?modelId=&version=&from=&to=&referenceVersion=&referenceFrom=&referenceTo=&method=&threshold=&correction=
 * &minRows=&driftShare=&exact=`
 */
export async function drift({ query, user }) {
	return { body: await driftOf(readQuery(query, DRIFT_FIELDS), user) };
}

/** `GET /monitoring/resources?modelId=&version=&from=&to=&by=version|user` */
export async function resources({ query, user }) {
	return { body: await resourcesOf(readQuery(query, RESOURCE_FIELDS), user) };
}

/**
 * `POST /monitoring/reference?modelId=&version=&name=&format=&delimiter=&label=` with training data; with `from` or `to` without a body
 */
export async function createReference({ query, stream, user }) {
	const given = readQuery(query, REFERENCE_FIELDS);
	const isOfTime = given.from !== undefined || given.to !== undefined;
	const body = isOfTime ? await referenceFrom(given, stream, user) : await uploadReference(given, stream, user);
	return { status: 201, body };
}

/** `GET /monitoring/reference?modelId=&version=` */
export async function listReferences({ query, user }) {
	return { body: await referencesOf(readQuery(query, ['modelId', 'version']), user) };
}

/** `DELETE /monitoring/reference?modelId=&version=&name=` */
export async function removeReference({ query, user }) {
	return { body: await deleteReference(readQuery(query, ['modelId', 'version', 'name']), user) };
}

/** `POST /monitoring/estimator?modelId=&version=&from=&to=&chunkRows=` */
export async function fit({ query, user }) {
	return { status: 201, body: await fitEstimator(readQuery(query, FIT_FIELDS), user) };
}

/** `DELETE /monitoring/estimator?modelId=&version=` */
export async function removeFit({ query }) {
	return { body: await removeEstimator(readQuery(query, NAME_FIELDS)) };
}
