// Estimated quality in the Node.js API: fitted to the feedback of a Monitor, and beside the quality that feedback tells.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Cbpe, Dle, InferenceEngine, ModelRegistry, Monitor } from '../index.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { randomFrom } from './support/random.js';

const ROWS = 200;
/** Tensors have 32 bits. */
const SLACK = 1e-5;
const BUSINESS_VALUE = [
	[0, -1, -1],
	[-5, 10, 0],
	[-5, 0, 10],
];

const classifier = onnxModel({
	nodes: [['Softmax', ['x'], ['scores']]],
	inputs: [['x', FLOAT, ['n', 3]]],
	outputs: [['scores', FLOAT, ['n', 3]]],
});
const regression = onnxModel({
	nodes: [['Mul', ['a', 'b'], ['y']]],
	inputs: ['a', 'b'].map((name) => [name, FLOAT, ['n', 1]]),
	outputs: [['y', FLOAT, ['n', 1]]],
});

const random = randomFrom(3);
const rowsOf = (count, make) => Array.from({ length: count }, make);
const logits = (spread) => rowsOf(3, () => spread * random());
const largest = (row) => row.indexOf(Math.max(...row));

/** A class about as often as it is probable. */
function drawn(row) {
	let left = random();
	const found = row.findIndex((probability) => (left -= probability) < 0);
	return found === -1 ? largest(row) : found;
}

/** A model in a registry, and a monitor of its predictions. */
async function monitored(file, options) {
	const [registry, monitor] = [new ModelRegistry(), new Monitor(options)];
	const engine = new InferenceEngine({ registry, monitor });
	await registry.register({ modelId: 'm', version: 'v1', file });
	const predict = (features) => engine.predict('m', features);
	const estimated = (filter) => monitor.metrics('m', { version: 'v1', ...filter }).estimated;
	return { registry, monitor, predict, estimated };
}

const scoresOf = ({ outputs }) => outputs.scores.toArray();

/** `chunks` is to how many chunks thresholds of sums are scaled. */
function assertSame(estimated, wanted, chunks) {
	assert.deepEqual(Object.keys(estimated).sort(), Object.keys(wanted).sort());
	for (const [name, { value, samplingError, lowerThreshold }] of Object.entries(wanted)) {
		const found = estimated[name];
		const lower = name === 'businessValue' ? lowerThreshold * chunks : lowerThreshold;
		const slack = name === 'businessValue' ? 100 * SLACK : SLACK;
		assert.ok(Math.abs(found.value - value) <= (found.bound ?? 0) + slack, `${name}: ${found.value}, ${value}`);
		assert.ok(Math.abs(found.samplingError - samplingError) <= slack, `${name}: ${found.samplingError}`);
		assert.ok(Math.abs(found.lowerThreshold - lower) <= slack, `${name}: ${found.lowerThreshold}, ${lower}`);
		assert.equal(found.bound !== undefined, ['rocAuc', 'averagePrecision'].includes(name), name);
	}
}

