// What predictions cost, summed up over threads, protocols and restarts, and in money.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { InferenceEngine, ModelRegistry, Monitor } from '../index.js';
import { priced, pricesIn } from '../resources/monitoring/prices.js';
import { startHarper } from './support/harper.js';
import { FLOAT, INT64, message, number, onnxModel } from './support/onnx.js';
import { until } from './support/until.js';

const WIDTH = 4;
const ROW_BYTES = WIDTH * 4;

const modelOf = (node) =>
	onnxModel({
		nodes: [[node, ['x'], ['y']]],
		inputs: [['x', FLOAT, ['rows', WIDTH]]],
		outputs: [['y', FLOAT, ['rows', WIDTH]]],
	});
const isLinux = process.platform === 'linux';
const x = [Array(WIDTH).fill(1)];
const sumOf = (parts, field) => parts.reduce((sum, part) => sum + part[field], 0);

describe('prices', () => {
	const resources = { predictions: 2000, failures: 1, cpuSeconds: 7200, byteSeconds: 3.6e12, loads: 1, evictions: 0 };

	test('are those of CPU hours and of gigabytes loaded for hours', () => {
		const prices = pricesIn({ pricePerCpuHour: 0.5, pricePerGbHour: 0.25, currency: 'EUR' });
		const { cost, costPer1000Predictions, gbHours } = priced(resources, prices);
		assert.deepEqual([gbHours, cost, costPer1000Predictions], [1, 1.25, 0.625]);
		assert.equal(priced(resources, pricesIn({ pricePerGbHour: 4 })).cost, 4);
		assert.equal(priced(resources, pricesIn({ pricePerCpuHour: 3 })).cost, 6);
	});

	test('make no cost of what is not known', () => {
		assert.equal('cost' in priced(resources, pricesIn({ currency: 'EUR' })), false);
		const unknown = { ...resources, cpuSeconds: null };
		const { cost, costPer1000Predictions } = priced(unknown, pricesIn({ pricePerCpuHour: 1 }));
		assert.deepEqual([cost, costPer1000Predictions], [null, null]);
		assert.equal(priced(unknown, pricesIn({ pricePerGbHour: 1 })).cost, 1);
		assert.equal(
			priced({ ...resources, predictions: 0 }, pricesIn({ pricePerCpuHour: 1 })).costPer1000Predictions,
			null
		);
	});
});

test('a monitor sums up what its predictions cost, by version and user', async () => {
	const registry = new ModelRegistry();
	const monitor = new Monitor({ profile: 'off' });
	const engine = new InferenceEngine({ registry, monitor });
	await registry.register({ modelId: 'm', version: '1', file: modelOf('Neg') });
	for (let at = 0; at < 100; at += 1) await engine.predict('m', { x }, at % 4 === 0 ? {} : { userId: 'a' });
	await engine.predict('m', { x }, { userId: 'a', record: false });
	const { modelId, versions } = monitor.resources('m');
	assert.equal(modelId, 'm');
	const [{ version, digest, users, others, ...costs }] = versions;
	assert.deepEqual([version, digest.length, others], ['1', 64, null]);
	assert.deepEqual([costs.predictions, costs.failures, costs.readBytes], [100, 0, 100 * ROW_BYTES]);
	const counts = Object.fromEntries(users.map(({ userId, predictions }) => [userId, predictions]));
	assert.deepEqual(counts, { a: 75, null: 25 });
	assert.ok(costs.wallSeconds > 0 && Math.abs(sumOf(users, 'wallSeconds') - costs.wallSeconds) < 1e-9);
	if (isLinux) assert.ok(costs.cpuSeconds > 0 && costs.cpuSeconds < 100 * costs.wallSeconds);
	else assert.equal(costs.cpuSeconds, null);
	assert.deepEqual(monitor.resources('m', { version: '2' }).versions, []);
	assert.throws(() => monitor.resources(), TypeError);
	assert.deepEqual(monitor.profile('m').profiles, []);
});

