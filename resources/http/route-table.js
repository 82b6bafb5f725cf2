// Which route a path is. Only paths of routes are claimed, and what a group claims as a whole: all others are the application's.

/**
 * @typedef {object} Group
 * @property {string} prefix of the paths of its routes, such as `/v2`
 * @property {(error: Error, headers: object) => object} errors what is answered for an error; `headers` are those of the request
 * @property {string[]} [claims] paths below the prefix of which the group answers everything, also what is no route, because the
 *   protocol says what its errors look like
 * @property {Route[]} routes
 *
 * @typedef {[method: string, path: string, needs: object | Function, handler: Function]} Route A part of a path is fixed, a
 *   parameter `:name`, or a parameter with an ending, `:name:ending`; the last may be `:name+`, for one part or more. A slash at the end of a request's path counts where a route
 *   has one.
 */

/** The routes of all groups, below a prefix. */
export class RouteTable {
	/** By path, for paths without parameters. Most requests name one of these. */
	#exact = new Map();
	/** All entries, by the number of their parts. */
	#entries = new Map();
	/** Those whose last parameter takes further parts. */
	#open = [];
	#claims = [];

	/**
	 * @param {Group[]} groups
	 * @param {string} [prefix] of all of them
	 */
	constructor(groups, prefix = '') {
		this.prefix = prefix;
		for (const group of groups) {
			const base = prefix + group.prefix;
			for (const route of group.routes) this.#add(group.errors, base, route);
			for (const path of group.claims ?? []) this.#claims.push({ path: base + path, errors: group.errors });
		}
		for (const entry of this.#all()) {
			if (!entry.isExact) continue;
			this.#exact.set(entry.path, entry);
			const slashed = `${entry.path}/`;
			if (!this.#exact.has(slashed)) this.#exact.set(slashed, entry);
		}
	}

	#add(errors, base, [method, ownPath, needs, handler]) {
		const path = base + ownPath;
		const parts = path.split('/').slice(1).map(partOf);
		const sameLength = this.#entries.get(parts.length) ?? [];
		this.#entries.set(parts.length, sameLength);
		let entry = sameLength.find((other) => isSamePath(other.parts, parts));
		if (!entry) {
			entry = { path, parts, errors, isExact: parts.every((part) => part.name === undefined), routes: new Map() };
			sameLength.push(entry);
			if (parts.at(-1).isOpen) this.#open.push(entry);
		}
		if (entry.errors !== errors) throw new Error(`the path ${path} is of two groups`);
		if (entry.routes.has(method)) throw new Error(`the route ${method} ${path} is defined twice`);
		entry.routes.set(method, { needs, handler });
	}

	#all() {
		return [...this.#entries.values()].flat();
	}

	/**
	 * @param {string} url path and query of a request
	 * @returns {Match | undefined} nothing for what is not claimed
	 */
	find(url) {
		const exact = this.#exact.get(url);
		if (exact) return new Match(this, url, '', exact);
		const mark = url.indexOf('?');
		const path = mark < 0 ? url : url.slice(0, mark);
		const search = mark < 0 ? '' : url.slice(mark + 1);
		const entry = this.#exact.get(path);
		if (entry) return new Match(this, path, search, entry);
		const found = this.matching(path);
		if (found.length > 0) return new Match(this, path, search, found[0].entry, found);
		const claim = this.#claims.find((claimed) => path === claimed.path || path.startsWith(`${claimed.path}/`));
		return claim && new Match(this, path, search, claim, found);
	}

	/**
	 * The entries whose path a path is, fixed ones first, with the values of their parameters.
	 *
	 * @param {string} path
	 */
	matching(path) {
		const parts = path.split('/').slice(1);
		const found = this.#matchingParts(parts);
		return found.length > 0 || parts.at(-1) !== '' ? found : this.#matchingParts(parts.slice(0, -1));
	}

