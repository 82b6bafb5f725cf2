// What a prediction cost: in its answer, on every route and in the Node.js API, where the request asks for it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Decoder, Encoder } from 'cbor-x';
import { InferenceEngine, ModelRegistry, Monitor } from '../index.js';
import { startHarper } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';

const WIDTH = 4;
const ROW_BYTES = WIDTH * 4;

const model = onnxModel({
	nodes: [['Neg', ['x'], ['y']]],
	inputs: [['x', FLOAT, ['rows', WIDTH]]],
	outputs: [['y', FLOAT, ['rows', WIDTH]]],
});
const isLinux = process.platform === 'linux';

/** A receipt of so many rows that ran alone. */
function assertReceipt(receipt, rows, { isNullTold = true } = {}) {
	const { cpuMs, wallMs, queueMs, ...rest } = receipt;
	const bytes = rows * ROW_BYTES;
	assert.deepEqual(rest, { batchRows: rows, batchShare: 1, allocatedBytes: bytes, readBytes: bytes });
	assert.ok(wallMs > 0 && wallMs < 10_000, wallMs);
	assert.ok(queueMs >= 0 && queueMs < 60_000, queueMs);
	if (isLinux) assert.ok(cpuMs > 0 && cpuMs < 10_000, cpuMs);
	else assert.equal(cpuMs, isNullTold ? null : undefined);
}

describe('in the Node.js API', () => {
	test('a prediction has a receipt when it is asked for', async () => {
		const engine = new InferenceEngine();
		const loaded = await engine.load(model);
		const x = [Array(WIDTH).fill(1), Array(WIDTH).fill(2)];
		assert.equal((await loaded.predict({ x })).receipt, undefined);
		const { receipt, outputs, latencyMs } = await loaded.predict({ x }, { receipt: true });
		assertReceipt(receipt, 2);
		assert.equal(outputs.y.data[4], -2);
		assert.ok(Math.abs(receipt.wallMs - latencyMs) <= 0.001);
		assertReceipt((await engine.predict(loaded, { x }, { receipt: true })).receipt, 2);
		await assert.rejects(loaded.predict({ x }, { receipt: 1 }), TypeError);
	});
});

test('a monitor measures how long its predictions waited and the rows of their runs', async () => {
	const [registry, monitor] = [new ModelRegistry(), new Monitor()];
	const engine = new InferenceEngine({ registry, monitor });
	await registry.register({ modelId: 'm', version: '1', file: model });
	for (const rows of [1, 3, 8]) {
		const { run, ...prediction } = await engine.predict('m', { x: Array(rows).fill(Array(WIDTH).fill(1)) });
		assert.equal(run, undefined);
		assert.ok(!('queueMs' in prediction) && !('receipt' in prediction));
	}
	const { avgBatchRows, p99BatchRows, avgQueueMs } = monitor.metrics('m');
	assert.deepEqual([avgBatchRows, p99BatchRows], [4, 8]);
	const waited = monitor.events().map(({ queueMs }) => queueMs);
	assert.ok(Math.abs(avgQueueMs - (waited[0] + waited[1] + waited[2]) / 3) < 1e-9);
	monitor.record({ id: 'own', modelId: 'm', modelVersion: '1', framework: 'onnx', features: null });
	assert.equal(monitor.metrics('m').avgBatchRows, 4);
});

