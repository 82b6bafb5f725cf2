// GET /monitoring/: a page that shows what the routes tell. Its files hold no data.
import { isAllowed } from '../http/access.js';
import { ApiError } from '../errors.js';
import { unlessKnown } from '../http/conditional.js';
import { readQuery, shown } from '../http/query.js';
import { mayEndJobsOfOthers } from '../jobs/jobs.js';
import { permissionsOf } from '../openapi/document.js';
import { FILES } from './files.js';

/** Everything is of this origin, and nothing is inline. Styles that a module sets by the object model are no inline ones. */
const POLICY = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self' data:",
	"connect-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
	// No text becomes HTML or a script, whatever a module does.
	"require-trusted-types-for 'script'",
	"trusted-types 'none'",
].join('; ');

const HEADERS = {
	'cache-control': 'no-cache',
	'content-security-policy': POLICY,
	'cross-origin-resource-policy': 'same-origin',
	'referrer-policy': 'no-referrer',
	'x-content-type-options': 'nosniff',
};

/**
 * `GET /monitoring`
 *
 * @param {import('../http/router.js').Call} call
 */
export function redirect({ query }) {
	readQuery(query, []);
	// Relative: only the proxies in front know the whole path.
	const headers = { location: 'monitoring/', 'cache-control': 'no-cache', 'content-type': 'text/plain' };
	return { status: 308, headers, json: '' };
}

/**
 * `GET /monitoring/`
 *
 * @param {import('../http/router.js').Call} call
 */
export const index = (call) => fileNamed('index.html', call);

/**
 * `GET /monitoring/page/:file+`
 *
 * @param {import('../http/router.js').Call} call
 */
export const file = (call) => fileNamed(call.params.file, call);

function fileNamed(name, { query, stream }) {
	readQuery(query, []);
	const found = FILES.get(name);
	if (!found) throw new ApiError('NOT_FOUND', `the page has no file ${shown(name)}`);
	const { bytes, type, etag } = found;
	const answer = unlessKnown(stream.headers, etag, () => ({ bytes, headers: { 'content-type': type } }));
	return { ...answer, headers: { ...HEADERS, ...answer.headers } };
}

/**
 * `GET /monitoring/access`: who asks, which routes answer them, and whether jobs of others are theirs to end.
 *
 * @param {import('../http/route-table.js').Group[]} groups the table of routes
 * @param {import('../http/router.js').Call} call
 */
export function access(groups, { query, user }) {
	readQuery(query, []);
	const rights = groups.flatMap(({ prefix, routes }) =>
		routes.map(([method, path, needs]) => [`${method} ${prefix}${path}`, isAllowed(user, permissionsOf(needs))])
	);
	const body = { user: user.username, may: Object.fromEntries(rights), mayEndJobsOfOthers: mayEndJobsOfOthers(user) };
	return { body, headers: { 'cache-control': 'no-store' } };
}
