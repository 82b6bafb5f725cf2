// What was predicted, and what really happened.
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
				...range('startTime', 'endTime'),
				interval: parameter('Also a series; needs `startTime`.', oneOf(TIERS.map(({ interval }) => interval))),
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
		'GET /monitoring/drift': {
			summary: 'Whether features and outputs are distributed otherwise than in a reference',
			query: {
				modelId: ofModel,
				version,
				...range('from', 'to'),
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
			},
			answers: { 200: { content: json(ref('Drift')) } },
			errors: ['INVALID_INPUT', 'QUEUE_FULL'],
		},
	},
};
