// From Harper's HTTP server to a route and back.
//
// A first listener, before Harper's authentication, moves our paths out of the way of Harper's REST handler; a second one,
// after authentication, answers them. Raw bodies reach us that way, and every failure gets the same form.
import { authorize } from './access.js';
import { ApiError, answerOf } from '../errors.js';
import { nodeRequestOf, nodeResponseOf, onRequest, userOf } from '../harper.js';
import { addForPages } from './cors.js';
import { guardHarper, refusalOfPage, refusalOfUser } from './origin.js';
import { tableInForce } from './route-table.js';
import { traceparentOf } from './trace-context.js';
import { dropUnread, hasUnread, isTooMuch } from './unread.js';

const INTERNAL_PREFIX = '/edge-ai-internal';
const claimed = Symbol('edge-ai path');

/**
 * @typedef {object} Call
 * @property {Record<string, string>} params the parts of the path
 * @property {URLSearchParams} query
 * @property {string} prefix what stands in front of all routes
 * @property {object} request Harper's request
 * @property {import('node:http').IncomingMessage} stream the body
 * @property {object} [user]
 */

/**
 * Registers groups of routes `[method, path, needs, handler]`. A handler gets a {@link Call} and returns
 * `{status?, headers?, body?: object, json?: string, bytes?: Buffer, stream?: ReadableStream, direct?: boolean}`; `direct` is
 * for short answers of which there are many: see {@link writeDirectly}.
 *
 * @param {import('./route-table.js').Group[]} groups
 * @param {() => string} prefixInForce what stands in front of all routes
 * @returns {() => import('./route-table.js').RouteTable} the table in force
 */
export function serve(groups, prefixInForce) {
	const table = tableInForce(groups, prefixInForce);

	guardHarper((error) => refusalOf(error));
	onRequest('beforeAuthentication', async (request, next) => {
		// Nobody waits for its answer.
		if (request.isWebSocket) return next(request);
		const match = table().find(request.url);
		const stream = nodeRequestOf(request);
		if (!match) {
			const refused = refusalOfPage(stream);
			return refused ? refusalOf(refused) : next(request);
		}
		const { socket } = stream;
		request[claimed] = match;
		request.url = INTERNAL_PREFIX;
		const response = await next(request);
		// It was written directly.
		if (!response) return response;
		const answered = withOurForm(request, response);
		if (stream.headers.origin !== undefined) addForPages(request, answered);
		return hasUnread(stream) ? beforeUnread(answered, stream, socket, nodeResponseOf(request)) : answered;
	});
	onRequest('afterAuthentication', async (request, next) => {
		if (!request[claimed]) return next(request);
		try {
			const made = withTrace(request, await dispatch(request[claimed], request));
			// What Harper tells browsers of other origins is in the headers that it adds.
			const isDirect = made.direct && nodeRequestOf(request).headers.origin === undefined;
			return isDirect ? writeDirectly(request, made) : respond(made);
		} catch (error) {
			return refusal(request, error);
		}
	});
	return table;
}

/** Harper's own refusal of bad credentials in the form of all other failures. */
function withOurForm(request, response) {
	if (response.status !== 401 || response.headers?.get?.('content-type')) return response;
	const made = refusal(request, new ApiError('UNAUTHENTICATED', 'the credentials are not valid'));
	for (const [name, value] of response.headers ?? []) made.headers.set(name, value);
	return made;
}

/** An answer that goes out before its request was read to the end. */
function beforeUnread(response, stream, socket, nodeResponse) {
	if (!isTooMuch(stream) || typeof response.body !== 'string') {
		nodeResponse.once('finish', () => dropUnread(stream, socket));
		return response;
	}
	// Closed at once, the connection would be reset, and with it the answer be lost to a caller that still sends.
	const { body } = response;
	response.headers.set('connection', 'close');
	response.headers.set('content-length', String(Buffer.byteLength(body)));
	response.body = (async function* () {
		yield body;
		await dropUnread(stream, socket);
	})();
	return response;
}

/** What is refused outside of our routes. */
const refusalOf = (error) => respond(answerOf(error));

function refusal(request, error) {
	const answer = request[claimed].errors(error, nodeRequestOf(request).headers);
	return respond(withTrace(request, { ...answer, headers: { ...answer.headers, ...error.headers } }));
}

/** Callers get the trace back that they told of. */
function withTrace(request, made) {
	const traceparent = traceparentOf(nodeRequestOf(request).headers);
	return traceparent === undefined ? made : { ...made, headers: { ...made.headers, traceparent } };
}

async function dispatch(match, request) {
	const { method } = request;
	const { path } = match;
	const found = match.take(method);
	if (match.isMalformed) throw new ApiError('INVALID_REQUEST', 'the path is not valid percent-encoding');
	if (found) return answer(found, match, request);
	const methods = match.methods().join(', ');
	if (methods === '') throw new ApiError('NOT_FOUND', `there is no route ${path}`);
	if (method === 'OPTIONS') return { status: 204, headers: { allow: `${methods}, OPTIONS` } };
	const error = new ApiError('METHOD_NOT_ALLOWED', `${path} takes ${methods}, received ${method}`);
	throw Object.assign(error, { headers: { allow: methods } });
}

function answer({ route, params }, { search, prefix }, request) {
	const stream = nodeRequestOf(request);
	const user = userOf(request);
	const call = { params, query: new URLSearchParams(search), prefix, request, stream, user };
	if (user) {
		const refused = refusalOfUser(stream);
		if (refused) {
			// As whoever sends no credentials from elsewhere.
			call.user = undefined;
			if (needsOf(route, call)) throw refused;
		}
	}
	const needs = needsOf(route, call);
	if (needs) authorize(call.user, needs);
	return route.handler(call);
}

const needsOf = ({ needs }, call) => (typeof needs === 'function' ? needs(call) : needs);

/** What Harper needs of headers. Those of the platform check and sort them for each answer. */
class ResponseHeaders extends Map {
	get(name) {
		return super.get(name.toLowerCase());
	}
	has(name) {
		return super.has(name.toLowerCase());
	}
	set(name, value) {
		return super.set(name.toLowerCase(), value);
	}
	append(name, value) {
		this.set(name, this.has(name) ? `${this.get(name)}, ${value}` : value);
	}
	delete(name) {
		return super.delete(name.toLowerCase());
	}
}

/**
 * Writes an answer to the connection itself. Harper's way of doing it costs as much as a tiny prediction; given no response, it
 * takes the request as answered. Harper's analytics do not see it; `/monitoring/metrics` does.
 */
function writeDirectly(request, { headers, json, bytes }) {
	const response = nodeResponseOf(request);
	const body = json ?? bytes;
	const all = ['content-length', Buffer.byteLength(body)];
	if (headers?.['content-type'] === undefined) all.push('content-type', 'application/json');
	for (const name in headers) all.push(name, headers[name]);
	response.writeHead(200, all);
	response.end(body);
}

/** Answers that have no body. */
const EMPTY = new Set([204, 304]);

function respond({ status = 200, headers = {}, body, json, bytes, stream }) {
	const made = new ResponseHeaders(Object.entries(headers).map(([name, value]) => [name, String(value)]));
	if (stream === undefined && !EMPTY.has(status) && !made.has('content-type')) {
		made.set('content-type', 'application/json');
	}
	return { status, headers: made, body: stream ?? bytes ?? json ?? JSON.stringify(body) };
}
