// GET /monitoring/labels/queue: what was drawn and has no outcome yet.
import { setImmediate as turn } from 'node:timers/promises';
import { requireVisible } from '../../http/access.js';
import { storedEvent } from '../events.js';
import { describedFor, readLimit } from '../metrics.js';
import { timeOf } from '../record.js';
import { nameIn, readRange } from './draw.js';
import { describe, drawsOf } from './draws.js';
import { STRATEGIES } from './strategies.js';

/** What the queue is asked for by. */
export const QUEUE_FIELDS = ['modelId', 'version', 'from', 'to', 'strategy', 'limit'];

/** After so many other requests get their turn. */
export const EVENTS_PER_TURN = 200;

/**
 * The members of a draw that are of a time and version, each with its event, or without one that is not there any more.
 *
 * @param {import('./draws.js').LabelDraw} draw
 * @param {{version?: string, from?: number, to?: number}} range
 * @returns {AsyncGenerator<{id: string, probability: number, wasKnown: boolean, event?: object}>}
 */
export async function* membersIn(draw, { version, from = 0, to = Infinity }) {
	let seen = 0;
	for (const member of draw.members) {
		const time = timeOf(member.id);
		if (time < from || time > to) continue;
		seen += 1;
		if (seen % EVENTS_PER_TURN === 0) await turn();
		const event = await storedEvent(member.id);
		if (event && version !== undefined && event.modelVersion !== version) continue;
		yield { ...member, event };
	}
}

/**
 * What is to be labelled, the oldest draw first; of each in random order, so that what is answered first is no choice of anybody's.
 *
 * @param {Record<string, unknown>} given of {@link QUEUE_FIELDS}, as texts
 * @param {object | undefined} user Harper's user
 */
export async function listQueue({ strategy: name, limit: givenLimit, ...given }, user) {
	const range = readRange(given);
	const limit = readLimit(givenLimit);
	const strategy = name === undefined ? undefined : nameIn('strategy', name, Object.keys(STRATEGIES));
	requireVisible(user, 'InferenceEvent', ['modelId', 'modelVersion', 'timestamp', 'actualOutcome', 'labelDraw']);
	const describeEvent = describedFor(user);
	const [predictions, draws] = [[], []];
	let unanswered = 0;
	for await (const draw of drawsOf(range)) {
		if (strategy !== undefined && draw.strategy !== strategy) continue;
		let ofDraw = 0;
		for await (const { event, wasKnown } of membersIn(draw, range)) {
			if (wasKnown || !event || event.actualOutcome !== undefined) continue;
			ofDraw += 1;
			if (predictions.length < limit) predictions.push(describeEvent(event));
		}
		unanswered += ofDraw;
		draws.push({ ...describe(draw), unanswered: ofDraw });
	}
	return { modelId: range.modelId, predictions, count: predictions.length, unanswered, draws };
}
