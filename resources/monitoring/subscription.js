// Events as they are recorded, on whatever thread or node.
import { isAborted, leave, listenTo, reasonOf } from '../../library/abort-signal.js';
import { table } from '../storage/tables.js';
import { isOf } from './events.js';
import { describedFor, readFilter } from './metrics.js';
import { eventFrom } from './record.js';

/** What a subscription is asked for by. */
export const SUBSCRIPTION_FIELDS = ['modelId', 'version', 'digest', 'userId', 'sessionId'];

/**
 * Every event from now on: when it is recorded, and again when something of it changes, such as by feedback.
 *
 * @param {Record<string, unknown>} given of {@link SUBSCRIPTION_FIELDS}
 * @param {object | undefined} user Harper's user, who sees what it may
 * @param {AbortSignal} [signal] what ends it
 * @returns {AsyncGenerator<object>}
 */
export async function* followEvents(given, user, signal) {
	const filter = readFilter(given, user);
	const describe = describedFor(user);
	const changes = await table('InferenceEvent').subscribe({ omitCurrent: true });
	try {
		for await (const { value } of endedBy(signal, changes)) {
			const event = value && eventFrom(value);
			if (event && isOf(event, filter)) yield describe(event);
		}
	} finally {
		changes.end?.();
	}
}

/** The items of an iterable until a signal is aborted, of which the iterable knows nothing. */
async function* endedBy(signal, items) {
	const iterator = items[Symbol.asyncIterator]();
	let stop = () => {};
	const listener = { handleEvent: () => stop(reasonOf(signal)) };
	if (signal) listenTo(signal, listener);
	try {
		for (;;) {
			if (signal && isAborted(signal)) throw reasonOf(signal);
			const { value, done } = await new Promise((resolve, reject) => {
				stop = reject;
				iterator.next().then(resolve, reject);
			});
			if (done) return;
			yield value;
		}
	} finally {
		if (signal) leave(signal, listener);
	}
}
