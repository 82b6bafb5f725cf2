// Events a page at a time, and metrics over them, with what the caller may see.
import { lostEvents } from '../../binding.js';
import { MEASURES } from '../../library/metrics.js';
import { requireVisible, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { estimatedIn } from './estimates.js';
import { eventsOf } from './events.js';
import { isEventId, SHOWN } from './record.js';
import { identifier, keyPart, shown, moment } from '../http/query.js';
import { isDigest } from '../registry/record.js';
import { readMeasures } from './rollups/reading.js';
import { END_MS, lostIn, startOf } from './rollups/tiers.js';
import { isToldApart } from './segments.js';
import { Series, Sums } from './sums.js';

export const MAX_LIMIT = 1000;
/** The parameters that events are filtered by, and the attribute that each of them tells of. */
const FILTERED = {
	modelId: 'modelId',
	version: 'modelVersion',
	digest: 'digest',
	userId: 'userId',
	sessionId: 'sessionId',
	segment: 'segment',
	startTime: 'timestamp',
	endTime: 'timestamp',
};
export const FILTERS = Object.keys(FILTERED);

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

/** The attribute of events that each part of the answer tells of, or all of those that it does. */
const ATTRIBUTE_OF = {
	modelId: 'modelId',
	version: 'modelVersion',
	versions: 'modelVersion',
	digest: 'digest',
	previous: 'digest',
	segment: 'segment',
	segments: 'segment',
	otherSegments: 'segment',
	startTime: 'timestamp',
	endTime: 'timestamp',
	...Object.fromEntries(Object.entries(MEASURES).map(([name, { attribute }]) => [name, attribute])),
};

/** All of them: who sees them sees the whole answer. */
const ATTRIBUTES = [...new Set(Object.values(ATTRIBUTE_OF).flat())];

/** What metrics are asked for by. */
export const METRICS_FIELDS = [
	...['modelId', 'version', 'digest', 'userId', 'segment', 'startTime', 'endTime', 'interval', 'by'],
];
/** What metrics can be told by beside the whole. */
export const BY = ['version', 'segment'];

/**
 * The metrics of a model.
 *
 * @param {Record<string, unknown>} given of {@link METRICS_FIELDS}; times may be texts
 * @param {object | undefined} user Harper's user
 */
export async function metricsOf({ interval, by = 'version', ...given }, user) {
	const filter = readFilter(given, user);
	if (!BY.includes(by)) {
		throw new ApiError('INVALID_REQUEST', `by must be one of ${BY.join(', ')}, received ${shown(by)}`);
	}
	const bySegment = by === 'segment';
	if (bySegment) requireVisible(user, 'InferenceEvent', ['segment']);
	const modelId = identifier('modelId', filter.modelId);
	const range = rangeOf(filter, interval);
	const series = interval === undefined ? undefined : new Series(interval, range, { bySegment });
	// Whoever sees a series learns when events were.
	if (series) requireVisible(user, 'InferenceEvent', ['timestamp']);
	const sums = new Sums({ ...filter, bySegment }, series);
	const incomplete = await readRange({ ...filter, ...range, longestMs: series?.lengthMs }, sums);
	const current = filter.digest === undefined ? await sums.models.versionsOf(modelId) : new Map();
	const digests = Object.fromEntries(Array.from(current, ([version, { digest }]) => [version, digest]));
	const described = (sum, ...times) => JSON.parse(sum.toJson(modelId, ...times, digests, bySegment));
	const measured = described(sums.total, filter.startTime, filter.endTime);
	const isVisible = visibleTo(user, 'InferenceEvent');
	const answer = visibleMetrics(measured, isVisible);
	const digest = filter.digest ?? digests[filter.version];
	const estimated = ESTIMATED.every(isVisible)
		? await estimatedFor({ ...filter, digest, ...range, interval })
		: undefined;
	if (estimated) answer.estimated = estimated.total;
	if (series) {
		const ofPoint = (name) => name !== 'modelId' && name !== 'versions' && isShown(name, isVisible);
		const pointOf = (...given) => Object.entries(described(...given)).filter(([name]) => ofPoint(name));
		answer.series = series.map((...point) => Object.fromEntries(pointOf(...point)));
		for (const point of answer.series) {
			const measures = estimated?.points.get(startOf(series.lengthMs, point.startTime));
			if (measures) point.estimated = measures;
		}
	}
	if (incomplete.length > 0 && isVisible('timestamp')) answer.incomplete = incomplete;
	return { ...answer, lostEvents: lostEvents()[modelId] ?? 0 };
}

/** The attributes of events that an estimate tells of, as quality does. */
export const ESTIMATED = ['modelVersion', 'timestamp', 'correct', 'prediction', 'actualOutcome'];

/** Estimates are of one version, and of all its users and segments. */
async function estimatedFor({ version, digest, userId, segment, ...range }) {
	if (version === undefined || digest === undefined) return undefined;
	if (userId !== undefined || segment !== undefined) return undefined;
	return estimatedIn({ version, digest, ...range });
}

/** The range of a filter, in whole milliseconds, from its begin to before its end; that of a series ends now unless it says when. */
function rangeOf({ startTime, endTime }, interval) {
	if (interval !== undefined && startTime === undefined) {
		throw new ApiError('INVALID_REQUEST', 'interval needs startTime: when the series begins');
	}
	const last = endTime ?? (interval === undefined ? END_MS : Math.max(Date.now(), startTime));
	return { from: Math.ceil(startTime ?? 0), to: Math.min(Math.floor(last) + 1, END_MS) };
}

/**
 * Reads what is asked for. Resolves to the times of which something is not there any more.
 *
 * @returns {Promise<{startTime: number, endTime: number}[]>} both inclusive
 */
async function readRange(wanted, sums) {
	const lost = (await isInRollups(wanted)) ? await readMeasures(wanted, sums) : await readEvents(wanted, sums);
	// Without a begin, the range begins with what is there.
	const asked = lost.filter(({ from }) => wanted.startTime !== undefined || from > 0);
	return asked.map(({ from, to }) => ({ startTime: from, endTime: to - 1 }));
}

/** No rollups know of users, nor of segments that are not told apart. */
const isInRollups = async ({ modelId, userId, segment }) =>
	userId === undefined && (segment === undefined || (await isToldApart(modelId, segment)));

/** The same from events alone. */
async function readEvents({ from, to, ...wanted }, sums) {
	for await (const event of eventsOf({ ...wanted, startTime: from, endTime: to - 1 })) await sums.takeEvent(event);
	return lostIn([{ from, to }]);
}

const isShown = (name, isVisible) => [ATTRIBUTE_OF[name]].flat().every(isVisible);

function visibleMetrics(measured, isVisible) {
	if (ATTRIBUTES.every(isVisible)) return measured;
	const entries = Object.entries(measured).filter(([name]) => isShown(name, isVisible));
	return Object.fromEntries(
		entries.map(([name, value]) => [
			name,
			Array.isArray(value)
				? value.map((part) => visibleMetrics(part, isVisible))
				: name === 'otherSegments' && value !== null
					? visibleMetrics(value, isVisible)
					: value,
		])
	);
}

/**
 * What events are filtered by; whoever filters by an attribute must be allowed to read it.
 *
 * @param {Record<string, unknown>} given of {@link FILTERS}
 * @param {object | undefined} user Harper's user
 */
export function readFilter({ modelId, version, userId, sessionId, segment, digest, startTime, endTime }, user) {
	const filter = {
		modelId: modelId === undefined ? undefined : identifier('modelId', modelId),
		version: version === undefined ? undefined : identifier('version', version),
		userId: keyPart('userId', userId),
		sessionId: keyPart('sessionId', sessionId),
		segment: keyPart('segment', segment),
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
