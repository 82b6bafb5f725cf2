// Rules and alerts.
import { MAX_COMMENT_LENGTH } from '../../monitoring/alerts/comment.js';
import { STATES } from '../../monitoring/alerts/states.js';
import { APPROVALS } from '../../monitoring/retraining/states.js';
import { MAX_DAYS_BETWEEN, MAX_NEW_LABELS } from '../../monitoring/rules/retrain.js';
import {
	CHANGES,
	COMPARISONS,
	EACH,
	MAX_SAMPLES,
	MAX_SIGMAS,
	MAX_WINDOWS,
	SEVERITIES,
} from '../../monitoring/rules/definition.js';
import {
	count,
	eitherOf,
	flag,
	given,
	identifier,
	json,
	listOf,
	moment,
	number,
	object,
	oneOf,
	parameter,
	ref,
	said,
	text,
	wholeWithin,
	within,
} from '../schema.js';
import { PAGE } from './jobs.js';

const duration = { type: 'string', pattern: '^[0-9]{1,9}[smhd]$' };
const range = { ...listOf(number), minItems: 2, maxItems: 2 };

const RETRAIN = given({
	approval: oneOf(APPROVALS),
	minDaysBetween: within(0, MAX_DAYS_BETWEEN),
	minNewLabels: wholeWithin(0, MAX_NEW_LABELS),
});
const RULE = given(
	{
		id: identifier,
		modelId: identifier,
		version: said('`*`: one alert for each version.', eitherOf(identifier, { const: EACH })),
		segment: said('Of measures of metrics: those of this segment only.', text),
		measure: said('Such as `errorRate` or `drift.driftedShare`.', text),
		column: said('Of a measure of one column.', text),
		method: said('Of drift.', text),
		reference: said('Of drift: a stored reference of the version.', identifier),
		referenceVersion: said('Of drift.', identifier),
		window: said('How far back is looked.', duration),
		referenceWindow: said('How long before the window is that it is compared with.', duration),
		change: oneOf(CHANGES),
		comparison: oneOf(COMPARISONS),
		threshold: said('With `outside` the lowest and the highest that is right.', eitherOf(number, range)),
		sigmas: said('In place of `threshold`.', within(0, MAX_SIGMAS)),
		windows: said('How many past windows.', wholeWithin(2, MAX_WINDOWS)),
		minSamples: wholeWithin(0, MAX_SAMPLES),
		for: said('How long the condition holds before the alert fires.', duration),
		keepFiringFor: said('How long it does not hold before the alert is resolved.', duration),
		cooldown: said('How long after that it does not fire again.', duration),
		severity: oneOf(SEVERITIES),
		retrain: said('When the alert is to ask for retraining.', RETRAIN),
		enabled: flag,
	},
	['modelId', 'measure']
);
const EXAMPLE = { modelId: 'iris', measure: 'errorRate', threshold: 0.05, for: '5m', minSamples: 100 };

const rule = { content: json(ref('Rule')) };
const alert = { content: json(ref('Alert')) };
const comment = said('Why.', { ...text, maxLength: MAX_COMMENT_LENGTH });
const action = (summary, fields, required, example) => ({
	summary,
	body: json(given({ comment, ...fields }, required), example),
	answers: { 200: alert },
	errors: ['ALERT_NOT_FOUND', 'STORAGE_UNAVAILABLE'],
});

export const ALERTS = {
	name: 'Alerts',
	description: 'Rules that watch figures of models, and what they have found.',
	routes: {
		'GET /monitoring/rules': {
			summary: 'List rules',
			answers: { 200: { content: json(object({ rules: listOf(ref('Rule')), count })) } },
		},
		'POST /monitoring/rules': {
			summary: 'Make a rule',
			body: json({ ...RULE, required: ['id', ...RULE.required] }, { id: 'iris-errors', ...EXAMPLE }),
			answers: {
				201: {
					description: 'Made',
					...rule,
					headers: { Location: { description: 'Path of the rule.', schema: text } },
				},
			},
			errors: ['RULE_EXISTS', 'RULE_DECLARED', 'STORAGE_UNAVAILABLE'],
		},
		'GET /monitoring/rules/:rule': {
			summary: 'Read a rule',
			answers: { 200: rule },
			errors: ['RULE_NOT_FOUND'],
		},
		'PUT /monitoring/rules/:rule': {
			summary: 'Make or replace a rule',
			body: json(RULE, { ...EXAMPLE, severity: 'critical' }),
			answers: { 200: { description: 'Replaced', ...rule }, 201: { description: 'Made', ...rule } },
			errors: ['RULE_DECLARED', 'STORAGE_UNAVAILABLE'],
		},
		'DELETE /monitoring/rules/:rule': {
			summary: 'Delete a rule and its alerts',
			answers: { 200: rule },
			errors: ['RULE_NOT_FOUND', 'RULE_DECLARED', 'STORAGE_UNAVAILABLE'],
		},
		'GET /monitoring/alerts': {
			summary: 'List alerts',
			description: 'With `Accept: text/event-stream` those that change from now on; then without `limit` and `cursor`.',
			query: {
				state: parameter('Only alerts in this state.', oneOf(STATES)),
				modelId: parameter('Of this model only.', identifier),
				rule: parameter('Of this rule only.', identifier),
				...PAGE,
			},
			answers: {
				200: {
					content: {
						...json(object({ alerts: listOf(ref('Alert')), count, cursor: text }, ['cursor'])),
						'text/event-stream': { schema: text },
					},
				},
			},
		},
		'GET /monitoring/alerts/:alert': {
			summary: 'Read an alert',
			answers: { 200: alert },
			errors: ['ALERT_NOT_FOUND'],
		},
		'POST /monitoring/alerts/:alert/acknowledge': action('Say that somebody looks after an alert', {}, [], {
			comment: 'I look',
		}),
		'POST /monitoring/alerts/:alert/silence': action(
			'Silence an alert for a time',
			{ until: eitherOf(moment, number) },
			['until'],
			{ until: '2100-01-01T00:00:00Z' }
		),
		'POST /monitoring/alerts/:alert/resolve': action('End an alert', {}, [], {}),
	},
};
