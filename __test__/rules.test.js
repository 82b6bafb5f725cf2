// Rules and their alerts, from a rule to those who are told, with the rights of the roles, on a real server.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { freePort } from './support/free-port.js';
import { ADMIN, startHarper } from './support/harper.js';
import { overMqtt, overServerSentEvents, overWebSocket } from './support/subscribers.js';
import { until } from './support/until.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const RULES = '/monitoring/rules';
const ALERTS = '/monitoring/alerts';

let harper;
before(async () => {
	const mqttPort = await freePort();
	harper = await startHarper({
		options: { ruleInterval: 1 },
		variables: { MQTT_NETWORK_PORT: `127.0.0.1:${mqttPort}` },
	});
	harper.mqttPort = mqttPort;
	for (const version of ['v1', 'v2']) {
		const { status } = await harper.upload({ modelId: 'iris', version }, ['examples/iris/model.onnx']);
		assert.equal(status, 201);
		const rows = Array.from({ length: 40 }, (_, at) =>
			SETOSA.map((value) => value + (at % 10) / 10 + (version === 'v2') * 5)
		);
		await predict(version, rows);
	}
	for (const role of ['viewer', 'predictor', 'operator']) await harper.addUser(role);
	await harper.addRole('blind', {
		edge_ai: {
			tables: {
				...someOf('InferenceEvent', 'modelId', 'modelVersion', 'timestamp', 'latencyMs'),
				MonitoringRule: ALL,
				Alert: ALL,
			},
		},
	});
});
after(() => harper?.dispose());

const ALL = { read: true, insert: true, update: true, delete: true, attribute_permissions: [] };
const rights = (name) => ({ attribute_name: name, read: true, insert: false, update: false, delete: false });
const someOf = (table, ...names) => ({ [table]: { ...ALL, attribute_permissions: names.map(rights) } });

async function predict(version, rows) {
	const { status, body } = await harper.predict({ modelId: 'iris', version, features: { float_input: rows } });
	assert.equal(status, 200, JSON.stringify(body));
}

const post = (body, how) => harper.request('POST', RULES, { body, ...how });
const put = (id, body, how) => harper.request('PUT', `${RULES}/${id}`, { body, ...how });
const remove = (id, how) => harper.request('DELETE', `${RULES}/${id}`, how);
const alertOf = async (id, how) => (await harper.get(`${ALERTS}/${id}`, how)).body;
const act = (id, name, body = {}, user = 'operator') =>
	harper.request('POST', `${ALERTS}/${id}/${name}`, { body, user });

async function made(rule) {
	const { status, body } = await post({ modelId: 'iris', measure: 'count', threshold: 0, ...rule });
	assert.equal(status, 201, JSON.stringify(body));
	return body;
}

async function comesTo(id, state) {
	await until(`${id} to be ${state}`, async () => (await alertOf(id)).state === state);
	return alertOf(id);
}

/** The change by which an alert fires. */
const firingIn = ({ changes }) => changes.findLast(({ state }) => state === 'firing');

