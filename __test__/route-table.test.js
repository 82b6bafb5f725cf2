import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RouteTable } from '../resources/http/route-table.js';
import { readOptions } from '../resources/options.js';

const ours = () => ({ status: 1, body: {} });
const open = () => ({ status: 2, body: {} });
const handler = (name) => Object.assign(() => name, { toString: () => name });
const route = (method, path) => [method, path, {}, handler(`${method} ${path}`)];

const GROUPS = [
	{
		prefix: '',
		errors: ours,
		routes: [
			route('POST', '/predict'),
			route('GET', '/status'),
			route('GET', '/model'),
			route('GET', '/model/versions'),
			route('GET', '/model/:modelId/:version'),
			route('DELETE', '/model/:modelId/:version'),
			route('GET', '/model/:modelId/:version/file'),
			route('GET', '/model/:modelId/:version/file/:path+'),
			route('POST', '/jobs/predict'),
			route('GET', '/jobs/:id'),
		],
	},
	{
		prefix: '/v2',
		errors: open,
		claims: ['/models'],
		routes: [
			route('GET', ''),
			route('GET', '/models/stats'),
			route('GET', '/models/:modelId'),
			route('POST', '/models/:modelId:predict'),
		],
	},
	{ prefix: '/page', errors: ours, routes: [route('GET', ''), route('GET', '/'), route('GET', '/files/:name/')] },
];
const table = new RouteTable(GROUPS);

/** What answers a request: the route and its parameters. */
function answering(method, url, routes = table) {
	const { route: found, params } = routes.find(url)?.take(method) ?? {};
	return found && [found.handler.toString(), params];
}

describe('a route', () => {
	for (const [method, url, path, params = {}] of [
		['POST', '/predict', '/predict'],
		['POST', '/predict?a=1', '/predict'],
		['POST', '/predict/', '/predict'],
		['POST', '/predict/?a=1', '/predict'],
		['GET', '/model/versions?modelId=m', '/model/versions'],
		['GET', '/model/m/v', '/model/:modelId/:version', { modelId: 'm', version: 'v' }],
		['GET', '/model/m/v/', '/model/:modelId/:version', { modelId: 'm', version: 'v' }],
		['GET', '/m%6fdel/m%2Fn/v', '/model/:modelId/:version', { modelId: 'm/n', version: 'v' }],
		['GET', '/model/m/v/file/', '/model/:modelId/:version/file', { modelId: 'm', version: 'v' }],
		...['a.bin', 'a/b%20c.bin', 'a%2Fb/c/d?v=1'].map((path) => [
			'GET',
			`/model/m/v/file/${path}`,
			'/model/:modelId/:version/file/:path+',
			{ modelId: 'm', version: 'v', path: decodeURIComponent(path).replace(/\?.*/, '') },
		]),
		['GET', '/jobs/predict', '/jobs/:id', { id: 'predict' }],
		['POST', '/jobs/predict', '/jobs/predict'],
		['GET', '/model/constructor/v', '/model/:modelId/:version', { modelId: 'constructor', version: 'v' }],
	]) {
		test(`of its own is found: ${method} ${url}`, () => {
			assert.deepEqual(answering(method, url), [`${method} ${path}`, params]);
		});
	}

	for (const [method, url, path, params = {}] of [
		['GET', '/v2', ''],
		['GET', '/v2/', ''],
		['GET', '/v2/models/stats', '/models/stats'],
		['GET', '/v2/models/m', '/models/:modelId', { modelId: 'm' }],
		['POST', '/v2/models/m:predict', '/models/:modelId:predict', { modelId: 'm' }],
	]) {
		test(`of a group is found below its prefix: ${method} ${url}`, () => {
			assert.deepEqual(answering(method, url), [`${method} ${path}`, params]);
		});
	}

	test('with a slash at its end is another one than that without', () => {
		assert.equal(answering('GET', '/page')[0], 'GET ');
		assert.equal(answering('GET', '/page/')[0], 'GET /');
		assert.deepEqual(answering('GET', '/page/files/a/'), ['GET /files/:name/', { name: 'a' }]);
		assert.equal(table.find('/page/files/a'), undefined);
	});

	test('takes HEAD as GET', () => {
		assert.deepEqual(answering('HEAD', '/model/m/v')[1], { modelId: 'm', version: 'v' });
		assert.equal(answering('HEAD', '/status')[0], 'GET /status');
	});

	test('has the query behind its path', () => {
		assert.equal(table.find('/status').search, '');
		assert.equal(table.find('/status?a=1&b=?').search, 'a=1&b=?');
		assert.equal(table.find('/model/m/v?a=1').search, 'a=1');
	});
});

