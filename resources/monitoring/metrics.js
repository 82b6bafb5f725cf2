// Events a page at a time, and metrics over them, with what the caller may see.
import { setImmediate as turn } from 'node:timers/promises';
import { lostEvents, MetricsAccumulator } from '../../binding.js';
import { measure } from '../../library/events.js';
import { MEASURES } from '../../library/metrics.js';
import { requireVisible, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { eventsOf } from './events.js';
import { isEventId, SHOWN } from './record.js';
import { identifier, keyPart, shown, moment } from '../http/query.js';
import { isDigest, modelRecords } from '../registry/record.js';

const MAX_LIMIT = 1000;
/** The parameters that events are filtered by, and the attribute that each of them tells of. */
const FILTERED = {
	modelId: 'modelId',
	version: 'modelVersion',
	digest: 'digest',
	userId: 'userId',
	sessionId: 'sessionId',
	startTime: 'timestamp',
	endTime: 'timestamp',
};
export const FILTERS = Object.keys(FILTERED);
/** After so many events other requests get their turn. */
const EVENTS_PER_TURN = 500;

/** What a page of events is asked for by. */
export const EVENT_FIELDS = ['inferenceId', ...FILTERS, 'limit', 'cursor'];

/**
 * A page of events, newest first.
 *
 * @param {Record<string, unknown>} given of {@link EVENT_FIELDS}; numbers may be texts
 * @param {object | undefined} user Harper's user
 */
export async function listEvents({ limit: givenLimit, cursor, inferenceId, ...given }, user) {
	const limit = readLimit(givenLimit);
	if (cursor !== undefined && !isEventId(cursor)) {
		throw new ApiError('INVALID_REQUEST', `cursor must come from an earlier answer, received ${shown(cursor)}`);
	}
	if (inferenceId !== undefined && !isEventId(inferenceId)) {
		throw new ApiError('INVALID_REQUEST', `inferenceId must be that of a prediction, received ${shown(inferenceId)}`);
	}
	const filter = readFilter(given, user);
	const describe = describedFor(user);
	const page = [];
	let more = false;
	for await (const event of eventsOf({ ...filter, id: inferenceId, before: cursor })) {
		if (page.length === limit) {
			more = true;
			break;
		}
		page.push(describe(event));
	}
	return { events: page, count: page.length, cursor: more ? page.at(-1).id : undefined };
}

/**
 * What of an event a user may see.
 *
 * @param {object | undefined} user Harper's user
 * @returns {(event: object) => object}
 */
export function describedFor(user) {
	const isVisible = visibleTo(user, 'InferenceEvent');
	const fields = SHOWN.filter((field) => field === 'id' || isVisible(field));
	return (event) =>
		Object.fromEntries(fields.flatMap((field) => (event[field] == null ? [] : [[field, event[field]]])));
}

/** The attribute of events that each part of the answer tells of. */
const ATTRIBUTE_OF = {
	modelId: 'modelId',
	version: 'modelVersion',
	versions: 'modelVersion',
	digest: 'digest',
	previous: 'digest',
	startTime: 'timestamp',
	endTime: 'timestamp',
	...Object.fromEntries(Object.entries(MEASURES).map(([name, { attribute }]) => [name, attribute])),
};

/** What metrics are asked for by. */
export const METRICS_FIELDS = ['modelId', 'version', 'digest', 'startTime', 'endTime'];

/**
 * The metrics of a model.
 *
 * @param {Record<string, unknown>} given of {@link METRICS_FIELDS}; times may be texts
 * @param {object | undefined} user Harper's user
 */
export async function metricsOf(given, user) {
	const { digest: wanted, ...filter } = readFilter(given, user);
	const modelId = identifier('modelId', filter.modelId);
	const now = await currentModels(modelId);
	const accumulator = new MetricsAccumulator();
	let seen = 0;
	for await (const event of eventsOf(filter)) {
		seen += 1;
		if (seen % EVENTS_PER_TURN === 0) await turn();
		const digest = digestOf(event, now);
		if (wanted !== undefined && digest !== wanted) continue;
		measure(accumulator, event, digest);
	}
	const digests =
		wanted === undefined ? Object.fromEntries([...now].map(([version, { digest }]) => [version, digest])) : {};
	const measured = JSON.parse(accumulator.toJson(modelId, filter.startTime, filter.endTime, digests));
	const isVisible = visibleTo(user, 'InferenceEvent');
	return { ...visibleMetrics(measured, isVisible), lostEvents: lostEvents()[modelId] ?? 0 };
}

/** The versions of a model as they are now. */
async function currentModels(modelId) {
	const models = new Map();
	for await (const { version, digest, uploadedAt } of modelRecords(modelId)) {
		models.set(version, { digest, uploadedAt });
	}
	return models;
}

/** What ran. Events of earlier releases do not tell; after the upload of the model that is there now, it was that one. */
function digestOf({ digest, modelVersion, timestamp }, now) {
	if (digest !== undefined) return digest;
	const model = now.get(modelVersion);
	return model && timestamp >= model.uploadedAt ? model.digest : undefined;
}

function visibleMetrics(measured, isVisible) {
	const entries = Object.entries(measured).filter(([name]) => isVisible(ATTRIBUTE_OF[name]));
	return Object.fromEntries(
		entries.map(([name, value]) => [
			name,
			Array.isArray(value) ? value.map((part) => visibleMetrics(part, isVisible)) : value,
		])
	);
}

/**
 * What events are filtered by; whoever filters by an attribute must be allowed to read it.
 *
 * @param {Record<string, unknown>} given of {@link FILTERS}
 * @param {object | undefined} user Harper's user
 */
export function readFilter({ modelId, version, userId, sessionId, digest, startTime, endTime }, user) {
	const filter = {
		modelId: modelId === undefined ? undefined : identifier('modelId', modelId),
		version: version === undefined ? undefined : identifier('version', version),
		userId: keyPart('userId', userId),
		sessionId: keyPart('sessionId', sessionId),
		digest: digest === undefined ? undefined : sha256(digest),
		startTime: moment('startTime', startTime),
		endTime: moment('endTime', endTime),
	};
	if (filter.startTime > filter.endTime) throw new ApiError('INVALID_REQUEST', 'startTime must not be after endTime');
	// Whoever filters by an attribute learns it.
	const filtered = Object.entries(FILTERED).filter(([name]) => filter[name] !== undefined);
	requireVisible(
		user,
		'InferenceEvent',
		filtered.map(([, attribute]) => attribute)
	);
	return filter;
}

function sha256(text) {
	if (isDigest(text)) return text;
	throw new ApiError('INVALID_REQUEST', `digest must be the 64 hexadecimal digits of a model, received ${shown(text)}`);
}

/**
 * How many a page has.
 *
 * @param {unknown} [given] a number or its text
 */
export function readLimit(given = 100) {
	const limit = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given;
	if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
		throw new ApiError(
			'INVALID_REQUEST',
			`limit must be a whole number from 1 to ${MAX_LIMIT}, received ${shown(given)}`
		);
	}
	return limit;
}
