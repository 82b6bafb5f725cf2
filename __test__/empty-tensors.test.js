// Tensors without elements through every route that predicts: a defined result or a clean error, and the process lives on.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { difference } from './support/comparison.js';
import { root, startHarper } from './support/harper.js';
import { FLOAT, INT64, message, number, onnxModel } from './support/onnx.js';

const corpus = process.env.EDGE_AI_CORPUS ?? join(root, '../shared/corpus');
const TOLERANCE = { rtol: 1e-3, atol: 1e-5 };

/** The two largest of four numbers; ONNX Runtime itself divides by the number of rows. */
const TOP = onnxModel({
	nodes: [['TopK', ['x', 'k'], ['y', 'at']]],
	inputs: [['x', FLOAT, ['rows', 4]]],
	outputs: [
		['y', FLOAT, ['rows', 2]],
		['at', INT64, ['rows', 2]],
	],
	initializer: message(5, [
		number(1, 1),
		number(2, INT64),
		message(8, 'k'),
		message(9, Buffer.from(new BigInt64Array([2n]).buffer)),
	]),
});
const NO_ROWS = { data: [], shape: [0, 4] };

let harper;
before(async () => {
	harper = await startHarper({ threads: 1 });
	const { status, body } = await harper.upload({ modelId: 'top', version: 'v1' }, [
		{ name: 'model.onnx', content: TOP },
	]);
	assert.equal(status, 201, JSON.stringify(body));
});
after(() => harper?.dispose());

async function assertWorks() {
	const { status, body } = await harper.predict({ modelId: 'top', features: { x: [[3, 9, 1, 5]] } });
	assert.equal(status, 200, JSON.stringify(body));
	assert.deepEqual(body.prediction, { y: [[9, 5]], at: [[1, 3]] });
}

describe('no rows', () => {
	test('/predict', async () => {
		const { status, body } = await harper.predict({ modelId: 'top', features: { x: NO_ROWS } });
		assert.equal(status, 200, JSON.stringify(body));
		assert.deepEqual(body.prediction, { y: [], at: [] });
		await assertWorks();
	});

	test('/predict/batch', async () => {
		const { status, body } = await harper.request('POST', '/predict/batch?modelId=top', {
			body: `${JSON.stringify({ x: NO_ROWS })}\n`,
			headers: { 'content-type': 'application/x-ndjson' },
		});
		assert.equal(status, 200, JSON.stringify(body));
		const { prediction, code } = JSON.parse(body.toString());
		assert.ok(prediction ? prediction.y.length === 0 : ['RUN_FAILED', 'INVALID_INPUT'].includes(code), body.toString());
		await assertWorks();
	});

	test('/v2', async () => {
		const { status, body } = await harper.request('POST', '/v2/models/top/infer', {
			body: { inputs: [{ name: 'x', datatype: 'FP32', shape: [0, 4], data: [] }] },
		});
		assert.equal(status, 200, JSON.stringify(body));
		const outputs = body.outputs.map(({ name, shape, data }) => ({ name, shape, data }));
		assert.deepEqual(outputs, [
			{ name: 'y', shape: [0, 2], data: [] },
			{ name: 'at', shape: [0, 2], data: [] },
		]);
		await assertWorks();
	});
});

const crashes = join(corpus, 'users/onnx-crash');
describe('models of users that ended the process', { skip: existsSync(crashes) ? false : 'no corpus' }, () => {
	for (const name of ['knn_empty_batch', 'knn_imputer', 'lstm_empty']) {
		test(name, async () => {
			const read = (file) => JSON.parse(readFileSync(join(crashes, name, file), 'utf8'));
			const model = { name: 'model.onnx', content: readFileSync(join(crashes, name, 'model.onnx')) };
			const uploaded = await harper.upload({ modelId: name, version: 'v1' }, [model]);
			assert.equal(uploaded.status, 201, JSON.stringify(uploaded.body));
			for (const { features, expected } of read('cases.json')) {
				const { status, body } = await harper.predict({ modelId: name, features });
				assert.equal(status, 200, JSON.stringify(body));
				assert.equal(difference(body.prediction, expected, TOLERANCE), undefined);
			}
			const extra = existsSync(join(crashes, name, 'extra.json')) ? read('extra.json') : [];
			for (const { features, status: allowed = [200] } of extra) {
				const { status, body } = await harper.predict({ modelId: name, features });
				assert.ok(allowed.includes(status), JSON.stringify(body));
			}
			await assertWorks();
		});
	}
});
