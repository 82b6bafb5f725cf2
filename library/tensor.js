// Tensors in JavaScript: a dtype, a shape and a typed array in row-major order.
import { DTYPES } from './dtypes.js';

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
		if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
			throw new TypeError('shape must be an array of sizes, such as [1, 10]');
		}
		const { ArrayType, packedBits } = DTYPES[dtype];
		if (!(data instanceof ArrayType)) {
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
		const element = ELEMENT_OF[this.dtype] ?? ((data, at) => data[at]);
		const nest = (depth, start, size) => {
			if (depth === this.shape.length) return element(this.data, start);
			const stride = size / this.shape[depth];
			return Array.from({ length: this.shape[depth] }, (_, at) => nest(depth + 1, start + at * stride, stride));
		};
		return nest(0, 0, sizeOf(this.shape));
	}
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

/** Typed arrays that can only be one dtype. */
const DTYPE_OF = new Map([
	[Float32Array, 'float32'],
	[Float64Array, 'float64'],
	[Int8Array, 'int8'],
	[Int16Array, 'int16'],
	[Int32Array, 'int32'],
	[BigInt64Array, 'int64'],
	[Uint8Array, 'uint8'],
	[Uint8ClampedArray, 'uint8'],
	[Uint16Array, 'uint16'],
	[Uint32Array, 'uint32'],
	[BigUint64Array, 'uint64'],
]);

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
 * @param {any} value a Tensor, a typed array, nested arrays, a number, string, boolean or bigint, or a Map
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
		const dtype = DTYPE_OF.get(value.constructor) ?? DTYPE_OF.get(Object.getPrototypeOf(value.constructor));
		if (!dtype) {
			throw new TypeError(`the input "${name}" is a ${value.constructor.name}; give a typed array of numbers`);
		}
		const asIs = dtype === declared || (value.BYTES_PER_ELEMENT === 1 && declared === 'bool');
		if (asIs) return { name, index, dtype: declared, data: bytesOf(value) };
	}
	return { name, index, data: toJson(name, value) };
}

const bytesOf = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength);

/** JSON with what `JSON.stringify` loses: bigints, -0, NaN and the infinities; and nothing turned into null. */
function toJson(name, value) {
	if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
	if (typeof value === 'bigint') return String(value);
	if (typeof value === 'number') {
		if (!Number.isFinite(value)) return `"${value}"`;
		return Object.is(value, -0) ? '-0' : String(value);
	}
	if (Array.isArray(value) || (ArrayBuffer.isView(value) && Symbol.iterator in value)) {
		return `[${Array.from(value, (item) => toJson(name, item)).join(',')}]`;
	}
	if (value instanceof Map || Object.prototype.toString.call(value) === '[object Object]') {
		const entries = value instanceof Map ? [...value] : Object.entries(value);
		return `{${entries.map(([key, item]) => `${JSON.stringify(String(key))}:${toJson(name, item)}`).join(',')}}`;
	}
	const received = typeof value === 'object' ? value.constructor.name : typeof value;
	throw new TypeError(
		`the input "${name}" takes numbers, strings, booleans and arrays of them, received a value of type ${received}`
	);
}
