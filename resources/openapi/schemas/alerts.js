// Of rules and alerts.
import { STATES } from '../../monitoring/alerts/states.js';
import { CONFIG } from '../../monitoring/rules/declared.js';
import { SEVERITIES } from '../../monitoring/rules/definition.js';
import { KINDS, TEST } from '../../monitoring/webhooks/kinds.js';
import { STATES as DELIVERY_STATES } from '../../monitoring/webhooks/rows.js';
import { count, eitherOf, flag, identifier, listOf, number, object, oneOf, said, text, time } from '../schema.js';

const threshold = eitherOf(number, listOf(number));
const value = said('An infinity is a text.', eitherOf(number, text));
const window = { measured: value, samples: count, from: time, to: time, query: said('The route that shows it.', text) };
const past = object({ windows: count, mean: number, deviation: number, first: text, last: text });
const evidence = object(
	{
		...window,
		value: said('What is compared.', value),
		threshold,
		reference: said('Of the window before.', object(window, ['measured', 'samples'])),
		past: said('Of past windows.', past),
		reason: said('Why there are no data.', text),
	},
	['measured', 'samples', 'value', 'threshold', 'reference', 'past', 'reason']
);
const severity = oneOf(SEVERITIES);

const WEBHOOK = {
	id: identifier,
	url: text,
	events: listOf(oneOf(KINDS)),
	modelId: identifier,
	minSeverity: severity,
	enabled: flag,
	goneAt: said('When its receiver answered 410, in Unix milliseconds', number),
	secretRotatedAt: time,
	createdAt: time,
	createdBy: text,
	updatedAt: time,
	updatedBy: said('Whose rights say what it is told.', text),
};
const WEBHOOK_OPTIONAL = ['modelId', 'minSeverity', 'goneAt', 'secretRotatedAt'];

/** @type {Record<string, object>} */
export const ALERT_SCHEMAS = {
	Rule: object(
		{
			id: identifier,
			modelId: identifier,
			version: text,
			measure: text,
			column: text,
			method: text,
			reference: identifier,
			referenceVersion: identifier,
			window: text,
			referenceWindow: text,
			change: text,
			comparison: text,
			threshold,
			sigmas: number,
			windows: count,
			minSamples: count,
			for: text,
			keepFiringFor: text,
			cooldown: text,
			severity,
			enabled: flag,
			source: said('Of a rule of config.yaml, which no route changes.', { const: CONFIG }),
			createdAt: time,
			createdBy: text,
			updatedAt: time,
			updatedBy: text,
		},
		[
			...['source', 'createdAt', 'createdBy', 'updatedAt', 'updatedBy'],
			'version',
			'column',
			'method',
			'reference',
			'referenceVersion',
			'referenceWindow',
			'change',
			'threshold',
			'sigmas',
			'windows',
		]
	),
	Webhook: object(WEBHOOK, WEBHOOK_OPTIONAL),
	WebhookWithSecret: object({ ...WEBHOOK, secret: said('Told this once: `whsec_` and base64.', text) }, [
		...WEBHOOK_OPTIONAL,
	]),
	WebhookDelivery: object(
		{
			id: said('That of the event, which the receiver gets as `webhook-id`.', text),
			kind: oneOf([...KINDS, TEST]),
			time: said('When it happened, in Unix milliseconds', number),
			subject: said('What it is about, when the caller may know of it.', text),
			state: oneOf(DELIVERY_STATES),
			tries: count,
			nextTryAt: time,
			status: said('Of the last answer.', count),
			error: said('Why the last try failed.', text),
			createdAt: time,
			finishedAt: time,
		},
		['subject', 'nextTryAt', 'status', 'error', 'finishedAt']
	),
	Alert: object(
		{
			id: text,
			rule: identifier,
			modelId: identifier,
			version: identifier,
			measure: text,
			column: text,
			severity,
			state: oneOf(STATES),
			since: time,
			firedAt: time,
			resolvedAt: time,
			acknowledgedAt: time,
			silencedUntil: time,
			value: said('At the last change of the state.', value),
			threshold,
			changes: listOf(
				eitherOf(
					object({ time, state: oneOf(STATES), evidence }, ['evidence']),
					object({ time, action: text, who: text, comment: text, until: time }, ['comment', 'until'])
				)
			),
		},
		[...['version', 'column', 'firedAt', 'resolvedAt', 'acknowledgedAt', 'silencedUntil'], ...['value', 'threshold']]
	),
};
