// GET /monitoring/: a page of static files, which the routes serve as the roles allow, and that asks nobody else for anything.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { extname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { routesIn } from '../scripts/routes.js';
import { vendored } from '../scripts/vendor.js';
import { credentials, root, startHarper } from './support/harper.js';
import { until } from './support/until.js';

const PREFIX = '/ai';
const PAGE = `${PREFIX}/monitoring/`;
const STATIC = join(root, 'resources/page/static');
const TABLES = ['resources.js', 'resources/protocols/v2/routes.js', 'resources/protocols/tensorflow-serving/routes.js'];
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html', '.svg': 'image/svg+xml' };
const NAMES = readdirSync(STATIC, { recursive: true })
	.map((name) => name.replaceAll('\\', '/'))
	.filter((name) => extname(name) !== '');
const IMPORT = /(?:^|[;}\n])(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]/g;
const textOf = (name) => readFileSync(join(STATIC, name), 'utf8');

let harper;
before(async () => {
	harper = await startHarper({ options: { routePrefix: PREFIX } });
	for (const role of ['viewer', 'predictor', 'operator']) await harper.addUser(role);
});
after(() => harper?.dispose());

describe('the page', () => {
	test('is at a path with a slash, below any prefix', async () => {
		for (const method of ['GET', 'HEAD']) {
			const { status, headers } = await harper.request(method, `${PREFIX}/monitoring`, { user: 'viewer' });
			assert.deepEqual([status, headers.get('location')], [308, 'monitoring/']);
			assert.equal(new URL(headers.get('location'), `${harper.base}${PREFIX}/monitoring`).pathname, PAGE);
		}
		assert.equal((await harper.get('/monitoring/')).status, 404);
	});

	test('is HTML that may load only what is of this origin', async () => {
		const { status, headers, body } = await harper.get(PAGE, { user: 'viewer' });
		assert.equal(status, 200);
		assert.equal(body.toString(), textOf('index.html'));
		assert.deepEqual(
			Object.fromEntries(
				[
					'content-type',
					'cache-control',
					'content-security-policy',
					'cross-origin-resource-policy',
					'referrer-policy',
					'x-content-type-options',
				].map((name) => [name, headers.get(name)])
			),
			{
				'content-type': 'text/html; charset=utf-8',
				'cache-control': 'no-cache',
				'content-security-policy':
					"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
					"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
					"require-trusted-types-for 'script'; trusted-types 'none'",
				'cross-origin-resource-policy': 'same-origin',
				'referrer-policy': 'no-referrer',
				'x-content-type-options': 'nosniff',
			}
		);
	});

	test('takes no parameters', async () => {
		for (const path of [`${PREFIX}/monitoring`, PAGE, `${PAGE}page/main.js`]) {
			assert.equal((await harper.get(`${path}?x=1`)).body.code, 'INVALID_REQUEST', path);
		}
	});
});

