// Labels: which predictions are worth one, and how right all are by them.
import { GROUPED_BY, STRATEGIES } from '../../monitoring/labels/strategies.js';
import { MAX_LIMIT } from '../../monitoring/metrics.js';
import { SAMPLE_INFERENCE } from '../parameters.js';
import {
	any,
	count,
	flag,
	given,
	identifier,
	json,
	listOf,
	moment,
	nullOr,
	number,
	object,
	oneOf,
	parameter,
	ref,
	said,
	text,
	time,
	within,
} from '../schema.js';
import { PAGE } from './jobs.js';

const RANGE = {
	modelId: parameter('Of this model.', identifier, { required: true, example: 'iris' }),
	version: parameter('Of this version only.', identifier),
	from: parameter('The begin of the time, itself included.', moment),
	to: parameter('The end of the time, itself included.', moment),
};
const strategy = oneOf(Object.keys(STRATEGIES));
const by = oneOf(Object.keys(GROUPED_BY));

const draw = {
	id: text,
	version: identifier,
	strategy,
	by,
	drawnAt: time,
	seed: count,
	from: time,
	to: time,
	population: said('Predictions that could be drawn.', count),
	known: said('Those of them that had an outcome.', count),
	drawn: count,
	toLabel: count,
};
const OPTIONAL = ['version', 'by'];

const measure = nullOr(object({ value: number, lower: nullOr(number), upper: nullOr(number) }));
const measures = {
	accuracy: measure,
	mae: measure,
	rmse: measure,
	labels: count,
	effectiveLabels: number,
	predictions: said('How many predictions the labels stand for.', number),
};
const counts = { unanswered: count, incomparable: count, expired: count };

const answer = given(
	{
		inferenceId: text,
		outcome: said('The class, or the true number; null is a value.', any),
		correct: said('Computed when absent.', flag),
	},
	['inferenceId', 'outcome']
);

export const LABELS = {
	name: 'Labels',
	description: 'Which predictions are worth a label, and how right all are by those that have one.',
	routes: {
		'GET /monitoring/labels/queue': {
			summary: 'Predictions that were drawn and have no outcome yet',
			query: { ...RANGE, strategy: parameter('Drawn by this one only.', strategy), limit: PAGE.limit },
			answers: {
				200: {
					content: json(
						object({
							modelId: identifier,
							predictions: listOf(ref('Event')),
							count,
							unanswered: count,
							draws: listOf(object({ ...draw, unanswered: count }, OPTIONAL)),
						})
					),
				},
			},
		},
		'POST /monitoring/labels/queue': {
			summary: 'Draw predictions to be labelled',
			query: {
				...RANGE,
				strategy: parameter('What makes a prediction worth a label.', strategy),
				by: parameter('What `stratified` makes strata of.', by),
				reference: parameter('What `novelty` compares with.', identifier),
				limit: PAGE.limit,
			},
			answers: { 201: { content: json(object(draw, OPTIONAL)) } },
			errors: ['NOT_FOUND', 'QUEUE_FULL', 'STORAGE_UNAVAILABLE'],
		},
		'POST /monitoring/labels': {
			summary: 'Say what really happened, of predictions that were drawn',
			body: json(given({ answers: { ...listOf(answer), minItems: 1, maxItems: MAX_LIMIT } }, ['answers']), {
				answers: [{ inferenceId: SAMPLE_INFERENCE, outcome: { class: 0 } }],
			}),
			answers: {
				200: {
					content: json(
						object({
							success: flag,
							stored: count,
							failed: listOf(object({ index: count, inferenceId: any, code: text, error: text }, ['inferenceId'])),
						})
					),
				},
			},
			errors: ['QUEUE_FULL', 'STORAGE_UNAVAILABLE'],
		},
		'GET /monitoring/labels/accuracy': {
			summary: 'How right all predictions are, estimated from labels',
			query: { ...RANGE, by: parameter('Also each of these.', by) },
			answers: {
				200: {
					content: json(
						object(
							{
								modelId: identifier,
								version: identifier,
								from: time,
								to: time,
								method: { const: 'inverse-propensity' },
								level: within(0, 1),
								...measures,
								...counts,
								draws: listOf(object({ ...draw, labels: count, ...counts }, OPTIONAL)),
								by,
								groups: listOf(
									object({ class: nullOr(text), segment: nullOr(text), ...measures }, Object.keys(GROUPED_BY))
								),
							},
							['version', 'from', 'to', 'by', 'groups']
						)
					),
				},
			},
			errors: ['QUEUE_FULL'],
		},
	},
};
