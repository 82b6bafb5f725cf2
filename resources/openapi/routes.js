// /openapi.json: all routes, for tools that read OpenAPI.
import { etagOf, unlessKnown } from '../http/conditional.js';
import { readQuery } from '../http/query.js';
import { SECTIONS } from './descriptions/all.js';
import { documentOf, permissionsOf } from './document.js';

/** The last answer, and what it depends on: to make one takes as long as many other requests. */
let made = {};

/**
 * `GET /openapi.json`
 *
 * @param {import('../http/route-table.js').Group[]} groups the table of routes
 * @param {import('../http/router.js').Call} call
 */
export function describe(groups, { query, prefix, stream }) {
	readQuery(query, []);
	// Both follow the options.
	const permissions = groups.map(({ routes }) => routes.map(([, , needs]) => permissionsOf(needs)));
	const source = JSON.stringify([prefix, permissions]);
	if (made.source !== source) {
		const body = documentOf(groups, SECTIONS, prefix);
		made = { source, json: JSON.stringify(body), etag: etagOf(body) };
	}
	const { json, etag } = made;
	return unlessKnown(stream.headers, etag, () => ({ json }));
}
