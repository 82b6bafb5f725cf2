// From Harper's HTTP server to a route and back.
//
// A first listener, before Harper's authentication, moves our paths out of the way of Harper's REST handler; a second one,
// after authentication, answers them. Raw bodies reach us that way, and every failure gets the same form.
import { authorize } from './access.js';
import { ApiError, answerOf, openAnswerOf } from './errors.js';
import { acceptedFormat, answerIn } from './formats.js';
import { addForPages } from './http/cors.js';
import { guardHarper, isTrustedForPlace, refusalOfAmbient, refusalOfPage } from './http/origin.js';
import { dropUnread, hasUnread, isTooMuch } from './http/unread.js';

const INTERNAL_PREFIX = '/edge-ai-internal';
const claimed = Symbol('edge-ai path');

/**
 * Roots that others have defined, with their form of errors. The names are common, so only what begins like one of our routes
 * is taken from the rest of Harper; of our own roots everything is.
 */
const PROTOCOLS = { v1: openAnswerOf, v2: openAnswerOf };

/**
 * @typedef {object} Call
 * @property {Record<string, string>} params the parts of the path
 * @property {URLSearchParams} query
 * @property {object} request Harper's request
 * @property {import('node:http').IncomingMessage} stream the body
 * @property {object} [user]
 */

/**
 * Registers routes: `[method, path, needs, handler]`. A part of a path may be fixed, a parameter `:name`, or a parameter with
 * an ending, `:name:ending`. A handler gets a {@link Call} and returns
 * `{status?, headers?, body?: object, json?: string, bytes?: Buffer, stream?: ReadableStream, direct?: boolean}`; `direct` is
 * for short answers of which there are many: see {@link writeDirectly}.
 *
 * @param {Array<[string, string, Record<string, string[]> | ((call: Call) => Record<string, string[]> | undefined), (call: Call) => Promise<object>]>} definitions
 */
export function serve(definitions) {
	const routes = definitions.map(([method, path, needs, handler]) => ({
		method,
		needs,
		handler,
		parts: path.split('/').slice(1).map(partOf),
	}));
	const fixed = new Map(
		routes
			.filter(({ parts }) => parts.every(({ name }) => name === undefined))
			.map((route) => [`${route.method} /${route.parts.map((part) => part.fixed).join('/')}`, route])
	);
	const beginnings = new Set(definitions.map(([, path]) => beginning(path)));
	const { server } = globalThis;

	guardHarper((error) => refusalOf(error, answerOf));
	server.http(
		async (request, next) => {
			const [path] = request.url.split('?', 1);
			if (!beginnings.has(beginning(path))) {
				const refused = refusalOfPage(request._nodeRequest);
				return refused ? refusalOf(refused, answerOf) : next(request);
			}
			const { _nodeRequest: stream, _nodeResponse: nodeResponse } = request;
			const { socket } = stream;
			request[claimed] = request.url;
			request.url = INTERNAL_PREFIX;
			const response = await next(request);
			// It was written directly.
			if (!response) return response;
			const answered = withOurForm(request, response);
			if (stream.headers.origin !== undefined) addForPages(request, answered);
			return hasUnread(stream) ? beforeUnread(answered, stream, socket, nodeResponse) : answered;
		},
		{ runFirst: true }
	);
	server.http(async (request, next) => {
		if (!request[claimed]) return next(request);
		try {
			const made = await dispatch(routes, fixed, request);
			// What Harper tells browsers of other origins is in the headers that it adds.
			const isDirect = made.direct && request._nodeRequest.headers.origin === undefined;
			return isDirect ? writeDirectly(request, made) : respond(made);
		} catch (error) {
			return refusal(request, error);
		}
	});
}

/** What decides whether a path is ours: its root, below the root of a protocol also the next part. */
function beginning(path) {
	const [, root, next] = path.split('/', 3);
	return Object.hasOwn(PROTOCOLS, root) && next ? `${root}/${next}` : root;
}

