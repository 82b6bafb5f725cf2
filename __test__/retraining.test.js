// Requests for retraining, from a rule to the version that answers, with the rights of the roles, on a real server.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { freePort } from './support/free-port.js';
import { ADMIN, startHarper } from './support/harper.js';
import { overMqtt, overServerSentEvents, overWebSocket } from './support/subscribers.js';
import { startReceiver } from './support/receiver.js';
import { until } from './support/until.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const RULES = '/monitoring/rules';
const REQUESTS = '/monitoring/retraining';
const MODEL = 'examples/iris/model.onnx';

let harper;
before(async () => {
	const mqttPort = await freePort();
	harper = await startHarper({
		options: { ruleInterval: 1, webhookAllow: '127.0.0.1' },
		variables: { MQTT_NETWORK_PORT: `127.0.0.1:${mqttPort}` },
	});
	harper.mqttPort = mqttPort;
	for (const modelId of ['iris', 'other']) {
		assert.equal((await harper.upload({ modelId, version: 'v1' }, [MODEL])).status, 201);
	}
	for (const role of ['viewer', 'predictor', 'operator']) await harper.addUser(role);
	await harper.addRole('blind', {
		edge_ai: {
			tables: {
				InferenceEvent: { ...ALL, attribute_permissions: ['modelId', 'timestamp'].map(rights) },
				...{ MonitoringRule: ALL, Alert: ALL, RetrainingRequest: ALL, Webhook: ALL },
			},
		},
	});
	await harper.addRole('uploader', { edge_ai: { tables: { Model: ALL } } });
	// Writes all of a request but what becomes of it.
	const notState = ['reason', 'version'].map((name) => ({ ...rights(name), insert: true, update: true }));
	await harper.addRole('partial', {
		edge_ai: {
			tables: {
				MonitoringRule: ALL,
				InferenceEvent: ALL,
				RetrainingRequest: { ...ALL, attribute_permissions: notState },
			},
		},
	});
	await harper.addRole('asker', {
		edge_ai: { tables: { MonitoringRule: ALL, InferenceEvent: ALL, RetrainingRequest: { ...ALL, update: false } } },
	});
});
after(() => harper?.dispose());

const ALL = { read: true, insert: true, update: true, delete: true, attribute_permissions: [] };
const rights = (name) => ({ attribute_name: name, read: true, insert: false, update: false, delete: false });

const predict = async (modelId = 'iris') => {
	const { body } = await harper.predict({ modelId, features: { float_input: SETOSA } });
	return body.inferenceId;
};
const post = (path, body, how) => harper.request('POST', path, { body, ...how });
const rule = async (fields, how) =>
	post(RULES, { modelId: 'iris', measure: 'count', threshold: 0, retrain: {}, ...fields }, how);
const act = (id, name, body = {}, user = 'operator') => post(`${REQUESTS}/${id}/${name}`, body, { user });
const requests = async (query = '', how) => (await harper.get(`${REQUESTS}?${query}`, how)).body.requests;
const read = async (id) => (await harper.get(`${REQUESTS}/${id}`)).body;
const alertOf = async (id) => (await harper.get(`/monitoring/alerts/${id}`)).body;
const removeRule = (id) => harper.request('DELETE', `${RULES}/${id}`);
const byHand = async (modelId, how) => post(REQUESTS, { modelId, reason: 'by hand' }, how);

/** A request that rule has made, when it has. */
async function madeBy(name) {
	let found;
	await until(`a request of ${name}`, async () => {
		found = (await requests()).find((request) => request.rule === name);
		return found;
	});
	return found;
}

