// The outbox: what is to be sent to webhooks, written in the transaction of what it tells of. So nothing is sent of what did not happen,
// and nothing is lost of what did.
import { createId } from '../../../binding.js';
import { table } from '../../storage/tables.js';
import { asksFor } from './definition.js';
import { allWebhooks } from './record.js';

/** So many digits every time has. */
const TIME_DIGITS = 15;

/**
 * @typedef {object} Event What has happened.
 * @property {string} kind one of `KINDS`
 * @property {number} time when, in Unix milliseconds
 * @property {string} source the route below which it is shown, such as `/monitoring/alerts`
 * @property {string} subject its id there
 * @property {string} [modelId] of which model
 * @property {string} [severity] how severe it is
 * @property {object} data what it is, as JSON can have it: whole, for each receiver gets what its webhook's user may read
 */

/**
 * What is to be sent of events: a record for each event and each webhook that asks for it. None where there are no webhooks.
 *
 * @param {Event[]} events in their order
 * @returns {Promise<object[]>} for {@link putEntries}
 */
export async function outboxEntries(events) {
	if (events.length === 0) return [];
	const webhooks = (await allWebhooks()).filter(({ enabled }) => enabled);
	return events.flatMap((event) => {
		const id = createId();
		return webhooks.filter((webhook) => asksFor(webhook, event)).map((webhook) => entryOf(webhook, event, id));
	});
}

/**
 * An event for one webhook.
 *
 * @param {{id: string}} webhook
 * @param {Event} event
 * @param {string} [id] of the event, a UUIDv7
 */
export function entryOf(webhook, { kind, time, source, subject, data }, id = createId()) {
	const createdAt = Date.now();
	const what = { kind, time, source, subject, data: JSON.stringify(data) };
	return {
		id: `${webhook.id}|${id}`,
		webhook: webhook.id,
		...what,
		state: 'waiting',
		due: dueAt(webhook.id, createdAt),
		tries: 0,
		createdAt,
	};
}

/**
 * Writes what is to be sent.
 *
 * @param {object[]} entries of {@link outboxEntries}
 * @param {object} context of the transaction of what they tell of
 */
export async function putEntries(entries, context) {
	for (const entry of entries) await table('WebhookDelivery').put(entry, context);
}

/** What a delivery is found by when it is due: its webhook, and when. */
export const dueAt = (webhook, time) => `${webhook}|${String(Math.ceil(time)).padStart(TIME_DIGITS, '0')}`;
