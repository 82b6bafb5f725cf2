// The routes beside an application with resources and tables of its own: what is a route of the component is answered by it, and
// all else by the application.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startHarper } from './support/harper.js';
import { postJob } from './support/jobs.js';
import { until } from './support/until.js';

const IRIS = 'examples/iris/model.onnx';
const SETOSA = [5.1, 3.5, 1.4, 0.2];

const SHOP = {
	'shop/config.yaml': 'rest: true\ngraphqlSchema:\n  files: schema.graphql\njsResource:\n  files: resources.js\n',
	'shop/schema.graphql': ['Feedback', 'feedback', 'jobs', 'features']
		.map((name) => `type ${name} @table(database: "shop") @export { id: ID @primaryKey }\n`)
		.join(''),
	'shop/resources.js': `
class Shop extends Resource {
	static loadAsInstance = false;
	get(target) { return { shop: target.id ?? null }; }
	post() { return { shop: 'posted' }; }
}
export const status = { health: Shop };
export const model = Shop;
export const predict = Shop;
export const v2 = { other: Shop };
export const ai = { predict: Shop, other: Shop };
`,
};
/** What each resource is hidden by, without a prefix. */
const SHADOWED = ['feedback', 'features', 'jobs', 'model', 'predict'];

/** The resources that the log names. */
const warned = async () =>
	[...(await harper.log()).matchAll(/hide the resource or table "([^"]+)"/g)].map(([, name]) => name);

let harper;
before(async () => {
	harper = await startHarper({ components: SHOP });
	assert.equal((await harper.upload({ modelId: 'iris', version: '1' }, [IRIS])).status, 201);
});
after(() => harper?.dispose());

describe('beside an application', () => {
	for (const [path, shop] of [
		['/status/health', null],
		['/model/a/b/c', 'a/b/c'],
		['/model/iris/1/files/of/the/shop', 'iris/1/files/of/the/shop'],
		['/v2/other', null],
	]) {
		test(`${path} is the application's`, async () => {
			const { status, body } = await harper.get(path);
			assert.deepEqual([status, body], [200, { shop }]);
		});
	}

	for (const path of ['/Feedback/', '/features/']) {
		test(`${path} is a table of the application`, async () => {
			const { status, body } = await harper.get(path);
			assert.deepEqual([status, body], [200, []]);
		});
	}

	for (const [path, field] of [
		['/status', 'version'],
		['/status/', 'version'],
		['/model', 'models'],
		['/model/iris/1', 'digest'],
		['/jobs', 'jobs'],
		['/v2', 'extensions'],
	]) {
		test(`${path} is the component's`, async () => {
			const { status, body } = await harper.get(path);
			assert.equal(status, 200);
			assert.ok(field in body, JSON.stringify(body));
		});
	}

	for (const [method, path, allow, keys] of [
		['GET', '/predict', 'POST', ['code', 'error']],
		['DELETE', '/status', 'GET', ['code', 'error']],
		['PUT', '/model/iris/1', 'GET, PATCH, DELETE', ['code', 'error']],
		['DELETE', '/v2/models/iris', 'GET', ['error']],
		['DELETE', '/v1/models/iris', 'GET', ['error']],
	]) {
		test(`${method} ${path}, which is no method of the route, is refused in the group's form`, async () => {
			const { status, headers, body } = await harper.request(method, path);
			assert.deepEqual([status, headers.get('allow'), Object.keys(body).sort()], [405, allow, keys]);
		});
	}

	test('a path that is badly encoded is refused where a parameter stands', async () => {
		const { status, body } = await harper.get('/model/%zz/1');
		assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST']);
	});

	test('the log names what the routes hide, once', async () => {
		await until('all are named', async () => (await warned()).length >= SHADOWED.length);
		assert.deepEqual((await warned()).sort(), [...SHADOWED].sort());
		assert.match(await harper.log(), /"jobs" of an application at \/jobs, \/jobs\/predict, \/jobs\/:id; .*routePrefix/);
	});
});

describe('with routePrefix', () => {
	let earlier;
	const since = async () => (await warned()).slice(earlier);
	before(async () => {
		earlier = (await warned()).length;
		await harper.restart({ routePrefix: '/ai' });
	});

	test('all routes are below it', async () => {
		assert.equal((await harper.predict({ modelId: 'iris', features: { float_input: SETOSA } })).status, 200);
		const inputs = [{ name: 'float_input', datatype: 'FP32', shape: [1, 4], data: SETOSA }];
		for (const [method, path, body] of [
			['GET', '/ai/model/iris/1'],
			['GET', '/ai/v2/models/iris'],
			['POST', '/ai/v2/models/iris/infer', { inputs }],
			['POST', '/ai/v1/models/iris:predict', { instances: [SETOSA] }],
		]) {
			const answer = await harper.request(method, path, { body });
			assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`);
		}
		const { status, body } = await harper.get('/ai/v2/models/a/b/c');
		assert.deepEqual([status, Object.keys(body)], [404, ['error']]);
		assert.equal((await harper.get('/ai/model', { user: null })).status, 401);
	});

	test('the address of a job has it', async () => {
		await harper.operation({ operation: 'create_table', database: 'data', table: 'Rows', primary_key: 'id' });
		const table = { database: 'data', table: 'Rows' };
		const body = { modelId: 'iris', source: table, target: { ...table, fields: { y: 'prediction' } } };
		const { status, headers } = await postJob(harper, body, { path: '/ai/jobs/predict' });
		assert.equal(status, 202);
		assert.equal((await harper.get(headers.get('location'))).status, 200);
	});

	for (const [method, path, expected] of [
		['GET', '/model', { shop: null }],
		['GET', '/model/iris/1', { shop: 'iris/1' }],
		['GET', '/predict', { shop: null }],
		['POST', '/predict', { shop: 'posted' }],
		['GET', '/feedback/', []],
		['GET', '/jobs/', []],
		['GET', '/ai/other', { shop: null }],
	]) {
		test(`${method} ${path} is the application's`, async () => {
			const { status, body } = await harper.request(method, path, method === 'POST' ? { body: {} } : {});
			assert.ok([200, 201].includes(status), `${status}`);
			assert.deepEqual(body, expected);
		});
	}

	test('the log names what is hidden below it', async () => {
		await until('it is named', async () => (await since()).length > 0);
		assert.deepEqual(await since(), ['ai/predict']);
	});
});
