// What a value is, also when it is of another realm, such as a context of `node:vm` or a test runner: there the classes are others,
// and `instanceof` says no.
import { types } from 'node:util';

const nameOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;

/**
 * The class of a typed array by name, such as `Float32Array`; undefined for everything else. What a subclass calls itself does not
 * matter.
 *
 * @param {unknown} value
 * @returns {string | undefined}
 */
export const typedArrayName = (value) => Reflect.apply(nameOf, value, []);

/** Whether a value is an array or a typed array. */
export const isList = (value) => Array.isArray(value) || typedArrayName(value) !== undefined;

export const { isMap, isUint8Array } = types;

/**
 * Whether a value is a `file:` URL object, as far as `fileURLToPath` asks.
 *
 * @param {any} value
 */
export const isUrl = (value) =>
	Object.prototype.toString.call(value) === '[object URL]' && typeof value.href === 'string';
