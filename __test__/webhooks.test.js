// Webhooks on a real server: who is told of alerts, how it is signed, and what becomes of receivers that fail, hang, redirect or are gone.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { signed } from '../resources/monitoring/webhooks/signature.js';
import { freePort } from './support/free-port.js';
import { ADMIN, root, startHarper } from './support/harper.js';
import { startReceiver } from './support/receiver.js';
import { until } from './support/until.js';

const WEBHOOKS = '/monitoring/webhooks';
const RULES = '/monitoring/rules';
const ALL = { read: true, insert: true, update: true, delete: true, attribute_permissions: [] };

let harper;
const receivers = [];
before(async () => {
	harper = await startHarper({ options: { ruleInterval: 1, webhookAllow: '127.0.0.1, localhost' } });
	for (const role of ['viewer', 'operator']) await harper.addUser(role);
	const rights = (name) => ({ attribute_name: name, read: true, insert: false, update: false, delete: false });
	const visible = ['modelId', 'modelVersion', 'timestamp'].map(rights);
	await harper.addRole('blind', {
		edge_ai: {
			tables: { Webhook: ALL, Alert: ALL, InferenceEvent: { ...ALL, attribute_permissions: visible } },
		},
	});
});
after(async () => {
	for (const receiver of receivers) await receiver.close();
	await harper?.dispose();
});

async function receiverOf(answer) {
	const receiver = await startReceiver(answer);
	receivers.push(receiver);
	return receiver;
}

const post = (body, how) => harper.request('POST', WEBHOOKS, { body, ...how });
const put = (id, body, how) => harper.request('PUT', `${WEBHOOKS}/${id}`, { body, ...how });
const remove = (id, how) => harper.request('DELETE', `${WEBHOOKS}/${id}`, how);
const act = (id, name, how) => harper.request('POST', `${WEBHOOKS}/${id}/${name}`, { body: {}, ...how });
const deliveriesOf = async (id, query = '', how) =>
	(await harper.get(`${WEBHOOKS}/${id}/deliveries${query}`, how)).body.deliveries;

async function made(webhook, how) {
	const { status, body } = await post(webhook, how);
	assert.equal(status, 201, JSON.stringify(body));
	return body;
}

/** A rule that fires at once: nobody predicts with its model. */
async function firing(id, more = {}) {
	const rule = { modelId: 'nobody', measure: 'count', comparison: 'below', threshold: 1, minSamples: 0, ...more };
	const { body } = await harper.request('PUT', `${RULES}/${id}`, { body: rule });
	assert.equal(body.id, id, JSON.stringify(body));
}

async function hasState(id, state, count = 1) {
	await until(
		`${count} of ${id} to be ${state}`,
		async () => (await deliveriesOf(id, `?state=${state}`)).length >= count
	);
	return deliveriesOf(id, `?state=${state}`);
}