	#matchingParts(encoded) {
		const sameLength = this.#entries.get(encoded.length);
		const shorter = this.#open.filter((entry) => entry.parts.length < encoded.length);
		if (!sameLength && shorter.length === 0) return [];
		const candidates = shorter.length > 0 ? [...(sameLength ?? []), ...shorter] : sameLength;
		const parts = encoded.map(decoded);
		const found = [];
		for (const entry of candidates) {
			if (!isPath(entry, parts)) continue;
			const match = { entry, params: paramsOf(entry, parts) };
			if (entry.isExact) found.unshift(match);
			else found.push(match);
		}
		return found;
	}

	/**
	 * What answers in place of a resource of the application, or of what is below it.
	 *
	 * @param {string} path of the resource, as Harper has it: without a slash at its start
	 * @returns {string[]} paths of routes; of what is claimed as a whole, with `...` at the end
	 */
	shadowing(path) {
		const own = path.split('/');
		const routes = this.#all().filter(({ parts }) => {
			return parts.length >= own.length && own.every((text, at) => fits(parts[at], text));
		});
		routes.sort((a, b) => a.parts.length - b.parts.length);
		const claims = this.#claims.filter((claim) => isBelow(claim.path, `/${path}`) || isBelow(`/${path}`, claim.path));
		return [...new Set([...routes.map((entry) => entry.path), ...claims.map((claim) => `${claim.path}/...`)])];
	}
}

/**
 * The routes of groups below a prefix that may change.
 *
 * @param {Group[]} groups
 * @param {() => string} prefixInForce
 * @returns {() => RouteTable} the table in force
 */
export function tableInForce(groups, prefixInForce) {
	let table;
	return () => {
		const prefix = prefixInForce();
		if (table?.prefix !== prefix) table = new RouteTable(groups, prefix);
		return table;
	};
}

/** A path that is claimed. */
class Match {
	#table;
	#entry;
	#found;

	/**
	 * @param {RouteTable} table
	 * @param {string} path
	 * @param {string} search what stands behind the question mark
	 * @param {{errors: Function, routes?: Map}} entry the first one, or a claim
	 * @param {object[]} [found] all entries that match, when they are known
	 */
	constructor(table, path, search, entry, found) {
		this.#table = table;
		this.#entry = entry;
		this.#found = found;
		this.path = path;
		this.search = search;
	}

	get errors() {
		return this.#entry.errors;
	}

	/** What stands in front of all routes. */
	get prefix() {
		return this.#table.prefix;
	}

	get #all() {
		return (this.#found ??= this.#table.matching(this.path));
	}

	/** Whether a part of the path cannot be decoded. */
	get isMalformed() {
		return this.path.includes('%') && this.path.split('/').some((part) => decoded(part) === undefined);
	}

	/**
	 * The route for a method.
	 *
	 * @param {string} method
	 * @returns {{route: object, params: Record<string, string>} | undefined}
	 */
	take(method) {
		const asked = method === 'HEAD' ? 'GET' : method;
		if (this.#found === undefined) {
			const route = this.#entry.routes.get(asked);
			if (route) return { route, params: {} };
		}
		const found = this.#all.find(({ entry }) => entry.routes.has(asked));
		return found && { route: found.entry.routes.get(asked), params: found.params };
	}

	/** The methods that there are. */
	methods() {
		return [...new Set(this.#all.flatMap(({ entry }) => [...entry.routes.keys()]))];
	}
}

/** A part of a route: fixed, or a parameter. */
function partOf(text) {
	const [, name, ending = '', open] = text.match(/^:(\w+)(:\w+)?(\+)?$/) ?? [];
	return name === undefined ? { fixed: text } : { name, ending, isOpen: open !== undefined };
}

const isSamePath = (a, b) => a.every(({ fixed, ending }, at) => fixed === b[at].fixed && ending === b[at].ending);

/** Nothing for what is badly encoded: it stands where a parameter may, so that the route's group refuses it. */
function decoded(text) {
	if (!text.includes('%')) return text;
	try {
		return decodeURIComponent(text);
	} catch {
		return undefined;
	}
}

function fits({ fixed, ending }, text) {
	if (fixed !== undefined) return fixed === text;
	return text === undefined ? ending === '' : text.length > ending.length && text.endsWith(ending);
}

// Both without callbacks: they run for every request of a protocol.
function isPath(entry, texts) {
	for (const [at, part] of entry.parts.entries()) if (!fits(part, texts[at])) return false;
	return true;
}

function paramsOf({ parts }, texts) {
	const params = {};
	for (const [at, { name, ending, isOpen }] of parts.entries()) {
		if (isOpen) params[name] = texts.slice(at).join('/');
		else if (name !== undefined) params[name] = texts[at]?.slice(0, texts[at].length - ending.length);
	}
	return params;
}

const isBelow = (path, above) => path === above || path.startsWith(`${above}/`);
