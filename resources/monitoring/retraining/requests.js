// What callers do with requests for retraining: list, read, make, and tell what becomes of one.
import { acquireLock, createId } from '../../../binding.js';
import { ApiError } from '../../errors.js';
import { transaction } from '../../harper.js';
import { authorizeAttributes, requireVisible, visibleTo } from '../../http/access.js';
import { identifier, shown } from '../../http/query.js';
import { modelAt } from '../../registry/record.js';
import { versionsOf } from '../../registry/models.js';
import { changing } from '../../storage/after.js';
import { commit } from '../../storage/disk.js';
import { table } from '../../storage/tables.js';
import { readComment } from '../alerts/comment.js';
import { ALERTS } from '../alerts/record.js';
import { readLimit } from '../metrics.js';
import { isEventId } from '../record.js';
import { askedBy, attributesToldBy } from '../rules/sources.js';
import { outboxEntries, putEntries } from '../webhooks/outbox.js';
import { eventOfRequest } from './happenings.js';
import { allRequests, requestFrom, requestsOf } from './record.js';
import { patchRequest, putRequest } from './rows.js';
import { act, firstState, isOpen, STATES, statesFor } from './states.js';

/** What requests are filtered by. */
export const FILTER_FIELDS = ['state', 'modelId'];
export const REQUEST_FIELDS = [...FILTER_FIELDS, 'limit', 'cursor'];
/** What somebody says who makes one, and who does something to one. */
export const CREATE_FIELDS = ['modelId', 'version', 'reason'];
export const ACTION_FIELDS = {
	approve: ['comment'],
	reject: ['comment'],
	start: ['comment'],
	complete: ['comment', 'version'],
	fail: ['comment'],
};
export const MAX_REASON_LENGTH = 1000;

/** The attributes of an answer, in its order. */
const SHOWN = [
	...['id', 'modelId', 'version', 'rule', 'alert', 'measure', 'column', 'reason', 'evidence', 'dataQuery'],
	...['approval', 'state', 'createdAt', 'changes', 'answeredBy'],
];
/** What the query for its data is made of. */
const OF_QUERY = ['modelId', 'createdAt'];

/**
 * What requests are asked for by; whoever filters by an attribute must be allowed to read it.
 *
 * @param {Record<string, unknown>} given of {@link FILTER_FIELDS}
 * @param {object | undefined} user Harper's user
 * @returns {(request: object) => boolean} whether a request is asked for, and the user may know of it
 */
export function requestFilter({ state, modelId }, user) {
	if (state !== undefined && !STATES.includes(state)) {
		throw new ApiError('INVALID_REQUEST', `state must be one of ${STATES.join(', ')}, received ${shown(state)}`);
	}
	if (modelId !== undefined) identifier('modelId', modelId);
	const wanted = Object.entries({ state, modelId }).filter(([, value]) => value !== undefined);
	requireVisible(
		user,
		'RetrainingRequest',
		wanted.map(([name]) => name)
	);
	const mayKnow = knownTo(user);
	return (request) => wanted.every(([name, value]) => request[name] === value) && mayKnow(request);
}

/**
 * What a rule has made tells of events: it is only for who may read what it tells of.
 *
 * @param {object | undefined} user Harper's user
 * @returns {(request: object) => boolean}
 */
export function knownTo(user) {
	const isVisible = visibleTo(user, 'InferenceEvent');
	const toldBy = (request) => (request.rule === undefined ? [] : [...askedBy(request), ...attributesToldBy(request)]);
	return (request) => toldBy(request).every(isVisible);
}

/**
 * A page of requests, the newest first.
 *
 * @param {Record<string, unknown>} given of {@link REQUEST_FIELDS}; the limit may be a text
 * @param {object | undefined} user Harper's user
 */
export async function listRequests({ limit: givenLimit, cursor, ...given }, user) {
	const limit = readLimit(givenLimit);
	if (cursor !== undefined && !isEventId(cursor)) {
		throw new ApiError('INVALID_REQUEST', `cursor must come from an earlier answer, received ${shown(cursor)}`);
	}
	const isWanted = requestFilter(given, user);
	const page = [];
	for await (const request of allRequests(cursor)) {
		if (!isWanted(request)) continue;
		if (page.length === limit) return { requests: page, count: page.length, cursor: page.at(-1).id };
		page.push(describe(request, user));
	}
	return { requests: page, count: page.length };
}

/** A request as its caller may see it. */
export const readRequest = async ({ id }, user) => describe(await find(id, user), user);

/**
 * Makes a request by hand.
 *
 * @param {Record<string, unknown>} given of {@link CREATE_FIELDS}
 * @param {object} user Harper's user, who is named
 */