describe('what is claimed', () => {
	for (const url of [
		'/',
		'/status/health',
		'/status/health/deep',
		'/model/a',
		'/model/a/b/c',
		'/model/a/b/files/c',
		'/model/a/b/file//',
		'/model//b',
		'/models',
		'/Model',
		'/jobs',
		'/jobs/a/b',
		'/predict//',
		'//predict',
		'/v2/other',
		'/v2/modelsx',
		'/v1/models',
		'/%E0%A4%A/x',
		'*',
		'',
	]) {
		test(`is not ${url || 'an empty path'}`, () => assert.equal(table.find(url), undefined));
	}

	test('are all methods of a route: others learn which there are', () => {
		const match = table.find('/model/m/v');
		assert.equal(match.take('PUT'), undefined);
		assert.deepEqual(match.methods(), ['GET', 'DELETE']);
		assert.deepEqual(table.find('/jobs/predict').methods(), ['POST', 'GET']);
		assert.deepEqual(table.find('/v2/models/stats').methods(), ['GET']);
		assert.equal(table.find('/predict').take('constructor'), undefined);
	});

	test('is all below what a group claims, in its form of errors', () => {
		for (const url of ['/v2/models', '/v2/models/a/b/c', '/v2/models/?a=1']) {
			const match = table.find(url);
			assert.deepEqual([match.errors, match.methods()], [open, []], url);
		}
	});

	test('has the form of errors of its group', () => {
		assert.equal(table.find('/status').errors, ours);
		assert.equal(table.find('/v2').errors, open);
		assert.equal(table.find('/v2/models/m').errors, open);
	});

	test('may be badly encoded where a parameter stands', () => {
		assert.equal(table.find('/model/%zz/v').isMalformed, true);
		assert.equal(table.find('/model/m/v').isMalformed, false);
	});
});

describe('with a prefix of all routes', () => {
	const below = new RouteTable(GROUPS, '/ai/x');

	test('they are below it, and nowhere else', () => {
		assert.equal(answering('POST', '/ai/x/predict', below)[0], 'POST /predict');
		assert.deepEqual(answering('GET', '/ai/x/model/m/v', below)[1], { modelId: 'm', version: 'v' });
		assert.equal(answering('GET', '/ai/x/v2', below)[0], 'GET ');
		assert.equal(below.find('/ai/x/v2/models/a/b').errors, open);
		for (const url of ['/predict', '/model/m/v', '/v2', '/v2/models/a/b', '/ai', '/ai/x', '/ai/x/', '/ai/y/predict']) {
			assert.equal(below.find(url), undefined, url);
		}
	});
});

describe('shadowed is', () => {
	for (const [path, routes, prefix] of [
		['status', ['/status']],
		['status/health', []],
		[
			'model',
			[
				'/model',
				'/model/versions',
				'/model/:modelId/:version',
				'/model/:modelId/:version/file',
				'/model/:modelId/:version/file/:path+',
			],
		],
		[
			'model/iris',
			['/model/:modelId/:version', '/model/:modelId/:version/file', '/model/:modelId/:version/file/:path+'],
		],
		['jobs', ['/jobs/predict', '/jobs/:id']],
		['Jobs', []],
		['v2', ['/v2', '/v2/models/stats', '/v2/models/:modelId', '/v2/models/:modelId:predict', '/v2/models/...']],
		['v2/other', []],
		['v2/models/a/b', ['/v2/models/...']],
		['edge_ai/Job', []],
		['status', [], '/ai'],
		['ai', ['/ai/status'], '/ai'],
	]) {
		test(`${path} by ${routes.length} routes${prefix ? ` below ${prefix}` : ''}`, () => {
			const found = new RouteTable(GROUPS, prefix).shadowing(path);
			if (path === 'ai') assert.ok(routes.every((name) => found.includes(name)));
			else assert.deepEqual(found, routes);
		});
	}
});

describe('a table of routes does not take', () => {
	const group = (errors, ...routes) => ({ prefix: '', errors, routes });
	test('a route twice', () => {
		const twice = [group(ours, route('GET', '/a/:b'), route('GET', '/a/:c'))];
		assert.throws(() => new RouteTable(twice), /GET \/a\/:c is defined twice/);
	});

	test('a path of two groups, whose errors would have two forms', () => {
		const two = [group(ours, route('GET', '/a')), group(open, route('PUT', '/a'))];
		assert.throws(() => new RouteTable(two), /\/a.*two groups/);
	});
});

describe('the option routePrefix', () => {
	for (const good of ['', '/ai', '/ai/v1.2', '/a_b-c']) {
		test(`may be "${good}"`, () => assert.equal(readOptions({ routePrefix: good }, {}).routePrefix, good));
	}
	for (const bad of [
		'/',
		'ai',
		'/ai/',
		'//ai',
		'/a//b',
		'/..',
		'/a/../b',
		'/a b',
		'/a%20b',
		'/:a',
		'/a?b',
		'/a\n',
		7,
		null,
	]) {
		test(`may not be ${JSON.stringify(bad)}`, () => {
			assert.throws(
				() => readOptions({ routePrefix: bad }, {}),
				/option routePrefix must be empty or a path such as \/ai/
			);
		});
	}
});
