// The protocol's names of element types, and a model's inputs and outputs as it describes them.
import { ApiError } from '../errors.js';

const DATATYPE_OF = {
	bool: 'BOOL',
	uint8: 'UINT8',
	uint16: 'UINT16',
	uint32: 'UINT32',
	uint64: 'UINT64',
	int8: 'INT8',
	int16: 'INT16',
	int32: 'INT32',
	int64: 'INT64',
	float16: 'FP16',
	bfloat16: 'BF16',
	float32: 'FP32',
	float64: 'FP64',
	string: 'BYTES',
};

/** What classifiers of scikit-learn give: for each row a map from class to probability. */
const ROWS_OF_CLASSES = /^seq\(map\(\w+,tensor\((\w+)\)\)\)$/;

/**
 * An input or output in the protocol's words; undefined when it has none for it. Class maps are tensors of a row for each map
 * and a column for each class.
 *
 * @param {{name: string, dtype?: string, shape?: (number | string)[] | null, type?: string}} info of a signature
 * @returns {{name: string, dtype: string, datatype: string, shape: number[]} | undefined}
 */
export function tensorOf({ name, dtype, shape, type }) {
	const [, classes] = type?.match(ROWS_OF_CLASSES) ?? [];
	const element = classes ?? dtype;
	if (!Object.hasOwn(DATATYPE_OF, element ?? '')) return undefined;
	const sizes = classes ? [-1, -1] : (shape ?? [-1]).map((size) => (typeof size === 'number' ? size : -1));
	return { name, dtype: element, datatype: DATATYPE_OF[element], shape: sizes };
}

/**
 * The inputs of a model.
 *
 * @param {object} record
 * @returns {ReturnType<typeof tensorOf>[]}
 * @throws {ApiError} NOT_SUPPORTED when one is no tensor
 */
export function inputsOf({ modelId, inputSchema }) {
	return JSON.parse(inputSchema).inputs.map((info) => {
		const tensor = tensorOf(info);
		if (tensor) return tensor;
		const type = info.type ?? info.dtype;
		throw new ApiError(
			'NOT_SUPPORTED',
			`input "${info.name}" of model "${modelId}" is ${type}, for which this protocol has no datatype`
		);
	});
}

/**
 * The outputs of a model that the protocol can tell.
 *
 * @param {object} record
 * @returns {ReturnType<typeof tensorOf>[]}
 */
export const outputsOf = ({ outputSchema }) => JSON.parse(outputSchema).outputs.flatMap((info) => tensorOf(info) ?? []);
