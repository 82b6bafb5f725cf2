// The Open Inference Protocol, and Triton's extensions.
import { any, count, eitherOf, flag, json, listOf, mapOf, object, oneOf, ref, said, text } from '../schema.js';
import { STAGE } from '../parameters.js';
import { RUN_ERRORS } from './serving.js';

const MODEL = '/v2/models/:modelId';
const VERSION = `${MODEL}/versions/:version`;
const stage = { stage: STAGE };
const ofModel = ['MODEL_NOT_FOUND', 'INVALID_MODEL', 'NOT_SUPPORTED'];

/** The same of the default version of a model, and of one version. */
function ofBoth(method, action, { summary, ...rest }) {
	const of = (path, which) => [
		`${method} ${path}${action}`,
		{ summary: `${summary}, of ${which}`, query: stage, ...rest },
	];
	return Object.fromEntries([of(MODEL, 'the default version'), of(VERSION, 'a version')]);
}

const answer = (schema) => ({ 200: { content: json(schema) } });
const tensors = listOf(object({ name: text, datatype: text, shape: listOf({ type: 'integer' }) }));
const tensorsOfConfig = listOf(object({ name: text, data_type: text, dims: listOf({ type: 'integer' }) }));
const isAlive = object({ live: flag, ready: flag });
const isReady = object({ name: text, ready: flag, error: text }, ['error']);
/** An object that may be absent, with fields that need not be known. */
const optional = (example = {}) => ({ body: json(mapOf(any), example), bodyIsOptional: true });
const done = answer(object({}));

const INFER = {
	summary: 'Predict',
	description: 'Binary tensors stand behind the JSON, whose length a header says; so they do in the answer.',
	headers: ['JsonLength', 'Traceparent'],
	body: {
		...json(ref('InferRequest'), {
			id: '42',
			inputs: [{ name: 'float_input', shape: [1, 4], datatype: 'FP32', data: [5.1, 3.5, 1.4, 0.2] }],
			outputs: [{ name: 'output_label' }],
		}),
		'application/octet-stream': {},
	},
	answers: { 200: { content: { ...json(ref('InferAnswer')), 'application/octet-stream': {} } } },
	errors: [...RUN_ERRORS, 'NOT_SUPPORTED'],
};

const TRACE = { '/v2': 'Trace settings of the server', [MODEL]: 'Trace settings of a model' };

const traceSettings = Object.fromEntries(
	Object.entries(TRACE).flatMap(([path, summary]) => {
		const shared = path === MODEL ? { query: stage, errors: ofModel } : { errors: ['NOT_SUPPORTED'] };
		return [
			[`GET ${path}/trace/setting`, { summary, answers: answer(ref('TraceSetting')), ...shared }],
			[
				`POST ${path}/trace/setting`,
				{
					summary: `${summary}, which can be set to what they are`,
					...optional({ trace_level: ['OFF'] }),
					answers: answer(ref('TraceSetting')),
					...shared,
				},
			],
		];
	})
);

/** There is none, of either kind. */
const sharedMemory = Object.fromEntries(
	['systemsharedmemory', 'cudasharedmemory'].flatMap((kind) => {
		const path = `/v2/${kind}`;
		return Object.entries({
			[`GET ${path}/status`]: {
				summary: 'Regions of shared memory: none',
				answers: answer({ ...listOf(any), maxItems: 0 }),
			},
			[`GET ${path}/region/:region/status`]: { summary: 'A region of shared memory: not found', errors: ['NOT_FOUND'] },
			[`POST ${path}/region/:region/register`]: {
				summary: 'Register shared memory: not supported',
				...optional(),
				errors: ['NOT_SUPPORTED'],
			},
			[`POST ${path}/region/:region/unregister`]: {
				summary: 'Forget a region of shared memory',
				...optional(),
				answers: done,
			},
			[`POST ${path}/unregister`]: { summary: 'Forget all shared memory', ...optional(), answers: done },
		});
	})
);

export const OPEN_INFERENCE = {
	name: 'Open Inference Protocol',
	description: 'Version 2, with extensions of Triton. Unknown fields and parameters are ignored.',
	routes: {
		'GET /v2': {
			summary: 'What the server is',
			answers: answer(object({ name: text, version: text, extensions: listOf(text) })),
		},
		'GET /v2/health/live': { summary: 'Whether the server is there', answers: answer(isAlive) },
		'GET /v2/health/ready': {
			summary: 'Whether the server can be asked',
			answers: { ...answer(isAlive), 503: { description: 'Models are still preloaded', content: json(isAlive) } },
		},
		'GET /v2/models': { summary: 'List models', answers: answer(object({ models: listOf(text) })) },
		'GET /v2/models/stats': { summary: 'Statistics of all models', answers: answer(ref('Statistics')) },
		...ofBoth('GET', '', {
			summary: 'Inputs and outputs',
			answers: answer(
				object({ name: text, versions: listOf(text), platform: text, inputs: tensors, outputs: tensors })
			),
			errors: ofModel,
		}),
		...ofBoth('GET', '/ready', {
			summary: 'Whether the model can be asked',
			answers: { ...answer(isReady), 503: { description: 'It is in quarantine', content: json(isReady) } },
			errors: ofModel,
		}),
		...ofBoth('GET', '/config', {
			summary: 'The model as Triton configures it',
			answers: answer(
				object(
					{
						name: text,
						platform: text,
						backend: text,
						version_policy: mapOf(any),
						max_batch_size: count,
						input: tensorsOfConfig,
						output: tensorsOfConfig,
						dynamic_batching: object({ max_queue_delay_microseconds: { type: 'number' } }),
					},
					['dynamic_batching']
				)
			),
			errors: ofModel,
		}),
		...ofBoth('GET', '/stats', {
			summary: 'Statistics since the model was loaded',
			answers: answer(ref('Statistics')),
			errors: ofModel,
		}),
		...ofBoth('POST', '/infer', INFER),
		'POST /v2/repository/index': {
			summary: 'List versions',
			...optional({ ready: true }),
			answers: answer(
				listOf(object({ name: text, version: text, state: oneOf(['READY', 'UNAVAILABLE']), reason: text }))
			),
		},
		'POST /v2/repository/models/:modelId/load': {
			summary: 'Load the latest version into memory',
			...optional(),
			answers: done,
			errors: [...RUN_ERRORS, 'NOT_SUPPORTED'],
		},
		'POST /v2/repository/models/:modelId/unload': {
			summary: 'Drop all versions from memory',
			...optional(),
			answers: done,
			errors: ['MODEL_NOT_FOUND'],
		},
		...traceSettings,
		'GET /v2/logging': { summary: 'Log settings', answers: answer(ref('LogSetting')) },
		'POST /v2/logging': {
			summary: 'Log settings, which can be set to what they are',
			body: json(said('Fields of `LogSetting`.', mapOf(eitherOf(text, flag, count))), { log_format: 'default' }),
			bodyIsOptional: true,
			answers: answer(ref('LogSetting')),
			errors: ['NOT_SUPPORTED'],
		},
		...sharedMemory,
	},
};