describe('a rule', () => {
	test('says how often its alert asks, and defaults apply', async () => {
		const { status, body } = await rule({ id: 'said', enabled: false });
		assert.deepEqual([status, body.retrain], [201, { approval: 'manual', minDaysBetween: 7, minNewLabels: 0 }]);
		const retrain = { approval: 'automatic', minDaysBetween: 0.5, minNewLabels: 20 };
		const path = `${RULES}/said`;
		const given = { modelId: 'iris', measure: 'count', threshold: 0, enabled: false };
		await harper.request('PUT', path, { body: { ...given, retrain } });
		assert.deepEqual((await harper.get(path)).body.retrain, retrain);
		await harper.request('PUT', path, { body: given });
		assert.equal((await harper.get(path)).body.retrain, undefined);
		await removeRule('said');
	});

	test('that is wrong is refused with what is wrong', async () => {
		for (const [retrain, message] of [
			[true, /retrain must be an object, received true/],
			[{ aproval: 'manual' }, /unknown field "aproval"; did you mean "approval"/],
			[{ approval: 'yes' }, /retrain.approval must be one of manual, automatic, received "yes"/],
			[{ minDaysBetween: -1 }, /retrain.minDaysBetween must be a number from 0 to 3650, received -1/],
			[{ minDaysBetween: '7' }, /retrain.minDaysBetween must be a number/],
			[{ minNewLabels: 1.5 }, /retrain.minNewLabels must be a whole number from 0 to 1000000000, received 1.5/],
		]) {
			const { status, body } = await rule({ id: 'wrong', retrain });
			assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST'], JSON.stringify(retrain));
			assert.match(body.error, message);
		}
	});

	test('asks with the rights of who makes it', async () => {
		const user = 'asker';
		const refused = await rule({ id: 'rights', retrain: { approval: 'automatic' }, enabled: false }, { user });
		assert.deepEqual([refused.status, /"update" on edge_ai.RetrainingRequest/.test(refused.body.error)], [403, true]);
		for (const approval of ['manual', 'automatic']) {
			const { status, body } = await rule({ id: 'rights', retrain: { approval }, enabled: false }, { user: 'partial' });
			assert.equal(status, 403, approval);
			assert.match(body.error, /edge_ai.RetrainingRequest.state/);
		}
		assert.equal((await rule({ id: 'rights', enabled: false }, { user })).status, 201);
		await removeRule('rights');
	});
});

