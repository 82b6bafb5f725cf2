// Pages of the origins that Harper's CORS lets in read every answer, refusals too; others read none.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { browserIsMissing, startBrowser, startPages } from './support/browser.js';
import { ADMIN, credentials, startHarper } from './support/harper.js';

const IRIS = 'examples/iris/model.onnx';
const FOREIGN = 'http://evil.example';
const MAX_BODY_BYTES = 1000;

let harper;
let pages;
before(async () => {
	pages = await startPages();
	harper = await startHarper({
		threads: 1,
		options: { maxBodyBytes: MAX_BODY_BYTES },
		variables: { HTTP_CORS: 'true', HTTP_CORSACCESSLIST: JSON.stringify([pages.origin]) },
	});
	assert.equal((await harper.upload({ modelId: 'iris', version: 'v1' }, [IRIS])).status, 201);
});
after(async () => {
	pages?.close();
	await harper?.dispose();
});

const json = { 'content-type': 'application/json' };
const predict = JSON.stringify({ modelId: 'iris', features: { float_input: [5.1, 3.5, 1.4, 0.2] } });

/** Why, status, method, path, headers, body, user. */
const ANSWERS = [
	['an answer', 200, 'POST', '/predict', json, predict],
	['a file', 200, 'GET', '/model/iris/v1/file'],
	['lines', 200, 'POST', '/predict/batch?modelId=iris', json, '[{"float_input":[1,2,3,4]}]'],
	['no credentials', 401, 'POST', '/predict', json, predict, null],
	['bad credentials', 401, 'POST', '/predict', { ...json, ...credentials(ADMIN, 'guess') }, predict, null],
	['a malformed body', 400, 'POST', '/predict', json, '{'],
	['no such model', 404, 'GET', '/model/nobody/v1'],
	['no such route', 404, 'GET', '/v2/models/a/b/c/d'],
	['another method', 405, 'DELETE', '/predict'],
	['a large body', 413, 'POST', '/predict', json, ' '.repeat(2 * MAX_BODY_BYTES)],
	['another type', 415, 'POST', '/predict', { 'content-type': 'text/plain' }, predict],
	['a wrong input', 422, 'POST', '/predict', json, '{"modelId":"iris","features":{"float_input":[1]}}'],
	['a protocol', 404, 'GET', '/v2/models/nobody'],
];

describe('CORS', () => {
	for (const [why, status, method, path, headers, body, user] of ANSWERS) {
		test(`${why} (${status}) is readable for an allowed origin only`, async () => {
			const send = (origin) => harper.request(method, path, { body, headers: { ...headers, origin }, user });
			const allowed = await send(pages.origin);
			assert.equal(allowed.status, status, JSON.stringify(allowed.body));
			assert.equal(allowed.headers.get('access-control-allow-origin'), pages.origin);
			assert.equal(allowed.headers.get('access-control-allow-credentials'), 'true');
			assert.match(allowed.headers.get('vary'), /\bOrigin\b/);
			const exposed = allowed.headers.get('access-control-expose-headers').split(', ');
			for (const name of [
				'Inference-Header-Content-Length',
				'Inference-Id',
				'Location',
				'Retry-After',
				'ETag',
				'Allow',
				'Traceparent',
			]) {
				assert.ok(exposed.includes(name), name);
			}
			const refused = await send(FOREIGN);
			assert.equal(refused.status, status, 'with its own credentials it is answered, but a browser keeps it back');
			assert.equal(refused.headers.get('access-control-allow-origin'), null);
			assert.match(refused.headers.get('vary'), /\bOrigin\b/);
		});
	}

	for (const [path, method] of [
		['/predict', 'POST'],
		['/model/upload', 'POST'],
		['/model/iris/v1', 'PATCH'],
		['/model/iris/v1', 'DELETE'],
		['/features/a', 'PUT'],
		['/v2/models/iris/infer', 'POST'],
		['/v1/models/iris:predict', 'POST'],
	]) {
		test(`a preflight of ${method} ${path} is answered`, async () => {
			const headers = {
				'access-control-request-method': method,
				'access-control-request-headers':
					'authorization, content-type, content-encoding, if-match, if-none-match, inference-header-content-length, traceparent',
			};
			const ask = (origin) => harper.request('OPTIONS', path, { headers: { ...headers, origin }, user: null });
			const allowed = await ask(pages.origin);
			assert.ok([200, 204].includes(allowed.status), `${allowed.status}`);
			assert.equal(allowed.headers.get('access-control-allow-origin'), pages.origin);
			assert.ok(allowed.headers.get('access-control-allow-methods').includes(method));
			const names = allowed.headers.get('access-control-allow-headers').toLowerCase().split(', ');
			for (const name of headers['access-control-request-headers'].split(', ')) assert.ok(names.includes(name), name);
			const refused = await ask(FOREIGN);
			assert.equal(refused.status, 204);
			assert.equal(refused.headers.get('access-control-allow-origin'), null);
			assert.ok(refused.headers.get('allow').split(', ').includes(method));
		});
	}

	test('OPTIONS of what is no route is 404', async () => {
		const { status } = await harper.request('OPTIONS', '/v2/models/a/b/c/d', { user: null });
		assert.equal(status, 404);
	});

	test("a visitor's session is of no use to other pages", async () => {
		const login = await fetch(harper.operations, {
			method: 'POST',
			headers: json,
			body: JSON.stringify({
				operation: 'login',
				username: ADMIN,
				password: Buffer.from(credentials(ADMIN).authorization.slice(6), 'base64').toString().split(':')[1],
			}),
		});
		const [, session] = login.headers.get('set-cookie').match(/hdb-session=([^;]+)/);
		const host = new URL(harper.base).host;
		const cookie = (origin) =>
			`${(origin ?? host).replace(/^https?:\/\//, '').replaceAll('.', '_')}-hdb-session=${session}; hdb-session=${session}`;
		const send = (origin) =>
			harper.request('POST', '/predict', {
				body: predict,
				user: null,
				headers: { ...json, cookie: cookie(origin), ...(origin ? { origin } : {}) },
			});
		const { status } = await send(FOREIGN);
		assert.ok([401, 403].includes(status), `${status}`);
	});

	test('in a browser', { skip: browserIsMissing }, async () => {
		const browser = await startBrowser();
		const others = await startPages();
		try {
			const attempt = async ({ url, authorization, body }) => {
				const headers = { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) };
				try {
					const response = await fetch(url, { method: 'POST', credentials: 'include', headers, body });
					return [response.status, (await response.json()).code ?? null];
				} catch (error) {
					return error.name;
				}
			};
			const from = async (origin, given) => {
				const page = await browser.newPage();
				await page.goto(origin);
				const outcome = await page.evaluate(attempt, { url: `${harper.base}/predict`, body: predict, ...given });
				await page.close();
				return outcome;
			};
			const { authorization } = credentials(ADMIN);
			assert.deepEqual(await from(pages.origin, { authorization }), [200, null]);
			assert.deepEqual(await from(pages.origin, {}), [401, 'UNAUTHENTICATED']);
			const bad = credentials(ADMIN, 'guess').authorization;
			assert.deepEqual(await from(pages.origin, { authorization: bad }), [401, 'UNAUTHENTICATED']);
			const large = ' '.repeat(2 * MAX_BODY_BYTES);
			assert.deepEqual(await from(pages.origin, { authorization, body: large }), [413, 'TOO_LARGE']);
			assert.equal(await from(others.origin, { authorization }), 'TypeError');
		} finally {
			others.close();
			await browser.close();
		}
	});
});
