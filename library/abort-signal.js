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
 * Who waits for a signal. Node.js warns of a leak when a signal has more than ten listeners, and a caller may hand one signal to
 * hundreds of runs: all of them share one listener, which leaves with the last of them.
 *
 * @type {WeakMap<AbortSignal, Waiting>}
 */
const waitingFor = new WeakMap();

class Waiting {
	listeners = new Set();

	handleEvent() {
		for (const listener of [...this.listeners]) listener.handleEvent();
	}
}

/**
 * @param {AbortSignal} signal
 * @param {{handleEvent: () => void}} listener is told once, and only as long as it does not {@link leave}
 */
export function listenTo(signal, listener) {
	let waiting = waitingFor.get(signal);
	if (!waiting) {
		waiting = new Waiting();
		waitingFor.set(signal, waiting);
	}
	if (waiting.listeners.size === 0) Reflect.apply(addEventListener, signal, ['abort', waiting, { once: true }]);
	waiting.listeners.add(listener);
}

/**
 * @param {AbortSignal} signal
 * @param {{handleEvent: () => void}} listener
 */
export function leave(signal, listener) {
	const waiting = waitingFor.get(signal);
	if (!waiting?.listeners.delete(listener) || waiting.listeners.size > 0) return;
	Reflect.apply(removeEventListener, signal, ['abort', waiting]);
}
