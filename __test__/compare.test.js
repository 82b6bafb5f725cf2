// POST /benchmark/compare, and the same trained network in two formats side by side.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { translateModel } from '../binding.js';
import { agreement } from '../resources/serving/agreement.js';
import { startHarper } from './support/harper.js';
import { artifactsOf, filesOf, seedWeights, tf } from './support/tfjs.js';

const FEATURES = { x: [[0.1, -0.2, 0.3, 0.4]] };
const RUN_TIMEOUT_MS = 500;
const TOLERANCE = 1e-6;

const classifier = () =>
	tf.sequential({
		layers: [
			tf.layers.dense({ inputShape: [4], units: 8, activation: 'tanh' }),
			tf.layers.dense({ units: 3, activation: 'softmax' }),
		],
	});

let harper;
before(async () => {
	harper = await startHarper({ options: { timeoutMs: RUN_TIMEOUT_MS } });
	const files = filesOf(await artifactsOf(seedWeights(classifier(), 1)));
	const other = filesOf(await artifactsOf(seedWeights(classifier(), 2)));
	const onnx = [{ name: 'model.onnx', bytes: await translateModel(files) }];
	for (const [modelId, version, list] of [
		['model-tf', 'v1', files],
		['model-onnx', 'v1', onnx],
		['other', 'v1', files],
		['other', 'v2', other],
	]) {
		const parts = list.map(({ name, bytes }) => ({ name, content: bytes }));
		const { status, body } = await harper.upload({ modelId, version }, parts);
		assert.equal(status, 201, JSON.stringify(body));
	}
	for (const [modelId, file] of [
		['iris', 'examples/iris/model.onnx'],
		['endless', '__test__/fixtures/hostile/endless_loop.onnx'],
	]) {
		assert.equal((await harper.upload({ modelId, version: 'v1' }, [file])).status, 201);
	}
});
after(() => harper?.dispose());

const compare = (body, how) => harper.request('POST', '/benchmark/compare', { body, ...how });
const pair = [{ modelId: 'model-onnx', version: 'v1' }, { modelId: 'model-tf' }];

describe('POST /benchmark/compare', () => {
	test('the same network in two formats agrees', async () => {
		const { status, body } = await compare({ models: pair, features: FEATURES, iterations: 20 });
		assert.equal(status, 200, JSON.stringify(body));
		assert.equal(body.iterations, 20);
		const [onnx, tensorflow] = body.models;
		assert.deepEqual(
			body.models.map(({ modelId, version, framework, engine }) => [modelId, version, framework, engine]),
			[
				['model-onnx', 'v1', 'onnx', 'onnxruntime'],
				['model-tf', 'v1', 'tensorflow', 'onnxruntime'],
			]
		);
		assert.equal(onnx.agreement, null);
		const [output] = Object.keys(tensorflow.prediction);
		assert.equal(tensorflow.agreement.length, 1);
		const [{ maxDifference, equal, ...names }] = tensorflow.agreement;
		assert.deepEqual(names, { output, with: Object.keys(onnx.prediction)[0] });
		assert.ok(maxDifference <= TOLERANCE);
		assert.equal(equal, maxDifference === 0);
	});

	test('quantiles are in order, and bytes are those of the model', async () => {
		const { body } = await compare({ models: pair, features: FEATURES, iterations: 50 });
		for (const { modelId, version, latencyMs, fileBytes, weightBytes, confidence, prediction } of body.models) {
			const { min, p50, p90, p95, p99, max, mean } = latencyMs;
			const sorted = [min, p50, p90, p95, p99, max];
			assert.deepEqual(
				sorted.toSorted((a, b) => a - b),
				sorted
			);
			assert.ok(min > 0 && mean >= min && mean <= max);
			const { body: record } = await harper.get(`/model/${modelId}/${version}`);
			assert.equal(fileBytes, record.size);
			const parameters = 4 * 8 + 8 + 8 * 3 + 3;
			assert.ok(weightBytes >= 4 * parameters && weightBytes < 4096, `${weightBytes}`);
			assert.equal(confidence[0], Math.max(...Object.values(prediction)[0][0]));
		}
	});

	test('it answers what /predict answers, and records nothing', async () => {
		const [first] = (await compare({ models: pair, features: FEATURES })).body.models;
		const { body: events } = await harper.get('/monitoring/events?modelId=model-onnx');
		assert.equal(events.count, 0);
		const { body } = await harper.predict({ modelId: 'model-onnx', features: FEATURES, record: false });
		assert.deepEqual(first.prediction, body.prediction);
	});

	test('versions that differ are told apart; without a version it is the latest', async () => {
		const models = [{ modelId: 'other', version: 'v1' }, { modelId: 'other' }, { modelId: 'other', version: 'v1' }];
		const { body } = await compare({ models, features: FEATURES, iterations: 1 });
		assert.deepEqual(
			body.models.map(({ version }) => version),
			['v1', 'v2', 'v1']
		);
		const [, changed, same] = body.models;
		assert.ok(changed.agreement[0].maxDifference > 0.01);
		assert.equal(changed.agreement[0].equal, false);
		assert.deepEqual([same.agreement[0].equal, same.agreement[0].maxDifference], [true, 0]);
	});

	for (const [what, body, part] of [
		['no models', { features: FEATURES }, 'models must be a list'],
		['an empty list', { models: [], features: FEATURES }, 'models must be a list'],
		['too many models', { models: Array(9).fill(pair[0]), features: FEATURES }, '1 to 8'],
		['a model that is a name', { models: ['model-tf'], features: FEATURES }, '{modelId, version?, stage?}'],
		['a misspelt field of a model', { models: [{ modelid: 'm' }], features: FEATURES }, '"modelId"'],
		['a misspelt field', { models: pair, feature: FEATURES }, '"features"'],
		['no features', { models: pair }, 'features is required'],
		['too many iterations', { models: pair, features: FEATURES, iterations: 1001 }, 'from 1 to 1000'],
		['half an iteration', { models: pair, features: FEATURES, iterations: 0.5 }, 'from 1 to 1000'],
	]) {
		test(`${what} is refused`, async () => {
			const answer = await compare(body);
			assert.deepEqual([answer.status, answer.body.code], [400, 'INVALID_REQUEST'], JSON.stringify(answer.body));
			assert.ok(answer.body.error.includes(part), answer.body.error);
		});
	}

	test('a model that does not exist, and one that the features do not fit, are named', async () => {
		const missing = await compare({ models: [pair[0], { modelId: 'nobody' }], features: FEATURES });
		assert.deepEqual([missing.status, missing.body.code], [404, 'MODEL_NOT_FOUND']);
		const unfit = await compare({ models: [pair[0], { modelId: 'iris' }], features: { x: [[1, 2, 3]] } });
		assert.deepEqual([unfit.status, unfit.body.code], [422, 'INVALID_INPUT']);
		assert.match(unfit.body.error, /^model "model-onnx", version "v1": /);
	});

	test('a run that does not end is stopped', async () => {
		const { status, body } = await compare({ models: [{ modelId: 'endless' }], features: { x: [1] } });
		assert.deepEqual([status, body.code], [504, 'DEADLINE_EXCEEDED'], JSON.stringify(body));
	});
});

