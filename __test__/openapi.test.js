// GET /openapi.json: it is OpenAPI, it has every route, and a real server takes what it describes and answers as it says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv from 'ajv/dist/2020.js';
import * as cbor from 'cbor-x';
import * as msgpack from 'msgpackr';
import { checkIdentifier } from '../binding.js';
import { answerOf, STATUS_OF } from '../resources/errors.js';
import { SECTIONS } from '../resources/openapi/descriptions/all.js';
import { documentOf } from '../resources/openapi/document.js';
import { SAMPLE_ALERT, SAMPLE_INFERENCE, SAMPLE_JOB, SAMPLE_REQUEST } from '../resources/openapi/parameters.js';
import { identifier } from '../resources/openapi/schema.js';
import { routesIn } from '../scripts/routes.js';
import { credentials, root, startHarper } from './support/harper.js';
import { postJob } from './support/jobs.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { until } from './support/until.js';

const TABLES = ['resources.js', 'resources/protocols/v2/routes.js', 'resources/protocols/tensorflow-serving/routes.js'];
const SETOSA = [5.1, 3.5, 1.4, 0.2];
/** A name that is like none. */
const UNKNOWN = 'zzzzzzzz';
/** What only a model that has ended the server twice answers with 2xx. */
const WITHOUT_CRASHES = {
	'DELETE /model/{modelId}/{version}/quarantine': 404,
	'DELETE /status/quarantine/{digest}': 404,
};

let harper;
let document;
let operations;
/** The faults of a value, by a schema of the document that a pointer leads to. */
let check;
/** The same of an answer, which has no other fields than those that are described. */
let checkAnswer;
before(async () => {
	// The alert of the examples is of no rule: an evaluation would remove it.
	harper = await startHarper({ options: { ruleInterval: 0 } });
	const { status, body } = await harper.get('/openapi.json');
	assert.equal(status, 200, JSON.stringify(body));
	document = body;
	operations = operationsIn(document);
	check = checkerOf(document);
	checkAnswer = checkerOf(closed(document));
	await harper.addUser('viewer');
	await harper.operation({ operation: 'create_table', database: 'data', table: 'Flower', primary_key: 'id' });
	const records = [{ id: '1', measurements: SETOSA, species: null }];
	await harper.operation({ operation: 'insert', database: 'data', table: 'Flower', records });
	await insertAlert();
	await insertRequest('pending');
});
after(() => harper?.dispose());

/** The alert of the examples, which fires. */
async function insertAlert() {
	const [rule, version] = SAMPLE_ALERT.split(':');
	const of = { id: SAMPLE_ALERT, rule, version, modelId: 'iris', measure: 'p95Latency', severity: 'warning' };
	const evidence = { measured: 3, samples: 9, from: 1, to: 2, query: '/', value: 3, threshold: 2 };
	const changes = [{ time: 1, state: 'firing', evidence }];
	const records = [{ ...of, state: 'firing', since: 1, firedAt: 1, value: 3, threshold: 2, changes }];
	await harper.operation({ operation: 'insert', database: 'edge_ai', table: 'Alert', records });
}

/** In which state the request for retraining of the examples is when something is done to it. */
const STATE_BEFORE = Object.fromEntries(
	Object.entries({
		approve: 'pending',
		reject: 'pending',
		start: 'approved',
		complete: 'running',
		fail: 'running',
	}).map(([name, state]) => [`POST /monitoring/retraining/{request}/${name}`, state])
);

/** The request for retraining of the examples, of a model of its own. */
async function insertRequest(state) {
	const of = { id: SAMPLE_REQUEST, modelId: 'sample', reason: 'r', approval: 'manual', createdAt: 1 };
	const records = [{ ...of, state, changes: [{ time: 1, state: 'pending', who: 'somebody' }] }];
	await harper.operation({ operation: 'upsert', database: 'edge_ai', table: 'RetrainingRequest', records });
}

