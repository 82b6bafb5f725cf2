// JavaScript values of an application as the JSON text that the routes take.
import { Tensor } from '../../index.js';
import { toJson } from '../../library/tensor.js';
import { ApiError } from '../errors.js';
import { shown } from '../http/query.js';

/**
 * The body of a prediction.
 *
 * @param {Record<string, any>} request its fields, with features as JavaScript values
 * @returns {Buffer}
 */
export function bodyOf(request) {
	const fields = Object.entries(request).map(([name, value]) => {
		const text = name === 'features' ? featuresText(value) : jsonText(name, value);
		return `${JSON.stringify(name)}:${text}`;
	});
	return Buffer.from(`{${fields.join(',')}}`);
}

/**
 * Features as JSON text; nothing is lost of their numbers.
 *
 * @param {any} features values by the name of the input, in an object, a Map or a record of a table
 * @returns {string}
 */
export function featuresText(features) {
	if (features === null || typeof features !== 'object' || Array.isArray(features) || ArrayBuffer.isView(features)) {
		throw new ApiError(
			'INVALID_REQUEST',
			`features must be an object of values by input name, received ${shown(features)}`
		);
	}
	const entries = entriesOf(features).filter(([, value]) => value !== undefined);
	return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${inputText(name, value)}`).join(',')}}`;
}

/** Records of Harper have their values behind accessors of a prototype. */
function entriesOf(features) {
	if (features instanceof Map) return [...features];
	return Object.entries(typeof features.toJSON === 'function' ? features.toJSON() : features);
}

function inputText(name, value) {
	return asInput(() => {
		if (!(value instanceof Tensor)) return toJson(name, value);
		const { dtype, shape, data } = value;
		const elements = new Tensor(dtype, [sizeOf(shape)], data).toArray();
		return `{"data":${toJson(name, elements)},"shape":${JSON.stringify(shape)}}`;
	});
}

const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);

/** What cannot be an input is the input's fault, as over HTTP, and not a wrong use of this module. */
function asInput(write) {
	try {
		return write();
	} catch (error) {
		if (error instanceof TypeError) throw new ApiError('INVALID_INPUT', error.message);
		if (error instanceof RangeError) throw new ApiError('INVALID_INPUT', 'the features are nested too deeply');
		throw error;
	}
}

/**
 * A value as JSON text: bigints and numbers that JSON lacks as the routes read and give them.
 *
 * @param {string} what it is, for messages
 * @param {any} value
 * @returns {string}
 */
export function jsonText(what, value) {
	try {
		return textOf(value);
	} catch (error) {
		if (error instanceof ApiError) throw new ApiError(error.code, `${what} ${error.message}`);
		if (error instanceof RangeError) throw new ApiError('INVALID_REQUEST', `${what} is nested too deeply`);
		throw error;
	}
}

/** Harper has a bigint throw where `JSON.stringify` meets one, so that cannot be used. */
function textOf(value) {
	if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? String(value) : `"${value}"`;
	if (typeof value === 'number') {
		if (!Number.isFinite(value)) return `"${value}"`;
		return Object.is(value, -0) ? '-0' : String(value);
	}
	if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
	if (Array.isArray(value) || (ArrayBuffer.isView(value) && Symbol.iterator in value)) {
		return `[${Array.from(value, (item) => textOf(item ?? null)).join(',')}]`;
	}
	if (typeof value !== 'object') {
		throw new ApiError('INVALID_REQUEST', `must be a value that JSON has, received a value of type ${typeof value}`);
	}
	if (typeof value.toJSON === 'function') return textOf(value.toJSON());
	const entries = (value instanceof Map ? [...value] : Object.entries(value)).filter(([, item]) => item !== undefined);
	return `{${entries.map(([name, item]) => `${JSON.stringify(String(name))}:${textOf(item)}`).join(',')}}`;
}

/**
 * A copy of a value with nothing in it that JSON lacks; see {@link jsonText}.
 *
 * @template T
 * @param {string} what
 * @param {T} value
 * @returns {any}
 */
export const jsonValue = (what, value) => JSON.parse(jsonText(what, value));

/**
 * Rows as `predictRows` reads them. What is wrong with one is answered in its place.
 *
 * @param {Iterable<any> | AsyncIterable<any>} rows features of each
 * @returns {AsyncGenerator<{features?: string, error?: Error}>}
 */
export async function* rowsOf(rows) {
	for await (const row of rows) yield rowOf(row);
}

function rowOf(row) {
	try {
		return { features: featuresText(row) };
	} catch (error) {
		return { error };
	}
}

/** Whether a value can be iterated, at once or as its items come. */
export const isIterable = (value) =>
	value !== null && typeof value === 'object' && (Symbol.iterator in value || Symbol.asyncIterator in value);
