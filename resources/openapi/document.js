// The description of all routes in OpenAPI 3.1: paths, methods, permissions and statuses come from the table of routes, the rest from
// descriptions by the names of routes.
import { readFileSync } from 'node:fs';
import { ApiError } from '../errors.js';
import { TYPES } from '../http/formats.js';
import { HEADERS, PATH } from './parameters.js';
import { inEveryFormat, json, ref, text } from './schema.js';
import { SCHEMAS } from './schemas/all.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const INTRODUCTION = `Models in Harper: stored, run and watched. Unknown fields and parameters are refused, but on the routes of other
protocols; \`null\` for an optional field is its absence. \`HEAD\` is answered like \`GET\`, and \`OPTIONS\` names the methods of a path.
Bodies may be packed with gzip, deflate or br. \`x-permissions\` are those that a role needs, by table; where it has rules
for attributes, an answer leaves out the fields that it may not read.`;

/**
 * What the table of routes does not tell of one.
 *
 * @typedef {object} Description
 * @property {string} summary
 * @property {string} [description]
 * @property {Record<string, {description: string, schema: object, required?: boolean, example?: any}>} [query]
 * @property {(keyof typeof HEADERS)[]} [headers] of requests
 * @property {Record<string, {schema?: object, example?: any}>} [body] by media type
 * @property {boolean} [bodyIsOptional]
 * @property {Record<string, {description?: string, content?: object, headers?: object}>} [answers] by status; without content for
 *   none. None at all where every request fails
 * @property {string[]} [errors] codes beside those that {@link errorsOf} adds
 */

/**
 * @param {import('../http/route-table.js').Group[]} groups the table of routes
 * @param {{name: string, description: string, routes: Record<string, Description>}[]} sections descriptions by `METHOD /path`
 * @param {string} [prefix] what stands in front of all routes
 * @returns {object} an OpenAPI document
 * @throws {Error} for a route without a description, and a description without a route
 */
export function documentOf(groups, sections, prefix = '') {
	return {
		openapi: '3.1.0',
		info: {
			title: 'Edge AI for Harper',
			version,
			description: INTRODUCTION,
			license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
		},
		servers: [{ url: prefix === '' ? '/' : prefix }],
		tags: sections.map(({ name, description }) => ({ name, description })),
		paths: pathsOf(groups, sections),
		components: {
			schemas: SCHEMAS,
			parameters: HEADERS,
			securitySchemes: {
				basic: { type: 'http', scheme: 'basic', description: 'A user of Harper.' },
				bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A token of Harper.' },
			},
		},
	};
}

function pathsOf(groups, sections) {
	const paths = {};
	const unused = new Map(sections.flatMap(({ name, routes }) => withTag(name, routes)));
	for (const { prefix, errors, routes } of groups) {
		for (const [method, ownPath, needs] of routes) {
			const path = prefix + ownPath;
			const name = `${method} ${path}`;
			const described = unused.get(name);
			if (!described) throw new Error(`the route ${name} has no description in resources/openapi/descriptions`);
			unused.delete(name);
			const item = (paths[templateOf(path)] ??= {});
			item[method.toLowerCase()] = operationOf({ method, path, permissions: permissionsOf(needs), errors }, described);
		}
	}
	const [left] = unused.keys();
	if (left !== undefined) throw new Error(`${left} is described and no route`);
	return paths;
}

/** Those that a route needs now, by table; undefined when it is open to everybody. */
export const permissionsOf = (needs) => (typeof needs === 'function' ? needs({}) : needs);

const withTag = (tag, routes) => Object.entries(routes).map(([name, description]) => [name, { tag, ...description }]);

/** A part of a route that is a parameter: `:name`, `:name:ending` or `:name+`. */
const PARAMETER = /^:(\w+)(:\w+)?(\+)?$/;

/** `/v1/models/:modelId:predict` as `/v1/models/{modelId}:predict`. */
const templateOf = (path) =>
	path
		.split('/')
		.map((part) => part.replace(PARAMETER, (_, name, ending = '') => `{${name}}${ending}`))
		.join('/');

const namesIn = (path) =>
	path.split('/').flatMap((part) => {
		const [, name, , open] = part.match(PARAMETER) ?? [];
		return name === undefined ? [] : [{ name, isOpen: open !== undefined }];
	});

function operationOf({ method, path, permissions, errors }, described) {
	const { tag, summary, description, body, bodyIsOptional = false, answers = {} } = described;
	const parameters = [
		...namesIn(path).map(({ name, isOpen }) => pathParameter(name, isOpen)),
		...Object.entries(described.query ?? {}).map(([name, parameter]) => ({ name, in: 'query', ...parameter })),
		...(described.headers ?? []).map((name) => ({ $ref: `#/components/parameters/${name}` })),
	];
	return {
		tags: [tag],
		operationId: operationIdOf(method, path),
		summary,
		...(description === undefined ? {} : { description }),
		...securityOf(permissions),
		...(parameters.length > 0 ? { parameters } : {}),
		...(body === undefined ? {} : { requestBody: { required: !bodyIsOptional, content: body } }),
		responses: { ...answersOf(answers), ...failuresOf(errorsOf(described, permissions), errors) },
	};
}

function pathParameter(name, isOpen) {
	const { description, schema = text, example } = PATH[name];
	const said = isOpen ? `${description} The rest of the path, with its slashes as they are.` : description;
	return { name, in: 'path', required: true, description: said, schema, example };
}

/** `GET /model/:modelId` is `getModelByModelId`, and `GET /monitoring/` is `getMonitoringIndex`. */
const operationIdOf = (method, path) =>
	method.toLowerCase() +
	path
		.replace(/\/$/, '/index')
		.replaceAll('/:', '/by/')
		.split(/[^a-zA-Z0-9]+/)
		.filter(Boolean)
		.map((part) => part[0].toUpperCase() + part.slice(1))
		.join('');

/** Without permissions the caller is nobody, or somebody. */
function securityOf(permissions) {
	const credentials = [{ basic: [] }, { bearer: [] }];
	if (permissions === undefined) return { security: [{}, ...credentials] };
	return { security: credentials, 'x-permissions': permissions };
}

const answersOf = (answers) =>
	Object.fromEntries(
		Object.entries(answers).map(([status, { description = 'Done', ...answer }]) => [status, { description, ...answer }])
	);

/** The codes that a route may answer. */
function errorsOf({ body, errors = [] }, permissions) {
	return new Set([
		...(body || permissions ? ['INVALID_REQUEST'] : []),
		...(body ? ['TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] : []),
		...(body?.['application/json'] ? ['INVALID_JSON'] : []),
		...(permissions === undefined ? [] : ['UNAUTHENTICATED', 'FORBIDDEN']),
		...errors,
		'INTERNAL',
	]);
}

/** Failures by status, which the group of the route says. */
function failuresOf(codes, errors) {
	const failures = {};
	// A group answers errors in JSON, or in what is accepted.
	const isEncoded = errors(new ApiError('INTERNAL', ''), { accept: TYPES.at(-1) }).bytes !== undefined;
	for (const code of codes) {
		const { status, body, json: told } = errors(new ApiError(code, ''), {});
		const schema = ref('code' in (body ?? JSON.parse(told)) ? 'Error' : 'ProtocolError');
		failures[status] ??= { description: '', content: isEncoded ? inEveryFormat(schema) : json(schema) };
		failures[status].description += `${failures[status].description && ', '}\`${code}\``;
	}
	return failures;
}