describe('a Monitor with an estimator', () => {
	for (const profile of ['on', 'off']) {
		test(`tells of a classifier what Cbpe does over the same rows, with profiles ${profile}`, async () => {
			const { monitor, predict, estimated } = await monitored(classifier, { profile });
			const known = await predict({ x: rowsOf(3 * ROWS, () => logits(5)) });
			const scores = scoresOf(known);
			const truth = scores.map(drawn);
			monitor.feedback(known.inferenceId, truth);
			assert.equal(estimated(), undefined);
			const found = await monitor.fitEstimator('m', { version: 'v1', chunkRows: 100, businessValue: BUSINESS_VALUE });
			assert.deepEqual([found.kind, found.rows, found.classes, found.chunkRows], ['classification', 3 * ROWS, 3, 100]);
			assert.deepEqual([found.modelId, found.version, found.leftOut], ['m', 'v1', 0]);
			assert.ok(found.from <= found.to && found.to <= found.fittedAt);

			const seen = [];
			for (let at = 0; at < 40; at += 1) seen.push(...scoresOf(await predict({ x: rowsOf(4, () => logits(1)) })));
			const { blindTo, count, leftOut, measures, estimator } = estimated();
			assert.deepEqual([count, leftOut, blindTo], [160, 0, ['concept drift', 'unseen regions']]);
			assert.equal(estimator.fittedAt, found.fittedAt);
			const reference = { truth, predicted: scores.map(largest), classes: [0, 1, 2], probabilities: scores };
			const cbpe = new Cbpe({ ...reference, chunkRows: 100, businessValue: BUSINESS_VALUE });
			const wanted = cbpe.estimate({ predicted: seen.map(largest), probabilities: seen });
			assertSame(measures, wanted.measures, 1.6);
			assert.equal(monitor.metrics('m', { version: 'v1' }).quality.count, 3 * ROWS);
			for (const filter of [{ version: undefined }, { startTime: 1 }, { version: 'v2' }]) {
				assert.equal(estimated(filter), undefined);
			}
			// Another one begins anew.
			await monitor.fitEstimator('m', { version: 'v1' });
			assert.deepEqual([estimated().count, estimated().measures.businessValue], [0, undefined]);
		});
	}

	test('tells of a regression what Dle does, of typed arrays too', async () => {
		const { monitor, predict, estimated } = await monitored(regression);
		const [a, b] = [rowsOf(ROWS, random), rowsOf(ROWS, () => 1 + random())].map((list) => Float32Array.from(list));
		const { inferenceId, outputs } = await predict({ b, a });
		const predicted = [...outputs.y.data];
		const truth = predicted.map((y, row) => y + (row % 2 === 0 ? 1 : -1) * a[row] * y);
		monitor.feedback(inferenceId, truth);
		const found = await monitor.fitEstimator('m', { version: 'v1' });
		assert.deepEqual([found.kind, found.rows, found.features, found.chunkRows], ['regression', ROWS, 2, 20]);
		const features = rowsOf(ROWS, (_, row) => [a[row], b[row]]);
		const dle = new Dle({ features, predicted, truth, chunkRows: 20 });
		const answer = await predict({ a: [[0.9], [0.95]], b: [[1.5], [1.25]] });
		const rows = {
			features: [
				[0.9, 1.5],
				[0.95, 1.25],
			].map((row) => row.map(Math.fround)),
			predicted: [...answer.outputs.y.data],
		};
		const { measures } = dle.estimate(rows);
		assert.deepEqual(Object.keys(measures).sort(), ['mae', 'mape', 'mse', 'msle', 'rmse', 'rmsle']);
		assertSame(estimated().measures, measures, 0.1);
		await assert.rejects(monitor.fitEstimator('m', { version: 'v1', businessValue: [[1]] }), /is a regression/);
	});

	test('says what is asked for wrongly', async () => {
		const { monitor, predict } = await monitored(classifier);
		const { inferenceId } = await predict({ x: rowsOf(99, () => logits(5)) });
		monitor.feedback(
			inferenceId,
			rowsOf(99, (_, row) => row % 3)
		);
		const wrong = (call, message) => assert.rejects(call, { name: 'TypeError', message });
		await wrong(monitor.fitEstimator(), /modelId of a model, a string; received undefined/);
		await wrong(monitor.fitEstimator('m', {}), /needs version/);
		await wrong(monitor.fitEstimator('m', { version: 'v1', chunkRows: 0 }), /chunkRows must be a whole number/);
		await wrong(monitor.fitEstimator('m', { version: 'v1', chunks: 3 }), /does not take "chunks"/);
		const refused = (options, message) =>
			assert.rejects(monitor.fitEstimator('m', { version: 'v1', ...options }), { code: 'INVALID_REQUEST', message });
		await refused({}, /at least 100 rows with an outcome.*found 99/);
		await refused({ version: 'v2' }, /found 0/);
		await refused({ businessValue: [[1, 2], [3]] }, /businessValue must be a list for each true class/);
		monitor.feedback(
			(await predict({ x: rowsOf(50, () => logits(5)) })).inferenceId,
			rowsOf(50, (_, row) => row % 3)
		);
		await refused(
			{
				businessValue: [
					[1, 2],
					[3, 4],
				],
			},
			/businessValue must have 3 rows/
		);
		await refused({ chunkRows: 100 }, /two chunks of 100 rows/);
	});
});
