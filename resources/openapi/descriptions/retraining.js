// Requests for retraining, and the rows to train with.
import { MAX_COMMENT_LENGTH } from '../../monitoring/alerts/comment.js';
import { MAX_REASON_LENGTH } from '../../monitoring/retraining/requests.js';
import { STATES } from '../../monitoring/retraining/states.js';
import { FORMATS } from '../../monitoring/training-data/formats.js';
import {
	count,
	flag,
	given,
	identifier,
	json,
	listOf,
	moment,
	object,
	oneOf,
	parameter,
	ref,
	said,
	text,
} from '../schema.js';
import { PAGE } from './jobs.js';

const request = { content: json(ref('RetrainingRequest')) };
const comment = said('Why.', { ...text, maxLength: MAX_COMMENT_LENGTH });
const action = (summary, fields = {}, errors = []) => ({
	summary,
	body: json(given({ comment, ...fields }), {}),
	answers: { 200: request },
	errors: ['RETRAINING_NOT_FOUND', 'RETRAINING_STATE', 'STORAGE_UNAVAILABLE', ...errors],
});

export const RETRAINING = {
	name: 'Retraining',
	description: 'That models should be trained again, what becomes of it, and the rows to train with.',
	routes: {
		'GET /monitoring/retraining': {
			summary: 'List requests for retraining',
			description: 'With `Accept: text/event-stream` those that change from now on; then without `limit` and `cursor`.',
			query: {
				state: parameter('Only requests in this state.', oneOf(STATES)),
				modelId: parameter('Of this model only.', identifier),
				...PAGE,
			},
			answers: {
				200: {
					content: {
						...json(object({ requests: listOf(ref('RetrainingRequest')), count, cursor: text }, ['cursor'])),
						'text/event-stream': { schema: text },
					},
				},
			},
		},
		'POST /monitoring/retraining': {
			summary: 'Ask for retraining by hand',
			body: json(
				given(
					{
						modelId: identifier,
						version: said('That should be replaced.', identifier),
						reason: { ...text, minLength: 1, maxLength: MAX_REASON_LENGTH },
					},
					['modelId', 'reason']
				),
				{ modelId: 'iris', reason: 'a new kind of flower' }
			),
			answers: {
				201: {
					description: 'Made',
					...request,
					headers: { Location: { description: 'Path of the request.', schema: text } },
				},
			},
			errors: ['MODEL_NOT_FOUND', 'RETRAINING_OPEN', 'STORAGE_UNAVAILABLE'],
		},
		'GET /monitoring/retraining/:request': {
			summary: 'Read a request',
			answers: { 200: request },
			errors: ['RETRAINING_NOT_FOUND'],
		},
		'POST /monitoring/retraining/:request/approve': action('Approve a request'),
		'POST /monitoring/retraining/:request/reject': action('Reject a request'),
		'POST /monitoring/retraining/:request/start': action('Say that training has begun'),
		'POST /monitoring/retraining/:request/complete': action(
			'Say that training is done',
			{ version: said('That was trained.', identifier) },
			['MODEL_NOT_FOUND']
		),
		'POST /monitoring/retraining/:request/fail': action('Say that training has failed'),
		'GET /monitoring/training-data': {
			summary: 'Rows to train with',
			description: 'A stream of predictions, the newest first, with what really happened.',
			query: {
				modelId: parameter('Whose predictions.', identifier, { required: true, example: 'iris' }),
				version: parameter('Of this version only.', identifier),
				from: parameter('From then on.', moment),
				to: parameter('Until then.', moment),
				labelled: parameter('Only rows whose truth is known, or only others.', flag),
				format: parameter('`ndjson` when absent.', oneOf(Object.keys(FORMATS))),
				cursor: parameter('The id of a row: goes on behind it.'),
			},
			answers: {
				200: {
					content: Object.fromEntries(
						Object.values(FORMATS).map(({ type }) => [
							type.split(';', 1)[0],
							{ schema: type.startsWith('application/x-ndjson') ? ref('TrainingRow') : text },
						])
					),
				},
			},
			errors: ['MODEL_NOT_FOUND'],
		},
	},
};
