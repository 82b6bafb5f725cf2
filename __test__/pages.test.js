// What a page of another origin can do to a Harper that trusts this machine, as it does under `npm start`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { browserIsMissing, startBrowser, startPages } from './support/browser.js';
import { ADMIN, credentials, root, startHarper } from './support/harper.js';
import { RawConnection } from './support/raw-http.js';

const IRIS = 'examples/iris/model.onnx';
const SETOSA = [5.1, 3.5, 1.4, 0.2];
const ID = '01900000-0000-7000-8000-000000000000';
const JSON_TYPE = 'application/json';
const FORM_TYPE = 'multipart/form-data; boundary=xyz';

let harper;
let port;
before(async () => {
	harper = await startHarper({ variables: { AUTHENTICATION_AUTHORIZELOCAL: 'true' } });
	port = new URL(harper.base).port;
	assert.equal((await harper.upload({ modelId: 'iris', version: 'v1' }, [IRIS])).status, 201);
});
after(() => harper?.dispose());

async function send(base, method, path, headers, body) {
	const connection = await RawConnection.to(base);
	connection.send(method, path, headers, body);
	const answer = await connection.answer();
	connection.close();
	return answer;
}

/** Our routes: method, path, type and body of a request that is answered with a status. */
const OURS = [
	['GET', '/status', undefined, '', 200],
	['GET', '/model', undefined, '', 200],
	['GET', '/monitoring/events', undefined, '', 200],
	['POST', '/predict', JSON_TYPE, JSON.stringify({ modelId: 'iris', features: { float_input: SETOSA } }), 200],
	['POST', '/predict/batch?modelId=iris', 'text/csv', 'float_input[0]\n1\n', 200],
	['POST', '/feedback', JSON_TYPE, JSON.stringify({ inferenceId: ID, outcome: 1 }), 404],
	['POST', '/jobs/predict', JSON_TYPE, '{"modelId":"iris","source":{"table":"x"},"target":{"table":"x"}}', 404],
	['POST', '/model/upload', FORM_TYPE, '--xyz--\r\n', 400],
	['PUT', '/features/a', JSON_TYPE, '{"features":{"a":1}}', 200],
	['PATCH', '/model/iris/v1', JSON_TYPE, '{"stage":"staging"}', 200],
	['DELETE', '/model/nobody/v1', undefined, '', 404],
	['POST', '/v1/models/iris:predict', JSON_TYPE, JSON.stringify({ instances: [SETOSA] }), 200],
	['GET', '/v2/models/iris', undefined, '', 200],
];

const typed = (type) => (type === undefined ? {} : { 'content-type': type });

/** Headers of requests that a page of another origin, or of a name that was resolved to this machine, sends. */
const FOREIGN = () => [
	{ origin: 'http://evil.example' },
	{ origin: 'null' },
	{ origin: `http://127.0.0.1:${Number(port) - 1}`, host: `127.0.0.1:${port}` },
	{ origin: `https://127.0.0.1:${port}`, host: `127.0.0.1:${port}` },
	{ origin: `http://localhost:${port}`, host: `127.0.0.1:${port}` },
	{ origin: `http://127.0.0.1:${port}.evil.example`, host: `127.0.0.1:${port}` },
	{ 'sec-fetch-site': 'cross-site' },
	{ 'sec-fetch-site': 'same-site' },
	{ host: `evil.example:${port}` },
	{ host: 'localhost.evil.example' },
	{ host: `127.0.0.1.evil.example:${port}` },
	{ host: `evil.example:${port}`, origin: `http://evil.example:${port}` },
	{ origin: 'http://evil.example', cookie: 'hdb-session=made-up' },
	{ origin: 'http://evil.example', authorization: '' },
];

const OWN = () => [
	{},
	{ host: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port}` },
	{ host: `LOCALHOST:${port}`, origin: `http://localhost:${port}`, 'sec-fetch-site': 'same-origin' },
	{ host: `[::1]:${port}` },
	{ host: '127.8.9.10' },
	{ 'sec-fetch-site': 'none' },
];