/** The signatures that a secret gives, as Standard Webhooks says. */
function signatureOf({ headers, body }, secret) {
	const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
	const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
	return `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
}

describe('a webhook', () => {
	test('is made with what it does not say and its secret, which is told once, read, replaced and deleted', async () => {
		const given = { id: 'crud', url: 'https://hooks.example/x?key=1', modelId: 'iris', minSeverity: 'critical' };
		const { status, headers, body } = await post(given, { user: 'operator' });
		assert.deepEqual([status, headers.get('location')], [201, `${WEBHOOKS}/crud`]);
		const { secret, createdAt, updatedAt, ...rest } = body;
		assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
		assert.ok(createdAt === updatedAt && Math.abs(createdAt - Date.now()) < 60_000);
		const events = ['alert.firing', 'alert.resolved'];
		assert.deepEqual(rest, { ...given, events, enabled: true, createdBy: 'operator', updatedBy: 'operator' });
		assert.deepEqual((await harper.get(`${WEBHOOKS}/crud`)).body, { ...rest, createdAt, updatedAt });
		const again = await post(given);
		assert.deepEqual([again.status, again.body.code], [409, 'WEBHOOK_EXISTS']);

		const replaced = await put('crud', { url: 'http://hooks.example/', events: ['alert.noData'] });
		assert.deepEqual(
			[replaced.status, replaced.body.events, replaced.body.modelId],
			[200, ['alert.noData'], undefined]
		);
		assert.deepEqual([replaced.body.createdBy, replaced.body.updatedBy], ['operator', ADMIN]);
		assert.equal(replaced.body.secret, undefined);
		const other = await put('other', { url: 'http://hooks.example/' });
		assert.deepEqual([other.status, other.body.secret.slice(0, 6)], [201, 'whsec_']);
		const { webhooks, count } = (await harper.get(WEBHOOKS, { user: 'operator' })).body;
		assert.deepEqual([webhooks.map(({ id }) => id), count], [['crud', 'other'], 2]);
		for (const id of ['crud', 'other']) assert.equal((await remove(id, { user: 'operator' })).body.id, id);
		const gone = await remove('crud');
		assert.deepEqual([gone.status, gone.body.code], [404, 'WEBHOOK_NOT_FOUND']);
		assert.deepEqual(await harper.rows('WebhookSecret', ['id']), []);
	});

	test('that is wrong is refused with what is wrong', async () => {
		const sound = { id: 'w', url: 'https://hooks.example/' };
		for (const [fields, message] of [
			[{ id: undefined }, /id is required/],
			[{ id: 'a|b' }, /id must/],
			[{ url: undefined }, /url must be one of http or https/],
			[{ url: 'ftp://hooks.example/' }, /url must be one of http or https/],
			[{ url: `https://hooks.example/${'x'.repeat(2048)}` }, /at most 2048 characters/],
			[{ url: 'https://user:password@hooks.example/' }, /no user and no password/],
			[{ url: 'https://hooks.example/#x' }, /no fragment/],
			[{ url: 'http://10.0.0.1/' }, /10.0.0.1 is not a public address, and the option webhookAllow does not name it/],
			[{ url: 'http://0x0a000001/' }, /10.0.0.1 is not a public address/],
			[{ url: 'http://169.254.169.254/latest' }, /not a public address/],
			[{ url: 'http://[::1]/' }, /::1 is not a public address/],
			[{ url: 'http://[::ffff:10.0.0.1]/' }, /not a public address/],
			[{ events: [] }, /events must be a list of some of alert.inactive, /],
			[{ events: ['alert.fired'] }, /events must be a list/],
			[{ events: 'alert.firing' }, /events must be a list/],
			[{ modelId: 'a b' }, /modelId must/],
			[{ minSeverity: 'high' }, /minSeverity must be one of info, warning, critical/],
			[{ enabled: 1 }, /enabled must be true or false/],
			[{ secret: 'whsec_x' }, /unknown field "secret"/],
			[{ event: [] }, /did you mean "events"/],
		]) {
			const { status, body } = await post({ ...sound, ...fields });
			assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST'], JSON.stringify(fields));
			assert.match(body.error, message);
		}
		assert.match((await put('a', sound)).body.error, /id must be that of the path, "a"/);
		assert.equal((await harper.get(WEBHOOKS)).body.count, 0);
	});

	test('is not for everybody', async () => {
		const user = 'viewer';
		for (const { status } of [
			await harper.get(WEBHOOKS, { user }),
			await post({ id: 'x', url: 'https://hooks.example/' }, { user }),
			await act('x', 'rotate', { user }),
			await harper.get(`${WEBHOOKS}/x/deliveries`, { user }),
		]) {
			assert.equal(status, 403);
		}
		const sql = { operation: 'search_by_conditions', database: 'edge_ai', get_attributes: ['*'] };
		const conditions = [{ search_attribute: 'id', search_type: 'greater_than', search_value: '!' }];
		for (const table of ['Webhook', 'WebhookSecret', 'WebhookDelivery']) {
			await assert.rejects(harper.operation({ ...sql, table, conditions }, 'operator'), /403/);
		}
	});
});

