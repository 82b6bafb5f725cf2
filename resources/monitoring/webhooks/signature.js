// Signatures as Standard Webhooks has them: HMAC-SHA256 over the id, the time and the body.
import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

/**
 * A new secret: `whsec_` and base64.
 *
 * @param {(bytes: number) => Buffer} [random]
 */
export const newSecret = (random = randomBytes) => `${PREFIX}${random(SECRET_BYTES).toString('base64')}`;

/**
 * The headers that sign a body.
 *
 * @param {{id: string, seconds: number, body: string}} message `seconds`: Unix time of this try
 * @param {string[]} secrets each signs: for some time after a change there are two
 * @returns {Record<string, string>}
 */
export const signed = ({ id, seconds, body }, secrets) => ({
	'webhook-id': id,
	'webhook-timestamp': String(seconds),
	'webhook-signature': secrets.map((secret) => `v1,${hmac(secret, `${id}.${seconds}.${body}`)}`).join(' '),
});

const hmac = (secret, text) =>
	createHmac('sha256', Buffer.from(secret.slice(PREFIX.length), 'base64'))
		.update(text)
		.digest('base64');
