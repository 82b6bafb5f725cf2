// Of the Open Inference Protocol.
import { openInferenceDatatype } from '../../../binding.js';
import { DTYPES } from '../../../library/dtypes.js';
import { any, count, eitherOf, flag, listOf, mapOf, number, object, oneOf, said, text } from '../schema.js';

const tensorOfProtocol = {
	name: text,
	shape: listOf({ type: 'integer' }),
	datatype: oneOf([...new Set(Object.keys(DTYPES).map(openInferenceDatatype).filter(Boolean))]),
};
const parameters = mapOf(eitherOf(text, number, flag));

export const PROTOCOL_SCHEMAS = {
	InferRequest: {
		type: 'object',
		properties: {
			id: said('Becomes the `requestId` of the event.', text),
			inputs: listOf({
				type: 'object',
				properties: { ...tensorOfProtocol, data: any, parameters },
				required: ['name', 'shape', 'datatype'],
			}),
			outputs: listOf({ type: 'object', properties: { name: text, parameters }, required: ['name'] }),
			parameters: said(
				'`timeout` in microseconds, `priority`, `binary_data_output`, `userId`, `sessionId`, `segment`, `record`, `receipt`.',
				parameters
			),
		},
		required: ['inputs'],
	},
	InferAnswer: object(
		{
			model_name: text,
			model_version: text,
			id: text,
			parameters: object({ inferenceId: text }),
			outputs: listOf(object({ ...tensorOfProtocol, data: listOf(any), parameters }, ['data', 'parameters'])),
		},
		['id']
	),
	TraceSetting: object({
		trace_level: listOf(text),
		trace_rate: text,
		trace_count: text,
		log_frequency: text,
		trace_file: text,
	}),
	LogSetting: object({
		log_file: text,
		log_info: flag,
		log_warning: flag,
		log_error: flag,
		log_verbose_level: count,
		log_format: text,
	}),
	Statistics: object({
		model_stats: listOf(
			object(
				{
					name: text,
					version: text,
					inference_count: count,
					inference_stats: object({
						success: object({ count }),
						fail: object({ count }),
						compute_infer: object({ count, ns: count }),
					}),
					batching: mapOf(any),
				},
				['batching']
			)
		),
	}),
};
