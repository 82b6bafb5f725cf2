// TensorFlow Serving's routes.
import { any, flag, json, listOf, mapOf, object, oneOf, parameter, said, text } from '../schema.js';
import { STAGE } from '../parameters.js';
import { RUN_ERRORS } from './serving.js';

const MODEL = '/v1/models/:modelId';
const ofModel = ['MODEL_NOT_FOUND', 'INVALID_MODEL'];
const answer = (schema) => ({ 200: { content: json(schema) } });

/** The same of a model, of one version, and of a label. */
function ofAll(method, action, { summary, query, ...rest }) {
	const of = (path, which, more) => {
		const all = { ...more, ...query };
		const taken = Object.keys(all).length > 0 ? { query: all } : {};
		return [`${method} ${MODEL}${path}${action}`, { summary: `${summary}, of ${which}`, ...taken, ...rest }];
	};
	return Object.fromEntries([
		of('', 'a model', { stage: STAGE }),
		of('/versions/:version', 'a version', { stage: STAGE }),
		of('/labels/:label', 'a label'),
	]);
}

const signature = mapOf(
	object({
		name: text,
		dtype: text,
		tensor_shape: object({ dim: listOf(object({ size: text, name: text })), unknown_rank: flag }),
	})
);
const values =
	'Rows: `instances` is a list of values, or of objects of values by input. Columns: `inputs` is the value of the one input, or an object of values by input.';

export const TENSORFLOW_SERVING = {
	name: 'TensorFlow Serving',
	description: 'Its REST interface. Unknown fields and parameters are ignored.',
	routes: {
		'GET /v1/models': { summary: 'List models', answers: answer(object({ models: listOf(text) })) },
		...ofAll('GET', '', {
			summary: 'Which versions can be asked',
			answers: answer(
				object({
					name: text,
					ready: flag,
					model_version_status: listOf(
						object({
							version: text,
							state: oneOf(['AVAILABLE', 'END']),
							status: object({ error_code: text, error_message: text }),
						})
					),
				})
			),
			errors: ofModel,
		}),
		...ofAll('GET', '/metadata', {
			summary: 'The signature',
			answers: answer(
				object({
					model_spec: object({ name: text, signature_name: text, version: text }),
					metadata: object({
						signature_def: object({
							signature_def: mapOf(object({ inputs: signature, outputs: signature, method_name: text })),
						}),
					}),
				})
			),
			errors: ofModel,
		}),
		...ofAll('POST', ':predict', {
			summary: 'Predict',
			headers: ['Traceparent'],
			query: { record: parameter('`false` writes no event.', flag) },
			body: json(
				said(values, {
					type: 'object',
					properties: { instances: listOf(any), inputs: any, signature_name: oneOf(['serving_default']) },
					anyOf: [{ required: ['instances'] }, { required: ['inputs'] }],
				}),
				{ instances: [[5.1, 3.5, 1.4, 0.2]] }
			),
			answers: {
				200: {
					content: json(
						said('One of both', object({ predictions: listOf(any), outputs: any }, ['predictions', 'outputs']))
					),
					headers: { 'Inference-Id': { description: 'Names the prediction in feedback.', schema: text } },
				},
			},
			errors: [...RUN_ERRORS, 'NOT_SUPPORTED'],
		}),
	},
};
