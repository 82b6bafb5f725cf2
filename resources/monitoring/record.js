// Records of the table InferenceEvent, checked when they are read: roles may allow writing to the table itself.
import { isDigest } from '../registry/record.js';

const EVENT_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a value is a UUIDv7, as every event has it. */
export const isEventId = (value) => isText(value) && EVENT_ID.test(value);

/** The Unix milliseconds in a UUIDv7. */
export const timeOf = (id) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

/** The first 48 bits of the UUIDv7s of a millisecond, as they stand in the text of an id. */
export function idPrefix(milliseconds) {
	const hex = Math.min(milliseconds, 2 ** 48 - 1)
		.toString(16)
		.padStart(12, '0');
	return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

const isText = (value) => typeof value === 'string';
const isNumber = (value) => Number.isFinite(value);
const isTime = (value) => isNumber(value) && value >= 0;
const isConfidence = (value) =>
	isNumber(value) || (Array.isArray(value) && value.every((part) => part === null || isNumber(part)));

const isRegression = (value) =>
	Number.isSafeInteger(value?.count) && value.count > 0 && [value.mae, value.rmse, value.bias].every(isNumber);

/** The attributes of an event, but for the keys that are made of them, and what each of them is. */
export const FIELDS = {
	id: isEventId,
	timestamp: isTime,
	modelId: isText,
	modelVersion: isText,
	digest: isDigest,
	framework: isText,
	featuresIn: isText,
	prediction: isText,
	confidence: isConfidence,
	latencyMs: isNumber,
	queueMs: isTime,
	batchRows: isTime,
	userId: isText,
	sessionId: isText,
	segment: isText,
	requestId: isText,
	traceparent: isText,
	correct: (value) => typeof value === 'boolean',
	regression: isRegression,
	actualOutcome: isText,
	feedbackTimestamp: isTime,
	samplingProbability: (value) => isNumber(value) && value > 0 && value <= 1,
	labelDraw: isText,
	error: (value) => isText(value?.code) && isText(value.message),
	expiresAt: isNumber,
	countedIn: isText,
	quality: (value) => value instanceof Uint8Array,
	isOtherSegment: (value) => value === true,
};
const REQUIRED = ['id', 'timestamp', 'modelId', 'modelVersion'];

/** The keys that events are found by: what is filtered by, and the id. */
export const KEYS = ['modelKey', 'versionKey', 'userKey', 'sessionKey', 'segmentKey'];

/** What is only the component's business. */
const INTERNAL = ['queueMs', 'batchRows', 'expiresAt', 'countedIn', 'quality', 'isOtherSegment'];

/** Those that an answer shows, in its order. */
export const SHOWN = Object.keys(FIELDS).filter((field) => !INTERNAL.includes(field));

/** What a request may say of its event. */
export const GIVEN = ['userId', 'sessionId', 'segment', 'requestId'];
/** What is known of an event later. */
export const FEEDBACK = ['correct', 'regression', 'actualOutcome', 'feedbackTimestamp'];
/** What is known of an event that was drawn to be labelled. */
export const DRAWN = ['samplingProbability', 'labelDraw'];
/** What a prediction has of its trace. */
const TRACE = ['traceparent'];
/** Those that every prediction writes or may come to write: what its caller must be allowed to. */
export const WRITTEN = SHOWN.filter(
	(field) => !['id', 'featuresIn', ...GIVEN, ...TRACE, ...FEEDBACK, ...DRAWN].includes(field)
);

/**
 * An event without what no prediction writes, as an object of its own.
 *
 * @param {object} record
 * @returns {object | undefined} nothing for what is no event
 */
export function eventFrom(record) {
	const event = {};
	for (const [field, isRight] of Object.entries(FIELDS)) {
		const value = record[field];
		if (value !== undefined && value !== null && isRight(value)) event[field] = value;
	}
	return REQUIRED.every((field) => event[field] !== undefined) ? event : undefined;
}
