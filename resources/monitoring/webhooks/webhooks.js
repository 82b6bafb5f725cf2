// What callers do with webhooks: list, read, write, delete, change the secret, try.
import { acquireLock } from '../../../binding.js';
import { ApiError } from '../../errors.js';
import { authorizeAttributes, visibleTo } from '../../http/access.js';
import { shown } from '../../http/query.js';
import { changing } from '../../storage/after.js';
import { commit } from '../../storage/disk.js';
import { table } from '../../storage/tables.js';
import { checkAddress, readWebhook } from './definition.js';
import { describeDelivery, keysOfDeliveries } from './deliveries.js';
import { TEST } from './kinds.js';
import { entryOf, putEntries } from './outbox.js';
import { allWebhooks, findWebhook, SHOWN, webhookOf } from './record.js';
import { secretsOf, withNewSecret } from './secrets.js';

export const MAX_WEBHOOKS = 50;
/** Who writes webhooks on this node holds this lock of the process. */
const WEBHOOKS = 'webhooks';

/**
 * All webhooks.
 *
 * @param {object | undefined} user Harper's user
 */
export async function listWebhooks(user) {
	const webhooks = (await allWebhooks()).map((webhook) => describe(webhook, user));
	return { webhooks, count: webhooks.length };
}

/** A webhook as its caller may see it. */
export const readWebhookOf = async ({ id }, user) => describe(await findWebhook(id), user);

/**
 * Makes a webhook.
 *
 * @param {object} given see `WEBHOOK_FIELDS`
 * @param {object} user Harper's user
 * @returns {Promise<object>} with its secret, which is told this once
 */
export async function createWebhook(given, user) {
	const { webhook, secret } = await write(given, user, (before) => {
		if (before) throw new ApiError('WEBHOOK_EXISTS', `there is a webhook ${shown(before.id)} already; PUT replaces it`);
	});
	return { ...webhook, secret };
}

/**
 * Makes a webhook, or replaces the one that is there, which keeps its secret.
 *
 * @param {{id: string}} named
 * @param {object} given the same, with the same id or none
 * @param {object} user Harper's user
 * @returns {Promise<{webhook: object, isNew: boolean}>} a new one with its secret
 */
export async function putWebhook({ id }, given, user) {
	if (given.id !== undefined && given.id !== id) {
		throw new ApiError('INVALID_REQUEST', `id must be that of the path, ${shown(id)}, received ${shown(given.id)}`);
	}
	const { webhook, secret } = await write({ ...given, id }, user, () => {});
	return secret === undefined ? { webhook, isNew: false } : { webhook: { ...webhook, secret }, isNew: true };
}

const write = (given, user, check) =>
	locked(async () => {
		const webhook = readWebhook(given);
		checkAddress(webhook);
		const before = await webhookOf(webhook.id);
		check(before);
		const record = writtenBy(user, webhook, before);
		authorizeAttributes(user, 'Webhook', before ? 'update' : 'insert', Object.keys(record));
		if (!before) await checkNumber();
		const secret = before ? undefined : withNewSecret(record.id, undefined, record.createdAt);
		await store(record, secret);
		return { webhook: describe(record, user), secret: secret?.secret };
	});

async function locked(act) {
	const lock = await acquireLock(WEBHOOKS);
	try {
		return await act();
	} finally {
		lock.release();
	}
}

function writtenBy({ username }, webhook, before) {
	const now = Date.now();
	const { createdAt = now, createdBy = username, secretRotatedAt } = before ?? {};
	const written = { createdAt, createdBy, updatedAt: now, updatedBy: username };
	return { ...webhook, ...(secretRotatedAt !== undefined && { secretRotatedAt }), ...written };
}

async function checkNumber() {
	const { length } = await allWebhooks();
	if (length < MAX_WEBHOOKS) return;
	throw new ApiError('INVALID_REQUEST', `there are ${length} webhooks, and at most ${MAX_WEBHOOKS}: delete one first`);
}

async function store(record, secret) {
	const [webhooks, secrets] = [table('Webhook'), table('WebhookSecret')];
	const records = [[webhooks, record.id], ...(secret ? [[secrets, record.id]] : [])];
	const put = async (context) => {
		await webhooks.put(record, context);
		if (secret) await secrets.put(secret, context);
	};
	await commit(JSON.stringify(record).length, () => changing(records, put));
}

/**
 * Deletes a webhook with its secret and all that was or is to be sent to it.
 *
 * @param {{id: unknown}} named
 * @param {object | undefined} user Harper's user
 */
export const deleteWebhook = ({ id }, user) =>
	locked(async () => {
		const webhook = await findWebhook(id);
		const keys = await keysOfDeliveries(webhook);
		const records = [
			[table('Webhook'), webhook.id],
			[table('WebhookSecret'), webhook.id],
			...keys.map((key) => [table('WebhookDelivery'), key]),
		];
		const remove = async (context) => {
			for (const [target, key] of records) await target.delete(key, context);
		};
		await commit(0, () => changing(records, remove), 'deletion');
		return describe(webhook, user);
	});

/**
 * Gives a webhook a new secret. The one before signs too, for a day.
 *
 * @param {{id: unknown}} named
 * @param {object} user Harper's user
 * @returns {Promise<object>} the webhook with its new secret, which is told this once
 */
export const rotateSecret = ({ id }, user) =>
	locked(async () => {
		const webhook = await findWebhook(id);
		authorizeAttributes(user, 'Webhook', 'update', ['secretRotatedAt']);
		const secretRotatedAt = Date.now();
		const [before] = await secretsOf(webhook.id, secretRotatedAt);
		const secret = withNewSecret(webhook.id, before, secretRotatedAt);
		await store({ ...webhook, secretRotatedAt }, secret);
		return { ...describe({ ...webhook, secretRotatedAt }, user), secret: secret.secret };
	});

/**
 * Sends something to a webhook, as anything else is sent.
 *
 * @param {{id: unknown}} named
 * @param {object} user Harper's user
 * @returns {Promise<object>} the delivery
 */
export async function testWebhook({ id }, user) {
	const webhook = await findWebhook(id);
	if (!webhook.enabled) {
		throw new ApiError('INVALID_REQUEST', `the webhook ${shown(webhook.id)} is not enabled: nothing is sent to it`);
	}
	const [time, subject] = [Date.now(), webhook.id];
	const data = { webhook: subject, by: user.username };
	const entry = entryOf(webhook, { kind: TEST, time, source: '/monitoring/webhooks', subject, data });
	await commit(JSON.stringify(entry).length, () =>
		changing([[table('WebhookDelivery'), entry.id]], (context) => putEntries([entry], context))
	);
	return describeDelivery(entry, user);
}

/** A webhook as a user may see it. */
function describe(webhook, user) {
	const isVisible = visibleTo(user, 'Webhook');
	const told = SHOWN.filter((name) => webhook[name] !== undefined && (name === 'id' || isVisible(name)));
	return Object.fromEntries(told.map((name) => [name, webhook[name]]));
}
