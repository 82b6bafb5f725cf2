// Records of the table RetrainingRequest, checked when they are read: roles may allow writing to the table itself.
import { createHash } from 'node:crypto';
import { copyOf } from '../../harper.js';
import { table } from '../../storage/tables.js';
import { idPrefix, isEventId } from '../record.js';
import { measureNamed } from '../rules/sources.js';
import { APPROVALS, STATES } from './states.js';

const isText = (value) => typeof value === 'string';
const isTime = (value) => Number.isFinite(value) && value >= 0;
const isAbsentOr = (isRight) => (value) => value === undefined || isRight(value);

const RULES = {
	id: isEventId,
	modelId: isText,
	version: isAbsentOr(isText),
	rule: isAbsentOr(isText),
	alert: isAbsentOr(isText),
	measure: isAbsentOr((name) => isText(name) && measureNamed(name) !== undefined),
	column: isAbsentOr(isText),
	reason: isText,
	evidence: isAbsentOr((value) => typeof value === 'object'),
	approval: (value) => APPROVALS.includes(value),
	state: (value) => STATES.includes(value),
	createdAt: isTime,
	changes: Array.isArray,
	answeredBy: isAbsentOr(isText),
};

/** The attributes of a request. */
export const FIELDS = Object.keys(RULES);
/** Those that what is done to it changes. */
export const CHANGED = ['state', 'changes', 'answeredBy'];

/**
 * A request as an object of its own.
 *
 * @param {object} record
 * @returns {object | undefined} without what is absent; nothing for what this component has not written
 */
export function requestFrom(record) {
	const request = {};
	for (const name of FIELDS) {
		const value = record[name];
		if (value !== undefined && value !== null) request[name] = copyOf(value);
	}
	if (!FIELDS.every((name) => RULES[name](request[name]))) return undefined;
	// What only rules write belongs together.
	const isOfRule = request.rule !== undefined;
	const ofRule = [request.alert, request.measure, request.evidence];
	if (!ofRule.every((value) => (value !== undefined) === isOfRule)) return undefined;
	if (isOfRule && measureNamed(request.measure).isOfColumn && request.column === undefined) return undefined;
	return { ...request, changes: request.changes.filter((change) => isTime(change?.time)) };
}

/**
 * The id of the request that an alert makes at a time: a UUIDv7 that is the same whoever evaluates that time.
 *
 * @param {number} slot Unix milliseconds
 * @param {string} alert
 */
export function requestKey(slot, alert) {
	const hex = createHash('sha256').update(`${alert}|${slot}`).digest('hex');
	return `${idPrefix(slot)}-7${hex.slice(0, 3)}-8${hex.slice(3, 6)}-${hex.slice(6, 18)}`;
}

/**
 * Requests, the newest first.
 *
 * @param {string} [before] the id of one: only those that are older
 */
export async function* allRequests(before) {
	// Every character of an id sorts between these.
	const conditions = [{ attribute: 'id', comparator: 'between', value: ['!', before ?? '~'] }];
	const found = table('RetrainingRequest').search({ conditions, sort: { attribute: 'id', descending: true } });
	for await (const record of found) {
		const request = record.id === before ? undefined : requestFrom(record);
		if (request) yield request;
	}
}

/**
 * All requests of some models.
 *
 * @param {Iterable<string>} modelIds
 * @returns {Promise<object[]>}
 */
export async function requestsOf(modelIds) {
	const requests = [];
	for (const modelId of modelIds) {
		const conditions = [{ attribute: 'modelId', comparator: 'equals', value: modelId }];
		for await (const record of table('RetrainingRequest').search({ conditions })) {
			const request = requestFrom(record);
			if (request) requests.push(request);
		}
	}
	return requests;
}
