// Copies of what events hold, and about how much memory they take.
import { isNativeError } from 'node:util/types';
import { isMap, typedArrayName } from './kinds.js';
import { mapWithJson } from './plain.js';
import { shown } from './shown.js';
import { Tensor } from './tensor.js';

/** As deep as bodies of requests may nest. */
const MAX_DEPTH = 64;
/** Of a number in an array, and what an object, an array or a buffer takes beside its contents. */
const NUMBER_BYTES = 8;
const OBJECT_BYTES = 64;
const ERROR_BYTES = 1024;

/**
 * A copy of a value, with nothing of the original in it but errors.
 *
 * @param {any} value numbers, texts, booleans, null, typed arrays, Tensors, Maps, dates, and arrays and objects of them
 * @param {number} [maxBytes] where copying ends
 * @returns {{value: any, bytes: number}} `bytes` is about what the copy takes; above `maxBytes` the value is a part only
 * @throws {TypeError} for anything else, and for what nests too deep
 */
export function copied(value, maxBytes = Infinity) {
	let bytes = 0;
	const copy = (item, depth) => {
		if (bytes > maxBytes) return undefined;
		if (depth > MAX_DEPTH) throw new TypeError(`an event nests at most ${MAX_DEPTH} deep`);
		const each = (items) => Array.from(items, (part) => copy(part, depth + 1));
		if (item === null || typeof item !== 'object') {
			bytes += typeof item === 'string' ? 2 * item.length + NUMBER_BYTES : NUMBER_BYTES;
			if (typeof item === 'function' || typeof item === 'symbol') throw unknown(item);
			return item;
		}
		bytes += OBJECT_BYTES;
		const name = typedArrayName(item);
		if (name !== undefined) {
			bytes += item.byteLength;
			return bytes > maxBytes ? undefined : new globalThis[name](item);
		}
		if (Array.isArray(item)) return each(item);
		if (item instanceof Tensor) {
			const data = copy(item.data, depth + 1);
			return bytes > maxBytes ? undefined : new Tensor(item.dtype, Array.from(item.shape), data);
		}
		if (isMap(item)) {
			return mapWithJson(each(item.keys()), each(item.values()));
		}
		if (isNativeError(item)) {
			bytes += ERROR_BYTES + 2 * item.message.length;
			return item;
		}
		if (item instanceof Date) return new Date(item);
		if (Object.prototype.toString.call(item) !== '[object Object]') throw unknown(item);
		return Object.fromEntries(
			Object.entries(item).map(([field, part]) => {
				bytes += 2 * field.length + NUMBER_BYTES;
				return [field, copy(part, depth + 1)];
			})
		);
	};
	return { value: copy(value, 0), bytes };
}

const unknown = (value) =>
	new TypeError(
		`an event holds numbers, texts, booleans, null, typed arrays, Tensors, Maps, and arrays and objects of them; received ${shown(value)}`
	);