describe('a rule', () => {
	test('is made with what it does not say, read, replaced and deleted', async () => {
		const given = { id: 'crud', modelId: 'iris', measure: 'errorRate', threshold: 0.1, for: '5m', enabled: false };
		const { status, headers, body } = await post(given, { user: 'operator' });
		assert.deepEqual([status, headers.get('location')], [201, `${RULES}/crud`]);
		const { createdAt, updatedAt, ...rest } = body;
		assert.ok(createdAt === updatedAt && Math.abs(createdAt - Date.now()) < 60_000);
		assert.deepEqual(rest, {
			...given,
			...{ window: '1h', comparison: 'above', minSamples: 1, keepFiringFor: '0s', cooldown: '0s', severity: 'warning' },
			...{ createdBy: 'operator', updatedBy: 'operator' },
		});
		assert.deepEqual((await harper.get(`${RULES}/crud`, { user: 'viewer' })).body, body);
		const again = await post(given);
		assert.deepEqual([again.status, again.body.code], [409, 'RULE_EXISTS']);

		const replaced = await put('crud', { modelId: 'iris', measure: 'p95Latency', threshold: 5, enabled: false });
		assert.deepEqual([replaced.status, replaced.body.measure, replaced.body.for], [200, 'p95Latency', '0s']);
		assert.deepEqual([replaced.body.createdBy, replaced.body.updatedBy], ['operator', ADMIN]);
		assert.equal((await put('other', { modelId: 'iris', measure: 'count', threshold: 5, enabled: false })).status, 201);
		const { rules, count } = (await harper.get(RULES, { user: 'predictor' })).body;
		assert.deepEqual([rules.map(({ id }) => id), count], [['crud', 'other'], 2]);
		for (const id of ['crud', 'other']) assert.equal((await remove(id, { user: 'operator' })).body.id, id);
		const gone = await remove('crud');
		assert.deepEqual([gone.status, gone.body.code], [404, 'RULE_NOT_FOUND']);
	});

	test('that is wrong is refused with what is wrong', async () => {
		const sound = { id: 'r', modelId: 'iris', measure: 'errorRate', threshold: 1 };
		const drift = { measure: 'drift.driftedShare', referenceVersion: 'v1' };
		for (const [fields, message] of [
			[{ id: undefined }, /id is required/],
			[{ id: 'a b' }, /id must/],
			[{ modelId: undefined }, /modelId is required/],
			[{ measure: undefined }, /there is no measure undefined; known are count, /],
			[{ measure: 'errorrate' }, /there is no measure "errorrate"; did you mean "errorRate"/],
			[{ measure: 'quality.macro.f2' }, /did you mean "quality.macro.f1"/],
			[{ measure: 'errorsByCode' }, /there is no measure/],
			[{ measure: 'constructor' }, /there is no measure/],
			[{ measure: 'drift.constructor' }, /there is no measure/],
			[{ thresold: 1 }, /unknown field "thresold"; did you mean "threshold"/],
			[{ threshold: undefined }, /either threshold or sigmas/],
			[{ threshold: '1' }, /threshold must be a number/],
			[{ sigmas: 3 }, /either threshold or sigmas/],
			[{ threshold: undefined, sigmas: 0 }, /sigmas must be a number above 0/],
			[{ threshold: undefined, sigmas: 3, windows: 101 }, /windows must be a whole number from 2 to 100/],
			[{ windows: 5 }, /windows needs sigmas/],
			[{ comparison: 'over' }, /comparison must be one of above, below, outside/],
			[{ comparison: 'outside' }, /threshold must be \[low, high\]/],
			[{ comparison: 'outside', threshold: [2, 1] }, /threshold must be \[low, high\]/],
			[{ window: '1w' }, /window must be a time from 60s to 90d/],
			[{ window: '30s' }, /window must be/],
			[{ window: '91d' }, /window must be/],
			[{ for: 5 }, /for must be a time/],
			[{ referenceWindow: '30m' }, /referenceWindow must be a time from 3600s/],
			[{ change: 'ratio' }, /change needs referenceWindow/],
			[{ referenceWindow: '1d', change: 'sum' }, /change must be one of ratio, difference/],
			[{ referenceWindow: '1d', threshold: undefined, sigmas: 3 }, /either referenceWindow or sigmas/],
			[{ referenceVersion: 'v1' }, /referenceVersion: errorRate is compared with times only/],
			[{ reference: 'first' }, /reference: errorRate is compared with times only/],
			[{ measure: 'estimated.accuracy' }, /estimated.accuracy is of one version/],
			[{ method: 'ks' }, /errorRate has no methods/],
			[{ column: 'x' }, /errorRate is of no single column/],
			[{ version: 'a b' }, /version must/],
			[{ severity: 'high' }, /severity must be one of info, warning, critical/],
			[{ minSamples: 1.5 }, /minSamples must be a whole number/],
			[{ enabled: 'yes' }, /enabled must be true or false/],
			[
				{ measure: 'drift.driftedShare' },
				/needs what is compared with: reference, referenceVersion or referenceWindow/,
			],
			[{ ...drift, change: 'ratio' }, /compares with its reference by itself/],
			[{ ...drift, reference: 'first' }, /give either reference, or referenceVersion/],
			[{ measure: 'drift.driftedShare', reference: 'first' }, /reference is of one version/],
			[{ ...drift, method: 'kz' }, /there is no drift method "kz"/],
			[{ ...drift, measure: 'drift.statistic' }, /column must be the name of a column/],
		]) {
			const { status, body } = await post({ ...sound, ...fields });
			assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST'], JSON.stringify(fields));
			assert.match(body.error, message);
		}
		assert.match((await put('a', { ...sound, id: 'b' })).body.error, /id must be that of the path, "a"/);
		assert.equal((await harper.get(RULES)).body.count, 0);
	});
});