describe('an alert that fires', () => {
	test('makes a request, which is told to all who listen', async () => {
		const listeners = await Promise.all([
			overServerSentEvents(harper, REQUESTS),
			overWebSocket(harper, REQUESTS),
			overMqtt(harper, 'edge_ai/retraining'),
			overServerSentEvents(harper, `${REQUESTS}?modelId=iris&state=pending`),
		]);
		const { id } = (await byHand('other')).body;
		// A WebSocket says nothing of its beginning.
		await until('all to listen', async () => {
			await act(id, 'reject');
			await act((await byHand('other')).body.id, 'reject');
			return listeners.slice(0, 3).every(({ items }) => items.length > 0);
		});
		await predict();
		await rule({ id: 'busy' });
		const request = await madeBy('busy');
		const alert = await alertOf('busy');
		const { time, evidence } = alert.changes.findLast(({ state }) => state === 'firing');
		assert.deepEqual(request, {
			id: request.id,
			...{ modelId: 'iris', rule: 'busy', alert: 'busy', measure: 'count' },
			reason: 'count was 1 in 1h, which is above 0',
			evidence,
			dataQuery: `/monitoring/training-data?modelId=iris&labelled=true&to=${time - 1}`,
			...{ approval: 'manual', state: 'pending', createdAt: time },
			changes: [{ time, state: 'pending' }],
		});
		assert.deepEqual(alert.retraining, { request: request.id });
		const approved = await act(request.id, 'approve', { comment: 'go' });
		const { time: approvedAt, ...change } = approved.body.changes.at(-1);
		assert.deepEqual([approved.status, change], [200, { state: 'approved', who: 'operator', comment: 'go' }]);
		assert.ok(approvedAt >= time);
		for (const listener of listeners.slice(0, 3)) {
			const isOf = (state) => (item) => item.id === request.id && item.state === state;
			for (const state of ['pending', 'approved']) assert.ok(await listener.hears(state, isOf(state)), state);
		}
		const narrow = listeners[3];
		assert.ok(
			narrow.items.length > 0 && narrow.items.every((item) => item.id === request.id && item.state === 'pending')
		);
		for (const listener of listeners) listener.leave();
	});

	test('waits while another one is open', async () => {
		const { id } = (await requests('modelId=iris'))[0];
		await rule({ id: 'second', retrain: { minDaysBetween: 0 } });
		await until('it waits', async () => (await alertOf('second')).retraining?.waits);
		assert.match((await alertOf('second')).retraining.waits, new RegExp(`request ${id} of this model is still open`));
		await act(id, 'fail');
		const second = await madeBy('second');
		assert.ok((await requests('modelId=iris')).findIndex((one) => one.id === second.id) === 0, 'the newest first');
		await act(second.id, 'reject');
		for (const name of ['busy', 'second']) await removeRule(name);
	});

	test('waits for labels', async () => {
		await rule({ id: 'labels', retrain: { minDaysBetween: 0, minNewLabels: 2, approval: 'automatic' } });
		await until('it waits', async () => (await alertOf('labels')).retraining?.waits);
		assert.match((await alertOf('labels')).retraining.waits, /^fewer than 2 predictions since .* have feedback$/);
		for (let at = 0; at < 2; at += 1) await harper.feedback({ inferenceId: await predict(), outcome: 'setosa' });
		const { state, changes } = await madeBy('labels');
		assert.deepEqual([state, changes.map((change) => change.state)], ['approved', ['approved']]);
	});

	test('makes it once, also when the server is killed', async () => {
		const before = await requests();
		const { slot } = (await harper.rows('RuleProgress', ['slot']))[0];
		await harper.kill();
		await harper.start();
		await until('further slots', async () => (await harper.rows('RuleProgress', ['slot']))[0].slot > slot);
		assert.deepEqual(await requests(), before);
	});
});

