// The protocol's names of element types, and a model's inputs and outputs as it describes them.
import { openInferenceDatatype } from '../../../binding.js';
import { ApiError } from '../../errors.js';
import { signatureOf } from '../../registry/signature.js';

/** What classifiers of scikit-learn give: for each row a map from class to probability. */
const ROWS_OF_CLASSES = /^seq\(map\(\w+,tensor\((\w+)\)\)\)$/;

/**
 * An input or output in the protocol's words; undefined when it has none for it. Class maps are tensors of a row for each map
 * and a column for each class.
 *
 * @param {{name: string, dtype?: string, shape?: (number | string)[] | null, type?: string}} info of a signature
 * @returns {{name: string, datatype: string, shape: number[]} | undefined}
 */
export function tensorOf({ name, dtype, shape, type }) {
	const [, classes] = type?.match(ROWS_OF_CLASSES) ?? [];
	const element = classes ?? dtype;
	const datatype = element && openInferenceDatatype(element);
	if (!datatype) return undefined;
	const sizes = classes ? [-1, -1] : (shape ?? [-1]).map((size) => (typeof size === 'number' ? size : -1));
	return { name, datatype, shape: sizes };
}

/**
 * The inputs of a model.
 *
 * @param {object} record
 * @returns {ReturnType<typeof tensorOf>[]}
 * @throws {ApiError} NOT_SUPPORTED when one is no tensor
 */
export function inputsOf(record) {
	return signatureOf(record).inputs.map((info) => {
		const tensor = tensorOf(info);
		if (tensor) return tensor;
		const type = info.type ?? info.dtype;
		throw new ApiError(
			'NOT_SUPPORTED',
			`input "${info.name}" of model "${record.modelId}" is ${type}, for which this protocol has no datatype`
		);
	});
}

/**
 * The outputs of a model that the protocol can tell.
 *
 * @param {object} record
 * @returns {ReturnType<typeof tensorOf>[]}
 */
export const outputsOf = (record) => signatureOf(record).outputs.flatMap((info) => tensorOf(info) ?? []);
