// A subscription over WebSocket and MQTT, which are Harper's: it comes to a resource for what is told, by its path or topic.
import { leave, listenTo } from '../../library/abort-signal.js';
import { generatedOutside, outside } from '../application/outside.js';
import { answerOf, ApiError, STATUS_OF } from '../errors.js';
import { log, nodeRequestOf, resourceClass, userOf, withoutLoading } from '../harper.js';
import { authorize } from '../http/access.js';
import { leavingOf } from '../http/disconnect.js';
import { refusalOfUser } from '../http/origin.js';
import { MAX_WAITING } from '../http/server-sent-events.js';

/**
 * @typedef {object} Channel
 * @property {string} path of the resource, and the topic
 * @property {string} route over which a WebSocket comes to it
 * @property {Record<string, string[]>} needs permissions by table
 * @property {(asked: {id?: string, query: URLSearchParams}, user: object, how: import('../storage/changes.js').How) =>
 *   Promise<AsyncIterableIterator<object>>} open
 */

/**
 * The resource of a channel.
 *
 * @param {Channel} channel
 */
export function resourceOf(channel) {
	return class extends withoutLoading(resourceClass()) {
		/** For a WebSocket. A refusal is its only message; the code that closes it tells who is nobody, and who may not. */
		connect(target) {
			const context = this.getContext();
			if (!context.isWebSocket) {
				throw withStatus(new ApiError('NOT_FOUND', `server-sent events are at the route ${channel.route}`));
			}
			return generatedOutside(messagesOf(channel, target, context));
		}

		/** For MQTT. */
		subscribe(target) {
			const context = this.getContext();
			return outside(() => publicationsOf(channel, target, context));
		}
	};
}

/** What somebody asks for. */
const askedOf = ({ id, search }) => ({ id: id ?? undefined, query: new URLSearchParams(search ?? '') });

async function open({ needs, open: subscribe }, target, { user, request }, signal) {
	const refused = user && request && refusalOfUser(request);
	if (refused) throw refused;
	authorize(user, needs);
	return subscribe(askedOf(target), user, { signal, maxWaiting: MAX_WAITING });
}

async function* messagesOf(channel, target, context) {
	const request = nodeRequestOf(context);
	const user = userOf(context);
	// The socket, because Harper does not tell of one that closes before its first message.
	const signal = leavingOf(request);
	try {
		yield* await open(channel, target, { user, request }, signal);
	} catch (error) {
		if (signal.aborted) return;
		const { body } = answerOf(error);
		yield body;
		// The reason of a close has at most 123 bytes, and a longer one fails where nobody takes it.
		throw withStatus(new ApiError(body.code, body.code));
	}
}

async function publicationsOf(channel, target, { user, session, socket }) {
	const ending = new AbortController();
	const end = () => ending.abort(new ApiError('CANCELLED', 'the subscription has ended'));
	const listener = { handleEvent: end };
	// Harper ends a subscription with its connection, but not one that is still beginning then.
	const leaving = leavingOf({ socket });
	if (leaving.aborted) end();
	else listenTo(leaving, listener);
	const forget = () => leave(leaving, listener);
	try {
		const items = await open(
			channel,
			target,
			{ user, request: session?.request && nodeRequestOf(session.request) },
			ending.signal
		);
		const publications = publicationsFrom(items, ending.signal, forget);
		return { [Symbol.asyncIterator]: () => generatedOutside(publications), end };
	} catch (error) {
		forget();
		throw withStatus(error);
	}
}

async function* publicationsFrom(items, signal, forget) {
	try {
		for await (const item of items) yield { type: 'put', id: item.id, value: item };
	} catch (error) {
		if (!signal.aborted) log.warn('edge-ai: a subscription over MQTT has ended', error);
	} finally {
		forget();
	}
}

/** What Harper makes a code of its protocols from. */
const withStatus = (error) => Object.assign(error, { statusCode: STATUS_OF[error.code] ?? STATUS_OF.INTERNAL });
