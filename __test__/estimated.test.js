// Estimated quality: fitted to feedback, counted over both threads, beside the quality that feedback tells, also after a restart.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cbpe, Dle } from '../index.js';
import { startHarper } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { randomFrom } from './support/random.js';
import { until } from './support/until.js';

const ROWS = 200;
/** Tensors have 32 bits, answers the decimals of them. */
const SLACK = 1e-5;

const random = randomFrom(7);

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

let harper;
before(async () => {
	harper = await startHarper();
	for (const [modelId, content] of Object.entries({ classes: classifier, numbers: regression })) {
		const uploaded = await harper.upload({ modelId, version: 'v1' }, [{ name: 'model.onnx', content }]);
		assert.equal(uploaded.status, 201, JSON.stringify(uploaded.body));
	}
});
after(() => harper?.dispose());

const request = async (method, path, body, status = 200) => {
	const answer = await harper.request(method, path, { body });
	assert.equal(answer.status, status, JSON.stringify(answer.body));
	return answer.body;
};
const predict = (modelId, features) => request('POST', '/predict', { modelId, features });
const feedback = ({ inferenceId }, outcome) => request('POST', '/feedback', { inferenceId, outcome });
const fit = (modelId, more = '', status = 201) =>
	request('POST', `/monitoring/estimator?modelId=${modelId}&version=v1${more}`, undefined, status);
const metrics = (modelId, more = '') => request('GET', `/monitoring/metrics?modelId=${modelId}&version=v1${more}`);

const rowsOf = (count, make) => Array.from({ length: count }, make);
const largest = (row) => row.indexOf(Math.max(...row));
const logits = (spread) => rowsOf(3, () => spread * random());

/** A class about as often as it is probable. */
function drawn(row) {
	let left = random();
	const found = row.findIndex((probability) => (left -= probability) < 0);
	return found === -1 ? largest(row) : found;
}

function assertSame(estimated, wanted) {
	for (const [name, { value, samplingError, lowerThreshold, alert }] of Object.entries(wanted)) {
		const found = estimated[name];
		assert.ok(Math.abs(found.value - value) <= (found.bound ?? 0) + SLACK, `${name}: ${found.value}, ${value}`);
		assert.ok(Math.abs(found.samplingError - samplingError) <= SLACK, name);
		assert.ok(Math.abs(found.lowerThreshold - lowerThreshold) <= SLACK, name);
		assert.equal(found.alert, alert, name);
	}
}

