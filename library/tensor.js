// Tensors in JavaScript: a dtype, a shape and a typed array in row-major order.
import { DTYPES } from './dtypes.js';
import { isMap, typedArrayName } from './kinds.js';
import { plain } from './plain.js';
import { shown } from './shown.js';

/** A value of a model: `data` holds exactly the product of `shape` elements. */
export class Tensor {
	/**
	 * @param {string} dtype
	 * @param {number[]} shape
	 * @param {ArrayBufferView | string[]} data
	 */
	constructor(dtype, shape, data) {
		if (!Object.hasOwn(DTYPES, dtype)) {
			throw new TypeError(`dtype must be one of ${Object.keys(DTYPES).join(', ')}, received ${String(dtype)}`);
		}
		if (!isShape(shape)) {
			throw new TypeError('shape must be an array of sizes, such as [1, 10]');
		}
		const { ArrayType, packedBits } = DTYPES[dtype];
		if (!holds(data, dtype)) {
			throw new TypeError(`the data of a ${dtype} tensor must be of type ${ArrayType.name}`);
		}
		if (dtype === 'string' && !data.every((item) => typeof item === 'string')) {
			throw new TypeError('the data of a string tensor must be strings');
		}
		const size = sizeOf(shape);
		const length = packedBits ? Math.ceil((size * packedBits) / 8) : size;
		if (data.length !== length) {
			const unit = packedBits ? `bytes of packed ${dtype}` : 'elements';
			throw new TypeError(`shape [${shape}] takes ${length} ${unit}, data has ${data.length}`);
		}
		this.dtype = dtype;
		this.shape = shape;
		this.data = data;
	}

	/**
	 * The elements as nested arrays, or the one element of a tensor without dimensions. 64-bit integers are bigints, floats of
	 * less than 16 bits their raw bits.
	 *
	 * @returns {any}
	 */
	toArray() {
		const isNumber = typedArrayName(this.data) === 'Float16Array';
		const element = (!isNumber && ELEMENT_OF[this.dtype]) || ((data, at) => data[at]);
		const nest = (depth, start, size) => {
			if (depth === this.shape.length) return element(this.data, start);
			const stride = size / this.shape[depth];
			return Array.from({ length: this.shape[depth] }, (_, at) => nest(depth + 1, start + at * stride, stride));
		};
		return nest(0, 0, sizeOf(this.shape));
	}

	/** The elements as nested arrays of what JSON has, for `JSON.stringify`. */
	toJSON() {
		return plain(this.toArray());
	}
}

const isShape = (shape) => Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0);

/** Whether data are of the class for elements of a dtype. Half floats are raw bits or, where Node.js has them, numbers. */
function holds(data, dtype) {
	if (dtype === 'string') return Array.isArray(data);
	const name = typedArrayName(data);
	return name === DTYPES[dtype].ArrayType.name || (name === 'Float16Array' && dtype === 'float16');
}

const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);

/** How an element is read where it is not `data[at]`. */
const ELEMENT_OF = {
	bool: (data, at) => data[at] !== 0,
	float16: (data, at) => fromHalf(data[at]),
	// A bfloat16 is the upper half of a float32.
	bfloat16: (data, at) => new Float32Array(Uint32Array.of(data[at] << 16).buffer)[0],
	float4e2m1: (data, at) => unpack(data, at, 4),
	uint4: (data, at) => unpack(data, at, 4),
	uint2: (data, at) => unpack(data, at, 2),
	int4: (data, at) => (unpack(data, at, 4) << 28) >> 28,
	int2: (data, at) => (unpack(data, at, 2) << 30) >> 30,
};

/** IEEE 754 binary16: a sign, five bits of exponent, ten of fraction. */
function fromHalf(bits) {
	const sign = bits & 0x8000 ? -1 : 1;
	const exponent = (bits >> 10) & 0x1f;
	const fraction = bits & 0x3ff;
	if (exponent === 0) return sign * fraction * 2 ** -24;
	if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
	return sign * (0x400 + fraction) * 2 ** (exponent - 25);
}

function unpack(data, at, bits) {
	const position = at * bits;
	return (data[position >> 3] >> (position & 7)) & ((1 << bits) - 1);
}

/** The dtype of the numbers in a typed array. */
const DTYPE_OF = {
	Float16Array: 'float16',
	Float32Array: 'float32',
	Float64Array: 'float64',
	Int8Array: 'int8',
	Int16Array: 'int16',
	Int32Array: 'int32',
	BigInt64Array: 'int64',
	Uint8Array: 'uint8',
	Uint8ClampedArray: 'uint8',
	Uint16Array: 'uint16',
	Uint32Array: 'uint32',
	BigUint64Array: 'uint64',
};

