// GET /v1/models/:modelId[/versions/:version|/labels/:label]/metadata: the signature, as TensorFlow writes it.
import { requireVisible } from '../../http/access.js';
import { signatureOf } from '../../registry/signature.js';
import { modelOf } from './model.js';

const DTYPE_OF = {
	bool: 'DT_BOOL',
	uint8: 'DT_UINT8',
	uint16: 'DT_UINT16',
	uint32: 'DT_UINT32',
	uint64: 'DT_UINT64',
	int8: 'DT_INT8',
	int16: 'DT_INT16',
	int32: 'DT_INT32',
	int64: 'DT_INT64',
	float16: 'DT_HALF',
	bfloat16: 'DT_BFLOAT16',
	float32: 'DT_FLOAT',
	float64: 'DT_DOUBLE',
	string: 'DT_STRING',
};

/** `GET /v1/models/:modelId[/versions/:version|/labels/:label]/metadata` */
export async function metadata(call) {
	requireVisible(call.user, 'Model', ['modelId', 'version', 'inputSchema', 'outputSchema']);
	const model = await modelOf(call);
	const { modelId, version } = model;
	const { inputs, outputs } = signatureOf(model);
	const signature = {
		inputs: tensorsOf(inputs),
		outputs: tensorsOf(outputs),
		method_name: 'tensorflow/serving/predict',
	};
	return {
		body: {
			model_spec: { name: modelId, signature_name: '', version },
			metadata: { signature_def: { signature_def: { serving_default: signature } } },
		},
	};
}

/** What is no tensor, such as a map by class, has a type of its own for TensorFlow. */
function tensorsOf(infos) {
	return Object.fromEntries(
		infos.map(({ name, dtype, shape }) => [
			name,
			{
				name,
				dtype: DTYPE_OF[dtype] ?? 'DT_VARIANT',
				tensor_shape: {
					dim: (shape ?? []).map((size) =>
						typeof size === 'number' ? { size: String(size), name: '' } : { size: '-1', name: size }
					),
					unknown_rank: shape === undefined || shape === null,
				},
			},
		])
	);
}
