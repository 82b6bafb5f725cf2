// A clock that is set back by an hour: what was written before bears times that are yet to come.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startHarper } from './support/harper.js';

const HOUR_MS = 3_600_000;
const VALUES = [1, 2, 3, 4, 5, 6];

let harper;
before(async () => (harper = await startHarper({ threads: 1 })));
after(() => harper?.dispose());

const insert = (table, ...records) => harper.operation({ operation: 'insert', database: 'edge_ai', table, records });
const uuidAt = (milliseconds) => {
	const hex = Math.floor(milliseconds).toString(16).padStart(12, '0');
	return `${hex.slice(0, 8)}-${hex.slice(8)}-7fff-bfff-ffffffffffff`;
};

describe('features', () => {
	const get = (entity, query = '') => harper.get(`/features/${entity}${query}`);
	const put = async (entity, features, timestamp) => {
		const answer = await harper.request('PUT', `/features/${entity}`, { body: { features, timestamp } });
		assert.equal(answer.status, 200);
		return answer.body;
	};
	/** As the server stored it before its clock was set back. */
	const putBefore = (entityId, features, { timestamp = Date.now() + HOUR_MS, created = timestamp } = {}) => {
		const id = `${entityId}|${timestamp.toFixed(3).padStart(20, '0')}|${uuidAt(Date.now() + HOUR_MS)}`;
		return insert('Feature', { id, entityId, features: JSON.stringify(features), timestamp, created });
	};

	test('that were written before are found', async () => {
		await putBefore('before', { a: 1 });
		const { status, body } = await get('before');
		assert.deepEqual([status, body.features], [200, { a: 1 }]);
	});

	test('that are written now replace those from before, each the last', async () => {
		await putBefore('replaced', { a: 0, b: 0 });
		for (const a of [1, 2, 3]) {
			await put('replaced', { a });
			assert.deepEqual((await get('replaced')).body.features, { a, b: 0 });
		}
	});

	test('written again for one time are those written last', async () => {
		await putBefore('corrected', { a: 1 }, { timestamp: 1e12 });
		for (const a of [2, 3]) {
			await put('corrected', { a }, 1e12);
			assert.deepEqual((await get('corrected')).body.features, { a });
		}
	});

	test('that are to hold later do not hold yet', async () => {
		const timestamp = Date.now() + HOUR_MS;
		await put('later', { a: 1 }, 1e12);
		await put('later', { a: 2 }, timestamp);
		assert.deepEqual((await get('later')).body.features, { a: 1 });
		const now = await put('later', { a: 3 });
		assert.ok(now.timestamp < timestamp, 'what is planned for later is no reason to wait for it');
		assert.deepEqual((await get('later')).body.features, { a: 3 });
		assert.deepEqual((await get('later', `?asOf=${timestamp}`)).body.features, { a: 2 });
	});

	test('as of a time are those of that time', async () => {
		await put('asked', { a: 1 }, 1e12);
		const asOf = Date.now();
		await putBefore('asked', { a: 2 });
		assert.deepEqual((await get('asked', `?asOf=${asOf}`)).body.features, { a: 1 });
		assert.deepEqual((await get('asked')).body.features, { a: 2 });
	});

	test('are inputs of a prediction', async () => {
		await harper.upload({ modelId: 'identity', version: 'v1' }, ['__test__/fixtures/identity_float.onnx']);
		await putBefore('input', { x: VALUES });
		const { status, body } = await harper.predict({ modelId: 'identity', features: {}, entityId: 'input' });
		assert.deepEqual([status, body.prediction?.y], [200, VALUES], JSON.stringify(body));
	});
});

test('the version that is uploaded last is the latest', async () => {
	const fields = { modelId: 'versions', version: 'v1' };
	await harper.upload(fields, ['__test__/fixtures/identity_float.onnx']);
	const uploadedAt = Date.now() + HOUR_MS;
	const records = [{ id: 'versions:v1', uploadedAt }];
	await harper.operation({ operation: 'update', database: 'edge_ai', table: 'Model', records });
	for (const [at, version] of ['v2', 'v3'].entries()) {
		const { body } = await harper.upload({ ...fields, version }, ['__test__/fixtures/identity_double.onnx']);
		assert.equal(body.uploadedAt, uploadedAt + at + 1);
		const { body: run } = await harper.predict({ modelId: 'versions', features: { x: VALUES } });
		assert.equal(run.modelVersion, version);
	}
});

test('events are found by the time that the clock had when they were recorded', async () => {
	const fields = { modelId: 'timed', version: 'v1' };
	await harper.upload(fields, ['__test__/fixtures/identity_float.onnx']);
	const timestamp = Date.now() + HOUR_MS;
	const id = uuidAt(timestamp);
	const keys = { modelKey: `timed|${id}`, versionKey: `timed|v1|${id}` };
	await insert('InferenceEvent', { id, timestamp, modelId: 'timed', modelVersion: 'v1', framework: 'onnx', ...keys });
	const startTime = Date.now() - 1;
	const { body } = await harper.predict({ modelId: 'timed', features: { x: VALUES } });
	const endTime = Date.now() + 1;
	const found = async (query) => {
		const { events } = (await harper.get(`/monitoring/events?modelId=timed${query}`)).body;
		return events.map((event) => event.id);
	};
	assert.deepEqual(await found(''), [id, body.inferenceId]);
	assert.deepEqual(await found(`&startTime=${startTime}&endTime=${endTime}`), [body.inferenceId]);
	assert.deepEqual(await found(`&startTime=${timestamp}&endTime=${timestamp}`), [id]);
	assert.deepEqual(await found(`&startTime=${endTime}`), [id]);
	const { count } = (await harper.get(`/monitoring/metrics?modelId=timed&endTime=${endTime}`)).body;
	assert.equal(count, 1);
});