describe('an alert', () => {
	test('has no data where nothing predicts', async () => {
		await made({ id: 'nobody', modelId: 'nobody' });
		const { changes } = await comesTo('nobody', 'noData');
		assert.equal(changes[0].evidence.reason, '0 samples, at least 1 are needed');
	});

	test('fires, shows what it saw, is told to all who listen, and is resolved', async () => {
		const listeners = await Promise.all([
			overServerSentEvents(harper, ALERTS),
			overWebSocket(harper, ALERTS),
			overMqtt(harper, 'edge_ai/alerts'),
			overServerSentEvents(harper, `${ALERTS}?rule=busy`),
		]);
		const narrow = listeners[3];
		// A WebSocket says nothing of its beginning.
		await until('all to listen', async () => {
			await act('nobody', 'silence', { until: 1 });
			return listeners.slice(0, 3).every(({ items }) => items.length > 0);
		});
		await made({ id: 'quiet', threshold: 1e6 });
		await made({ id: 'busy', severity: 'critical' });
		const alert = await comesTo('busy', 'firing');
		assert.deepEqual([alert.rule, alert.modelId, alert.measure, alert.severity], ['busy', 'iris', 'count', 'critical']);
		assert.deepEqual([alert.value, alert.threshold, alert.version], [2, 0, undefined]);
		const { time, evidence } = firingIn(alert);
		assert.equal(time, alert.firedAt);
		assert.equal(time % 1000, 0);
		const shown = await harper.get(evidence.query);
		assert.deepEqual([shown.body.count, evidence.value, evidence.samples], [2, 2, 2]);
		assert.equal((await harper.get(`${ALERTS}/quiet`)).status, 404, 'there is nothing to tell of it');

		await put('busy', { modelId: 'iris', measure: 'count', threshold: 1000, severity: 'critical' });
		await comesTo('busy', 'resolved');
		for (const listener of listeners) {
			const isOf = (state) => (item) => item.rule === 'busy' && item.state === state;
			for (const state of ['firing', 'resolved']) assert.ok(await listener.hears(state, isOf(state)), state);
			listener.leave();
		}
		assert.ok(narrow.items.every(({ rule }) => rule === 'busy'));
	});

	test('is one for each version where that is asked for', async () => {
		await made({ id: 'each', version: '*' });
		for (const version of ['v1', 'v2']) {
			const { evidence } = firingIn(await comesTo(`each:${version}`, 'firing'));
			assert.equal((await harper.get(evidence.query)).body.count, 1);
		}
	});

	test('of drift', async () => {
		const common = { version: 'v2', referenceVersion: 'v1' };
		await made({ id: 'share', measure: 'drift.driftedShare', threshold: 0.3, ...common });
		const path = '/monitoring/reference?modelId=iris&version=v2&name=training&format=csv';
		const sent = await harper.request('POST', path, { body: `0,1,2,3\n${'-9,-9,-9,-9\n'.repeat(30)}` });
		assert.equal(sent.status, 201, JSON.stringify(sent.body));
		const stored = { version: 'v2', reference: 'training' };
		await made({ id: 'stored', measure: 'drift.driftedShare', threshold: 0.3, ...stored });
		await comesTo('stored:v2', 'firing');
		await made({
			id: 'one',
			measure: 'drift.statistic',
			column: 'float_input[0]',
			method: 'ks',
			threshold: 0.9,
			...common,
		});
		await comesTo('share:v2', 'firing');
		const one = await comesTo('one:v2', 'firing');
		assert.equal(one.value, 1);
		const { columns } = (await harper.get(firingIn(one).evidence.query)).body;
		assert.equal(columns.find(({ name }) => name === 'float_input[0]').statistic, 1);
	});

	test('of what predictions cost', async () => {
		await made({ id: 'work', measure: 'resources.wallSeconds' });
		const { value, changes } = await comesTo('work', 'firing');
		const { total } = (await harper.get(changes.at(-1).evidence.query)).body;
		assert.deepEqual([value > 0, total.predictions], [true, 2]);
		assert.equal((await remove('work')).status, 200);
	});

	test('pages and filters', async () => {
		const ids = async (query) => (await harper.get(`${ALERTS}?${query}`)).body.alerts.map(({ id }) => id);
		assert.deepEqual(await ids(''), ['busy', 'each:v1', 'each:v2', 'nobody', 'one:v2', 'share:v2', 'stored:v2']);
		assert.deepEqual(await ids('rule=each'), ['each:v1', 'each:v2']);
		assert.deepEqual(await ids('state=noData'), ['nobody']);
		assert.deepEqual(await ids('modelId=nobody'), ['nobody']);
		const first = (await harper.get(`${ALERTS}?limit=4`)).body;
		assert.deepEqual([first.count, first.cursor], [4, 'nobody']);
		const second = (await harper.get(`${ALERTS}?limit=4&cursor=${first.cursor}`)).body;
		assert.deepEqual([second.count, second.cursor], [3, undefined]);
		for (const [query, message] of [
			['state=on', /state must be one of inactive, pending, firing, acknowledged, resolved, noData/],
			['limit=0', /limit/],
			['rule=a%20b', /rule must/],
			['ruel=a', /did you mean "rule"/],
		]) {
			const { status, body } = await harper.get(`${ALERTS}?${query}`);
			assert.equal(status, 400);
			assert.match(body.error, message);
		}
		assert.equal((await harper.get(`${ALERTS}/nowhere`)).body.code, 'ALERT_NOT_FOUND');
	});

	test('of a segment is about that segment, and says so', async () => {
		const { status } = await harper.predict({ modelId: 'iris', features: { float_input: SETOSA }, segment: 'eu' });
		assert.equal(status, 200);
		await made({ id: 'european', segment: 'eu' });
		const alert = await comesTo('european', 'firing');
		const { measured, query } = firingIn(alert).evidence;
		assert.deepEqual([alert.segment, measured], ['eu', 1]);
		assert.equal((await harper.get(query)).body.count, 1);
		for (const [rule, said] of [
			[{ segment: '' }, /segment must be a text/],
			[
				{ segment: 'eu', measure: 'drift.driftedShare', referenceWindow: '1h' },
				/segment: drift.driftedShare is not told by segment/,
			],
		]) {
			const refused = await post({ id: 'no', modelId: 'iris', measure: 'count', threshold: 0, ...rule });
			assert.equal(refused.status, 400);
			assert.match(refused.body.error, said);
		}
		assert.equal((await remove('european')).status, 200);
	});
});

