// What was and is to be sent to a webhook, as callers see it.
import { ApiError } from '../../errors.js';
import { canBeKey, shown } from '../../http/query.js';
import { table } from '../../storage/tables.js';
import { readLimit } from '../metrics.js';
import { eventIdOf } from './message.js';
import { findWebhook } from './record.js';
import { deliveryFrom, STATES } from './rows.js';
import { toldTo } from './told.js';

export const DELIVERY_FIELDS = ['state', 'limit', 'cursor'];

/**
 * A page of deliveries, newest first.
 *
 * @param {{id: unknown}} webhook
 * @param {Record<string, unknown>} given of {@link DELIVERY_FIELDS}; the limit may be a text
 * @param {object | undefined} user Harper's user
 */
export async function listDeliveries({ id }, { state, limit: givenLimit, cursor = '~' }, user) {
	const limit = readLimit(givenLimit);
	if (state !== undefined && !STATES.includes(state)) {
		throw new ApiError('INVALID_REQUEST', `state must be one of ${STATES.join(', ')}, received ${shown(state)}`);
	}
	if (!canBeKey(cursor)) {
		throw new ApiError('INVALID_REQUEST', `cursor must come from an earlier answer, received ${shown(cursor)}`);
	}
	await findWebhook(id);
	const page = [];
	for await (const delivery of deliveriesOf(id, cursor)) {
		if (state !== undefined && delivery.state !== state) continue;
		if (page.length === limit) return { deliveries: page, count: page.length, cursor: page.at(-1).id };
		page.push(describeDelivery(delivery, user));
	}
	return { deliveries: page, count: page.length };
}

/** Those before a cursor, the id of an event, from the newest on. */
async function* deliveriesOf(webhook, cursor) {
	const found = table('WebhookDelivery').search({
		conditions: [{ attribute: 'id', comparator: 'between', value: [`${webhook}|`, `${webhook}|${cursor}`] }],
		sort: { attribute: 'id', descending: true },
	});
	for await (const record of found) {
		const delivery = record.id === `${webhook}|${cursor}` ? undefined : deliveryFrom(record);
		if (delivery) yield delivery;
	}
}

/** The keys of all that there is of a webhook. */
export async function keysOfDeliveries({ id }) {
	const keys = [];
	const conditions = [{ attribute: 'id', comparator: 'between', value: [`${id}|`, `${id}|~`] }];
	for await (const record of table('WebhookDelivery').search({ conditions, select: ['id'] })) keys.push(record.id);
	return keys;
}

/**
 * A delivery as a user may see it: what it is about only when the user may know of that.
 *
 * @param {object} delivery
 * @param {object | undefined} user Harper's user
 */
export function describeDelivery(delivery, user) {
	const { kind, time, subject, state, tries, due, status, error, createdAt, finishedAt } = delivery;
	const nextTryAt = due === undefined ? undefined : Number(due.slice(due.indexOf('|') + 1));
	const about = toldTo(delivery, user) === undefined ? {} : { subject };
	const told = { id: eventIdOf(delivery), kind, time, ...about, state, tries, nextTryAt, status, error };
	const all = { ...told, createdAt, finishedAt };
	return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
