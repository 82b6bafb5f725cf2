// The errors of the library that have a code.
import { isNativeError } from 'node:util/types';

/** Codes are in capitals; Node.js and napi have others of their own, which are no part of the API. */
const CODE = /^(?!ERR_)[A-Z]+(_[A-Z]+)*$/;

/** What went wrong: a stable `code`, a message for people and, with some codes, `details` for programs. */
export class EdgeAiError extends Error {
	/**
	 * @param {string} code
	 * @param {string} message
	 * @param {object} [details]
	 */
	constructor(code, message, details) {
		super(message);
		this.code = code;
		if (details !== undefined) this.details = details;
	}
}
Object.defineProperty(EdgeAiError.prototype, 'name', { value: 'EdgeAiError', configurable: true, writable: true });

/**
 * An error of the addon as one of the library. The addon makes its errors in the realm that loaded it first, where `Error` may be
 * another class than here. Everything else stays as it is.
 *
 * @param {unknown} error
 * @returns {unknown}
 */
export function fromNative(error) {
	if (!isNativeError(error) || error instanceof EdgeAiError || !CODE.test(error.code)) return error;
	return new EdgeAiError(error.code, error.message, error.details);
}

/**
 * A native function whose errors are those of the library.
 *
 * @template {(...args: any[]) => any} F
 * @param {F} call
 * @returns {F}
 */
export function translated(call) {
	return (...args) => {
		try {
			return call(...args);
		} catch (error) {
			throw fromNative(error);
		}
	};
}