describe('over HTTP', () => {
	let harper;
	before(async () => {
		harper = await startHarper();
		const answer = await harper.upload({ modelId: 'm', version: 'v1' }, [{ name: 'model.onnx', content: model }]);
		assert.equal(answer.status, 201, JSON.stringify(answer.body));
	});
	after(() => harper?.dispose());

	const features = { x: [Array(WIDTH).fill(1)] };

	test('/predict has one, in each format', async () => {
		const without = await harper.predict({ modelId: 'm', features });
		assert.equal(without.status, 200);
		assert.equal('receipt' in without.body, false);
		const { body } = await harper.predict({ modelId: 'm', features, receipt: true });
		assertReceipt(body.receipt, 1);
		const encoded = new Encoder({ useRecords: false }).encode({ modelId: 'm', features, receipt: true });
		const headers = { 'content-type': 'application/cbor', accept: 'application/cbor' };
		const { status, body: bytes } = await harper.request('POST', '/predict', { body: encoded, headers });
		assert.equal(status, 200);
		assertReceipt(new Decoder({ mapsAsObjects: true }).decode(bytes).receipt, 1);
		const wrong = await harper.predict({ modelId: 'm', features, receipt: 'yes' });
		assert.equal(wrong.status, 400);
		assert.match(wrong.body.error, /receipt must be a boolean, received "yes"/);
	});

	test('each row of /predict/batch has one', async () => {
		const rows = Array.from({ length: 40 }, () => features);
		const { body } = await harper.request('POST', '/predict/batch', {
			body: { modelId: 'm', receipt: true, record: false, rows },
		});
		const answers = String(body)
			.trim()
			.split('\n')
			.map((line) => JSON.parse(line));
		assert.equal(answers.length, rows.length);
		for (const { receipt } of answers) {
			// Rows may run together; each has its part.
			assert.ok(Math.abs(receipt.batchShare * receipt.batchRows - 1) < 1e-9);
			assert.deepEqual([receipt.allocatedBytes, receipt.readBytes], [ROW_BYTES, ROW_BYTES]);
		}
		const lines = rows.map((row) => JSON.stringify(row)).join('\n');
		const headers = { 'content-type': 'application/x-ndjson' };
		const asLines = await harper.request('POST', '/predict/batch?modelId=m&receipt=true', { body: lines, headers });
		assert.ok(JSON.parse(String(asLines.body).split('\n')[0]).receipt.wallMs > 0);
		const wrong = await harper.request('POST', '/predict/batch?modelId=m&receipt=1', { body: lines, headers });
		assert.equal(wrong.status, 400);
	});

	test('metrics have the time that recorded predictions waited and the rows of their runs', async () => {
		await harper.upload({ modelId: 'measured', version: 'v1' }, [{ name: 'model.onnx', content: model }]);
		const receipts = [];
		for (const rows of [1, 3, 8]) {
			const x = Array(rows).fill(features.x[0]);
			const { body } = await harper.predict({ modelId: 'measured', features: { x }, receipt: true });
			receipts.push(body.receipt);
		}
		await harper.predict({ modelId: 'measured', features, record: false });
		const { body } = await harper.get('/monitoring/metrics?modelId=measured');
		assert.deepEqual([body.count, body.avgBatchRows, body.p50BatchRows, body.p99BatchRows], [3, 4, 3, 8]);
		const mean = receipts.reduce((sum, { queueMs }) => sum + queueMs, 0) / 3;
		assert.ok(Math.abs(body.avgQueueMs - mean) <= 1e-9 * mean, `${body.avgQueueMs} ${mean}`);
		const { body: listed } = await harper.get('/monitoring/events?modelId=measured');
		assert.equal('queueMs' in listed.events[0], false);
	});

	test('/v2 has its fields among the parameters of the answer', async () => {
		const tensor = { name: 'x', datatype: 'FP32', shape: [2, WIDTH], data: Array(2 * WIDTH).fill(1) };
		const request = (parameters) =>
			harper.request('POST', '/v2/models/m/infer', { body: { inputs: [tensor], parameters } });
		assert.deepEqual(Object.keys((await request({})).body.parameters), ['inferenceId']);
		const { inferenceId, ...receipt } = (await request({ receipt: true })).body.parameters;
		assert.equal(typeof inferenceId, 'string');
		assertReceipt(receipt, 2, { isNullTold: false });
		assert.equal((await request({ receipt: 'yes' })).status, 400);
	});
});
