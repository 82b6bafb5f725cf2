// GET /monitoring/...: events a page at a time, and metrics over them.
import { setImmediate as turn } from 'node:timers/promises';
import { lostEvents, MetricsAccumulator } from '../binding.js';
import { meanConfidence } from '../library/confidence.js';
import { ApiError } from './errors.js';
import { eventsOf } from './events.js';
import { isEventId } from './monitoring/record.js';
import { identifier, readQuery, shown, time } from './query.js';

const MAX_LIMIT = 1000;
const FILTERS = ['modelId', 'version', 'userId', 'sessionId', 'startTime', 'endTime'];
const FIELDS = [
	'id',
	'timestamp',
	'modelId',
	'modelVersion',
	'framework',
	'featuresIn',
	'prediction',
	'confidence',
	'latencyMs',
	'userId',
	'sessionId',
	'requestId',
	'correct',
	'actualOutcome',
	'feedbackTimestamp',
	'error',
];
/** After so many events other requests get their turn. */
const EVENTS_PER_TURN = 500;

/** `GET /monitoring/events?inferenceId=&modelId=&version=&userId=&sessionId=&startTime=&endTime=&limit=&cursor=` */
export async function events({ query }) {
	const {
		limit: limitText,
		cursor,
		inferenceId,
		...given
	} = readQuery(query, ['inferenceId', ...FILTERS, 'limit', 'cursor']);
	const limit = readLimit(limitText);
	if (cursor !== undefined && !isEventId(cursor)) {
		throw new ApiError('INVALID_REQUEST', `cursor must come from an earlier answer, received ${shown(cursor)}`);
	}
	if (inferenceId !== undefined && !isEventId(inferenceId)) {
		throw new ApiError('INVALID_REQUEST', `inferenceId must be that of a prediction, received ${shown(inferenceId)}`);
	}
	const page = [];
	let more = false;
	for await (const event of eventsOf({ ...readFilter(given), id: inferenceId, before: cursor })) {
		if (page.length === limit) {
			more = true;
			break;
		}
		page.push(Object.fromEntries(FIELDS.flatMap((field) => (event[field] == null ? [] : [[field, event[field]]]))));
	}
	return { body: { events: page, count: page.length, cursor: more ? page.at(-1).id : undefined } };
}

/** `GET /monitoring/metrics?modelId=&version=&startTime=&endTime=` */
export async function metrics({ query }) {
	const given = readQuery(query, ['modelId', 'version', 'startTime', 'endTime']);
	const filter = readFilter(given);
	const modelId = identifier('modelId', filter.modelId);
	const accumulator = new MetricsAccumulator();
	let seen = 0;
	for await (const event of eventsOf(filter)) {
		const { modelVersion, timestamp, latencyMs, confidence, actualOutcome, correct, error } = event;
		accumulator.add(
			modelVersion,
			timestamp,
			latencyMs,
			meanConfidence(confidence),
			actualOutcome != null,
			correct,
			error != null
		);
		seen += 1;
		if (seen % EVENTS_PER_TURN === 0) await turn();
	}
	const measured = accumulator.toJson(modelId, filter.startTime, filter.endTime);
	return { json: `${measured.slice(0, -1)},"lostEvents":${lostEvents()[modelId] ?? 0}}` };
}

function readFilter({ modelId, version, userId, sessionId, startTime, endTime }) {
	const filter = {
		modelId: modelId === undefined ? undefined : identifier('modelId', modelId),
		version: version === undefined ? undefined : identifier('version', version),
		userId,
		sessionId,
		startTime: time('startTime', startTime),
		endTime: time('endTime', endTime),
	};
	if (filter.startTime > filter.endTime) throw new ApiError('INVALID_REQUEST', 'startTime must not be after endTime');
	return filter;
}

/**
 * How many a page has.
 *
 * @param {string} [text]
 */
export function readLimit(text = '100') {
	const limit = Number(text);
	if (!/^\d+$/.test(text) || limit < 1 || limit > MAX_LIMIT) {
		throw new ApiError(
			'INVALID_REQUEST',
			`limit must be a whole number from 1 to ${MAX_LIMIT}, received ${shown(text)}`
		);
	}
	return limit;
}