describe('an alert', () => {
	test('is told as a signed CloudEvent to who asks for it, and its end too', async () => {
		const [all, critical, other] = [await receiverOf(), await receiverOf(), await receiverOf()];
		const { secret } = await made({ id: 'all', url: all.url }, { user: 'operator' });
		await made({ id: 'critical', url: critical.url, minSeverity: 'critical' });
		await made({ id: 'other', url: other.url, modelId: 'iris' });
		await firing('quiet');
		const heard = await all.hears('alert.firing');
		const { headers, body, event } = heard;
		assert.equal(headers['content-type'], 'application/cloudevents+json; charset=utf-8');
		assert.equal(headers['webhook-signature'], signatureOf(heard, secret));
		assert.ok(Math.abs(headers['webhook-timestamp'] - Date.now() / 1000) < 60);
		assert.equal(headers['webhook-id'], event.id);
		assert.ok(!body.includes('whsec_'));
		const { data, id, time, ...envelope } = event;
		assert.deepEqual(envelope, {
			...{ specversion: '1.0', source: '/monitoring/alerts', type: 'edge_ai.alert.firing', subject: 'quiet' },
			datacontenttype: 'application/json',
		});
		assert.match(id, /^[0-9a-f]{8}-/);
		assert.equal(Date.parse(time), data.firedAt);
		const { changes, ...alert } = (await harper.get('/monitoring/alerts/quiet')).body;
		assert.deepEqual(data, { ...alert, changes: changes.filter(({ state }) => state === 'firing') });

		await firing('quiet', { threshold: 0, severity: 'critical' });
		const resolved = await all.hears('alert.resolved');
		assert.notEqual(resolved.event.id, id);
		await critical.hears('alert.resolved');
		const delivered = await hasState('all', 'delivered', 2);
		assert.deepEqual(
			delivered.map(({ kind, subject, tries, status }) => [kind, subject, tries, status]),
			[
				['alert.resolved', 'quiet', 1, 204],
				['alert.firing', 'quiet', 1, 204],
			]
		);
		assert.deepEqual([all.received.length, critical.received.length, other.received.length], [2, 1, 0]);
		assert.deepEqual(await deliveriesOf('other'), []);
		for (const id of ['all', 'critical', 'other']) await remove(id);
	});

	test('that somebody acknowledges, silences or ends is told with who did it; of what is silenced only its end', async () => {
		const receiver = await receiverOf();
		const events = ['alert.firing', 'alert.acknowledged', 'alert.silenced', 'alert.resolved'];
		await made({ id: 'people', url: receiver.url, events });
		await firing('looked-at');
		await receiver.hears('alert.firing');
		const act = async (name, body = {}) => {
			const { status } = await harper.request('POST', `/monitoring/alerts/looked-at/${name}`, { body });
			assert.equal(status, 200);
		};
		await act('acknowledge', { comment: 'I look' });
		const { event } = await receiver.hears('alert.acknowledged');
		assert.deepEqual([event.data.state, event.data.changes.length], ['acknowledged', 1]);
		const { action, who, comment } = event.data.changes[0];
		assert.deepEqual([action, who, comment], ['acknowledge', ADMIN, 'I look']);
		await act('silence', { until: Date.now() + 3_600_000 });
		await receiver.hears('alert.silenced');
		await act('resolve');
		await receiver.hears('alert.resolved');
		const alert = async () => (await harper.get('/monitoring/alerts/looked-at')).body;
		await until('it to fire again', async () => (await alert()).state === 'firing');
		await firing('looked-at', { threshold: 0 });
		await hasState('people', 'delivered', 5);
		const kinds = receiver.received.map((heard) => heard.event.type.split('.').at(-1));
		assert.deepEqual(kinds, ['firing', 'acknowledged', 'silenced', 'resolved', 'resolved']);
		await remove('people');
	});

	test('is not told to who may not read what it tells of, which is seen in what became of it', async () => {
		const receiver = await receiverOf();
		await made({ id: 'blind', url: receiver.url }, { user: 'blind' });
		await firing('errors', { measure: 'errorsByCode.RUN_FAILED' });
		await firing('counts');
		await receiver.hears(({ event }) => event.subject === 'counts');
		const [failed] = await hasState('blind', 'failed');
		assert.deepEqual([failed.subject, failed.tries], ['errors', 1]);
		assert.match(failed.error, /the user blind, who wrote the webhook last, may not read it/);
		const [{ subject, kind }] = await deliveriesOf('blind', '?state=failed', { user: 'blind' });
		assert.deepEqual([subject, kind], [undefined, 'alert.firing']);
		assert.equal(receiver.received.length, 1);
		await remove('blind');
	});

	test('whose user is gone is told to nobody', async () => {
		const receiver = await receiverOf();
		await made({ id: 'leaver', url: receiver.url }, { user: 'blind' });
		await harper.operation({ operation: 'drop_user', username: 'blind' });
		await firing('left');
		const [{ tries, subject }] = await hasState('leaver', 'failed');
		assert.deepEqual([tries, subject, receiver.received.length], [1, 'left', 0]);
		await remove('leaver');
	});
});