export async function createRequest({ modelId: givenModel, version, reason }, user) {
	const modelId = identifier('modelId', givenModel);
	if (version !== undefined) identifier('version', version);
	if (typeof reason !== 'string' || reason === '' || reason.length > MAX_REASON_LENGTH) {
		throw new ApiError('INVALID_REQUEST', `reason must be a text of 1 to ${MAX_REASON_LENGTH} characters`);
	}
	await requireModel(modelId, version);
	const approval = 'manual';
	const state = firstState(approval);
	const lock = await acquireLock(ALERTS);
	try {
		const open = (await requestsOf([modelId])).find(isOpen);
		if (open) {
			throw new ApiError('RETRAINING_OPEN', `the request ${open.id} of this model is ${open.state}: end it first`);
		}
		const now = Date.now();
		const changes = [{ time: now, state, who: user.username }];
		const made = { id: createId(), modelId, version, reason, approval, state, createdAt: now, changes };
		const request = Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined));
		authorizeAttributes(user, 'RetrainingRequest', 'insert', Object.keys(request));
		const entries = await outboxEntries([eventOfRequest(request)]);
		const context = {};
		const write = async () => {
			await putRequest(request, context);
			await putEntries(entries, context);
		};
		await commit(JSON.stringify([request, entries]).length, () => transaction(context, write));
		return describe(request, user);
	} finally {
		lock.release();
	}
}

async function requireModel(modelId, version) {
	const isThere = version === undefined ? (await versionsOf(modelId)).length > 0 : await modelAt(modelId, version);
	if (isThere) return;
	const what = version === undefined ? 'model' : `version ${shown(version)} of a model`;
	throw new ApiError('MODEL_NOT_FOUND', `there is no ${what} ${shown(modelId)}`);
}

/**
 * Does something to a request.
 *
 * @param {keyof typeof ACTION_FIELDS} name
 * @param {{id: unknown}} named
 * @param {Record<string, unknown>} given of {@link ACTION_FIELDS}
 * @param {object} user Harper's user, who is named
 */
export async function actOnRequest(name, { id }, { comment: givenComment, version }, user) {
	const comment = readComment(givenComment);
	if (version !== undefined) identifier('version', version);
	const lock = await acquireLock(ALERTS);
	try {
		const request = await find(id, user);
		if (version !== undefined) await requireModel(request.modelId, version);
		const written = changeOf(request, name, { comment, version }, user);
		const { record, size, write } = await writeOf(request, written);
		await commit(size, () => changing([record], write));
		return describe({ ...request, ...written }, user);
	} finally {
		lock.release();
	}
}

/**
 * What somebody writes of a request who does something to it.
 *
 * @param {object} request
 * @param {keyof typeof ACTION_FIELDS} name
 * @param {{comment?: string, version?: string}} given
 * @param {object} user Harper's user
 * @throws {ApiError} RETRAINING_STATE, FORBIDDEN
 */
export function changeOf(request, name, given, user) {
	const written = act(request, name, { who: user.username, ...given }, Date.now());
	if (!written) {
		const states = statesFor(name).join(', ');
		throw new ApiError('RETRAINING_STATE', `${name} is for a request that is ${states}; this one is ${request.state}`);
	}
	authorizeAttributes(user, 'RetrainingRequest', 'update', Object.keys(written));
	return written;
}

/**
 * What a transaction does that changes a request, and tells of it.
 *
 * @param {object} request as it was
 * @param {object} written the attributes that change
 * @returns {Promise<import('../../registry/uploads.js').Also>}
 */
export async function writeOf(request, written) {
	const entries = await outboxEntries([eventOfRequest({ ...request, ...written })]);
	return {
		record: [table('RetrainingRequest'), request.id],
		size: JSON.stringify([written, entries]).length,
		async write(context) {
			await patchRequest(request, written, context);
			await putEntries(entries, context);
		},
	};
}

/**
 * A request that a user may know of.
 *
 * @param {unknown} id
 * @param {object | undefined} user Harper's user
 * @returns {Promise<object>} rejects with RETRAINING_NOT_FOUND
 */
export async function find(id, user) {
	const record = isEventId(id) ? await table('RetrainingRequest').get(id) : undefined;
	const request = record && requestFrom(record);
	if (request && knownTo(user)(request)) return request;
	throw new ApiError('RETRAINING_NOT_FOUND', `there is no request ${shown(id)} for retraining`);
}

/**
 * A request as a user may see it, with the query for the rows that there were when it was made.
 *
 * @param {object} request
 * @param {object | undefined} user Harper's user
 */
export function describe(request, user) {
	const isVisible = visibleTo(user, 'RetrainingRequest');
	const { modelId, createdAt } = request;
	const query = new URLSearchParams({ modelId, labelled: 'true', to: String(createdAt - 1) });
	const whole = { ...request, dataQuery: `/monitoring/training-data?${query}` };
	const isShown = (name) => name === 'id' || (name === 'dataQuery' ? OF_QUERY.every(isVisible) : isVisible(name));
	const told = SHOWN.filter((name) => whole[name] !== undefined && isShown(name));
	return Object.fromEntries(told.map((name) => [name, whole[name]]));
}
