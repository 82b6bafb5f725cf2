// Two real nodes that replicate with each other: what is told to one holds on both.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startCluster } from './support/cluster.js';
import { until } from './support/until.js';

const IRIS = 'examples/iris/model.onnx';
const SETOSA = { float_input: [5.1, 3.5, 1.4, 0.2] };

let cluster;
let a;
let b;
before(async () => {
	cluster = await startCluster();
	[a, b] = cluster.harpers;
});
after(() => cluster?.dispose());

const upload = async (harper, modelId, version = 'v1', file = IRIS) => {
	const { status, body } = await harper.upload({ modelId, version }, [file]);
	assert.equal(status, 201, JSON.stringify(body));
	return body;
};

const predict = async (harper, modelId, fields) => {
	const { status, body } = await harper.predict({ modelId, features: SETOSA, ...fields });
	assert.equal(status, 200, JSON.stringify(body));
	return body;
};

const metricsOf = async (harper, modelId) => (await harper.get(`/monitoring/metrics?modelId=${modelId}`)).body;
const eventsOf = async (harper, modelId) =>
	(await harper.get(`/monitoring/events?modelId=${modelId}&limit=1000`)).body.events;

const has = async (harper, modelId, version = 'v1') =>
	(await harper.get(`/model/${modelId}/${version}`)).status === 200;
const known = (harper, modelId, version) => until(`the model ${modelId}`, () => has(harper, modelId, version));
const counted = (harper, modelId, count) =>
	until(`${count} events of ${modelId}`, async () => (await metricsOf(harper, modelId)).count === count);

describe('what one node is told', () => {
	test('the other one knows: models, predictions, metrics, feedback', async () => {
		await upload(a, 'shared');
		await known(b, 'shared');
		for (let at = 0; at < 5; at += 1) {
			await predict(a, 'shared', { requestId: `a${at}` });
			await predict(b, 'shared', { requestId: `b${at}` });
		}
		await Promise.all([counted(a, 'shared', 10), counted(b, 'shared', 10)]);
		assert.deepEqual(await eventsOf(a, 'shared'), await eventsOf(b, 'shared'));

		const { inferenceId } = await predict(a, 'shared');
		const told = await b.feedback({ inferenceId, outcome: { class: 0 } });
		assert.equal(told.status, 200, JSON.stringify(told.body));
		const { body: back } = await b.feedback({ inferenceId: (await predict(b, 'shared')).inferenceId, outcome: 1 });
		assert.equal(back.success, true);
		for (const harper of [a, b]) {
			await until('both feedbacks', async () => (await metricsOf(harper, 'shared')).feedbackCount === 2);
		}
		const metrics = await metricsOf(a, 'shared');
		assert.deepEqual(metrics, await metricsOf(b, 'shared'));
		assert.equal(metrics.count, 12);
	});

	test('also when the other one is down, and when it stands still', async () => {
		await b.kill();
		await upload(a, 'while-down');
		await predict(a, 'while-down');
		await b.start();
		await known(b, 'while-down');
		await counted(b, 'while-down', 1);
		await predict(b, 'while-down');
		await counted(a, 'while-down', 2);

		process.kill(b.pid, 'SIGSTOP');
		try {
			await upload(a, 'while-still');
			await predict(a, 'while-still');
		} finally {
			process.kill(b.pid, 'SIGCONT');
		}
		await known(b, 'while-still');
		await predict(b, 'while-still');
		await Promise.all([counted(a, 'while-still', 2), counted(b, 'while-still', 2)]);
	});

	test('also when nothing got from one to the other for a while', async () => {
		await upload(a, 'parted');
		await known(b, 'parted');
		cluster.cut();
		await upload(a, 'from-a');
		await upload(b, 'from-b');
		const { inferenceId } = await predict(a, 'parted');
		await predict(b, 'parted');
		assert.equal((await b.feedback({ inferenceId, outcome: 0 })).status, 404);
		cluster.heal();
		await Promise.all([known(a, 'from-b'), known(b, 'from-a')]);
		await Promise.all([counted(a, 'parted', 2), counted(b, 'parted', 2)]);
		assert.equal((await b.feedback({ inferenceId, outcome: 0 })).status, 200);
		await predict(a, 'from-b');
		await predict(b, 'from-a');
	});
});