describe('requests that are trusted for coming from this machine', () => {
	for (const [method, path, type, body, status] of OURS) {
		test(`${method} ${path} is closed to pages of other origins, and open to this machine`, async () => {
			for (const headers of FOREIGN()) {
				const answer = await send(harper.base, method, path, { ...typed(type), ...headers }, body);
				assert.equal(answer.status, 403, JSON.stringify([headers, answer]));
				assert.match(JSON.stringify(answer.body), /trusted.*Authorization/);
			}
			for (const headers of OWN()) {
				const answer = await send(harper.base, method, path, { ...typed(type), ...headers }, body);
				assert.equal(answer.status, status, JSON.stringify([headers, answer]));
			}
			const evil = { ...typed(type), ...credentials(ADMIN), origin: 'http://evil.example', host: 'evil.example' };
			assert.equal((await send(harper.base, method, path, evil, body)).status, status, 'with credentials');
		});
	}

	test('nothing of a refused body is read', async () => {
		const connection = await RawConnection.to(harper.base);
		const headers = { 'content-type': FORM_TYPE, 'content-length': 1 << 30, origin: 'http://evil.example' };
		connection.send('POST', '/model/upload', headers);
		assert.equal((await connection.answer()).status, 403);
		connection.close();
	});

	for (const [method, path] of [
		['POST', '/predict'],
		['POST', '/predict/batch'],
		['POST', '/feedback'],
		['POST', '/jobs/predict'],
		['POST', '/benchmark/compare'],
		['PUT', '/features/a'],
		['PATCH', '/model/iris/v1'],
		['POST', '/model/upload'],
	]) {
		test(`${method} ${path} takes only its own type`, async () => {
			for (const type of [
				undefined,
				'',
				'text/plain',
				'application/x-www-form-urlencoded',
				'application/xml',
				'*/*',
				'json',
			]) {
				const answer = await send(harper.base, method, path, typed(type), '{}');
				assert.deepEqual([answer.status, answer.body.code], [415, 'UNSUPPORTED_MEDIA_TYPE'], `${type}`);
				if (type) {
					const known = await send(harper.base, method, path, { ...typed(type), ...credentials(ADMIN) }, '{}');
					assert.equal(known.status, 415, `${type} with credentials`);
				}
			}
			if (path === '/model/upload') return;
			const form = await send(harper.base, method, path, typed(FORM_TYPE), '--xyz--');
			assert.equal(form.status, 415);
		});
	}

	test('the protocols take what their clients send, and not what only pages do', async () => {
		const instances = JSON.stringify({ instances: [SETOSA] });
		for (const [type, status] of [
			[undefined, 200],
			['application/json', 200],
			['application/x-www-form-urlencoded', 200],
			['text/plain;charset=UTF-8', 400],
			['multipart/form-data; boundary=x', 400],
		]) {
			const answer = await send(harper.base, 'POST', '/v1/models/iris:predict', typed(type), instances);
			assert.equal(answer.status, status, `${type}: ${JSON.stringify(answer.body)}`);
		}
	});

	test("Harper's REST and operations APIs are closed to pages too", async () => {
		const operation = JSON.stringify({ operation: 'list_users' });
		for (const headers of FOREIGN()) {
			const rest = await send(harper.base, 'GET', '/edge_ai/Job/', headers);
			assert.equal(rest.status, 403, JSON.stringify(headers));
			const { status } = await send(harper.operations, 'POST', '/', { ...typed(JSON_TYPE), ...headers }, operation);
			// The origin of the REST API is another one here, that of this very port is not.
			assert.equal(status, 403, JSON.stringify(headers));
		}
		assert.equal((await send(harper.base, 'GET', '/edge_ai/Job/', {})).status, 200);
		assert.equal((await send(harper.operations, 'POST', '/', typed(JSON_TYPE), operation)).status, 200);
	});

	test('the operations API tells no page that it may read', async () => {
		const headers = { origin: 'http://evil.example', 'access-control-request-method': 'POST' };
		for (const answer of [
			await send(harper.operations, 'OPTIONS', '/', headers),
			await send(
				harper.operations,
				'POST',
				'/',
				{ ...headers, ...typed(JSON_TYPE), ...credentials(ADMIN) },
				'{"operation":"list_users"}'
			),
		]) {
			assert.equal(answer.headers['access-control-allow-origin'], undefined);
		}
	});

	test('WebSockets are closed to pages', async () => {
		const upgrade = {
			upgrade: 'websocket',
			connection: 'Upgrade',
			'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
			'sec-websocket-version': '13',
		};
		for (const base of [harper.base, harper.operations]) {
			for (const path of ['/edge_ai/Job/', '/', '/mqtt', '/status']) {
				for (const headers of [{ origin: 'http://evil.example' }, { host: 'evil.example' }]) {
					const answer = await send(base, 'GET', path, { ...upgrade, ...headers });
					assert.equal(answer.status, 403, `${base}${path}`);
				}
			}
		}
		const own = await RawConnection.to(harper.base);
		own.send('GET', '/edge_ai/Job/', { ...upgrade, host: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port}` });
		assert.equal((await own.answer()).status, 101);
		own.close();
	});
});

describe('a page in a browser', { skip: browserIsMissing }, () => {
	let browser;
	let pages;
	before(async () => {
		pages = await startPages();
		browser = await startBrowser([`--host-resolver-rules=MAP evil.example 127.0.0.1`]);
	});
	after(async () => {
		await browser?.close();
		pages?.close();
	});

	/** What a hostile page tries, told what became of it. */
	async function attack({ base, operations, model }) {
		const outcomes = {};
		const attempt = async (name, url, how) => {
			try {
				const response = await fetch(url, { credentials: 'include', ...how });
				outcomes[name] = response.type === 'opaque' ? 'opaque' : `${response.status} ${await response.text()}`;
			} catch (error) {
				outcomes[name] = error.name;
			}
		};
		const bytes = Uint8Array.from(model);
		const form = () => {
			const data = new FormData();
			data.append('modelId', 'stolen');
			data.append('version', 'v1');
			data.append('file', new Blob([bytes]), 'model.onnx');
			return data;
		};
		const json = { 'content-type': 'application/json' };
		const addUser = JSON.stringify({
			operation: 'add_user',
			role: 'super_user',
			username: 'evil',
			password: 'x',
			active: true,
		});
		await attempt('read', `${base}/status`);
		await attempt('events', `${base}/monitoring/events`);
		await attempt('upload', `${base}/model/upload`, { method: 'POST', body: form() });
		await attempt('silent upload', `${base}/model/upload`, { method: 'POST', body: form(), mode: 'no-cors' });
		await attempt('delete', `${base}/model/iris/v1`, { method: 'DELETE' });
		await attempt('features', `${base}/features/evil`, { method: 'PUT', headers: json, body: '{"features":{"a":1}}' });
		for (const type of ['text/plain', '']) {
			const body = new Blob(['{"modelId":"iris","features":{"float_input":[1,2,3,4]},"userId":"evil"}'], { type });
			await attempt(`predict ${type}`, `${base}/predict`, { method: 'POST', mode: 'no-cors', body });
			await attempt(`protocol ${type}`, `${base}/v1/models/iris:predict`, {
				method: 'POST',
				mode: 'no-cors',
				body: new Blob(['{"instances":[[1,2,3,4]]}'], { type }),
			});
			const operation = new Blob([addUser], { type });
			await attempt(`operation ${type}`, operations, { method: 'POST', mode: 'no-cors', body: operation });
		}
		await attempt('operation', operations, { method: 'POST', headers: json, body: addUser });
		await attempt('job row', `${base}/edge_ai/Job/`, { method: 'POST', mode: 'no-cors', body: '{"id":"evil"}' });
		outcomes.image = await new Promise((resolve) => {
			const image = new globalThis.Image();
			image.onload = () => resolve('loaded');
			image.onerror = () => resolve('refused');
			image.src = `${base}/model/iris/v1/file`;
		});
		for (const [name, url] of [
			['socket', base],
			['operations socket', operations],
		]) {
			outcomes[name] = await new Promise((resolve) => {
				const socket = new WebSocket(`${url.replace('http', 'ws')}/edge_ai/Job/`);
				socket.onopen = () => resolve('open');
				socket.onerror = () => resolve('refused');
			});
		}
		return outcomes;
	}

	const assertUntouched = async () => {
		const users = await harper.operation({ operation: 'list_users' });
		assert.deepEqual(
			users.map(({ username }) => username),
			[ADMIN]
		);
		const { body: models } = await harper.get('/model');
		assert.deepEqual(
			models.models.map(({ modelId }) => modelId),
			['iris']
		);
		const { body: events } = await harper.get('/monitoring/events?userId=evil');
		assert.equal(events.count, 0);
		assert.equal((await harper.get('/features/evil')).status, 404);
		assert.equal((await harper.get('/edge_ai/Job/evil')).status, 404);
	};
	const targets = () => ({
		base: harper.base,
		operations: harper.operations,
		model: [...readFileSync(join(root, IRIS))],
	});

	test('of another origin reads and changes nothing', async () => {
		const before = (await harper.get('/monitoring/events')).body.count;
		const page = await browser.newPage();
		await page.goto(pages.origin);
		const outcomes = await page.evaluate(attack, targets());
		for (const [name, outcome] of Object.entries(outcomes)) {
			assert.ok(['TypeError', 'opaque', 'refused'].includes(outcome), `${name}: ${outcome}`);
		}
		await assertUntouched();
		assert.equal((await harper.get('/monitoring/events')).body.count, before, 'nothing was predicted');
		await page.close();
	});

	test('that sends a form gets nowhere', async () => {
		const page = await browser.newPage();
		await page.goto(pages.origin);
		const answered = page.waitForResponse(`${harper.base}/model/upload?modelId=stolen&version=v1`);
		await page.evaluate((action) => {
			const form = Object.assign(globalThis.document.createElement('form'), {
				method: 'POST',
				action,
				enctype: 'multipart/form-data',
			});
			form.innerHTML = '<input name="modelId" value="stolen">';
			globalThis.document.body.append(form);
			form.submit();
		}, `${harper.base}/model/upload?modelId=stolen&version=v1`);
		assert.equal((await answered).status(), 403);
		await assertUntouched();
		await page.close();
	});

	test('of a name that was resolved to this machine is refused, though its origin is the same', async () => {
		const page = await browser.newPage();
		for (const base of [harper.base, harper.operations]) {
			const url = `http://evil.example:${new URL(base).port}`;
			assert.equal((await page.goto(`${url}/status`)).status(), 403);
			const { status } = await page.evaluate(async () => {
				const body = JSON.stringify({ operation: 'list_users' });
				const response = await fetch('/', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
				return { status: response.status };
			});
			assert.equal(status, 403);
		}
		await page.close();
	});

	test('of the same origin is answered', async () => {
		const page = await browser.newPage();
		assert.equal((await page.goto(`${harper.base}/status`)).status(), 200);
		const status = await page.evaluate(
			async (features) => {
				const response = await fetch('/predict', {
					method: 'POST',
					headers: { 'content-type': 'application/json' },
					body: JSON.stringify({ modelId: 'iris', features }),
				});
				return response.status;
			},
			{ float_input: SETOSA }
		);
		assert.equal(status, 200);
		await page.close();
	});
});
