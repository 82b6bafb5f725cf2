// Pages of other origins in the browser of someone on this machine. What Harper trusts only because it comes from loopback
// (`authorizeLocal`), and what a browser adds by itself, such as a session's cookie, any page can send.
import { isIP } from 'node:net';
import { ApiError } from '../errors.js';
import { harperConfig, nodeRequestOf, onRequest, onUpgrade } from '../harper.js';
import { shown } from './query.js';

const LOOPBACK_ADDRESS = /^(::ffff:)?127\.|^::1$/;
const LOOPBACK_NAME = /^(.+\.)?localhost$/;
const OWN_SITE = new Set(['same-origin', 'none']);

/**
 * Why a request must not be trusted for coming from this machine.
 *
 * @param {import('node:http').IncomingMessage} request
 * @returns {string | undefined} nothing for one that no page of another origin can have sent
 */
export function foreignness({ headers, socket }) {
	const { host, origin, 'sec-fetch-site': site } = headers;
	// Another name that leads here belongs to a page which had it resolved to this machine.
	if (host !== undefined && !isLoopbackHost(host)) return `the Host ${shown(host)} is no name of this machine`;
	if (origin !== undefined && !isSameOrigin(origin, host, socket)) return `it comes from a page of ${shown(origin)}`;
	if (site !== undefined && !OWN_SITE.has(site)) return `it comes from a page of another origin (${shown(site)})`;
	return undefined;
}

function isLoopbackHost(host) {
	const url = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined;
	// A host with more than a name and a port is no host.
	if (!url || url.pathname !== '/' || url.username || url.search || url.hash || /[/?#@]/.test(host)) return false;
	const name = url.hostname.replace(/^\[|\]$/g, '');
	return isIP(name) ? LOOPBACK_ADDRESS.test(name) : LOOPBACK_NAME.test(name.replace(/\.$/, ''));
}

function isSameOrigin(origin, host, { encrypted }) {
	const scheme = encrypted ? 'https' : 'http';
	const own = `${scheme}://${host}`;
	return URL.canParse(own) && URL.canParse(origin) && new URL(origin).origin === new URL(own).origin;
}

/** Whether Harper takes requests without credentials from loopback as the superuser's. */
const trustsLocal = () => Boolean(harperConfig().authentication?.authorizeLocal);

/**
 * Whether the only reason to trust a request is where it comes from. A cookie is none: a page on another port of this
 * machine can set one.
 *
 * @param {import('node:http').IncomingMessage} request
 */
export const isTrustedForPlace = ({ headers, socket }) =>
	trustsLocal() && !headers.authorization && LOOPBACK_ADDRESS.test(socket.remoteAddress ?? '');

/**
 * The refusal of a request that is trusted for its place and may be a page's.
 *
 * @param {import('node:http').IncomingMessage} request
 * @returns {ApiError | undefined}
 */
export function refusalOfPage(request) {
	const problem = isTrustedForPlace(request) ? foreignness(request) : undefined;
	return problem && pageError(problem);
}

const pageError = (problem) =>
	new ApiError(
		'FORBIDDEN',
		`without credentials only requests of this machine itself are trusted, and ${problem}; send credentials in an Authorization header`
	);

/**
 * The refusal of a request whose user was recognized by what a browser adds by itself, a cookie or a certificate, for a page
 * that Harper's CORS does not let in.
 *
 * @param {import('node:http').IncomingMessage} request of a user
 * @returns {ApiError | undefined}
 */
export function refusalOfAmbient({ headers, socket }) {
	const { origin, host, authorization } = headers;
	if (authorization || origin === undefined || isSameOrigin(origin, host, socket) || isAllowed(origin)) {
		return undefined;
	}
	return new ApiError(
		'FORBIDDEN',
		`a page of ${shown(origin)} may not use the session of its visitor; allow the origin in http.corsAccessList, or send credentials in an Authorization header`
	);
}

/**
 * The refusal of a request of a user that may be a page's doing.
 *
 * @param {import('node:http').IncomingMessage} request
 * @returns {ApiError | undefined}
 */
export const refusalOfUser = (request) =>
	isTrustedForPlace(request) ? refusalOfPage(request) : refusalOfAmbient(request);

function isAllowed(origin) {
	const { cors, corsAccessList } = harperConfig().http ?? {};
	return Boolean(cors) && (corsAccessList ?? []).some((allowed) => allowed === '*' || allowed === origin);
}

/**
 * Refuses pages of other origins on what is Harper's own: its REST and operations APIs and its WebSockets.
 *
 * @param {(error: ApiError) => object} answerOf an error as Harper takes a response
 */
export function guardHarper(answerOf) {
	if (!trustsLocal()) return;
	const { port, securePort } = harperConfig().operationsApi?.network ?? {};
	const operations = { port, securePort };
	const guard = (request, next) => {
		const refused = refusalOfPage(nodeRequestOf(request));
		return refused ? answerOf(refused) : next(request);
	};
	const guardUpgrade = (request, socket, head, next) => {
		if (!refusalOfPage(request)) return next(request, socket, head);
		socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
		return undefined;
	};
	onRequest('first', guard, operations);
	onUpgrade(guardUpgrade);
	onUpgrade(guardUpgrade, operations);
}
