// What is sent: a CloudEvent 1.0 in JSON, signed.
import { readFileSync } from 'node:fs';
import { signed } from './signature.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));

const TYPE_PREFIX = 'edge_ai.';
const SECOND_MS = 1000;

/** The id of an event, which is the same for all who are told of it and each time they are. */
export const eventIdOf = ({ id, webhook }) => id.slice(webhook.length + 1);

/**
 * @param {object} delivery a record of WebhookDelivery
 * @param {object} data what is told
 * @param {string[]} secrets
 * @param {number} now Unix milliseconds
 * @returns {{headers: Record<string, string>, body: string}}
 */
export function messageOf(delivery, data, secrets, now) {
	const { kind, time, source, subject } = delivery;
	const id = eventIdOf(delivery);
	const body = JSON.stringify({
		...{ specversion: '1.0', id, source, type: `${TYPE_PREFIX}${kind}`, subject },
		...{ time: new Date(time).toISOString(), datacontenttype: 'application/json', data },
	});
	const headers = {
		'content-type': 'application/cloudevents+json; charset=utf-8',
		'user-agent': `harper-edge-ai/${version}`,
		...signed({ id, seconds: Math.floor(now / SECOND_MS), body }, secrets),
	};
	return { headers, body };
}
