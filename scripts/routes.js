// The routes with the permissions that they need, as the maps of routes write them: to import them takes a running Harper.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const read = (path) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');

const ROUTE = /\[\s*'([A-Z]+)',\s+'([^']*)',\s+(\{[^}]*\}|needs|open),\s/g;
const START_OF_ROUTE = /\[\s*'[A-Z]+',/g;

/**
 * The routes of a file.
 *
 * @param {string} [path]
 * @returns {{name: string, needs: [table: string, action: string][]}[]}
 */
export function routesIn(path = 'resources.js') {
	const text = read(path);
	const routes = [...text.matchAll(ROUTE)];
	if (routes.length !== text.match(START_OF_ROUTE).length) {
		throw new Error(`${path} has a route in another form than scripts/routes.js reads`);
	}
	const prefixes = new Set([...text.matchAll(/prefix: '([^']*)'/g)].map(([, prefix]) => prefix));
	if (prefixes.size !== 1) throw new Error(`the groups of ${path} have not the same prefix`);
	const [prefix] = prefixes;
	return routes.map(([, method, route, needs]) => ({
		name: `${method} ${prefix}${route}`,
		needs: permissionsOf(needs),
	}));
}

/** `{ Model: ['read'] }` as `[['Model', 'read']]`. */
function permissionsOf(needs) {
	const text = needs === 'needs' ? read('resources/serving/inference.js').match(/const needs = .*/)[0] : needs;
	return [...text.matchAll(/(\w+): \[([^\]]*)\]/g)].flatMap(([, table, actions]) =>
		[...actions.matchAll(/'(\w+)'/g)].map(([, action]) => [table, action])
	);
}

/**
 * Permissions in words.
 *
 * @param {[table: string, action: string][]} needs
 */
export function inWords(needs) {
	if (needs.length === 0) return 'none';
	const tables = [...new Set(needs.map(([table]) => table))];
	const actionsOn = (table) => needs.filter(([of]) => of === table).map(([, action]) => `\`${action}\``);
	return tables.map((table) => `${actionsOn(table).join(' and ')} on ${table}`).join(', ');
}
