// Jobs.
import { MAX_TIMEOUT_MS } from '../../../binding.js';
import { STAGES } from '../../../library/versions.js';
import { STATES } from '../../jobs/record.js';
import { MAX_LIMIT } from '../../monitoring/metrics.js';
import {
	any,
	count,
	eitherOf,
	flag,
	given,
	identifier,
	inEveryFormat,
	json,
	listOf,
	mapOf,
	object,
	oneOf,
	parameter,
	ref,
	said,
	text,
	wholeWithin,
	within,
} from '../schema.js';

const job = { 200: { content: json(ref('Job')) } };

/** Parameters of a page. */
export const PAGE = {
	limit: parameter('How many at most; 100 when absent.', wholeWithin(1, MAX_LIMIT)),
	cursor: parameter('From an earlier answer: the page after that one.'),
};

const DEFINITION = given(
	{
		modelId: identifier,
		version: identifier,
		stage: oneOf(STAGES),
		source: given(
			{
				database: text,
				table: text,
				conditions: listOf(any),
				fields: said('By input an attribute or several.', mapOf(eitherOf(text, listOf(text)))),
			},
			['table']
		),
		target: given({ database: text, table: text, fields: said('What each attribute gets.', mapOf(text)) }, [
			'table',
			'fields',
		]),
		record: flag,
		segment: said('Of the events.', text),
		timeoutMs: within(1, MAX_TIMEOUT_MS),
	},
	['modelId', 'source', 'target']
);
const EXAMPLE = {
	modelId: 'iris',
	source: { database: 'data', table: 'Flower', fields: { float_input: 'measurements' } },
	target: { database: 'data', table: 'Flower', fields: { species: 'prediction.output_label' } },
};

export const JOBS = {
	name: 'Jobs',
	description: 'Predictions for the rows of a table.',
	routes: {
		'POST /jobs/predict': {
			summary: 'Predict for the rows of a table, into a table',
			body: inEveryFormat(DEFINITION, EXAMPLE),
			answers: {
				202: {
					description: 'It has begun',
					content: json(ref('Job')),
					headers: { Location: { description: 'Path of the job.', schema: text } },
				},
			},
			errors: ['MODEL_NOT_FOUND', 'TABLE_NOT_FOUND', 'STORAGE_UNAVAILABLE'],
		},
		'GET /jobs': {
			summary: 'List jobs, newest first',
			query: { state: parameter('Only jobs in this state.', oneOf(STATES)), ...PAGE },
			answers: { 200: { content: json(object({ jobs: listOf(ref('Job')), count, cursor: text }, ['cursor'])) } },
		},
		'GET /jobs/:id': {
			summary: 'Read a job',
			description: 'With `Accept: text/event-stream` whenever it has changed.',
			answers: { 200: { content: { ...json(ref('Job')), 'text/event-stream': { schema: text } } } },
			errors: ['JOB_NOT_FOUND'],
		},
		'DELETE /jobs/:id': {
			summary: 'Cancel a job, or erase the record of one that has ended',
			query: { erase: parameter('`true` erases.', flag) },
			answers: job,
			errors: ['JOB_NOT_FOUND', 'STORAGE_UNAVAILABLE'],
		},
	},
};