describe('what people do', () => {
	test('is in the list of changes, with who did it', async () => {
		const acknowledged = await act('each:v1', 'acknowledge', { comment: 'I look' });
		assert.deepEqual([acknowledged.status, acknowledged.body.state], [200, 'acknowledged']);
		const { time, ...rest } = acknowledged.body.changes.at(-1);
		assert.deepEqual(rest, { action: 'acknowledge', who: 'operator', comment: 'I look' });
		assert.equal(time, acknowledged.body.acknowledgedAt);
		const silenceUntil = Date.now() + 3_600_000;
		const silenced = await act('each:v1', 'silence', { until: silenceUntil });
		assert.deepEqual([silenced.body.state, silenced.body.silencedUntil], ['acknowledged', silenceUntil]);

		const resolved = await act('each:v1', 'resolve');
		assert.equal(resolved.body.state, 'resolved');
		const again = await comesTo('each:v1', 'firing');
		assert.ok(again.firedAt > resolved.body.changes.at(-1).time, 'the condition still holds');
		assert.equal(again.silencedUntil, silenceUntil);
		assert.deepEqual(again.changes.map(({ state, action }) => state ?? action).slice(-5), [
			'firing',
			'acknowledge',
			'silence',
			'resolve',
			'firing',
		]);
	});

	test('fits its state, and is understood', async () => {
		for (const [id, name, body, message] of [
			['nobody', 'acknowledge', {}, /acknowledge is for an alert that is firing, acknowledged; this one is noData/],
			['busy', 'resolve', {}, /this one is resolved/],
			['busy', 'silence', {}, /until is required/],
			['busy', 'silence', { until: 'x' }, /until must be a time/],
			['busy', 'resolve', { until: 1 }, /unknown field "until"/],
			['busy', 'resolve', { comment: 1 }, /comment must be a text/],
			['busy', 'resolve', { comment: 'x'.repeat(1001) }, /comment must be a text of at most 1000/],
		]) {
			const answer = await act(id, name, body);
			assert.equal(answer.status, 400, JSON.stringify(answer.body));
			assert.match(answer.body.error, message);
		}
		assert.equal((await act('nowhere', 'silence', { until: 1 })).body.code, 'ALERT_NOT_FOUND');
	});

	test('needs the right to', async () => {
		for (const user of ['viewer', 'predictor']) {
			assert.equal((await act('busy', 'silence', { until: 1 }, user)).status, 403);
			assert.equal((await post({}, { user })).status, 403);
			assert.equal((await put('busy', {}, { user })).status, 403);
			assert.equal((await remove('busy', { user })).status, 403);
			assert.equal((await harper.get(`${ALERTS}/busy`, { user })).status, 200);
		}
	});
});

