// Work apart from the request of an application that asks for it. Harper carries the transaction of a request along with what it
// calls: reads would see the tables as they were when it began, and writes would wait for its end, or be undone with it.
import { AsyncResource } from 'node:async_hooks';

/** Made when this module is loaded, which no request does. */
const ownContext = new AsyncResource('harper-edge-ai');

/**
 * Does something in no request's context.
 *
 * @template T
 * @param {() => T} act
 * @returns {T}
 */
export const outside = (act) => ownContext.runInAsyncScope(act);

/** The context of who calls, for what is the caller's own. */
export class CallersContext {
	#resource = new AsyncResource('application');

	/**
	 * An iterable whose items are made in this context.
	 *
	 * @template T
	 * @param {Iterable<T> | AsyncIterable<T>} items
	 * @returns {AsyncIterable<T>}
	 */
	iterable(items) {
		return {
			[Symbol.asyncIterator]: () => {
				const iterator = items[Symbol.asyncIterator]?.() ?? items[Symbol.iterator]();
				const step = async (method) => this.#resource.runInAsyncScope(() => iterator[method]?.());
				const nothing = { done: true, value: undefined };
				return { next: () => step('next'), return: async () => (await step('return')) ?? nothing };
			},
		};
	}
}

/**
 * A generator whose body runs in no request's context.
 *
 * @template T
 * @param {AsyncGenerator<T>} generator
 * @returns {AsyncGenerator<T>}
 */
export function generatedOutside(generator) {
	const step = (method) => (value) => outside(() => generator[method](value));
	return {
		next: step('next'),
		return: step('return'),
		throw: step('throw'),
		[Symbol.asyncIterator]() {
			return this;
		},
	};
}