const operationsIn = ({ paths }) =>
	Object.entries(paths).flatMap(([path, item]) =>
		Object.entries(item).map(([method, operation]) => {
			const name = `${method.toUpperCase()} ${path}`;
			return { name, method: method.toUpperCase(), path, ...operation, at: `/paths/${escaped(path)}/${method}` };
		})
	);

const escaped = (text) => encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'));
const bodiesOf = ({ requestBody }) => Object.entries(requestBody?.content ?? {});
const parametersOf = ({ parameters = [] }, place) => parameters.filter((parameter) => parameter.in === place);

/** `/model/:modelId` and `/v1/models/:modelId:predict` as the document writes them. */
const templateOf = (name) => name.replaceAll(/\/:(\w+)\+?/g, '/{$1}');

/** The faults of values, by the schemas of a document. */
function checkerOf(whole) {
	const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
	ajv.addSchema({ $id: 'document', ...whole });
	return (pointer, value) => {
		const validate = ajv.getSchema(`document#${pointer}`);
		assert.ok(validate, pointer);
		if (validate(value)) return [];
		return validate.errors.map(
			({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`
		);
	};
}

/** A document whose objects have no other fields than those that are described. */
function closed(value) {
	if (value === null || typeof value !== 'object') return value;
	if (Array.isArray(value)) return value.map(closed);
	const parts = Object.fromEntries(Object.entries(value).map(([name, part]) => [name, closed(part)]));
	const isOpen = value.type === 'object' && typeof value.properties === 'object' && !('additionalProperties' in value);
	return isOpen ? { ...parts, additionalProperties: false } : parts;
}

/** The documented requests of an operation: those of all its types of bodies. */
function requestsOf(operation, replace = (text) => text) {
	const path = parametersOf(operation, 'path').reduce(
		(text, { name, example }) => text.replace(`{${name}}`, encodeURIComponent(replace(example))),
		operation.path
	);
	const given = parametersOf(operation, 'query').filter(({ example }) => example !== undefined);
	const query = new URLSearchParams(given.map(({ name, example }) => [name, String(example)]));
	const bodies = bodiesOf(operation);
	if (bodies.length === 0) return [{ url: urlOf(path, query) }];
	const json = operation.requestBody.content['application/json'];
	return bodies.map(([type, { example = json?.example }]) => {
		const asked = new URLSearchParams(query);
		// What rows have in common stands in the query, where the body has no place for it.
		if (operation.path === '/predict/batch' && typeof example === 'string') asked.set('modelId', 'iris');
		return { url: urlOf(path, asked), type, ...encoded(type, example, replace) };
	});
}

const urlOf = (path, query) => (query.size > 0 ? `${path}?${query}` : path);

function encoded(type, example, replace) {
	const headers = { 'content-type': type };
	switch (type) {
		case 'multipart/form-data': {
			const form = new FormData();
			for (const [name, value] of Object.entries(example)) {
				if (!Array.isArray(value)) form.append(name, value);
				else {
					for (const file of value) {
						form.append(name, new Blob([readFileSync(join(root, 'examples/iris', file))]), file);
					}
				}
			}
			return { body: form, headers: {} };
		}
		case 'application/cbor':
			return { body: cbor.encode(example), headers: { ...headers, accept: type } };
		case 'application/msgpack':
			return { body: Buffer.from(msgpack.encode(example)), headers: { ...headers, accept: type } };
		case 'application/octet-stream':
			return {
				body: Buffer.from(Float32Array.from(SETOSA).buffer),
				headers: { ...headers, 'inference-header-content-length': '0' },
			};
		default:
			return { body: replace(typeof example === 'string' ? example : JSON.stringify(example)), headers };
	}
}

const typeOf = ({ headers }) => headers.get('content-type')?.split(';', 1)[0];

/** An answer as values, by its type; undefined for what is no structured value. */
function valueOf(answer) {
	switch (typeOf(answer)) {
		case 'application/json':
			return answer.body;
		case 'application/cbor':
			return cbor.decode(answer.body);
		case 'application/msgpack':
			return msgpack.decode(answer.body);
		default:
			return undefined;
	}
}

describe('the document', () => {
	test('is OpenAPI 3.1', async () => {
		const { valid, errors } = await new Validator().validate(structuredClone(document));
		assert.ok(valid, JSON.stringify(errors));
		assert.match(document.openapi, /^3\.1\./);
		assert.deepEqual(document.servers, [{ url: '/' }]);
	});

	test('has every component that it names, and names every one', () => {
		const named = new Set();
		const visit = (value) => {
			if (value === null || typeof value !== 'object') return;
			if (typeof value.$ref === 'string') named.add(value.$ref);
			for (const part of Object.values(value)) visit(part);
		};
		visit(document);
		const { schemas, parameters } = document.components;
		const there = Object.entries({ schemas, parameters }).flatMap(([kind, all]) =>
			Object.keys(all).map((name) => `#/components/${kind}/${name}`)
		);
		assert.deepEqual([...named].toSorted(), there.toSorted());
	});

	test('has every route and no other, with its permissions', () => {
		const expected = TABLES.flatMap((path) => routesIn(path)).map(({ name, needs }) => [templateOf(name), needs]);
		const found = operations.map(({ name, 'x-permissions': permissions = {} }) => [
			name,
			Object.entries(permissions).flatMap(([table, actions]) => actions.map((action) => [table, action])),
		]);
		assert.deepEqual(found.toSorted(), expected.toSorted());
		const open = operations.filter(({ security }) => security.some((needed) => Object.keys(needed).length === 0));
		assert.deepEqual(
			open.map(({ path }) => path),
			['/v2/health/live', '/v2/health/ready']
		);
	});

	test('names each operation once, and says what every parameter is', () => {
		assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
		const parameters = operations.flatMap((operation) => operation.parameters ?? []);
		const all = [...parameters, ...Object.values(document.components.parameters)];
		for (const { $ref, name, description } of all) assert.ok($ref ?? description, name);
	});

	test('says of examples what they are', () => {
		let count = 0;
		for (const operation of operations) {
			for (const [type, { example }] of bodiesOf(operation)) {
				if (example === undefined) continue;
				assert.deepEqual(
					check(`${operation.at}/requestBody/content/${escaped(type)}/schema`, example),
					[],
					operation.name
				);
				count += 1;
			}
			(operation.parameters ?? []).forEach(({ example, in: place }, at) => {
				if (place === 'path') assert.notEqual(example, undefined, operation.name);
				if (example === undefined) return;
				assert.deepEqual(check(`${operation.at}/parameters/${at}/schema`, example), [], operation.name);
				count += 1;
			});
			for (const { name, required, example } of parametersOf(operation, 'query')) {
				assert.ok(!required || example !== undefined, `${operation.name}: ${name}`);
			}
		}
		assert.ok(count > 90, `${count} examples`);
	});

	test('is for every user, and not sent again to who has it', async () => {
		const { status, headers, body } = await harper.get('/openapi.json', { user: 'viewer' });
		assert.deepEqual([status, body], [200, document]);
		const known = { headers: { 'if-none-match': headers.get('etag') } };
		assert.equal((await harper.get('/openapi.json', known)).status, 304);
		const head = await fetch(`${harper.base}/openapi.json`, { method: 'HEAD', headers: credentials('viewer') });
		assert.deepEqual([head.status, head.headers.get('etag')], [200, headers.get('etag')]);
		assert.equal((await harper.get('/openapi.json', { user: null })).body.code, 'UNAUTHENTICATED');
		assert.equal((await harper.get('/openapi.json?x=1')).body.code, 'INVALID_REQUEST');
	});
});

