// Webhooks.
import { SEVERITIES } from '../../monitoring/rules/definition.js';
import { MAX_URL_LENGTH } from '../../monitoring/webhooks/definition.js';
import { KINDS } from '../../monitoring/webhooks/kinds.js';
import { STATES } from '../../monitoring/webhooks/rows.js';
import { count, flag, given, identifier, json, listOf, object, oneOf, parameter, ref, said, text } from '../schema.js';
import { PAGE } from './jobs.js';

const WEBHOOK = given(
	{
		id: identifier,
		url: said('Of http or https, without a user.', { ...text, maxLength: MAX_URL_LENGTH }),
		events: said('Of which kinds.', { ...listOf(oneOf(KINDS)), minItems: 1 }),
		modelId: said('Of this model only.', identifier),
		minSeverity: said('Of this severity and above.', oneOf(SEVERITIES)),
		enabled: flag,
	},
	['url']
);
const EXAMPLE = { url: 'https://hooks.example/edge-ai', events: ['alert.firing', 'alert.resolved'] };

const webhook = { content: json(ref('Webhook')) };
const withSecret = { content: json(ref('WebhookWithSecret')) };
const NOTHING = json(given({}), {});

export const WEBHOOKS = {
	name: 'Webhooks',
	description: 'Who is told of what happens, by requests that are signed.',
	routes: {
		'GET /monitoring/webhooks': {
			summary: 'List webhooks',
			answers: { 200: { content: json(object({ webhooks: listOf(ref('Webhook')), count })) } },
		},
		'POST /monitoring/webhooks': {
			summary: 'Make a webhook',
			body: json({ ...WEBHOOK, required: ['id', ...WEBHOOK.required] }, { id: 'chat', ...EXAMPLE }),
			answers: {
				201: {
					description: 'Made',
					...withSecret,
					headers: { Location: { description: 'Path of the webhook.', schema: text } },
				},
			},
			errors: ['WEBHOOK_EXISTS', 'STORAGE_UNAVAILABLE'],
		},
		'GET /monitoring/webhooks/:webhook': {
			summary: 'Read a webhook',
			answers: { 200: webhook },
			errors: ['WEBHOOK_NOT_FOUND'],
		},
		'PUT /monitoring/webhooks/:webhook': {
			summary: 'Make or replace a webhook',
			body: json(WEBHOOK, { ...EXAMPLE, minSeverity: 'critical' }),
			answers: { 200: { description: 'Replaced', ...webhook }, 201: { description: 'Made', ...withSecret } },
			errors: ['STORAGE_UNAVAILABLE'],
		},
		'DELETE /monitoring/webhooks/:webhook': {
			summary: 'Delete a webhook',
			answers: { 200: webhook },
			errors: ['WEBHOOK_NOT_FOUND', 'STORAGE_UNAVAILABLE'],
		},
		'POST /monitoring/webhooks/:webhook/rotate': {
			summary: 'Change the secret of a webhook',
			body: NOTHING,
			answers: { 200: withSecret },
			errors: ['WEBHOOK_NOT_FOUND', 'STORAGE_UNAVAILABLE'],
		},
		'POST /monitoring/webhooks/:webhook/test': {
			summary: 'Send something to a webhook',
			body: NOTHING,
			answers: { 202: { description: 'It is sent soon', content: json(ref('WebhookDelivery')) } },
			errors: ['WEBHOOK_NOT_FOUND', 'STORAGE_UNAVAILABLE'],
		},
		'GET /monitoring/webhooks/:webhook/deliveries': {
			summary: 'What was and is to be sent to a webhook',
			query: { state: parameter('Only those in this state.', oneOf(STATES)), ...PAGE },
			answers: {
				200: { content: json(object({ deliveries: listOf(ref('WebhookDelivery')), count, cursor: text }, ['cursor'])) },
			},
			errors: ['WEBHOOK_NOT_FOUND'],
		},
	},
};
