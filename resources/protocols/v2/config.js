// GET /v2/models/:modelId[/versions/:version]/config: a model as Triton configures it.
import { requireVisible } from '../../http/access.js';
import { options } from '../../options.js';
import { inputsOf, outputsOf } from './datatypes.js';
import { modelOf } from './models.js';

/** `GET /v2/models/:modelId[/versions/:version]/config` */
export async function config(call) {
	requireVisible(call.user, 'Model', ['modelId', 'inputSchema', 'outputSchema']);
	const model = await modelOf(call);
	const [inputs, outputs] = [inputsOf(model), outputsOf(model)];
	const { maxBatchSize, maxQueueDelayMs } = options();
	// With a batch size the dimensions are those of a row.
	const hasRows = maxBatchSize > 1 && [...inputs, ...outputs].every(({ shape }) => shape[0] === -1);
	const described = ({ name, datatype, shape }) => ({
		name,
		data_type: `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`,
		dims: hasRows ? shape.slice(1) : shape,
	});
	return {
		body: {
			name: model.modelId,
			platform: 'onnxruntime_onnx',
			backend: 'onnxruntime',
			version_policy: { all: {} },
			max_batch_size: hasRows ? maxBatchSize : 0,
			input: inputs.map(described),
			output: outputs.map(described),
			...(hasRows ? { dynamic_batching: { max_queue_delay_microseconds: maxQueueDelayMs * 1000 } } : {}),
		},
	};
}
