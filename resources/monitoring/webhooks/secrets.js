// The secrets of webhooks.
import { table } from '../../storage/tables.js';
import { newSecret } from './signature.js';

/** So long the secret before signs too, for the receiver to learn of the new one. */
export const BOTH_MS = 86_400_000;

const isSecret = (value) => typeof value === 'string' && /^whsec_[A-Za-z0-9+/]{32,}={0,2}$/.test(value);

/**
 * What the requests of a webhook are signed with.
 *
 * @param {string} webhook
 * @param {number} now Unix milliseconds
 * @returns {Promise<string[]>} the newest one first
 */
export async function secretsOf(webhook, now) {
	const { secret, previous, previousUntil } = (await table('WebhookSecret').get(webhook)) ?? {};
	return [secret, previousUntil > now ? previous : undefined].filter(isSecret);
}

/**
 * A record with a new secret.
 *
 * @param {string} webhook
 * @param {string | undefined} before the secret until now, if that goes on to sign for a while
 * @param {number} now Unix milliseconds
 */
export const withNewSecret = (webhook, before, now) => ({
	id: webhook,
	secret: newSecret(),
	...(before !== undefined && { previous: before, previousUntil: now + BOTH_MS }),
});
