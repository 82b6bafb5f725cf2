// A tensor of TensorFlow Serving's JSON as a feature of `/predict`.
import { ApiError } from '../errors.js';
import { utf8 } from '../http/body.js';
import { shown } from '../query.js';
import { fieldsOf, sizesOf, valueOf } from '../raw-json.js';

const BASE64 = /^[\w+/-]*={0,2}$/;

/**
 * Whether JSON text is bytes: `{"b64": "..."}`.
 *
 * @param {string} text
 */
export function isBytes(text) {
	if (!text.startsWith('{')) return false;
	const fields = fieldsOf(text);
	return fields.size === 1 && fields.has('b64');
}

/**
 * A value with its shape, so that a list of rows is never taken for one row. A column of an input with rows of one element may
 * be a plain list.
 *
 * @param {string} text JSON
 * @param {{name: string, dtype?: string, shape?: (number | string)[]}} [declared] the input of the model
 * @returns {string}
 */
export function featureJson(text, declared) {
	if (!declared?.dtype) return text;
	const data = declared.dtype === 'string' && text.includes('"b64"') ? JSON.stringify(decoded(valueOf(text))) : text;
	const shape = sizesOf(data);
	if (declared.shape?.length === shape.length + 1 && shape.length > 0 && declared.shape.at(-1) === 1) shape.push(1);
	return `{"data":${data},"shape":[${shape.join(',')}]}`;
}

function decoded(value) {
	if (Array.isArray(value)) return value.map(decoded);
	if (typeof value?.b64 !== 'string') return value;
	if (!BASE64.test(value.b64)) throw new ApiError('INVALID_INPUT', `b64 must be Base64, received ${shown(value.b64)}`);
	return utf8(Buffer.from(value.b64, 'base64'));
}