/**
 * @typedef {object} Input
 * @property {string} name
 * @property {number} [index] its place in the signature
 * @property {string} [dtype] of `data` as elements; absent for JSON text
 * @property {number[]} [shape]
 * @property {Uint8Array | string} data
 */

/**
 * An input for the addon. Elements of the declared dtype go over as they are; everything else goes as JSON, which Rust
 * converts without loss or refuses.
 *
 * @param {string} name
 * @param {any} value a Tensor, a typed array, nested arrays, a number, string, boolean or bigint, a Map, or what
 *   {@link shapedInput} takes
 * @param {{dtype?: string, index: number}} [declared] the input in the signature
 * @returns {Input}
 */
export function toInput(name, value, { dtype: declared, index } = {}) {
	if (value === undefined) throw new TypeError(`the input "${name}" is undefined; leave it out or give it a value`);
	if (value instanceof Tensor) {
		const { dtype, data } = value;
		// Its fields may have been changed since it was made.
		const shape = Array.from(value.shape, Number);
		if (dtype === 'string') return { name, index, data: JSON.stringify({ data, shape }) };
		return { name, index, dtype, shape, data: bytesOf(data) };
	}
	if (ArrayBuffer.isView(value)) {
		const dtype = dtypeOf(value);
		if (!dtype) throw new TypeError(`the input "${name}" is a DataView; give a typed array of numbers`);
		if (isAsIs(dtype, declared)) return { name, index, dtype: declared, data: bytesOf(value) };
	} else if (isShaped(value)) {
		return { name, index, ...shapedInput(name, value, declared) };
	}
	return { name, index, data: toJson(name, value) };
}

const dtypeOf = (value) => DTYPE_OF[typedArrayName(value)];

/** Whether elements are those of an input without being converted. */
const isAsIs = (dtype, declared) =>
	declared !== undefined && (dtype === declared || (declared === 'bool' && (dtype === 'uint8' || dtype === 'int8')));

const SHAPED = new Set(['data', 'shape', 'dtype']);

function isShaped(value) {
	if (Object.prototype.toString.call(value) !== '[object Object]') return false;
	const keys = Object.keys(value);
	return keys.includes('data') && keys.includes('shape') && keys.every((key) => SHAPED.has(key));
}

/**
 * An input as `{ data, shape, dtype? }`. With a dtype a typed array is the elements themselves, such as the raw bits of half floats;
 * without one it is numbers.
 */
function shapedInput(name, { data, shape, dtype }, declared) {
	const ofNumbers = dtypeOf(data);
	if (dtype !== undefined && ofNumbers) {
		const tensor = new Tensor(dtype, shape, data);
		return { dtype, shape: Array.from(tensor.shape, Number), data: bytesOf(data) };
	}
	if (dtype !== undefined && dtype !== declared) {
		const expected = `the input "${name}" takes a dtype with a typed array of its elements`;
		const own = declared === undefined ? '' : `, and ${declared} with values`;
		throw new TypeError(`${expected}${own}; received ${shown(dtype)} with ${shown(data)}`);
	}
	// What does not fit is refused where JSON is read.
	if (ofNumbers && isAsIs(ofNumbers, declared) && isShape(shape) && sizeOf(shape) === data.length) {
		return { dtype: declared, shape: Array.from(shape), data: bytesOf(data) };
	}
	return { data: toJson(name, { data, shape }) };
}

const bytesOf = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength);

/**
 * JSON with what `JSON.stringify` loses: bigints, -0, NaN and the infinities; and nothing turned into null.
 *
 * @param {string} name of the input, for messages
 * @param {any} value
 * @returns {string}
 * @throws {TypeError} for what is no value of an input
 */
export function toJson(name, value) {
	if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
	if (typeof value === 'bigint') return String(value);
	if (typeof value === 'number') {
		if (!Number.isFinite(value)) return `"${value}"`;
		return Object.is(value, -0) ? '-0' : String(value);
	}
	if (Array.isArray(value) || (ArrayBuffer.isView(value) && Symbol.iterator in value)) {
		return `[${Array.from(value, (item) => toJson(name, item)).join(',')}]`;
	}
	if (isMap(value) || Object.prototype.toString.call(value) === '[object Object]') {
		const entries = isMap(value) ? [...value] : Object.entries(value);
		return `{${entries.map(([key, item]) => `${JSON.stringify(String(key))}:${toJson(name, item)}`).join(',')}}`;
	}
	const received = typeof value === 'object' ? (value.constructor?.name ?? 'object') : typeof value;
	throw new TypeError(
		`the input "${name}" takes numbers, strings, booleans and arrays of them, received a value of type ${received}`
	);
}