describe('a secret', () => {
	test('is changed for a day with two signatures', async () => {
		const receiver = await receiverOf();
		const { secret: before } = await made({ id: 'rotated', url: receiver.url });
		const { status, body } = await act('rotated', 'rotate', { user: 'operator' });
		assert.equal(status, 200);
		assert.notEqual(body.secret, before);
		assert.ok(body.secretRotatedAt >= body.createdAt);
		assert.equal((await act('rotated', 'test')).status, 202);
		const heard = await receiver.hears('webhook.test');
		assert.deepEqual(heard.event.data, { webhook: 'rotated', by: ADMIN });
		assert.equal(
			heard.headers['webhook-signature'],
			`${signatureOf(heard, body.secret)} ${signatureOf(heard, before)}`
		);
		for (const secret of [before, body.secret]) assert.ok(!(await harper.log()).includes(secret.slice(6)));
		await remove('rotated');
	});
});

describe('a receiver', () => {
	test('that fails or redirects is asked again with the same id, and nobody is followed', async () => {
		const trap = await receiverOf();
		const receiver = await receiverOf((response, received) => {
			if (received.length === 1) response.writeHead(500).end();
			else if (received.length === 2) response.writeHead(307, { location: trap.url }).end();
			else response.writeHead(200).end('ok');
		});
		await made({ id: 'failing', url: receiver.url });
		const { body } = await act('failing', 'test');
		assert.deepEqual([body.state, body.tries, body.subject], ['waiting', 0, 'failing']);
		const [{ error, nextTryAt }] = await untilSome(async () =>
			(await deliveriesOf('failing')).filter(({ tries }) => tries === 1)
		);
		assert.equal(error, 'answered 500');
		assert.ok(nextTryAt <= Date.now() + 10_000);
		const redirected = await untilSome(async () => (await deliveriesOf('failing')).filter(({ tries }) => tries === 2));
		assert.equal(redirected[0].error, 'answered 307; redirects are not followed');
		const [{ tries, status, error: none }] = await hasState('failing', 'delivered');
		assert.deepEqual([tries, status, none], [3, 200, undefined]);
		const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
		assert.deepEqual(ids, Array(3).fill(body.id));
		assert.equal(trap.received.length, 0);
		await remove('failing');
	});

	test('that hangs holds up no other, and one that is gone is disabled', async () => {
		const hanging = await receiverOf(() => {});
		const gone = await receiverOf((response) => response.writeHead(410).end());
		await made({ id: 'hanging', url: hanging.url });
		await made({ id: 'gone', url: gone.url });
		await act('hanging', 'test');
		await hanging.hears('webhook.test');
		await act('gone', 'test');
		await hasState('gone', 'failed');
		assert.deepEqual((await deliveriesOf('hanging'))[0].tries, 0, 'it still hangs');
		await until('it to be disabled', async () => !(await harper.get(`${WEBHOOKS}/gone`)).body.enabled);
		assert.ok((await harper.get(`${WEBHOOKS}/gone`)).body.goneAt <= Date.now());
		const refused = await act('gone', 'test');
		assert.match(refused.body.error, /the webhook "gone" is not enabled/);
		const [{ error }] = await untilSome(async () => (await deliveriesOf('hanging')).filter(({ tries }) => tries === 1));
		assert.equal(error, 'no answer within 10 s');
		for (const id of ['hanging', 'gone']) await remove(id);
	});

	test('whose name leads to an address that is not public gets nothing', async () => {
		await harper.restart({ ruleInterval: 1, webhookAllow: '' });
		const receiver = await receiverOf();
		await made({ id: 'inside', url: receiver.url.replace('127.0.0.1', 'localhost') });
		await act('inside', 'test');
		const [{ error }] = await untilSome(async () => (await deliveriesOf('inside')).filter(({ tries }) => tries === 1));
		assert.equal(error, 'localhost has no address that is public, and the option webhookAllow does not name it');
		assert.equal(receiver.received.length, 0);
		await remove('inside');
		await harper.restart({ ruleInterval: 1, webhookAllow: '127.0.0.1' });
	});
});