describe('documented requests', () => {
	/** Ids that only this server gives, by those of the examples. */
	const own = new Map();
	const replace = (text) => [...own].reduce((result, [sample, id]) => result.replaceAll(sample, id), String(text));

	/** The order of requests: what others need first, and deletions last. */
	const rank = ({ name, method }) => {
		const first = ['POST /model/upload', 'POST /predict', 'POST /jobs/predict', 'PUT /features/{entityId}'].indexOf(
			name
		);
		return first >= 0 ? first - 10 : Number(method === 'DELETE') + Number(name === 'DELETE /model/{modelId}/{version}');
	};

	async function send({ method }, { url, body, headers }) {
		return harper.request(method, url, { body, headers });
	}

	test('pass, and their answers are as documented', async (t) => {
		for (const operation of operations.toSorted((a, b) => rank(a) - rank(b))) {
			await t.test(operation.name, async () => {
				const state = STATE_BEFORE[operation.name];
				if (state) await insertRequest(state);
				for (const request of requestsOf(operation, replace)) {
					const answer =
						operation.name === 'POST /jobs/predict' && request.type === 'application/json'
							? await postJob(harper, JSON.parse(request.body))
							: await send(operation, request);
					const said = `${request.type ?? ''} ${answer.status} ${answer.text ?? ''}`;
					assert.ok(operation.responses[answer.status], said);
					const succeeds = Object.keys(operation.responses).some((status) => status.startsWith('2'));
					if (operation.name in WITHOUT_CRASHES) assert.equal(answer.status, WITHOUT_CRASHES[operation.name], said);
					else assert.equal(answer.status < 300, succeeds, said);
					const type = typeOf(answer);
					const pointer = `${operation.at}/responses/${answer.status}/content/${escaped(type)}/schema`;
					assert.ok(operation.responses[answer.status].content[type], `${said} ${type}`);
					const value = valueOf(answer);
					if (value !== undefined) assert.deepEqual(checkAnswer(pointer, value), [], said);
					if (type === 'application/x-ndjson') {
						for (const line of answer.body.toString().trim().split('\n')) {
							const schema = operation.name === 'GET /monitoring/training-data' ? 'TrainingRow' : 'Row';
							assert.deepEqual(checkAnswer(`/components/schemas/${schema}`, JSON.parse(line)), [], line);
						}
					}
					if (operation.name === 'POST /predict' && type === 'application/json') {
						own.set(SAMPLE_INFERENCE, value.inferenceId);
					}
					if (operation.name === 'POST /jobs/predict' && request.type === 'application/json') {
						own.set(SAMPLE_JOB, value.id);
						await until('the job', async () => (await harper.get(`/jobs/${value.id}`)).body.state === 'completed');
					}
				}
			});
		}
		assert.equal(own.size, 2);
	});

	test('that fail are answered as documented, in the format that is accepted', async () => {
		const { at } = operations.find(({ name }) => name === 'POST /predict');
		for (const accept of ['application/json', 'application/cbor', 'application/msgpack']) {
			const answer = await harper.predict({ modelId: 'nobody', features: {} }, { headers: { accept } });
			assert.deepEqual([answer.status, typeOf(answer)], [404, accept]);
			const pointer = `${at}/responses/404/content/${escaped(accept)}/schema`;
			assert.deepEqual(checkAnswer(pointer, valueOf(answer)), [], accept);
		}
	});

	test('have answers as documented for every kind of column', async () => {
		const texts = Array.from({ length: 40 }, (_, at) => `review ${at}`);
		const shape = ['n', 1, 3];
		const content = onnxModel({
			nodes: [['Relu', ['x'], ['y']]],
			inputs: [['x', FLOAT, shape]],
			outputs: [['y', FLOAT, shape]],
		});
		const models = {
			text: ['__test__/fixtures/identity_string.onnx', { x: texts.map((text) => Array(4).fill(text)) }],
			vector: [{ name: 'model.onnx', content }, { x: [[[1, 2, 3]], [[4, 5, 6]]] }],
		};
		for (const [kind, [file, features]] of Object.entries(models)) {
			await harper.upload({ modelId: kind, version: 'v1' }, [file]);
			const { status, text } = await harper.predict({ modelId: kind, features });
			assert.equal(status, 200, text);
			const { body: profiles } = await harper.get(`/monitoring/profile?modelId=${kind}`);
			assert.deepEqual(checkAnswer('/components/schemas/Profiles', profiles), []);
			assert.ok(Object.values(profiles.profiles[0].columns).some((column) => column.kind === kind));
			for (const minRows of [1, 1000]) {
				const { body: drift } = await harper.get(
					`/monitoring/drift?modelId=${kind}&referenceVersion=v1&minRows=${minRows}`
				);
				assert.deepEqual(checkAnswer('/components/schemas/Drift', drift), [], JSON.stringify(drift));
			}
		}
		const { body: status } = await harper.get('/status');
		const { at } = operations.find(({ name }) => name === 'GET /status');
		assert.ok(status.sessions.length >= 2);
		assert.deepEqual(checkAnswer(`${at}/responses/200/content/${escaped('application/json')}/schema`, status), []);
	});

	/** Only these routes refuse what they do not know. */
	const strict = () =>
		operations.filter(({ tags: [tag] }) => !['Open Inference Protocol', 'TensorFlow Serving'].includes(tag));

	/** The names that an error tells of. */
	function knownIn(operation, { status, body }) {
		assert.equal(status, 400, `${operation.name} ${JSON.stringify(body)}`);
		assert.deepEqual(
			checkAnswer(`${operation.at}/responses/400/content/${escaped('application/json')}/schema`, body),
			[]
		);
		const told = body.error.match(/^unknown \w+ "z+"; (?:known are (.*)|none is taken here)$/);
		assert.ok(told, `${operation.name} ${body.error}`);
		return told[1]?.split(', ') ?? [];
	}

	test('have the parameters that the routes read', async () => {
		let count = 0;
		for (const operation of strict()) {
			// Its query is that of what asks for the file.
			if (operation.path.endsWith('/file/{path}')) continue;
			const known = new Set();
			for (const request of requestsOf(operation, replace)) {
				const separator = request.url.includes('?') ? '&' : '?';
				const headers = { ...request.headers, accept: 'application/json' };
				const asked = { ...request, headers, url: `${request.url}${separator}${UNKNOWN}=1` };
				for (const name of knownIn(operation, await send(operation, asked))) known.add(name);
			}
			const form = operation.requestBody?.content['multipart/form-data'];
			const described = form
				? Object.keys(form.schema.properties)
				: parametersOf(operation, 'query').map(({ name }) => name);
			assert.deepEqual([...known].toSorted(), described.toSorted(), operation.name);
			count += known.size;
		}
		assert.ok(count > 50, `${count} parameters`);
	});

	test('have the fields that the routes read', async () => {
		let count = 0;
		for (const operation of strict()) {
			const { schema, example } = operation.requestBody?.content['application/json'] ?? {};
			// Rows may have any.
			if (!schema?.properties) continue;
			const [request] = requestsOf(operation, replace);
			const body = JSON.stringify({ ...example, [UNKNOWN]: 1 });
			const known = knownIn(operation, await send(operation, { ...request, body }));
			assert.deepEqual(known.toSorted(), Object.keys(schema.properties).toSorted(), operation.name);
			count += known.length;
		}
		assert.ok(count >= 30, `${count} fields`);
	});

	test('have the values that the routes take', async () => {
		let count = 0;
		for (const operation of strict()) {
			const parameters = parametersOf(operation, 'query');
			for (const { name, schema } of parameters) {
				if (!schema.enum || operation.path === '/predict/batch') continue;
				const [{ url }] = requestsOf(operation, replace);
				const query = new URLSearchParams({ [name]: UNKNOWN });
				// A series needs it.
				if (parameters.some((other) => other.name === 'startTime')) query.set('startTime', '1');
				const { status, body } = await send(operation, { url: `${url}${url.includes('?') ? '&' : '?'}${query}` });
				assert.equal(status, 400, `${operation.name}: ${name}`);
				for (const value of schema.enum) assert.ok(body.error.includes(value), `${operation.name}: ${body.error}`);
				count += 1;
			}
		}
		assert.ok(count >= 3, `${count} parameters`);
	});
});

