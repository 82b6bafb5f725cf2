// A body that is nothing but the bytes of the one input of a model: what the protocol has in JSON is taken from the signature.
import { DTYPES } from '../../../library/dtypes.js';
import { ApiError } from '../../errors.js';
import { signatureOf } from '../../registry/signature.js';
import { inputsOf } from './datatypes.js';

const FREE = -1;
const LENGTH_BYTES = 4;

/**
 * The same request with the JSON that it lacks.
 *
 * @param {Buffer} bytes
 * @param {object} model its record
 * @param {boolean} isBinary whether the outputs are binary data
 * @returns {{body: Buffer, jsonLength: number}}
 * @throws {ApiError} INVALID_REQUEST when the signature and the number of bytes do not tell the shape
 */
export function withJson(bytes, model, isBinary) {
	const inputs = inputsOf(model);
	if (inputs.length !== 1) {
		const names = inputs.map(({ name }) => name).join(', ');
		throw new ApiError('INVALID_REQUEST', `a body without JSON is for models with one input, this one has ${names}`);
	}
	const [{ name, datatype }] = inputs;
	const [{ dtype, shape: declared }] = signatureOf(model).inputs;
	if (!Array.isArray(declared)) throw undecided(name, 'the model takes any number of dimensions');
	const sizes = declared.map((size) => (typeof size === 'number' ? size : FREE));
	const isText = datatype === 'BYTES';
	const shape = isText ? shapeOfOne(name, sizes) : shapeOf(name, sizes, bytes.length, DTYPES[dtype].ArrayType);
	const data = isText ? [lengthOf(bytes), bytes] : [bytes];
	const parameters = { binary_data_size: bytes.length + (isText ? LENGTH_BYTES : 0) };
	const json = Buffer.from(
		JSON.stringify({
			inputs: [{ name, datatype, shape, parameters }],
			parameters: { binary_data_output: isBinary },
		})
	);
	return { body: Buffer.concat([json, ...data]), jsonLength: json.length };
}

/** A text is the whole body, so there is one. */
function shapeOfOne(name, sizes) {
	if (sizes.some((size) => size !== FREE && size !== 1)) {
		throw undecided(name, `the body is one element, the model takes ${shownShape(sizes)}`);
	}
	return sizes.map(() => 1);
}

/** The size of the one dimension that is free follows from the bytes. Of two, the first is that of a batch of one. */
function shapeOf(name, sizes, byteLength, { BYTES_PER_ELEMENT }) {
	const isBatchOfOne = sizes[0] === FREE && sizes.filter((size) => size === FREE).length === 2;
	const known = isBatchOfOne ? [1, ...sizes.slice(1)] : sizes;
	const free = known.filter((size) => size === FREE).length;
	if (free > 1) throw undecided(name, `of ${shownShape(sizes)} one dimension may be free, and that of the batch`);
	const unit = known.filter((size) => size !== FREE).reduce((product, size) => product * size, BYTES_PER_ELEMENT);
	const count = free === 1 ? byteLength / unit : 1;
	if (!Number.isInteger(count) || count * unit !== byteLength) {
		const expected = free === 1 ? `a multiple of ${unit}` : unit;
		throw undecided(name, `${shownShape(sizes)} takes ${expected} bytes, received ${byteLength}`);
	}
	return known.map((size) => (size === FREE ? count : size));
}

const undecided = (name, why) =>
	new ApiError('INVALID_REQUEST', `the shape of input "${name}" does not follow from a body without JSON: ${why}`);

const shownShape = (sizes) => `[${sizes.join(', ')}]`;

function lengthOf({ length }) {
	const bytes = Buffer.alloc(LENGTH_BYTES);
	bytes.writeUInt32LE(length);
	return bytes;
}
