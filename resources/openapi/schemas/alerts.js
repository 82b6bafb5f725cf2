// Of rules and alerts.
import { STATES } from '../../monitoring/alerts/states.js';
import { SEVERITIES } from '../../monitoring/rules/definition.js';
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
			enabled: flag,
			createdAt: time,
			createdBy: text,
			updatedAt: time,
			updatedBy: text,
		},
		[
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
		]
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
			changes: listOf(
				eitherOf(
					object({ time, state: oneOf(STATES), evidence }, ['evidence']),
					object({ time, action: text, who: text, comment: text, until: time }, ['comment', 'until'])
				)
			),
		},
		[
			...['version', 'segment', 'column', 'firedAt', 'resolvedAt', 'acknowledgedAt', 'silencedUntil'],
			...['value', 'threshold'],
		]
	),
};