describe('files', () => {
	test('are all served, with their types and the headers of the page', async () => {
		assert.ok(NAMES.length > 20, `${NAMES.length} files`);
		const page = await harper.get(PAGE);
		for (const name of NAMES) {
			const { status, headers, body } = await harper.get(`${PAGE}page/${name}`, { user: 'viewer' });
			assert.equal(status, 200, name);
			assert.equal(headers.get('content-type').split(';')[0], TYPES[extname(name)], name);
			assert.equal(body.toString(), textOf(name), name);
			for (const header of ['cache-control', 'content-security-policy', 'x-content-type-options']) {
				assert.equal(headers.get(header), page.headers.get(header), name);
			}
		}
	});

	test('have a strong ETag that is the same on every thread, and are not sent again', async () => {
		const path = `${PAGE}page/main.js`;
		const tags = (await harper.onEveryThread('GET', path)).map(({ headers }) => headers.get('etag'));
		assert.equal(new Set(tags).size, 1);
		const [etag] = tags;
		assert.match(etag, /^"[0-9a-f]{32}"$/);
		const other = (await harper.get(`${PAGE}page/api.js`)).headers.get('etag');
		assert.notEqual(other, etag);
		for (const [known, expected] of [
			[etag, 304],
			[`W/${etag}`, 304],
			[`${other}, ${etag}`, 304],
			['*', 304],
			[other, 200],
		]) {
			const answer = await harper.get(path, { headers: { 'if-none-match': known } });
			assert.equal(answer.status, expected, known);
			assert.equal(answer.headers.get('etag'), etag);
			assert.equal(answer.headers.get('cache-control'), 'no-cache');
			assert.equal(answer.body.length === 0, expected === 304);
		}
	});

	test('have their heads alone', async () => {
		const path = `${PAGE}page/main.js`;
		const [head, whole] = [await harper.request('HEAD', path), await harper.get(path)];
		assert.equal(head.status, 200);
		assert.equal(head.body.length, 0);
		for (const name of ['etag', 'content-type', 'content-length']) {
			assert.equal(head.headers.get(name), whole.headers.get(name), name);
		}
	});

	test('that are no part of the page are not there', async () => {
		const paths = [
			...[
				'',
				'views',
				'views/',
				'nothing.js',
				'main.js/',
				'main.js/x',
				'MAIN.JS',
				'main.js%00',
				'__proto__',
				'constructor',
			],
			...['../routes.js', '../../../package.json', './main.js', 'views/../main.js', '%2e%2e/routes.js'],
			...[
				'..%2froutes.js',
				'..%2f..%2f..%2fpackage.json',
				'..%5croutes.js',
				'..\\routes.js',
				'/etc/passwd',
				'%2fetc%2fpasswd',
			],
			...['file:///etc/passwd', '....//routes.js', '%252e%252e%252froutes.js'],
		];
		for (const path of paths) {
			const { status, text } = await raw(`${PAGE}page/${path}`);
			assert.equal(status, 404, `${path}: ${text}`);
			assert.ok(!text.includes('root:') && !text.includes('import '), path);
		}
		const { status, body } = await harper.get(`${PAGE}page/nothing.js`);
		assert.deepEqual([status, body], [404, { error: 'the page has no file "nothing.js"', code: 'NOT_FOUND' }]);
		assert.equal((await harper.get(`${PAGE}page/%ff`)).body.code, 'INVALID_REQUEST');
	});

	test('are read only', async () => {
		for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
			const { status, headers } = await harper.request(method, `${PAGE}page/main.js`);
			assert.deepEqual([status, headers.get('allow')], [405, 'GET']);
		}
	});

	/** A path as it stands: URL would resolve its dots. */
	const raw = (path) =>
		new Promise((resolve, reject) => {
			const { hostname, port } = new URL(harper.base);
			const sent = request({ hostname, port, path, headers: credentials('viewer') }, async (response) => {
				const chunks = await response.toArray();
				resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() });
			});
			sent.once('error', reject);
			sent.end();
		});
});

describe('callers', () => {
	const PATHS = [`${PREFIX}/monitoring`, PAGE, `${PAGE}page/main.js`, `${PAGE}access`];

	test('without credentials are asked for them by their browser', async () => {
		for (const path of PATHS) {
			const { status, headers, body } = await harper.get(path, { user: null });
			assert.deepEqual([status, headers.get('www-authenticate'), body.code], [401, 'Basic', 'UNAUTHENTICATED'], path);
		}
	});

	test('whose role may not read get no page, and learn what they may', async () => {
		await harper.addRole('nobody', {});
		for (const path of PATHS.slice(0, -1)) {
			const { status, body } = await harper.get(path, { user: 'nobody' });
			assert.deepEqual([status, body.code], [403, 'FORBIDDEN'], path);
		}
		const { body } = await harper.get(`${PAGE}access`, { user: 'nobody' });
		const open = ['GET /monitoring/access', 'GET /openapi.json', 'GET /v2/health/live', 'GET /v2/health/ready'];
		assert.deepEqual(
			Object.keys(body.may)
				.filter((route) => body.may[route])
				.toSorted(),
			open
		);
	});

	test('may have a session in place of credentials', async () => {
		const login = await fetch(harper.operations, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ operation: 'login', username: 'viewer', password: 'the password of viewer' }),
		});
		assert.equal(login.status, 200, await login.text());
		const [, session] = login.headers.get('set-cookie').match(/hdb-session=([^;]+)/);
		// Its name has the host that is asked, as Harper writes it.
		const cookie = `${new URL(harper.base).host.replace('.', '_')}-hdb-session=${session}`;
		// Harper answers a login before other threads see its session.
		await until('the session to be known', async () => {
			const { status, body } = await harper.get(`${PAGE}access`, { user: null, headers: { cookie } });
			return status === 200 && body.user === 'viewer';
		});
	});
});

