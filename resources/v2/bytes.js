// Tensors of datatype BYTES as binary data: each element is its length, as 32 bits little-endian, and its bytes.
import { ApiError } from '../errors.js';

const LENGTH_BYTES = 4;
const texts = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * @param {Buffer} bytes
 * @param {string} name of the input
 * @returns {string[]}
 */
export function readTexts(bytes, name) {
	const elements = [];
	for (let at = 0; at < bytes.length;) {
		const start = at + LENGTH_BYTES;
		const end = start <= bytes.length ? start + bytes.readUInt32LE(at) : Infinity;
		if (end > bytes.length) {
			throw new ApiError('INVALID_INPUT', `input "${name}": element ${elements.length} ends behind the binary data`);
		}
		elements.push(textOf(bytes.subarray(start, end), name, elements.length));
		at = end;
	}
	return elements;
}

function textOf(bytes, name, at) {
	try {
		return texts.decode(bytes);
	} catch {
		throw new ApiError('INVALID_INPUT', `input "${name}": element ${at} is not UTF-8, as the strings of a model are`);
	}
}

/**
 * @param {string[]} elements
 * @returns {Buffer}
 */
export function writeTexts(elements) {
	const parts = elements.flatMap((element) => {
		const bytes = Buffer.from(element);
		const length = Buffer.alloc(LENGTH_BYTES);
		length.writeUInt32LE(bytes.length);
		return [length, bytes];
	});
	return Buffer.concat(parts);
}
