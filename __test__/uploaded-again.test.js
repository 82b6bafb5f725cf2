// A version that was deleted may be uploaded again with other bytes: what is known of the one says nothing of the other.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { InferenceEngine, ModelRegistry, Monitor } from '../index.js';
import { countEarlierEvents } from './support/earlier-events.js';
import { startHarper } from './support/harper.js';
import { postJob } from './support/jobs.js';
import { until } from './support/until.js';

const MODEL = { modelId: 'again', version: 'v1' };
const [FIRST, SECOND] = ['float', 'double'].map((dtype) => `__test__/fixtures/identity_${dtype}.onnx`);
const FEATURES = { x: [1, 2, 3, 4, 5, 6] };

let harper;
before(async () => (harper = await startHarper({ threads: 1 })));
after(() => harper?.dispose());

const uploaded = async (file) => {
	const { status, body } = await harper.upload(MODEL, [file]);
	assert.equal(status, 201, JSON.stringify(body));
	return body.digest;
};

/** Predicts, and tells whether that was right. */
async function predicted(correct) {
	const { status, body } = await harper.predict({ ...MODEL, features: FEATURES });
	assert.equal(status, 200, JSON.stringify(body));
	await harper.feedback({ inferenceId: body.inferenceId, outcome: 0, correct });
	return body.inferenceId;
}

describe('over REST', () => {
	let first;
	let second;
	const ids = [];
	const metrics = async (query = '') => (await harper.get(`/monitoring/metrics?modelId=again${query}`)).body;

	before(async () => {
		first = await uploaded(FIRST);
		ids.push(await predicted(false), await predicted(false));
		await harper.request('DELETE', '/model/again/v1');
	});

	test('while there is none, what ran last counts', async () => {
		const { count, versions } = await metrics();
		assert.equal(count, 2);
		assert.deepEqual([versions[0].digest, versions[0].count, versions[0].previous], [first, 2, []]);
	});

	test('as soon as it is uploaded again it starts anew', async () => {
		second = await uploaded(SECOND);
		assert.notEqual(second, first);
		const { count, accuracy, versions } = await metrics();
		assert.deepEqual([count, accuracy], [0, null]);
		assert.deepEqual([versions.length, versions[0].digest, versions[0].count], [1, second, 0]);
		assert.deepEqual([versions[0].previous.length, versions[0].previous[0].digest], [1, first]);
	});

	test('events tell what ran, and are filtered by it', async () => {
		ids.push(await predicted(true));
		const { body } = await harper.get('/monitoring/events?modelId=again');
		assert.deepEqual(
			body.events.map(({ id, digest }) => [id, digest]),
			[
				[ids[2], second],
				[ids[1], first],
				[ids[0], first],
			]
		);
		const { body: earlier } = await harper.get(`/monitoring/events?modelId=again&version=v1&digest=${first}`);
		assert.deepEqual(
			earlier.events.map(({ id }) => id),
			[ids[1], ids[0]]
		);
	});

	test('metrics do not mix them', async () => {
		for (const query of ['', '&version=v1']) {
			const { count, accuracy, versions } = await metrics(query);
			assert.deepEqual([count, accuracy], [1, 1], query);
			const [version] = versions;
			assert.deepEqual([version.digest, version.count, version.accuracy], [second, 1, 1]);
			const [previous] = version.previous;
			assert.deepEqual([previous.digest, previous.count, previous.accuracy], [first, 2, 0]);
		}
		const earlier = await metrics(`&digest=${first}`);
		assert.deepEqual([earlier.count, earlier.accuracy, earlier.versions[0].digest], [2, 0, first]);
		assert.equal((await harper.get('/monitoring/metrics?modelId=again&digest=x')).status, 400);
	});

	test('events of an earlier release count for the model that was there', async () => {
		const { uploadedAt } = (await harper.get('/model/again/v1')).body;
		const idAt = (milliseconds, last) => {
			const hex = Math.floor(milliseconds).toString(16).padStart(12, '0');
			return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-00000000000${last}`;
		};
		const records = [uploadedAt - 5000, uploadedAt + 1].map((timestamp, at) => {
			const id = idAt(timestamp, at);
			const keys = { modelKey: `again|${id}`, versionKey: `again|v1|${id}` };
			return { id, timestamp, modelId: 'again', modelVersion: 'v1', framework: 'onnx', latencyMs: 1, ...keys };
		});
		await harper.operation({ operation: 'insert', database: 'edge_ai', table: 'InferenceEvent', records });
		await countEarlierEvents(harper);
		const [version] = (await metrics()).versions;
		assert.deepEqual([version.digest, version.count], [second, 2]);
		assert.deepEqual(
			version.previous.map(({ digest, count }) => [digest, count]),
			[
				[first, 2],
				[null, 1],
			]
		);
	});

	test('a job that began with the one does not go on with the other', async () => {
		const make = { operation: 'create_table', database: 'data', primary_key: 'id' };
		for (const table of ['Rows', 'Results']) await harper.operation({ ...make, table });
		await harper.operation({
			operation: 'insert',
			database: 'data',
			table: 'Rows',
			records: [{ id: 1, x: FEATURES.x }],
		});
		const { status, body: job } = await postJob(harper, {
			...MODEL,
			source: { table: 'Rows', fields: { x: 'x' } },
			target: { table: 'Results', fields: { y: 'prediction' } },
		});
		assert.equal(status, 202);
		const state = async (id) => (await harper.get(`/jobs/${id}`)).body;
		await until('the job has ended', async () => (await state(job.id)).state !== 'running');
		const done = await harper.operation({
			operation: 'search_by_id',
			database: 'edge_ai',
			table: 'Job',
			ids: [job.id],
			get_attributes: ['*'],
		});
		assert.deepEqual([done[0].state, done[0].digest], ['completed', second]);
		// As a worker leaves it that dies before the version is uploaded again.
		const id = '01900000-0000-7000-8000-000000000000';
		const left = { ...done[0], id, state: 'running', digest: first, processed: 0, written: 0, checkpoint: null };
		await harper.operation({ operation: 'insert', database: 'edge_ai', table: 'Job', records: [left] });
		await until('the job has ended', async () => (await state(id)).state !== 'running');
		const { state: ended, error } = await state(id);
		assert.deepEqual([ended, error.code], ['failed', 'MODEL_NOT_FOUND']);
	});
});

describe('in a monitor of Node.js', () => {
	test('metrics do not mix them', async () => {
		const [registry, monitor] = [new ModelRegistry(), new Monitor()];
		const engine = new InferenceEngine({ registry, monitor });
		const predict = async (correct) => {
			const { inferenceId } = await engine.predict('again', FEATURES);
			monitor.feedback(inferenceId, 0, correct);
		};
		const first = await registry.register({ ...MODEL, file: FIRST });
		await predict(false);
		registry.delete('again', 'v1');
		const second = await registry.register({ ...MODEL, file: SECOND });
		await predict(true);
		const { count, accuracy, versions } = monitor.metrics('again');
		assert.deepEqual([count, accuracy, versions[0].digest], [1, 1, second.digest]);
		assert.deepEqual(
			versions[0].previous.map(({ digest, accuracy: before }) => [digest, before]),
			[[first.digest, 0]]
		);
		assert.equal(monitor.metrics('again', { digest: first.digest }).accuracy, 0);
		assert.equal(monitor.events({ digest: second.digest }).length, 1);
	});
});
