// What was predicted, and what really happened.
import { BY as METRICS_BY } from '../../monitoring/metrics.js';
import { FORMATS } from '../../monitoring/references.js';
import { BY } from '../../monitoring/resources.js';
import { TIERS } from '../../monitoring/rollups/tiers.js';
import { SAMPLE_INFERENCE } from '../parameters.js';
import {
	any,
	count,
	digest,
	flag,
	given,
	identifier,
	json,
	listOf,
	mapOf,
	moment,
	number,
	object,
	oneOf,
	parameter,
	ref,
	said,
	text,
	within,
} from '../schema.js';
import { PAGE } from './jobs.js';

const ofModel = parameter('Of this model.', identifier, { required: true, example: 'iris' });
const version = parameter('Of this version only.', identifier);
const range = (first, last) => ({
	[first]: parameter('The begin of the time, itself included.', moment),
	[last]: parameter('The end of the time, itself included.', moment),
});
const ofDigest = parameter('Of the model with this SHA-256 only.', digest);
const userId = parameter('Of this user only.');
const segment = parameter('Of this segment only.');

const OF_VERSION = {
	modelId: ofModel,
	version: parameter('Of this version.', identifier, { required: true, example: '1.0.0' }),
};
const REFERENCE = {
	...OF_VERSION,
	name: parameter('What it is called.', identifier, { required: true, example: 'training' }),
};
const TRAINING =
	'float_input[0],float_input[1],float_input[2],float_input[3],label\n5.1,3.5,1.4,0.2,0\n6.2,2.9,4.3,1.3,1\n';
const TRAINING_ROW = { float_input: [5.1, 3.5, 1.4, 0.2], label: 0 };

