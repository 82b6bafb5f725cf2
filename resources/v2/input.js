// One input of a request: its elements follow the JSON as bytes, or stand in it as text that Rust reads.
import { ARRAY_OF, Tensor } from '../../library/tensor.js';
import { ApiError } from '../errors.js';
import { shown } from '../query.js';
import { fieldsOf, sizesOf, valueOf } from '../raw-json.js';
import { elementsJson } from '../tensor-json.js';
import { readTexts } from './bytes.js';

const MAX_SIZE = 2 ** 32 - 1;

export class Input {
	/**
	 * @param {string} text JSON
	 * @param {{name: string, dtype: string, datatype: string}[]} declared the inputs of the model
	 * @param {(name: string, size: number) => Buffer} takeBytes the next binary data
	 */
	constructor(text, declared, takeBytes) {
		const fields = fieldsOf(text);
		const field = (name) => valueOf(fields.get(name) ?? 'null');
		this.name = field('name');
		this.index = declared.findIndex(({ name }) => name === this.name);
		if (this.index === -1) {
			const names = declared.map(({ name }) => `"${name}"`).join(', ');
			throw new ApiError('INVALID_INPUT', `the model has no input ${shown(this.name)}; its inputs are ${names}`);
		}
		const { dtype, datatype } = declared[this.index];
		this.dtype = dtype;
		if (field('datatype') !== datatype) {
			throw this.#problem(`the model takes datatype ${datatype}, received ${shown(field('datatype'))}`);
		}
		this.shape = field('shape');
		if (
			!Array.isArray(this.shape) ||
			!this.shape.every((size) => Number.isInteger(size) && size >= 0 && size <= MAX_SIZE)
		) {
			throw this.#problem(`shape must be a list of sizes, received ${shown(this.shape)}`);
		}
		this.#readData(fields.get('data'), field('parameters') ?? {}, takeBytes);
	}

	#readData(data, { binary_data_size: size, shared_memory_region: region }, takeBytes) {
		if (region !== undefined) {
			throw new ApiError('NOT_SUPPORTED', `input "${this.name}": shared memory is not read; send binary data`);
		}
		if ((size === undefined) === (data === undefined)) {
			throw this.#problem('send either data or parameters.binary_data_size');
		}
		if (size === undefined) {
			this.#checkNesting(data);
			this.json = data;
			return;
		}
		if (!Number.isSafeInteger(size) || size < 0) {
			throw this.#problem(`binary_data_size must be a number of bytes, received ${shown(size)}`);
		}
		const bytes = takeBytes(this.name, size);
		if (this.dtype === 'string') this.json = JSON.stringify(readTexts(bytes, this.name));
		else this.bytes = bytes;
	}

	/** Data may be flat; nested, it must have the shape that the request states. */
	#checkNesting(data) {
		if (!data.startsWith('[')) throw this.#problem('data must be a list');
		const sizes = sizesOf(data);
		if (sizes.length === 1) return;
		if (sizes.length === this.shape.length && sizes.every((size, at) => size === this.shape[at])) return;
		throw this.#problem(`the data is nested as [${sizes.join(', ')}], its shape is [${this.shape.join(', ')}]`);
	}

	#problem(text) {
		return new ApiError('INVALID_INPUT', `input "${this.name}": ${text}`);
	}

	/** As library/message.js takes it. */
	toMessage() {
		const { name, index, dtype, shape, bytes } = this;
		return bytes ? { name, index, dtype, shape, data: bytes } : { name, index, data: this.#feature(this.json) };
	}

	/** Name and value as in the features of `/predict`. */
	toJson() {
		return `${JSON.stringify(this.name)}:${this.#feature(this.json ?? `[${elementsJson(this.#tensor()).join(',')}]`)}`;
	}

	#feature(data) {
		return `{"data":${data},"shape":[${this.shape.join(',')}]}`;
	}

	#tensor() {
		// A copy, because a typed array begins at a multiple of its elements' size.
		const { buffer } = new Uint8Array(this.bytes);
		return new Tensor(this.dtype, this.shape, new ARRAY_OF[this.dtype](buffer));
	}

	/** Bytes of the data as it was sent. */
	get size() {
		return this.bytes?.length ?? Buffer.byteLength(this.json);
	}
}
