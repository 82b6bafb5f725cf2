// Which resources of the application our routes hide: both would answer, and the request never gets to Harper.

const MAX_NAMED = 4;

/**
 * Looks for hidden resources and warns of each once. Applications may be loaded after this component, so it is to be called again.
 *
 * @param {() => import('./route-table.js').RouteTable} tableInForce
 * @param {() => Map<string, object>} resources by path, without the slash at the start
 * @param {(message: string) => void} warn
 * @returns {() => void} what looks once
 */
export function shadowWatch(tableInForce, resources, warn) {
	const shown = new Set();
	return () => {
		const table = tableInForce();
		for (const path of resources().keys()) {
			// The resource of the root gets what no other path matches, among Harper's own too.
			if (path === '' || shown.has(`${table.prefix} ${path}`)) continue;
			const routes = table.shadowing(path);
			if (routes.length === 0) continue;
			shown.add(`${table.prefix} ${path}`);
			warn(messageOf(path, routes));
		}
	};
}

function messageOf(path, routes) {
	const more = routes.length - MAX_NAMED;
	const named = routes.slice(0, MAX_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
	return `edge-ai: routes of this component hide the resource or table "${path}" of an application at ${named}; the option routePrefix, such as /ai, moves the routes`;
}
