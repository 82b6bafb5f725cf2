// Outputs as JSON can carry them.
import { isMap } from './kinds.js';

/**
 * A value of an output with numbers that JSON has. 64-bit integers are numbers where those hold them, else decimal texts; NaN and
 * the infinities are texts.
 *
 * @param {any} value arrays, Maps, Tensors, objects of them, or one element
 * @returns {any}
 */
export function plain(value) {
	if (Array.isArray(value)) return value.map(plain);
	if (isMap(value)) return Object.fromEntries(Array.from(value, ([key, item]) => [String(key), plain(item)]));
	if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
	if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
	if (typeof value?.toJSON === 'function') return value.toJSON();
	if (Object.prototype.toString.call(value) === '[object Object]') {
		return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
	}
	return value;
}

/** The same with typed arrays as lists. */
export function plainLists(value) {
	if (ArrayBuffer.isView(value)) return plain(Array.from(value));
	if (Array.isArray(value)) return value.map(plainLists);
	if (Object.prototype.toString.call(value) !== '[object Object]' || typeof value.toJSON === 'function') {
		return plain(value);
	}
	return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plainLists(item)]));
}

/** What makes `JSON.stringify` write a Map, which it takes for an object without fields. */
const TO_JSON = {
	configurable: true,
	writable: true,
	value: function toJSON() {
		return plain(this);
	},
};

/**
 * A Map that `JSON.stringify` writes; it compares like any other.
 *
 * @param {ArrayLike<any>} keys
 * @param {ArrayLike<any>} values
 * @returns {Map<any, any>}
 */
export function mapWithJson(keys, values) {
	const map = new Map();
	// Several times as fast as a list of entries.
	for (let at = 0; at < keys.length; at += 1) map.set(keys[at], values[at]);
	return Object.defineProperty(map, 'toJSON', TO_JSON);
}
