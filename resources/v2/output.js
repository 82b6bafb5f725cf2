// One output of a run, as JSON or as bytes behind it.
import { ARRAY_OF, Tensor } from '../../library/tensor.js';
import { ApiError } from '../errors.js';
import { elementsJson } from '../tensor-json.js';
import { writeTexts } from './bytes.js';

/**
 * The part of the answer that stands in JSON, and the bytes that follow when it is binary.
 *
 * @param {{name: string, dtype: string, datatype: string, binary: boolean}} wanted
 * @param {any} value of the run
 * @returns {{json: string, bytes?: Buffer}}
 */
export function writeOutput({ name, dtype, datatype, binary }, value) {
	const tensor = value instanceof Tensor ? value : rowsOfClasses(name, dtype, value);
	const head = `{"name":${JSON.stringify(name)},"shape":[${tensor.shape.join(',')}],"datatype":"${datatype}"`;
	if (!binary) return { json: `${head},"data":[${elementsJson(tensor).join(',')}]}` };
	const bytes = bytesOf(tensor);
	return { json: `${head},"parameters":{"binary_data_size":${bytes.length}}}`, bytes };
}

function bytesOf({ dtype, data }) {
	return dtype === 'string' ? writeTexts(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** A list of maps from class to value as a row for each map; the columns are the classes in the order of the model. */
function rowsOfClasses(name, dtype, maps) {
	const classes = maps.length === 0 ? [] : [...maps[0].keys()];
	const isAlike = (map) => map.size === classes.length && classes.every((key) => map.has(key));
	if (!maps.every(isAlike)) {
		throw new ApiError('NOT_SUPPORTED', `output "${name}" has other classes in each row, which no tensor holds`);
	}
	const values = maps.flatMap((map) => classes.map((key) => map.get(key)));
	return new Tensor(dtype, [maps.length, classes.length], ARRAY_OF[dtype].from(values));
}
