// What an AbortSignal says, asked by the functions of Node.js: a signal of a caller's own making may answer by code that calls
// the engine, or that throws.

const getter = (name) => Object.getOwnPropertyDescriptor(AbortSignal.prototype, name).get;
const [aborted, reason] = [getter('aborted'), getter('reason')];
const { addEventListener, removeEventListener } = EventTarget.prototype;

/** @param {AbortSignal} signal */
export const isAborted = (signal) => Reflect.apply(aborted, signal, []);

/** @param {AbortSignal} signal */
export const reasonOf = (signal) => Reflect.apply(reason, signal, []);

/** Whether a value is a signal, and not only of its class. */
export function isAbortSignal(value) {
	try {
		return typeof isAborted(value) === 'boolean';
	} catch {
		return false;
	}
}

/**
 * @param {AbortSignal} signal
 * @param {{handleEvent: () => void}} listener
 */
export const listenTo = (signal, listener) =>
	Reflect.apply(addEventListener, signal, ['abort', listener, { once: true }]);

/**
 * @param {AbortSignal} signal
 * @param {{handleEvent: () => void}} listener
 */
export const leave = (signal, listener) => Reflect.apply(removeEventListener, signal, ['abort', listener]);