describe('estimated quality', () => {
	test('is not there without an estimator, which needs feedback', async () => {
		await predict('classes', { x: [[1, 2, 3]] });
		assert.equal((await metrics('classes')).estimated, undefined);
		const { code, error } = await fit('classes', '', 400);
		assert.equal(code, 'INVALID_REQUEST');
		assert.match(error, /at least 100 rows with an outcome.*found 0/);
	});

	test('of a classifier is that of Cbpe over the same rows, of both threads, and after a restart', async () => {
		const reference = [];
		for (let part = 0; part < 3; part += 1) {
			const answer = await predict('classes', { x: rowsOf(ROWS, () => logits(5)) });
			const truth = answer.prediction.scores.map(drawn);
			await feedback(answer, truth);
			reference.unshift({ scores: answer.prediction.scores, truth });
		}
		const values = [
			[0, -1, -1],
			[-5, 10, 0],
			[-5, 0, 10],
		];
		const found = await fit('classes', `&chunkRows=100&businessValue=${encodeURIComponent(JSON.stringify(values))}`);
		assert.deepEqual([found.kind, found.rows, found.classes, found.chunkRows], ['classification', 3 * ROWS, 3, 100]);
		assert.ok(found.from <= found.to && found.to <= found.fittedAt);
		const probabilities = reference.flatMap(({ scores }) => scores);
		const cbpe = new Cbpe({
			truth: reference.flatMap(({ truth }) => truth),
			predicted: probabilities.map(largest),
			classes: [0, 1, 2],
			probabilities,
			chunkRows: 100,
			businessValue: values,
		});

		const seen = [];
		for (let at = 0; at < 40; at += 1) {
			const x = rowsOf(4, () => logits(1));
			const { status, body } = await harper.predict(
				{ modelId: 'classes', features: { x }, record: at % 2 === 0 },
				{ headers: { connection: 'close' } }
			);
			assert.equal(status, 200, JSON.stringify(body));
			seen.push(...body.prediction.scores);
		}
		const check = async (more = '') => {
			const answer = await metrics('classes', more);
			const { estimated, quality } = answer;
			assert.deepEqual([estimated.count, estimated.leftOut, quality.count], [160, 0, 3 * ROWS]);
			assert.deepEqual(estimated.blindTo, ['concept drift', 'unseen regions']);
			assert.equal(estimated.estimator.fittedAt, found.fittedAt);
			const rows = { predicted: seen.map(largest), probabilities: seen };
			const { businessValue, ...measures } = cbpe.estimate(rows).measures;
			assertSame(estimated.measures, measures);
			const { value, lowerThreshold } = estimated.measures.businessValue;
			assert.ok(Math.abs(value - businessValue.value) <= 100 * SLACK, `${value}, ${businessValue.value}`);
			// Of as many predictions as there are.
			const chunks = estimated.count / 100;
			assert.ok(Math.abs(lowerThreshold - chunks * businessValue.lowerThreshold) <= 100 * SLACK, `${lowerThreshold}`);
			assert.ok(estimated.measures.rocAuc.bound < 0.05 && estimated.measures.accuracy.alert);
			assert.ok(estimated.measures.averagePrecision.bound < 0.2, `${estimated.measures.averagePrecision.bound}`);
			return answer;
		};
		await check();
		await harper.restart();
		await check();
		const { series } = await check(`&interval=1d&startTime=${found.from - 86_400_000}`);
		const points = series.filter(({ estimated }) => estimated);
		// Another day may have begun meanwhile.
		assert.ok(points.length >= 1 && points.length <= 2 && points[0].estimated.accuracy.value > 0);
		// The thread that took the estimator from the table has it again.
		await until('it is estimated again', async () => {
			await predict('classes', { x: [[1, 1, 1]] });
			return (await metrics('classes')).estimated.count > 160;
		});
		assert.equal((await metrics('classes', '&userId=nobody')).estimated, undefined);
	});

	test('of a regression is near what Dle says', async () => {
		const reference = [];
		for (let part = 0; part < 3; part += 1) {
			const [a, b] = [rowsOf(ROWS, () => [random()]), rowsOf(ROWS, () => [1 + random()])];
			const answer = await predict('numbers', { b, a });
			const truth = answer.prediction.y.map(([y], row) => [y + (row % 2 === 0 ? 1 : -1) * a[row][0]]);
			await feedback(answer, { y: truth });
			reference.unshift({ features: a.map((value, row) => [value[0], b[row][0]]), answer, truth });
		}
		const found = await fit('numbers');
		assert.deepEqual([found.kind, found.rows, found.features, found.chunkRows], ['regression', 3 * ROWS, 2, 60]);
		const dle = new Dle({
			features: reference.flatMap(({ features }) => features),
			predicted: reference.flatMap(({ answer }) => answer.prediction.y.flat()),
			truth: reference.flatMap(({ truth }) => truth.flat()),
			chunkRows: 60,
		});
		const answer = await predict('numbers', { a: [[0.9], [0.95]], b: [[1.5], [1.2]] });
		const { estimated, regressionCount } = await metrics('numbers');
		assert.deepEqual([estimated.count, regressionCount], [2, 3 * ROWS]);
		const predicted = answer.prediction.y.flat();
		const wanted = dle.estimate({
			features: [
				[0.9, 1.5],
				[0.95, 1.2],
			],
			predicted,
		}).measures;
		assert.deepEqual(Object.keys(estimated.measures).sort(), Object.keys(wanted).sort());
		assertSame(estimated.measures, wanted);
		assert.ok(estimated.measures.mae.value > 0.8 && estimated.measures.mae.alert);
	});

	test('may be fitted to training data with predictions and labels', async () => {
		const send = async (modelId, lines) =>
			(
				await request(
					'POST',
					`/monitoring/reference?modelId=${modelId}&version=v1&name=training&format=csv`,
					lines.join('\n'),
					201
				)
			).estimator;
		const upload = (modelId, content) => harper.upload({ modelId, version: 'v1' }, [{ name: 'model.onnx', content }]);

		await upload('trained', classifier);
		const x = rowsOf(ROWS, () => logits(4));
		const { scores } = (await predict('trained', { x })).prediction;
		const truth = scores.map(drawn);
		const columns = ['x', 'output.scores'].flatMap((name) => [0, 1, 2].map((at) => `${name}[${at}]`));
		const lines = [[...columns, 'label'], ...x.map((row, at) => [...row, ...scores[at], truth[at]])];
		const found = await send('trained', lines);
		assert.deepEqual([found.kind, found.rows, found.classes, found.chunkRows], ['classification', ROWS, 3, 20]);
		const reference = { truth, predicted: scores.map(largest), probabilities: scores };
		const cbpe = new Cbpe({ ...reference, classes: [0, 1, 2], chunkRows: 20 });
		const { prediction } = await predict('trained', { x: rowsOf(ROWS, () => logits(2)) });
		const rows = { predicted: prediction.scores.map(largest), probabilities: prediction.scores };
		const { estimated } = await metrics('trained');
		assert.equal(estimated.count, ROWS);
		assertSame(estimated.measures, cbpe.estimate(rows).measures);

		await upload('trainedNumbers', regression);
		const numbers = rowsOf(ROWS, (_, at) => [at / ROWS, 2, (2 * at) / ROWS, (2 * at) / ROWS + (at % 3) - 1]);
		const ofNumbers = await send('trainedNumbers', [['a', 'b', 'output.y', 'label'], ...numbers]);
		assert.deepEqual([ofNumbers.kind, ofNumbers.rows, ofNumbers.features], ['regression', ROWS, 2]);
		// Fewer rows than an estimator needs are a reference all the same, and so are those without predictions or labels.
		assert.match(
			(
				await send('trainedNumbers', [
					['a', 'b', 'output.y', 'label'],
					[1, 2, 2, 2],
				])
			).error,
			/at least 100 rows/
		);
		assert.equal(await send('trainedNumbers', [['a', 'b', 'label'], ...rowsOf(ROWS, () => [1, 2, 2])]), undefined);
		assert.equal((await metrics('trainedNumbers')).estimated.estimator.rows, ROWS);
	});

	test('ends with its estimator', async () => {
		const path = '/monitoring/estimator?modelId=numbers&version=v1';
		assert.equal((await request('DELETE', path)).removed, true);
		assert.equal((await request('DELETE', path)).removed, false);
		assert.equal((await metrics('numbers')).estimated, undefined);
	});

	test('what is asked for wrongly is told', async () => {
		const refused = async (path, status, code) =>
			assert.equal((await request('POST', `/monitoring/estimator?${path}`, undefined, status)).code, code);
		await refused('modelId=classes', 400, 'INVALID_REQUEST');
		await refused('modelId=classes&version=v9', 404, 'MODEL_NOT_FOUND');
		await refused('modelId=classes&version=v1&chunkRows=1.5', 400, 'INVALID_REQUEST');
		await refused('modelId=classes&version=v1&chunkRows=400', 400, 'INVALID_REQUEST');
		await refused('modelId=classes&version=v1&from=2&to=1', 400, 'INVALID_REQUEST');
		await refused('modelId=classes&version=v1&rows=1', 400, 'INVALID_REQUEST');
		for (const value of ['1', '[[1,2],[3]]', '[[1,2],[3,4]]', '[[1,null,3],[1,2,3],[1,2,3]]', 'no JSON']) {
			const asked = `modelId=classes&version=v1&businessValue=${encodeURIComponent(value)}`;
			await refused(asked, 400, 'INVALID_REQUEST');
		}
		await refused('modelId=trainedNumbers&version=v1&businessValue=[[1]]', 400, 'INVALID_REQUEST');
		await refused('modelId=classes&version=v1&to=1', 400, 'INVALID_REQUEST');
	});

	test('is hidden where the predictions are, and fitting where features are', async () => {
		const role = 'narrow';
		const read = (names) => names.map((name) => ({ attribute_name: name, read: true, insert: false, update: false }));
		const shown = [
			'modelId',
			'modelVersion',
			'timestamp',
			'correct',
			'actualOutcome',
			'digest',
			'confidence',
			'featuresIn',
		];
		await harper.addRole(role, {
			edge_ai: {
				tables: {
					Model: { read: true, insert: false, update: true, delete: false, attribute_permissions: [] },
					InferenceEvent: {
						...{ read: true, insert: false, update: false, delete: false },
						attribute_permissions: read(shown),
					},
				},
			},
		});
		const asNarrow = (method, path) => harper.request(method, path, { user: role });
		const { status, body } = await asNarrow('GET', '/monitoring/metrics?modelId=classes&version=v1');
		assert.deepEqual([status, body.estimated, body.quality], [200, undefined, undefined]);
		const refused = await asNarrow('POST', '/monitoring/estimator?modelId=classes&version=v1');
		assert.deepEqual([refused.status, refused.body.code], [403, 'FORBIDDEN']);
	});
});
