// Requests of one session that are about to be started by microtasks, handed over in one call.
import { isAborted, reasonOf } from './abort-signal.js';
import { fromNative } from './edge-ai-error.js';
import { awaitRun, channel, take } from './outcomes.js';

/** More wait for the next turn, so that the event loop does not stand still for long. */
const MAX_TOGETHER = 128;

/**
 * Adds a request to those that run together.
 *
 * @param {object} session
 * @param {{request: object, timeoutMs?: number, meter?: number, read: (outcome: any) => any, signal?: AbortSignal}} run
 * @returns {Promise<any>} what `read` makes of the outcome
 */
export function runTogether(session, { signal, ...run }) {
	return new Promise((resolve, reject) => {
		const requests = (session.gathered ??= []);
		requests.push({ ...run, promise: { resolve, reject, signal } });
		if (requests.length === 1) queueMicrotask(() => runGathered(session));
	});
}

function runGathered(session) {
	const requests = session.gathered.splice(0, MAX_TOGETHER);
	if (session.gathered.length > 0) setImmediate(runGathered, session);
	const runs = [];
	const given = [];
	for (const { request, timeoutMs, meter, read, promise } of requests) {
		if (promise.signal && isAborted(promise.signal)) {
			promise.reject(reasonOf(promise.signal));
			continue;
		}
		const run = awaitRun(read, promise);
		runs.push(run);
		given.push(run.id, request.slot, timeoutMs, meter);
	}
	session.predictTogether ??= session.jointPredictor(channel);
	let outcomes;
	try {
		outcomes = session.predictTogether(given);
	} catch (error) {
		outcomes = runs.map(() => error);
	}
	for (const [at, outcome] of outcomes.entries()) {
		const run = runs[at];
		if (outcome == null) run.listen();
		else if (Array.isArray(outcome)) take(run.id).resolve(run.read(outcome));
		else take(run.id).reject(fromNative(outcome));
	}
}
