// The routes, as the page asks them: relative to itself, so that it works below any prefix and behind any proxy.

/** Where the routes are: the page is at `monitoring/` there. */
const ROUTES = new URL('..', document.baseURI);

/** A refusal, with the code that the route gave, or that the server could not be reached. */
export class Refusal extends Error {
	/**
	 * @param {{status?: number, code: string, message: string, details?: object}} of
	 */
	constructor({ status, code, message, details }) {
		super(message);
		this.name = 'Refusal';
		this.status = status;
		this.code = code;
		this.details = details;
	}
}

/**
 * The address of a route.
 *
 * @param {string} path such as `/monitoring/metrics`
 * @param {Record<string, string | number | undefined>} [query]
 */
export function addressOf(path, query = {}) {
	const url = new URL(path.slice(1), ROUTES);
	for (const [name, value] of Object.entries(query)) {
		if (value !== undefined && value !== '') url.searchParams.set(name, value);
	}
	return url.href;
}

/** A path of parts that may hold anything: `` path`/model/${modelId}` ``. */
export const path = (fixed, ...parts) => String.raw({ raw: fixed }, ...parts.map(encodeURIComponent));

/**
 * What a route answers.
 *
 * @param {string} route its path
 * @param {{method?: string, query?: object, body?: object, json?: string, signal?: AbortSignal}} [how] `body` is sent as
 *   JSON, `json` is that already
 * @returns {Promise<any>}
 * @throws {Refusal}
 */
export async function api(route, { method = 'GET', query, body, json = JSON.stringify(body), signal } = {}) {
	const headers = { accept: 'application/json' };
	if (json !== undefined) headers['content-type'] = 'application/json';
	const response = await reach(addressOf(route, query), { method, headers, body: json, signal });
	const text = await response.text();
	const answer = parsed(text);
	if (response.ok && answer !== undefined) return answer;
	const { code = `HTTP ${response.status}`, error = text.slice(0, 500), details } = answer ?? {};
	throw new Refusal({ status: response.status, code, message: error, details });
}

async function reach(address, init) {
	try {
		return await fetch(address, init);
	} catch (error) {
		if (error.name === 'AbortError') throw error;
		throw new Refusal({ code: 'UNREACHABLE', message: `the server did not answer: ${error.message}` });
	}
}

/** Nothing for what is no JSON, such as the page of a proxy. */
function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
