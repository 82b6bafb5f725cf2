// Records of the table Webhook.
import { ApiError } from '../../errors.js';
import { copyOf } from '../../harper.js';
import { canBeKey, shown } from '../../http/query.js';
import { table } from '../../storage/tables.js';
import { readWebhook, WEBHOOK_FIELDS } from './definition.js';

/** Who wrote a webhook, and when. */
const WRITTEN = ['createdAt', 'createdBy', 'updatedAt', 'updatedBy'];

/** The attributes of a webhook, in the order of answers. `goneAt`: when its receiver said that it is no more. */
export const SHOWN = [...WEBHOOK_FIELDS, 'goneAt', 'secretRotatedAt', ...WRITTEN];

/**
 * @param {object} record
 * @returns {object | undefined} nothing for what no route has written
 */
function webhookFrom(record) {
	const copy = copyOf(record);
	try {
		const webhook = readWebhook(Object.fromEntries(WEBHOOK_FIELDS.map((name) => [name, copy[name]])));
		const others = SHOWN.filter((name) => !WEBHOOK_FIELDS.includes(name) && copy[name] != null);
		return { ...webhook, ...Object.fromEntries(others.map((name) => [name, copy[name]])) };
	} catch (error) {
		// As identifiers do, which Rust checks.
		if (error instanceof ApiError || error.code === 'INVALID_REQUEST') return undefined;
		throw error;
	}
}

/** All webhooks, in the order of their names. */
export async function allWebhooks() {
	const webhooks = [];
	for await (const record of table('Webhook').search({})) {
		const webhook = webhookFrom(record);
		if (webhook) webhooks.push(webhook);
	}
	return webhooks;
}

/**
 * @param {string} id
 * @returns {Promise<object | undefined>}
 */
export async function webhookOf(id) {
	const record = await table('Webhook').get(id);
	return record ? webhookFrom(record) : undefined;
}

/**
 * @param {unknown} id
 * @returns {Promise<object>}
 * @throws {ApiError} WEBHOOK_NOT_FOUND
 */
export async function findWebhook(id) {
	const webhook = typeof id === 'string' && canBeKey(id) ? await webhookOf(id) : undefined;
	if (!webhook) throw new ApiError('WEBHOOK_NOT_FOUND', `there is no webhook ${shown(id)}`);
	return webhook;
}
