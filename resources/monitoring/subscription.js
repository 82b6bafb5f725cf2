// Events as they are recorded, on whatever thread or node.
import { changesOf } from '../storage/changes.js';
import { followedEvents, isOf } from './events.js';
import { describedFor, readFilter } from './metrics.js';
import { eventFrom } from './record.js';

/** What a subscription is asked for by. */
export const SUBSCRIPTION_FIELDS = ['modelId', 'version', 'digest', 'userId', 'sessionId', 'segment'];

/**
 * Every event from now on: when it is recorded, and again when something of it changes, such as by feedback.
 *
 * @param {Record<string, unknown>} given of {@link SUBSCRIPTION_FIELDS}
 * @param {object | undefined} user Harper's user, who sees what it may
 * @param {import('../storage/changes.js').How} [how]
 * @returns {Promise<AsyncIterableIterator<object>>} when it has begun
 */
export async function subscribeToEvents(given, user, how) {
	const filter = readFilter(given, user);
	const describe = describedFor(user);
	const select = (value) => {
		const event = value && eventFrom(value);
		return event && isOf(event, filter) ? { item: describe(event) } : undefined;
	};
	return changesOf(followedEvents(), { select }, how);
}

/**
 * As {@link subscribeToEvents}; what is wrong with the request rejects the first step.
 *
 * @param {Record<string, unknown>} given
 * @param {object | undefined} user
 * @param {AbortSignal} [signal] what ends it
 * @returns {AsyncGenerator<object>}
 */
export async function* followEvents(given, user, signal) {
	yield* await subscribeToEvents(given, user, { signal });
}