describe('over HTTP', () => {
	const PRICES = { pricePerCpuHour: 0.04, pricePerGbHour: 0.005, currency: 'EUR' };

	let harper;
	before(async () => (harper = await startHarper({ options: PRICES })));
	after(() => harper?.dispose());

	const upload = async (modelId, version, bytes) => {
		const { status, body } = await harper.upload({ modelId, version }, [{ name: 'model.onnx', content: bytes }]);
		assert.equal(status, 201, JSON.stringify(body));
		return body;
	};
	const resourcesOf = async (modelId, more = '') => {
		const { status, body } = await harper.get(`/monitoring/resources?modelId=${modelId}${more}`);
		assert.equal(status, 200, JSON.stringify(body));
		return body;
	};
	const predict = async (modelId, more = {}) => {
		const how = { headers: { connection: 'close' } };
		const { status, body } = await harper.predict({ modelId, features: { x }, ...more }, how);
		assert.equal(status, 200, JSON.stringify(body));
	};

	test('every prediction counts, whichever thread answers it by whichever protocol, until and after the end of the process', async () => {
		const { digest, size } = await upload('m', 'v1', modelOf('Neg'));
		for (let at = 0; at < 20; at += 1) await predict('m', { userId: at % 2 ? 'odd' : 'even', record: at % 3 === 0 });
		const rows = Array.from({ length: 10 }, () => ({ x }));
		const batch = await harper.request('POST', '/predict/batch', { body: { modelId: 'm', userId: 'odd', rows } });
		assert.equal(batch.status, 200);
		const tensor = { name: 'x', datatype: 'FP32', shape: [2, WIDTH], data: Array(2 * WIDTH).fill(1) };
		const v2 = await harper.request('POST', '/v2/models/m/infer', { body: { inputs: [tensor] } });
		assert.equal(v2.status, 200);
		// A request that is refused costs nothing.
		assert.equal((await harper.predict({ modelId: 'm', features: { x: ['a'] } })).status, 422);

		const isRight = ({ modelId, currency, total, versions }) => {
			assert.deepEqual([modelId, currency, versions.length], ['m', 'EUR', 1]);
			const [{ version, digest: told, loadedBytes, storedBytes, ...costs }] = versions;
			assert.deepEqual(costs, total);
			assert.deepEqual([version, told, storedBytes], ['v1', digest, size]);
			assert.ok(loadedBytes >= 0);
			assert.deepEqual([costs.predictions, costs.failures, costs.readBytes], [31, 0, 32 * ROW_BYTES]);
			assert.ok(costs.loads >= 1 && costs.wallSeconds > 0);
			const { cpuSeconds, gbHours, cost, costPer1000Predictions } = costs;
			const expected = (cpuSeconds / 3600) * PRICES.pricePerCpuHour + gbHours * PRICES.pricePerGbHour;
			assert.deepEqual([cost, costPer1000Predictions], isLinux ? [expected, (expected / 31) * 1000] : [null, null]);
		};
		isRight(await resourcesOf('m'));
		const { users, others, total } = await resourcesOf('m', '&by=user');
		assert.equal(others, null);
		const counts = Object.fromEntries(users.map(({ userId, predictions }) => [userId, predictions]));
		assert.deepEqual(counts, { odd: 20, even: 10, null: 1 });
		assert.equal(sumOf(users, 'readBytes'), total.readBytes);
		assert.ok(users.every((user) => !('gbHours' in user)));

		// What is stored of a later one is stored after it.
		await upload('later', 'v1', modelOf('Abs'));
		await predict('later');
		const isStored = async () =>
			(await harper.rows('ResourceUse', ['modelId'])).some(({ modelId }) => modelId === 'later');
		await until('resources are stored', isStored);
		await harper.kill();
		await harper.start();
		isRight(await resourcesOf('m'));
		await predict('m', { userId: 'odd' });
		await harper.stop();
		await harper.start();
		const afterwards = await resourcesOf('m');
		assert.equal(afterwards.total.predictions, 32);
		assert.ok(afterwards.from <= Date.now() && afterwards.to > afterwards.from);
		const none = await resourcesOf('m', '&to=2001-01-01');
		assert.deepEqual([none.total.predictions, none.versions], [0, []]);
		assert.deepEqual((await resourcesOf('m', '&version=v2')).versions, []);
	});

	test('versions, memory and runs that failed have theirs', async () => {
		const gather = onnxModel({
			nodes: [['Gather', ['table', 'x'], ['y']]],
			inputs: [['x', INT64, ['rows', 1]]],
			outputs: [['y', FLOAT, ['rows', 1]]],
			initializer: message(5, [number(1, 4), number(2, FLOAT), message(8, 'table'), message(9, Buffer.alloc(16))]),
		});
		await upload('two', 'v1', gather);
		await upload('two', 'v2', modelOf('Neg'));
		const failed = await harper.predict({ modelId: 'two', version: 'v1', features: { x: [[9]] } });
		assert.equal(failed.body.code, 'RUN_FAILED');
		await predict('two', { version: 'v2' });
		const { versions, total } = await resourcesOf('two');
		const [v1, v2] = ['v1', 'v2'].map((name) => versions.find(({ version }) => version === name));
		assert.deepEqual([v1.predictions, v1.failures, v1.readBytes], [0, 1, 8]);
		assert.deepEqual([v2.predictions, v2.failures], [1, 0]);
		assert.ok(v1.wallSeconds > 0 && v1.loads >= 1 && v1.loadedBytes > 0);
		await until(
			'memory counts',
			async () => (await resourcesOf('two')).versions.find((v) => v.version === 'v1').gbHours > 0
		);
		assert.equal(total.predictions + total.failures, 2);
		const { evictions } = v1;
		assert.equal((await harper.request('DELETE', '/model/two/v1')).status, 200);
		const now = (await resourcesOf('two', '&version=v1')).versions[0];
		assert.deepEqual([now.evictions, now.loadedBytes, now.storedBytes], [evictions + 1, 0, undefined]);
	});

	test('what is asked for wrongly is refused', async () => {
		for (const [query, part] of [
			['', /modelId/],
			['modelId=m&by=day', /by must be one of version, user, received "day"/],
			['modelId=m&from=x', /from/],
			['modelId=m&from=2&to=1', /from must not be after to/],
			['modelId=m&limit=1', /limit/],
		]) {
			const { status, body } = await harper.get(`/monitoring/resources?${query}`);
			assert.equal(status, 400, query);
			assert.match(body.error, part);
		}
	});
});
