// Where deliveries are: tables that are replicated.
import { copyOf } from '../../harper.js';
import { patchAfter } from '../../storage/after.js';
import { commit } from '../../storage/disk.js';
import { table } from '../../storage/tables.js';
import { dueAt } from './outbox.js';
import { allWebhooks } from './record.js';

const isText = (value) => typeof value === 'string';
/** What becomes of a delivery. */
export const STATES = ['waiting', 'delivered', 'failed'];
const ATTRIBUTES = [
	...['id', 'webhook', 'kind', 'time', 'source', 'subject', 'data', 'state', 'due'],
	...['tries', 'status', 'error', 'createdAt', 'finishedAt'],
];

/**
 * @param {object} record
 * @returns {object | undefined} nothing for what this component has not written
 */
export function deliveryFrom(record) {
	const copy = copyOf(record);
	const delivery = Object.fromEntries(
		ATTRIBUTES.filter((name) => copy[name] != null).map((name) => [name, copy[name]])
	);
	const { id, webhook, tries, createdAt, state } = delivery;
	const texts = ['kind', 'source', 'subject', 'data'].every((name) => isText(delivery[name]));
	const numbers = [tries, createdAt, delivery.time].every(Number.isFinite);
	return texts && numbers && STATES.includes(state) && id.startsWith(`${webhook}|`) ? delivery : undefined;
}

/** What of a webhook is due first, and nothing when nothing is yet. */
export async function nextDue({ id }, now) {
	const range = { attribute: 'due', comparator: 'between', value: [`${id}|`, dueAt(id, now)] };
	const found = table('WebhookDelivery').search({ conditions: [range], sort: { attribute: 'due' } });
	for await (const record of found) {
		const delivery = deliveryFrom(record);
		if (delivery?.state === 'waiting') return delivery;
	}
	return undefined;
}

/** The webhooks that are enabled. */
export const enabledWebhooks = async () => (await allWebhooks()).filter(({ enabled }) => enabled);

/**
 * @param {{check: () => Promise<void>}} lease under which is sent
 * @returns {import('./delivery.js').Outbox}
 */
export const outboxUnder = (lease) => ({
	webhooks: enabledWebhooks,
	next: nextDue,
	check: () => lease.check(),
	async mark({ id, webhook }, { state, tries, status, error, finishedAt, retryAt }) {
		// What failed last time and not this time has no error any more.
		const told = { state, status: status ?? null, error: error ?? null, finishedAt: finishedAt ?? null };
		const due = retryAt === undefined ? null : dueAt(webhook, retryAt);
		const update = { ...told, due, ...(tries !== undefined && { tries }) };
		await commit(JSON.stringify(update).length, () => patchAfter(table('WebhookDelivery'), id, update));
	},
	async disable({ id }, goneAt) {
		const webhooks = table('Webhook');
		if (await webhooks.get(id)) await commit(0, () => patchAfter(webhooks, id, { enabled: false, goneAt }));
	},
});
