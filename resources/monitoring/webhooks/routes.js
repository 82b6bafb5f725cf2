// /monitoring/webhooks: who is told of what happens.
import { readJsonObject } from '../../http/body.js';
import { readQuery } from '../../http/query.js';
import { WEBHOOK_FIELDS } from './definition.js';
import { DELIVERY_FIELDS, listDeliveries } from './deliveries.js';
import {
	createWebhook,
	deleteWebhook,
	listWebhooks,
	putWebhook,
	readWebhookOf,
	rotateSecret,
	testWebhook,
} from './webhooks.js';

/** `GET /monitoring/webhooks` */
export async function list({ query, user }) {
	readQuery(query, []);
	return { body: await listWebhooks(user) };
}

/** `POST /monitoring/webhooks` with a webhook */
export async function create({ query, stream, user, prefix }) {
	readQuery(query, []);
	const webhook = await createWebhook(await readJsonObject(stream, WEBHOOK_FIELDS), user);
	return { status: 201, headers: { location: `${prefix}/monitoring/webhooks/${webhook.id}` }, body: webhook };
}

/** `GET /monitoring/webhooks/:webhook` */
export async function get({ params, query, user }) {
	readQuery(query, []);
	return { body: await readWebhookOf({ id: params.webhook }, user) };
}

/** `PUT /monitoring/webhooks/:webhook` with a webhook */
export async function put({ params, query, stream, user }) {
	readQuery(query, []);
	const given = await readJsonObject(stream, WEBHOOK_FIELDS);
	const { webhook, isNew } = await putWebhook({ id: params.webhook }, given, user);
	return { status: isNew ? 201 : 200, body: webhook };
}

/** `DELETE /monitoring/webhooks/:webhook` */
export async function remove({ params, query, user }) {
	readQuery(query, []);
	return { body: await deleteWebhook({ id: params.webhook }, user) };
}

/** `POST /monitoring/webhooks/:webhook/rotate` */
export async function rotate({ params, query, stream, user }) {
	readQuery(query, []);
	await readJsonObject(stream, []);
	return { body: await rotateSecret({ id: params.webhook }, user) };
}

/** `POST /monitoring/webhooks/:webhook/test` */
export async function test({ params, query, stream, user }) {
	readQuery(query, []);
	await readJsonObject(stream, []);
	return { status: 202, body: await testWebhook({ id: params.webhook }, user) };
}

/** `GET /monitoring/webhooks/:webhook/deliveries?state=&limit=&cursor=` */
export async function deliveries({ params, query, user }) {
	const given = readQuery(query, DELIVERY_FIELDS);
	return { body: await listDeliveries({ id: params.webhook }, given, user) };
}