describe('a request', () => {
	test('is made by hand, one of a model at a time, and goes through its states', async () => {
		const { status, headers, body } = await post(REQUESTS, { modelId: 'other', version: 'v1', reason: 'new data' });
		assert.deepEqual([status, headers.get('location')], [201, `${REQUESTS}/${body.id}`]);
		assert.deepEqual([body.version, body.reason, body.state, body.approval], ['v1', 'new data', 'pending', 'manual']);
		assert.deepEqual(body.evidence, undefined);
		assert.deepEqual(await read(body.id), body);
		const again = await byHand('other');
		assert.deepEqual([again.status, again.body.code], [409, 'RETRAINING_OPEN']);
		for (const [name, refusal] of [
			['start', /start is for a request that is approved; this one is pending/],
			['complete', /complete is for a request that is approved, running; this one is pending/],
			['approve'],
			['approve', /approve is for a request that is pending; this one is approved/],
			['start'],
			['reject', /reject is for a request that is pending, approved; this one is running/],
			['complete'],
			['fail', /fail is for a request that is approved, running; this one is completed/],
		]) {
			const answer = await act(body.id, name, name === 'complete' ? { version: 'v1' } : {});
			assert.equal(answer.status, refusal ? 409 : 200, name);
			if (refusal) assert.match(answer.body.error, refusal);
		}
		const { changes, answeredBy } = await read(body.id);
		assert.deepEqual(
			changes.map(({ state, who }) => [state, who]),
			[
				['pending', ADMIN],
				['approved', 'operator'],
				['running', 'operator'],
				['completed', 'operator'],
			]
		);
		assert.equal(answeredBy, 'v1');
	});

	test('is refused when it is not understood', async () => {
		const { id } = (await byHand('other')).body;
		for (const [name, body, message] of [
			['approve', { comment: 1 }, /comment must be a text/],
			['approve', { version: 'v1' }, /unknown field "version"/],
			['complete', { version: 'v9' }, /there is no version "v9" of a model "other"/],
			['complete', { version: 'a b' }, /version must/],
		]) {
			const answer = await act(id, name, body);
			assert.ok([400, 404].includes(answer.status), JSON.stringify(answer.body));
			assert.match(answer.body.error, message);
		}
		for (const [body, message] of [
			[{ reason: 'r' }, /modelId is required/],
			[{ modelId: 'other' }, /reason must be a text of 1 to 1000 characters/],
			[{ modelId: 'other', reason: 'x'.repeat(1001) }, /reason must be a text/],
			[{ modelId: 'nobody', reason: 'r' }, /there is no model "nobody"/],
			[{ modelId: 'other', version: 'v9', reason: 'r' }, /there is no version "v9"/],
		]) {
			assert.match((await post(REQUESTS, body)).body.error, message);
		}
		await act(id, 'reject');
	});

	test('pages and filters', async () => {
		const all = await requests();
		assert.deepEqual(
			all.map(({ id }) => id),
			all
				.map(({ id }) => id)
				.toSorted()
				.toReversed()
		);
		const first = (await harper.get(`${REQUESTS}?limit=2`)).body;
		assert.deepEqual([first.count, first.cursor], [2, all[1].id]);
		const second = (await harper.get(`${REQUESTS}?limit=1000&cursor=${first.cursor}`)).body;
		assert.deepEqual([...first.requests, ...second.requests], all);
		assert.equal(second.cursor, undefined);
		assert.ok((await requests('state=rejected')).every(({ state }) => state === 'rejected'));
		assert.ok((await requests('modelId=iris')).every(({ modelId }) => modelId === 'iris'));
		for (const [query, message] of [
			['state=open', /state must be one of pending, approved, rejected, running, completed, failed/],
			['limit=0', /limit/],
			['cursor=x', /cursor/],
			['sate=x', /did you mean "state"/],
		]) {
			assert.match((await harper.get(`${REQUESTS}?${query}`)).body.error, message);
		}
	});

	test('needs the right to', async () => {
		const { id } = (await requests())[0];
		for (const user of ['viewer', 'predictor']) {
			assert.equal((await act(id, 'approve', {}, user)).status, 403);
			assert.equal((await byHand('other', { user })).status, 403);
			assert.equal((await harper.get(`${REQUESTS}/${id}`, { user })).status, 200);
		}
	});

	test('that tells of attributes which a role may not read is not there for it', async () => {
		const user = 'blind';
		await until('the request of before to be over', async () => {
			const open = (await requests('modelId=other')).find(({ state }) => state === 'pending');
			if (open) await act(open.id, 'reject');
			return !open;
		});
		await predict('other');
		await rule({ id: 'seen', modelId: 'other', measure: 'avgConfidence', retrain: { minDaysBetween: 0 } });
		const { id } = await madeBy('seen');
		assert.equal(
			(await requests('', { user })).some((request) => request.id === id),
			false
		);
		assert.equal((await harper.get(`${REQUESTS}/${id}`, { user })).status, 404);
		assert.equal((await act(id, 'approve', {}, user)).status, 404);
		await removeRule('seen');
		await act(id, 'reject');
	});
});