describe('GET /monitoring/access', () => {
	/** What a role may by the table of docs/security.md. */
	function documented(column) {
		const text = readFileSync(join(root, 'docs/security.md'), 'utf8');
		const rows = [...text.matchAll(/^\| `([A-Z]+ \/[^`]*)` +\|(.*)\|$/gm)];
		return Object.fromEntries(rows.map(([, route, cells]) => [route, cells.split('|')[column].trim() === 'yes']));
	}

	test('names every route, and nothing else', async () => {
		const { body } = await harper.get(`${PAGE}access`, { user: 'viewer' });
		const routes = TABLES.flatMap((path) => routesIn(path)).map(({ name }) => name);
		assert.deepEqual(Object.keys(body.may).toSorted(), routes.toSorted());
	});

	for (const [column, role] of [
		[1, 'viewer'],
		[2, 'predictor'],
		[3, 'operator'],
	]) {
		test(`says what the ${role} may, as documented`, async () => {
			const { status, headers, body } = await harper.get(`${PAGE}access`, { user: role });
			assert.deepEqual([status, headers.get('cache-control'), body.user], [200, 'no-store', role]);
			const expected = documented(column);
			assert.ok(Object.keys(expected).length > 40);
			for (const [route, may] of Object.entries(expected)) assert.equal(body.may[route], may, route);
			assert.equal(body.mayEndJobsOfOthers, role === 'operator');
		});
	}

	test('says that the administrator may all', async () => {
		const { body } = await harper.get(`${PAGE}access`);
		assert.equal(body.user, 'admin');
		assert.ok(Object.values(body.may).every((may) => may === true));
	});

	test('takes no parameters', async () => {
		assert.equal((await harper.get(`${PAGE}access?x=1`)).body.code, 'INVALID_REQUEST');
	});
});

describe('where this machine is trusted', () => {
	let local;
	before(async () => (local = await startHarper({ mode: 'dev' })));
	after(() => local?.dispose());

	test('the page asks without credentials, and pages of others do not', async () => {
		const own = { origin: local.base, 'sec-fetch-site': 'same-origin' };
		const foreign = { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' };
		const body = { inferenceId: '01900000-0000-7000-8000-000000000000', outcome: 1 };
		for (const [headers, read, write] of [
			[own, 200, 404],
			[foreign, 403, 403],
		]) {
			assert.equal((await local.get('/monitoring/access', { user: null, headers })).status, read);
			assert.equal((await local.request('POST', '/feedback', { user: null, headers, body })).status, write);
		}
	});
});

describe('what the page consists of', () => {
	const own = NAMES.filter((name) => !name.startsWith('vendor/'));

	test('is its own, or copied from packages of a fixed version', () => {
		const files = Object.fromEntries(
			NAMES.filter((name) => name.startsWith('vendor/')).map((name) => [`resources/page/static/${name}`, textOf(name)])
		);
		assert.deepEqual(files, vendored());
		const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
		const notice = readFileSync(join(root, 'NOTICE'), 'utf8');
		for (const [name, title] of Object.entries({ preact: 'Preact', htm: 'htm', uplot: 'uPlot' })) {
			assert.match(devDependencies[name], /^\d+\.\d+\.\d+$/);
			assert.ok(notice.includes(`${title} ${devDependencies[name]}, https://`), name);
		}
	});

	test('names no other origin and holds nothing inline', () => {
		for (const name of own) {
			const addresses = [...textOf(name).matchAll(/https?:\/\/[^'"`\s)]+/g)].map(([address]) => address);
			assert.deepEqual(
				addresses.filter((address) => address !== 'http://www.w3.org/2000/svg'),
				[],
				name
			);
		}
		const page = textOf('index.html');
		assert.ok(!/<style|\sstyle=|\son\w+=/.test(page));
		assert.deepEqual(
			[...page.matchAll(/<script[^>]*>([^<]*)/g)].map(([, text]) => text),
			['']
		);
	});

	test('names its files by relative paths, and all of them are there', () => {
		const page = [...textOf('index.html').matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path);
		assert.ok(page.length > 4);
		for (const path of page) assert.ok(path.startsWith('page/') && NAMES.includes(path.slice(5)), path);
		for (const name of NAMES.filter((other) => extname(other) === '.js')) {
			for (const [, path] of textOf(name).matchAll(IMPORT)) {
				const target = new URL(path, `http://page/${name}`).pathname.slice(1);
				assert.ok(/^\.{1,2}\//.test(path) && NAMES.includes(target), `${name} imports ${path}`);
			}
		}
	});

	test('writes no HTML and evaluates no text', () => {
		for (const name of own) {
			assert.ok(!/innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function/.test(textOf(name)), name);
		}
	});
});
