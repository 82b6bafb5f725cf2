// Of rules and alerts.
import { STATES } from '../../monitoring/alerts/states.js';
import { APPROVALS, STATES as REQUEST_STATES } from '../../monitoring/retraining/states.js';
import { CONFIG } from '../../monitoring/rules/declared.js';
import { SEVERITIES } from '../../monitoring/rules/definition.js';
import { KINDS, TEST } from '../../monitoring/webhooks/kinds.js';
import { STATES as DELIVERY_STATES } from '../../monitoring/webhooks/rows.js';
import {
	any,
	count,
	eitherOf,
	flag,
	identifier,
	listOf,
	mapOf,
	number,
	object,
	oneOf,
	said,
	text,
	time,
} from '../schema.js';

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
			segment: text,
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
			retrain: object({ approval: oneOf(APPROVALS), minDaysBetween: number, minNewLabels: count }),
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
			'segment',
			'column',
			'method',
			'reference',
			'referenceVersion',
			'referenceWindow',
			'change',
			'threshold',
			'sigmas',
			'windows',
			'retrain',
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
			segment: text,
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
			retraining: said(
				'The request for retraining that it has made, or for what that waits.',
				object({ request: text, waits: text }, ['request', 'waits'])
			),
			changes: listOf(
				eitherOf(
					object({ time, state: oneOf(STATES), evidence }, ['evidence']),
					object({ time, action: text, who: text, comment: text, until: time }, ['comment', 'until'])
				)
			),
		},
		[
			...['version', 'segment', 'column', 'firedAt', 'resolvedAt', 'acknowledgedAt', 'silencedUntil'],
			...['value', 'threshold', 'retraining'],
		]
	),
	TrainingRow: object(
		{
			id: said('`inferenceId`, or `inferenceId:row` of a batch; a cursor.', text),
			version: identifier,
			timestamp: time,
			features: mapOf(any),
			prediction: mapOf(any),
			confidence: number,
			groundTruth: said('The outcome of feedback.', any),
			weight: said('What the row counts for.', number),
		},
		['confidence', 'groundTruth']
	),
	RetrainingRequest: object(
		{
			id: text,
			modelId: identifier,
			version: identifier,
			rule: identifier,
			alert: text,
			measure: text,
			column: text,
			reason: text,
			evidence: said('As the alert has it.', evidence),
			dataQuery: said('The route that gives the rows to train with.', text),
			approval: oneOf(APPROVALS),
			state: oneOf(REQUEST_STATES),
			createdAt: time,
			changes: listOf(object({ time, state: oneOf(REQUEST_STATES), who: text, comment: text }, ['who', 'comment'])),
			answeredBy: said('The version that was trained.', identifier),
		},
		['version', 'rule', 'alert', 'measure', 'column', 'evidence', 'answeredBy']
	),
};