/** The route whose answers have the format that the caller accepts. */
const IN_ACCEPTED_FORMAT = /^\/predict\/?(\?|$)/;

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

/** An error as Harper takes a response. */
function refusalOf(error, form) {
	const { status, body } = form(error);
	return respond({ status, body });
}

function refusal(request, error) {
	const url = request[claimed];
	const [, root] = url.split(/[/?]/, 2);
	const { status, body } = (Object.hasOwn(PROTOCOLS, root) ? PROTOCOLS[root] : answerOf)(error);
	const format = IN_ACCEPTED_FORMAT.test(url) ? acceptedFormat(request._nodeRequest.headers.accept) : 'json';
	const answer = answerIn(format, JSON.stringify(body));
	return respond({ status, ...answer, headers: { ...answer.headers, ...error.headers } });
}

/** A part of a route: fixed, or a parameter. */
function partOf(text) {
	const [, name, ending = ''] = text.match(/^:(\w+)(:\w+)?$/) ?? [];
	return name === undefined ? { fixed: text } : { name, ending };
}

async function dispatch(routes, fixed, request) {
	// Most requests name their route exactly.
	const plain = fixed.get(`${request.method} ${request[claimed]}`);
	if (plain) return answer(plain, {}, new URLSearchParams(), request);
	const url = new URL(request[claimed], 'http://localhost');
	const parts = pathParts(url.pathname);
	const matching = routes.filter((route) => matches(route, parts));
	if (matching.length === 0) throw new ApiError('NOT_FOUND', `there is no route ${url.pathname}`);
	const method = request.method === 'HEAD' ? 'GET' : request.method;
	const methods = matching.map((candidate) => candidate.method).join(', ');
	if (method === 'OPTIONS') return { status: 204, headers: { allow: `${methods}, OPTIONS` } };
	const route = matching.find((candidate) => candidate.method === method);
	if (!route) {
		const error = new ApiError('METHOD_NOT_ALLOWED', `${url.pathname} takes ${methods}, received ${request.method}`);
		throw Object.assign(error, { headers: { allow: methods } });
	}
	const params = Object.fromEntries(
		route.parts.flatMap(({ name, ending }, at) =>
			name === undefined ? [] : [[name, parts[at].slice(0, parts[at].length - ending.length)]]
		)
	);
	return answer(route, params, url.searchParams, request);
}

function answer(route, params, query, request) {
	const { user, _nodeRequest: stream } = request;
	const call = { params, query, request, stream, user };
	if (user) {
		const refused = isTrustedForPlace(stream) ? refusalOfPage(stream) : refusalOfAmbient(stream);
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

function pathParts(pathname) {
	const parts = pathname.split('/').slice(1);
	if (parts.at(-1) === '') parts.pop();
	try {
		return parts.map(decodeURIComponent);
	} catch {
		throw new ApiError('INVALID_REQUEST', 'the path is not valid percent-encoding');
	}
}

// A fixed part goes before a parameter: /model/versions is no model.
function matches(route, parts) {
	return (
		route.parts.length === parts.length &&
		route.parts.every(({ fixed, ending }, at) =>
			fixed === undefined ? parts[at].length > ending.length && parts[at].endsWith(ending) : fixed === parts[at]
		)
	);
}

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
function writeDirectly({ _nodeResponse: response }, { headers, json, bytes }) {
	const body = json ?? bytes;
	const type = headers?.['content-type'] ?? 'application/json';
	response.writeHead(200, ['content-type', type, 'content-length', Buffer.byteLength(body)]);
	response.end(body);
}

function respond({ status = 200, headers = {}, body, json, bytes, stream }) {
	const made = new ResponseHeaders(Object.entries(headers).map(([name, value]) => [name, String(value)]));
	if (stream === undefined && status !== 204 && !made.has('content-type')) made.set('content-type', 'application/json');
	return { status, headers: made, body: stream ?? bytes ?? json ?? JSON.stringify(body) };
}