test('metrics of both frameworks side by side', async () => {
	for (const modelId of ['model-onnx', 'model-tf']) {
		for (let count = 0; count < 3; count += 1) {
			const { status } = await harper.predict({ modelId, features: FEATURES });
			assert.equal(status, 200);
		}
	}
	const metrics = ['model-onnx', 'model-tf'].map((modelId) => harper.get(`/monitoring/metrics?modelId=${modelId}`));
	const [onnx, tensorflow] = (await Promise.all(metrics)).map(({ body }) => body);
	assert.deepEqual([onnx.count, tensorflow.count], [3, 3]);
	assert.ok(Math.abs(onnx.avgConfidence - tensorflow.avgConfidence) <= TOLERANCE);
	for (const { avgLatency, p99Latency } of [onnx, tensorflow]) {
		assert.ok(avgLatency > 0 && p99Latency >= avgLatency / 2);
	}
});

describe('agreement', () => {
	for (const [what, prediction, other, expected] of [
		[
			'by name',
			{ b: [1, 2], a: [3] },
			{ a: [3.5], b: [1, 2] },
			[
				['b', 'b', true, 0],
				['a', 'a', false, 0.5],
			],
		],
		['by place', { dense: [0.25, 0.75] }, { label: 1, scores: [0.5, 0.5] }, [['dense', 'scores', false, 0.25]]],
		['of maps', { p: { a: 0.5, b: 0.5 } }, { q: [[0.5, 0.25]] }, [['p', 'q', false, 0.25]]],
		['of texts', { label: ['a', 'b'] }, { label: ['a', 'c'] }, [['label', 'label', false, null]]],
		['of what is no number', { y: ['NaN', 'Infinity'] }, { y: ['NaN', 'Infinity'] }, [['y', 'y', true, 0]]],
		['of NaN and a number', { y: ['NaN', 1] }, { y: [1, 1] }, [['y', 'y', false, null]]],
		['of nothing alike', { y: [1, 2] }, { z: [1, 2, 3], t: ['a', 'b'] }, []],
	]) {
		test(what, () => {
			const found = agreement(prediction, other).map((pair) => Object.values(pair));
			assert.deepEqual(found, expected);
		});
	}
});
