// Sends what is due. A webhook has one request at a time, so its events go out in their order, but what failed waits without holding up
// what comes after it; and one receiver that hangs holds up no other. What was sent and not marked, because the process ended in
// between, is sent again under the same id.
import { delayMs, isOver } from './retries.js';

/** A receiver that says so is no more. */
const GONE = 410;
const LOOK_MS = 1000;

/**
 * @typedef {object} Outbox
 * @property {() => Promise<object[]>} webhooks those that are enabled
 * @property {(webhook: object, now: number) => Promise<object | undefined>} next what is due first
 * @property {() => Promise<void>} check throws when others send now
 * @property {(delivery: object, update: object) => Promise<void>} mark
 * @property {(webhook: object, now: number) => Promise<void>} disable because its receiver is gone
 */

/**
 * Sends until nothing is due.
 *
 * @param {object} how
 * @param {Outbox} how.outbox
 * @param {(webhook: object, delivery: object, now: number) => Promise<number>} how.send gives the status of the answer; throws an error
 *   whose message may be shown when there is none
 * @param {{now: () => number, sleep: (ms: number) => Promise<void>}} how.clock
 * @param {() => number} how.random from 0 up to 1
 * @param {AbortSignal} how.signal lets nothing more begin
 */
export async function deliverDue({ outbox, signal, ...how }) {
	/** By webhook, what is under way. */
	const busy = new Map();
	let failure;
	const end = (error) => (failure ??= error);
	while (!signal.aborted && failure === undefined) {
		for (const webhook of await outbox.webhooks()) {
			if (busy.has(webhook.id)) continue;
			const delivery = await outbox.next(webhook, how.clock.now());
			if (!delivery) continue;
			const sending = deliver({ outbox, signal, ...how }, webhook, delivery);
			const { id } = webhook;
			busy.set(
				id,
				sending.catch(end).finally(() => busy.delete(id))
			);
		}
		if (busy.size === 0) break;
		await Promise.race([...busy.values(), how.clock.sleep(LOOK_MS)]);
	}
	await Promise.all(busy.values());
	if (failure !== undefined) throw failure;
}

async function deliver({ outbox, send, clock, random, signal }, webhook, delivery) {
	const { webhook: id, createdAt } = delivery;
	if (isOver(delivery, clock.now())) {
		await outbox.mark(delivery, { state: 'failed', finishedAt: clock.now() });
		return;
	}
	await outbox.check();
	if (signal.aborted) return;
	const outcome = await outcomeOf(send, webhook, delivery, clock.now());
	// One that was broken off here is sent again by whoever goes on.
	if (signal.aborted && outcome.state !== 'delivered') return;
	const now = clock.now();
	const tries = delivery.tries + 1;
	if (outcome.state === 'waiting' && !isOver({ tries, createdAt }, now)) {
		await outbox.mark(delivery, { ...outcome, tries, retryAt: now + delayMs(tries, random) });
		return;
	}
	const state = outcome.state === 'delivered' ? 'delivered' : 'failed';
	await outbox.mark(delivery, { ...outcome, state, tries, finishedAt: now });
	if (outcome.status === GONE) await outbox.disable({ ...webhook, id }, now);
}

/** What a try gave. What the webhook's user may not know, or can no longer, is not tried again. */
async function outcomeOf(send, webhook, delivery, now) {
	try {
		const status = await send(webhook, delivery, now);
		if (status >= 200 && status < 300) return { state: 'delivered', status };
		if (status === GONE) return { state: 'failed', status, error: 'the receiver is gone: the webhook is disabled' };
		const hint = status >= 300 && status < 400 ? '; redirects are not followed' : '';
		return { state: 'waiting', status, error: `answered ${status}${hint}` };
	} catch (error) {
		return { state: error.isFinal ? 'failed' : 'waiting', error: error.message };
	}
}
