// Server-sent events: one answer that goes on as long as its caller listens.
import { Readable } from 'node:stream';
import { answerOf, ApiError } from '../errors.js';

const EVENT_STREAM = /(^|,)\s*text\/event-stream\s*(;|,|$)/i;
/** So much may wait for a caller who reads slowly. */
export const MAX_WAITING = 10_000;
/** Harper closes connections that are silent for two minutes, and so do proxies. */
const BEAT_MS = 15_000;
/** A comment, which clients pass over. */
const BEAT = ':\n\n';

/**
 * Whether a caller wants to be told of what comes.
 *
 * @param {import('node:http').IncomingMessage} request
 */
export const wantsEvents = ({ method, headers }) => method === 'GET' && EVENT_STREAM.test(headers.accept ?? '');

/**
 * The answer that tells of items as they come. What is wrong from the beginning rejects; a failure later is an event `failed` with the
 * body of an error, and the end.
 *
 * @param {import('node:http').IncomingMessage} request
 * @param {(how: import('../storage/changes.js').How) => Promise<AsyncIterableIterator<object>>} subscribe
 */
export async function serverSentEvents({ socket }, subscribe) {
	const leaving = new AbortController();
	const leave = () => leaving.abort(new ApiError('CANCELLED', 'the caller disconnected'));
	const { signal } = leaving;
	socket.once('close', leave);
	if (socket.destroyed) leave();
	try {
		const items = await subscribe({ signal, maxWaiting: MAX_WAITING });
		const stopBeats = () => clearInterval(timer);
		const body = Readable.from(textOf(items, signal, stopBeats), { objectMode: false });
		const timer = setInterval(() => body.readableLength === 0 && body.push(BEAT), BEAT_MS).unref();
		body.once('close', () => {
			stopBeats();
			socket.off('close', leave);
			leave();
		});
		return { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }, stream: body };
	} catch (error) {
		socket.off('close', leave);
		throw error;
	}
}

async function* textOf(items, signal, stopBeats) {
	try {
		// With it the head goes out: from now on nothing passes by.
		yield BEAT;
		for await (const item of items) yield `data: ${JSON.stringify(item)}\n\n`;
	} catch (error) {
		if (!signal.aborted) yield `event: failed\ndata: ${JSON.stringify(answerOf(error).body)}\n\n`;
	} finally {
		stopBeats();
	}
}