export const MONITORING = {
	name: 'Monitoring',
	description: 'Events, outcomes, metrics, profiles, drift, changes and costs.',
	routes: {
		'POST /feedback': {
			summary: 'Say what really happened',
			body: json(
				given(
					{
						inferenceId: text,
						outcome: said('The class, or the true number; null is a value.', any),
						correct: said('Computed when absent.', flag),
					},
					['inferenceId', 'outcome']
				),
				{ inferenceId: SAMPLE_INFERENCE, outcome: { class: 0 } }
			),
			answers: { 200: { content: json(object({ success: flag, inferenceId: text })) } },
			errors: ['INFERENCE_NOT_FOUND', 'QUEUE_FULL', 'STORAGE_UNAVAILABLE'],
		},
		'GET /monitoring/events': {
			summary: 'List predictions, newest first',
			description:
				'With `Accept: text/event-stream` those that come from now on; then without `inferenceId`, times, `limit` and `cursor`.',
			query: {
				inferenceId: parameter('Only this one.'),
				modelId: parameter('Of this model only.', identifier, { example: 'iris' }),
				version,
				digest: ofDigest,
				userId,
				sessionId: parameter('Of this session only.'),
				segment,
				...range('startTime', 'endTime'),
				...PAGE,
			},
			answers: {
				200: {
					content: {
						...json(object({ events: listOf(ref('Event')), count, cursor: text }, ['cursor'])),
						'text/event-stream': { schema: text },
					},
				},
			},
		},
		'GET /monitoring/metrics': {
			summary: 'Metrics of a model',
			query: {
				modelId: ofModel,
				version,
				digest: ofDigest,
				userId,
				segment,
				...range('startTime', 'endTime'),
				interval: parameter('Also a series; needs `startTime`.', oneOf(TIERS.map(({ interval }) => interval))),
				by: parameter('`segment`: also the measures of each segment.', oneOf(METRICS_BY)),
			},
			answers: { 200: { content: json(ref('Metrics')) } },
		},
		'GET /metrics': {
			summary: 'Metrics of this process for Prometheus',
			answers: {
				200: { content: { 'application/openmetrics-text': { schema: text }, 'text/plain': { schema: text } } },
			},
		},
		'GET /monitoring/profile': {
			summary: 'What features and outputs look like',
			query: { modelId: ofModel, version, ...range('from', 'to') },
			answers: { 200: { content: json(ref('Profiles')) } },
			errors: ['QUEUE_FULL'],
		},
		'GET /monitoring/changes': {
			summary: 'When the predictions of a model changed, newest first',
			query: { modelId: ofModel, version, ...range('from', 'to'), limit: PAGE.limit },
			answers: { 200: { content: json(ref('Changes')) } },
		},
		'GET /monitoring/resources': {
			summary: 'What predictions of a model cost',
			query: {
				modelId: ofModel,
				version,
				...range('from', 'to'),
				by: parameter('`version` when absent.', oneOf(BY)),
			},
			answers: { 200: { content: json(ref('Resources')) } },
			errors: ['QUEUE_FULL'],
		},
		'POST /monitoring/reference': {
			summary: 'Keep a profile of training data, or of predictions of some time, to compare with',
			description: 'With `from` or `to` there is no body.',
			query: {
				...REFERENCE,
				format: parameter('Of the body; what `Content-Type` says when absent.', oneOf(Object.keys(FORMATS))),
				delimiter: parameter('Of CSV: a character, `comma`, `semicolon`, `tab` or `pipe`.'),
				label: parameter('The column of what is true.'),
				...range('from', 'to'),
			},
			body: {
				'text/csv': { schema: text, example: TRAINING },
				'application/x-ndjson': {
					schema: said('An object on each line', text),
					example: `${JSON.stringify(TRAINING_ROW)}\n`,
				},
				...json(listOf(mapOf(any)), [TRAINING_ROW]),
			},
			answers: { 201: { content: json(ref('Reference')) } },
			errors: ['MODEL_NOT_FOUND', 'INVALID_INPUT', 'SCHEMA_MISMATCH', 'QUEUE_FULL', 'STORAGE_UNAVAILABLE'],
		},
		'GET /monitoring/reference': {
			summary: 'References of a model',
			query: { modelId: ofModel, version },
			answers: { 200: { content: json(ref('References')) } },
		},
		'DELETE /monitoring/reference': {
			summary: 'Remove a reference',
			query: REFERENCE,
			answers: {
				200: { content: json(object({ success: flag, modelId: identifier, version: identifier, name: identifier })) },
			},
			errors: ['NOT_FOUND', 'STORAGE_UNAVAILABLE'],
		},
		'POST /monitoring/estimator': {
			summary: 'Have the quality of a version estimated without labels',
			description: 'Fitted to predictions of the version whose outcome is known.',
			query: {
				...OF_VERSION,
				...range('from', 'to'),
				chunkRows: parameter('Rows of the chunks that thresholds are from.', { ...count, minimum: 1 }),
				businessValue: parameter(
					'What predictions of a class are worth: a list for each true class with a number for each predicted one, as JSON.',
					text
				),
			},
			answers: {},
			errors: ['MODEL_NOT_FOUND', 'QUEUE_FULL', 'STORAGE_UNAVAILABLE'],
		},
		'DELETE /monitoring/estimator': {
			summary: 'Estimate it no longer',
			query: OF_VERSION,
			answers: {
				200: { content: json(object({ success: flag, modelId: identifier, version: identifier, removed: flag })) },
			},
			errors: ['STORAGE_UNAVAILABLE'],
		},
		'GET /monitoring/drift': {
			summary: 'Whether features and outputs are distributed otherwise than in a reference',
			query: {
				modelId: ofModel,
				version,
				...range('from', 'to'),
				reference: parameter('The stored reference that it is compared with.', identifier),
				referenceVersion: parameter('The version that it is compared with.', identifier, { example: '1.0.0' }),
				...range('referenceFrom', 'referenceTo'),
				method: parameter('Of all columns that it fits; or JSON text of an object by column.'),
				threshold: parameter("Instead of each method's own.", { ...number, minimum: 0 }),
				correction: parameter(
					'Of p-values.',
					oneOf(['benjamini_hochberg', 'benjamini_yekutieli', 'holm', 'bonferroni'])
				),
				minRows: parameter('Fewer values on a side are `insufficient`.', { ...number, minimum: 1 }, { example: 1 }),
				driftShare: parameter('A share of drifted columns from which on the whole drifts.', within(0, 1)),
				exact: parameter('Whether events are compared value by value, at most 100,000 rows a side.', flag),
			},
			answers: { 200: { content: json(ref('Drift')) } },
			errors: ['INVALID_INPUT', 'QUEUE_FULL'],
		},
	},
};