/** Resolves to a list as soon as it is not empty. */
async function untilSome(read) {
	let list;
	await until('a delivery', async () => (list = await read()).length > 0, 60_000);
	return list;
}

describe('the receiver of docs/alerts.md', () => {
	test('takes what is signed, once, and nothing else', async () => {
		const page = readFileSync(join(root, 'docs/alerts.md'), 'utf8');
		const [, program] = page.match(/^```js\n([^]*?)^```/m);
		const port = await freePort();
		const { secret } = await made({ id: 'page', url: `http://127.0.0.1:${port}/` });
		const env = { ...process.env, WEBHOOK_SECRET: secret, PORT: String(port) };
		const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
			env,
			stdio: ['ignore', 'pipe', 2],
		});
		let output = '';
		child.stdout.on('data', (text) => (output += text));
		try {
			const answers = (how) => fetch(`http://127.0.0.1:${port}/`, { method: 'POST', ...how }).catch(() => undefined);
			await until('it to listen', async () => (await answers({ body: '{}' }))?.status === 401);
			await act('page', 'test');
			await hasState('page', 'delivered');
			await until('it to say so', () => output.includes('\n'));
			assert.equal(output, 'edge_ai.webhook.test page undefined\n');

			const send = async (text, change = {}) => {
				const seconds = Math.floor(Date.now() / 1000);
				const headers = { ...signed({ id: 'e', seconds, body: text }, [secret]), ...change };
				return (await answers({ headers, body: text })).status;
			};
			const event = JSON.stringify({ id: 'e', type: 't', subject: 's', data: { state: 'firing' } });
			assert.deepEqual([await send(event), await send(event)], [204, 204]);
			const old = String(Math.floor(Date.now() / 1000) - 400);
			for (const change of [{ 'webhook-id': 'f' }, { 'webhook-timestamp': old }, { 'webhook-signature': 'v1,AAAA' }]) {
				assert.equal(await send(event, change), 401);
			}
			await until('both lines', () => output.split('\n').length === 3);
			assert.match(output, /\nt s firing\n$/);
		} finally {
			child.kill();
		}
		await remove('page');
	});
});

describe('a server that is killed between sending and marking', () => {
	test('sends again, with the same id', async () => {
		const receiver = await receiverOf(() => {});
		await made({ id: 'crash', url: receiver.url });
		const { body } = await act('crash', 'test');
		await receiver.hears('webhook.test');
		await harper.kill();
		receiver.answer = (response) => response.writeHead(204).end();
		await harper.start();
		await hasState('crash', 'delivered');
		assert.deepEqual(
			receiver.received.map(({ headers }) => headers['webhook-id']),
			[body.id, body.id]
		);
	});

	test('has lost nothing that had happened', async () => {
		const receiver = await receiverOf((response) => response.writeHead(503).end());
		await made({ id: 'outage', url: receiver.url });
		await firing('before-the-crash');
		await receiver.hears('alert.firing');
		await harper.kill();
		receiver.answer = (response) => response.writeHead(204).end();
		await harper.start();
		const [{ subject }] = await hasState('outage', 'delivered');
		assert.equal(subject, 'before-the-crash');
	});
});