describe('an upload', () => {
	const upload = (fields, how) => harper.upload({ modelId: 'other', ...fields }, [MODEL], how);
	let id;

	test('is refused before its bytes are read where it cannot answer', async () => {
		id = (await byHand('other')).body.id;
		const foreign = (await requests('modelId=iris'))[0].id;
		const send = (request, user = 'operator') => {
			const path = `/model/upload?modelId=other&version=v2&retrainingRequest=${request}`;
			// What is no form is found out when it is read.
			const headers = { 'content-type': 'multipart/form-data; boundary=b' };
			return harper.request('POST', path, { body: 'no form', headers, user });
		};
		for (const [request, status, message] of [
			['nowhere', 404, /there is no request "nowhere" for retraining/],
			[foreign, 400, /is for the model "iris", received "other"/],
			[id, 409, /complete is for a request that is approved, running; this one is pending/],
		]) {
			const answer = await send(request);
			assert.deepEqual([answer.status, message.test(answer.body.error)], [status, true], JSON.stringify(answer.body));
		}
		assert.equal((await send(id, 'uploader')).status, 403);
		await act(id, 'approve');
		assert.match((await send(id)).body.error, /multipart body is malformed/);
	});

	test('of another model, named in the form, is refused too, and stores nothing', async () => {
		const { status, body } = await harper.upload({ modelId: 'third', version: 'v1', retrainingRequest: id }, [MODEL]);
		assert.equal(status, 400, JSON.stringify(body));
		assert.equal((await harper.get('/model/third')).status, 404);
		assert.equal((await read(id)).state, 'approved');
	});

	test('completes the request with its version, and may be sent again', async () => {
		await act(id, 'start');
		const fields = { version: 'v2', retrainingRequest: id };
		const { status, body } = await upload(fields, { user: 'operator' });
		assert.equal(status, 201, JSON.stringify(body));
		const completed = await read(id);
		assert.deepEqual([completed.state, completed.answeredBy], ['completed', 'v2']);
		assert.deepEqual(completed.changes.map(({ state, who }) => [state, who]).at(-1), ['completed', 'operator']);
		assert.equal((await upload(fields)).status, 200);
		assert.deepEqual(await read(id), completed);
		const other = await upload({ version: 'v3', retrainingRequest: id });
		assert.deepEqual([other.status, other.body.code], [409, 'RETRAINING_STATE']);
		assert.equal((await harper.get('/model/other/v3')).status, 404);
	});

	test('and all that went before is told to webhooks, as their user may know of it', async () => {
		const receiver = await startReceiver();
		try {
			const events = ['pending', 'approved', 'running', 'completed'].map((state) => `retraining.${state}`);
			const webhook = { url: receiver.url, events, modelId: 'other' };
			for (const [name, user] of [
				['training', 'admin'],
				['blind', 'blind'],
			]) {
				const made = await post(
					'/monitoring/webhooks',
					{ id: name, ...webhook, url: `${receiver.url}?${name}` },
					{ user }
				);
				assert.equal(made.status, 201, JSON.stringify(made.body));
			}
			await rule({ id: 'told', modelId: 'other', measure: 'avgConfidence', retrain: { minDaysBetween: 0 } });
			const { id: told, reason } = await madeBy('told');
			for (const name of ['approve', 'start']) await act(told, name);
			const answer = await upload({ version: 'v4', retrainingRequest: told });
			assert.equal(answer.status, 201, JSON.stringify(answer.body));
			await until('all to be told', () => receiver.received.length >= events.length);
			assert.deepEqual(
				receiver.received.map(({ event }) => event.type),
				events.map((kind) => `edge_ai.${kind}`)
			);
			const [{ event: first }, , , { event: last }] = receiver.received;
			assert.deepEqual([first.source, first.subject, first.data.reason], [REQUESTS, told, reason]);
			assert.deepEqual(last.data, (await harper.get(`${REQUESTS}/${told}`)).body);
			assert.ok(
				receiver.received.every(({ path }) => path.endsWith('?training')),
				'what it may not read it is not told'
			);
		} finally {
			await receiver.close();
			await removeRule('told');
		}
	});

	test('of bytes that are there already answers as well', async () => {
		const { id: next } = (await byHand('other')).body;
		await act(next, 'approve');
		assert.equal((await upload({ version: 'v2', retrainingRequest: next })).status, 200);
		const { state, answeredBy } = await read(next);
		assert.deepEqual([state, answeredBy], ['completed', 'v2']);
	});
});