describe('requests of the documentation', () => {
	/** The operation of a request, that whose path has most fixed parts first. */
	function operationOf(method, path) {
		const found = operations.filter((each) => {
			const pattern = each.path
				.replaceAll(/[.+]/g, '\\$&')
				.replaceAll('{path}', '.+')
				.replaceAll('{alert}', '[^/]+')
				.replaceAll(/\{\w+\}/g, '[^/:]+');
			return each.method === method && new RegExp(`^${pattern}$`).test(path);
		});
		return found.toSorted((a, b) => a.path.split('{').length - b.path.split('{').length)[0];
	}

	/** Method, URL and body of each `curl` of a page. */
	function requestsIn(page) {
		const shell = [...readFileSync(join(root, page), 'utf8').matchAll(/^```bash\n([\s\S]*?)^```$/gm)];
		const commands = shell.flatMap(([, text]) => text.replaceAll('\\\n', ' ').split(/^(?=curl )/m));
		return commands
			.filter((command) => command.startsWith('curl '))
			.map((command) => {
				const [, url] = command.match(/(http:\/\/127\.0\.0\.1:9926[^\s']*)/) ?? [];
				const [, body] = command.match(/-d '([^']*)'/) ?? [];
				const [, named] = command.match(/-X (\w+)/) ?? [];
				const sends = /\s(-d|-F|--data-binary)\s/.test(command);
				return { url: new URL(url), body, method: named ?? (sends ? 'POST' : 'GET') };
			});
	}

	/** A parameter as its schema has it. */
	const valueFor = (schema, text) =>
		/"(number|integer|boolean)"/.test(JSON.stringify(schema)) ? JSON.parse(text) : text;

	for (const [page, least] of [
		['docs/rest.md', 20],
		['docs/batch.md', 4],
		['docs/protocols.md', 2],
	]) {
		test(`of ${page} are as described`, () => {
			let count = 0;
			for (const { url, body, method } of requestsIn(page)) {
				// Harper's own, and what is shown of prefixes.
				const path = url.pathname.replace(/^\/ai\//, '/');
				if (path === '/openapi') continue;
				const operation = operationOf(method, path);
				assert.ok(operation, `${method} ${url.pathname}`);
				const known = operation.requestBody?.content['multipart/form-data']?.schema.properties;
				for (const [name, text] of url.searchParams) {
					if (known) {
						assert.ok(Object.hasOwn(known, name), name);
						continue;
					}
					const at = (operation.parameters ?? []).findIndex((each) => each.in === 'query' && each.name === name);
					assert.notEqual(at, -1, `${operation.name}: ${name}`);
					const value = valueFor(operation.parameters[at].schema, text);
					assert.deepEqual(check(`${operation.at}/parameters/${at}/schema`, value), [], `${operation.name}: ${name}`);
				}
				if (body !== undefined) {
					const pointer = `${operation.at}/requestBody/content/${escaped('application/json')}/schema`;
					assert.deepEqual(check(pointer, JSON.parse(body)), [], `${operation.name}: ${body}`);
				}
				count += 1;
			}
			assert.ok(count >= least, `${count} requests`);
		});
	}

	test('have answers as described', () => {
		const sections = readFileSync(join(root, 'docs/rest.md'), 'utf8').split(/^## /m);
		let count = 0;
		for (const { name, responses, at } of operations) {
			const section = sections.find((text) => templateOf(text).startsWith(`\`${name}\`\n`));
			const [, answer] = section?.match(/^```json\n([\s\S]*?)^```$/m) ?? [];
			if (answer === undefined) continue;
			const status = Object.keys(responses)[0];
			const pointer = `${at}/responses/${status}/content/${escaped('application/json')}/schema`;
			assert.deepEqual(checkAnswer(pointer, JSON.parse(answer)), [], name);
			count += 1;
		}
		assert.ok(count > 15, `${count} answers`);
	});
});

describe('with other options', () => {
	before(() => harper.restart({ routePrefix: '/ai', anonymousPredict: true }));

	test('the server has the prefix, and operations are open that were not', async () => {
		const { status, body } = await harper.get('/ai/openapi.json');
		assert.deepEqual([status, body.servers], [200, [{ url: '/ai' }]]);
		assert.deepEqual(Object.keys(body.paths), Object.keys(document.paths));
		const { security, 'x-permissions': permissions } = body.paths['/predict'].post;
		assert.deepEqual([security, permissions], [[{}, { basic: [] }, { bearer: [] }], undefined]);
		assert.equal((await harper.get('/openapi.json')).body.paths?.['/predict'], undefined);
	});
});

describe('descriptions', () => {
	const routes = [['GET', '/things/:modelId', { Model: ['read'] }, () => {}]];
	const groups = [{ prefix: '', errors: answerOf, routes }];
	const section = (...names) => [
		{ name: 'Things', description: '', routes: Object.fromEntries(names.map((name) => [name, { summary: name }])) },
	];

	test('are asked for where a route has none', () => {
		assert.throws(() => documentOf(groups, section()), /the route GET \/things\/:modelId has no description/);
	});

	test('are refused where there is no route', () => {
		const both = section('GET /things/:modelId', 'POST /things');
		assert.throws(() => documentOf(groups, both), /POST \/things is described and no route/);
	});

	test('have the prefix of all routes as the server', () => {
		assert.deepEqual(documentOf(groups, section('GET /things/:modelId'), '/ai').servers, [{ url: '/ai' }]);
	});

	test('call those open that need no permission now', () => {
		const open = [{ prefix: '', errors: answerOf, routes: [['GET', '/things', () => undefined, () => {}]] }];
		const { get } = documentOf(open, section('GET /things')).paths['/things'];
		assert.deepEqual(get.security, [{}, { basic: [] }, { bearer: [] }]);
	});

	test('are of every route of the tables', () => {
		const described = SECTIONS.flatMap((each) => Object.keys(each.routes));
		const names = TABLES.flatMap((path) => routesIn(path)).map(({ name }) => name);
		assert.deepEqual(described.toSorted(), names.toSorted());
	});

	test('name every code but that of the wrong method, and no other', () => {
		const routes = SECTIONS.flatMap((each) => Object.values(each.routes));
		const named = new Set(routes.flatMap(({ errors = [] }) => errors));
		const shared = [
			'INVALID_JSON',
			'INVALID_REQUEST',
			'TOO_LARGE',
			'UNSUPPORTED_MEDIA_TYPE',
			'UNAUTHENTICATED',
			'FORBIDDEN',
		];
		const all = [...named, ...shared, 'INTERNAL', 'METHOD_NOT_ALLOWED'];
		assert.deepEqual(all.toSorted(), Object.keys(STATUS_OF).toSorted());
	});

	test('know what an identifier is', () => {
		const pattern = new RegExp(identifier.pattern);
		for (const text of [
			'a',
			'1',
			'a.b-c_d',
			'A'.repeat(128),
			'A'.repeat(129),
			'',
			'.a',
			'-a',
			'a b',
			'ä',
			'a/b',
			'a\n',
		]) {
			const isValid = () => checkIdentifier('name', text);
			if (pattern.test(text)) assert.doesNotThrow(isValid, text);
			else assert.throws(isValid, undefined, text);
		}
	});
});