describe('who may not read an attribute of events', () => {
	const user = 'blind';

	test('makes no rule about it', async () => {
		const rule = { id: 'blind', modelId: 'iris', threshold: 1e9, enabled: false };
		for (const [fields, attribute] of [
			[{ measure: 'errorRate' }, 'error'],
			[{ measure: 'quality.macro.f1' }, 'correct'],
			[{ measure: 'drift.driftedShare', referenceVersion: 'v1' }, 'featuresIn'],
			[{ measure: 'drift.missing', column: 'output.x', referenceVersion: 'v1' }, 'prediction'],
		]) {
			const { status, body } = await post({ ...rule, ...fields }, { user });
			assert.equal(status, 403, JSON.stringify(body));
			assert.match(body.error, new RegExp(`InferenceEvent.${attribute}$`));
		}
		assert.equal((await post({ ...rule, measure: 'p95Latency' }, { user })).status, 201);
		await remove('blind');
	});

	test('hears nothing of alerts that tell of it', async () => {
		const { alerts } = (await harper.get(ALERTS, { user })).body;
		assert.deepEqual(
			alerts.map(({ id }) => id),
			['busy', 'each:v1', 'each:v2', 'nobody']
		);
		assert.equal((await harper.get(`${ALERTS}/one:v2`, { user })).status, 404);
		assert.equal((await act('one:v2', 'silence', { until: 1 }, user)).status, 404);
	});
});

describe('a server that is killed', () => {
	test('goes on: what fires still does, once, and no slot is evaluated twice', async () => {
		const before = await alertOf('each:v2');
		await harper.kill();
		await harper.start();
		const [{ slot }] = await harper.rows('RuleProgress', ['slot']);
		await until('further slots', async () => (await harper.rows('RuleProgress', ['slot']))[0].slot > slot);
		assert.deepEqual(await alertOf('each:v2'), before);
	});

	test('deletes alerts with their rule', async () => {
		await remove('each');
		assert.equal((await harper.get(`${ALERTS}?rule=each`)).body.count, 0);
	});
});

describe('1,000 rules', () => {
	test('are evaluated, and are all there can be', async () => {
		for (const { id } of (await harper.get(RULES)).body.rules) await remove(id);
		const template = await made({ id: 'template' });
		const records = Array.from({ length: 999 }, (_, at) => ({ ...template, id: `r${at}` }));
		await harper.operation({ operation: 'insert', database: 'edge_ai', table: 'MonitoringRule', records });
		const full = await post({ id: 'more', modelId: 'iris', measure: 'count', threshold: 0 });
		assert.equal(full.status, 400);
		assert.match(full.body.error, /there are 1000 rules, and at most 1000/);
		const page = async () => (await harper.get(`${ALERTS}?state=firing&limit=1000`)).body.count;
		await until('all of them to fire', async () => (await page()) === 1000);
	});
});
