// When webhooks are told, and by which node.
import { setTimeout as sleep } from 'node:timers/promises';
import { readAllowed } from '../../../library/addresses.js';
import { log, userNamed } from '../../harper.js';
import { options } from '../../options.js';
import { RENEWAL_MS } from '../../storage/lease.js';
import { leases } from '../../storage/lease-rows.js';
import { deliverDue } from './delivery.js';
import { messageOf } from './message.js';
import { post } from './request.js';
import { enabledWebhooks, nextDue, outboxUnder } from './rows.js';
import { secretsOf } from './secrets.js';
import { toldTo } from './told.js';

/** The name of the lease of whoever sends. */
const SENDING = 'webhooks';

const CLOCK = { now: Date.now, sleep: (ms) => sleep(ms, undefined, { ref: false }) };

/**
 * Sends what is due, when no other node does. Nothing is written where nothing is due.
 *
 * @param {{signal: AbortSignal}} held
 */
export async function deliverToWebhooks({ signal }) {
	if (!(await isAnyDue())) return;
	const lease = await leases().take(SENDING);
	if (!lease) return;
	const complain = (error) => log.error('edge-ai: the lease of webhooks', error);
	const renewal = setInterval(() => lease.renew().catch(complain), RENEWAL_MS).unref();
	const send = (webhook, delivery, now) => sendTo(webhook, delivery, { now, signal });
	try {
		await deliverDue({ outbox: outboxUnder(lease), send, clock: CLOCK, random: Math.random, signal });
	} finally {
		clearInterval(renewal);
		if (lease.isHeld()) await lease.release();
	}
}

async function isAnyDue() {
	for (const webhook of await enabledWebhooks()) {
		if (await nextDue(webhook, Date.now())) return true;
	}
	return false;
}

async function sendTo(webhook, delivery, { now, signal }) {
	const secrets = await secretsOf(webhook.id, now);
	const user = await userNamed(webhook.updatedBy);
	const data = toldTo(delivery, user?.active === false ? undefined : user);
	if (data === undefined) throw final(`the user ${webhook.updatedBy}, who wrote the webhook last, may not read it`);
	if (secrets.length === 0) throw final('the webhook has no secret');
	const allowed = readAllowed(options().webhookAllow);
	return post(webhook.url, messageOf(delivery, data, secrets, now), { allowed, signal });
}

/** An error after which nothing is tried again. */
const final = (message) => Object.assign(new Error(message), { isFinal: true });
