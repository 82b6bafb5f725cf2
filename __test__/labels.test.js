// Labels in a real Harper: draws, the queue, answers, and the accuracy that they tell.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startHarper } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { randomFrom } from './support/random.js';
import { until } from './support/until.js';

const VERSION = 'v1';
const random = randomFrom(4);

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
before(async () => (harper = await startHarper()));
after(() => harper?.dispose());

const request = async (method, path, { status = 200, ...how } = {}) => {
	const answer = await harper.request(method, path, how);
	assert.equal(answer.status, status, JSON.stringify(answer.body));
	return answer.body;
};
const search = (modelId, parameters) => new URLSearchParams({ modelId, ...parameters });
const upload = async (modelId, content = classifier) => {
	const { status, body } = await harper.upload({ modelId, version: VERSION }, [{ name: 'model.onnx', content }]);
	assert.ok(status < 300, JSON.stringify(body));
};
const draw = (modelId, parameters, status = 201) =>
	request('POST', `/monitoring/labels/queue?${search(modelId, parameters)}`, { status });
const queue = (modelId, parameters, how) =>
	request('GET', `/monitoring/labels/queue?${search(modelId, parameters)}`, how);
const accuracy = (modelId, parameters, how) =>
	request('GET', `/monitoring/labels/accuracy?${search(modelId, parameters)}`, how);
const answer = (answers, how) => request('POST', '/monitoring/labels', { body: { answers }, ...how });

/** Predictions of rows, some at once. */
async function predict(modelId, rows, isWhole = false) {
	const ids = [];
	for (let at = 0; at < rows.length; at += 20) {
		const made = rows.slice(at, at + 20).map(async (row) => {
			const features = isWhole ? row : { x: [row] };
			const { status, body } = await harper.predict({ modelId, version: VERSION, features });
			assert.equal(status, 200, JSON.stringify(body));
			return body.inferenceId;
		});
		ids.push(...(await Promise.all(made)));
	}
	return ids;
}

const logits = () => [3 * random(), 2 * random(), random()];
const rowsOf = (count) => Array.from({ length: count }, logits);
const largest = (row) => row.indexOf(Math.max(...row));
const classOf = ({ prediction }) => largest(JSON.parse(prediction).scores.flat());
const right = (event) => ({ inferenceId: event.id, outcome: classOf(event) });
const wrong = (event) => ({ inferenceId: event.id, outcome: (classOf(event) + 1) % 3 });
const eventOf = async (id) => (await request('GET', `/monitoring/events?inferenceId=${id}`)).events[0];

describe('a draw', () => {
	test('stores with each event the probability with which it was drawn', async () => {
		await upload('drawn');
		const ids = await predict('drawn', rowsOf(120));
		const made = await draw('drawn', { strategy: 'uncertainty', limit: 30 });
		assert.deepEqual(
			[made.strategy, made.population, made.known, made.drawn, made.toLabel],
			['uncertainty', 120, 0, 30, 30]
		);
		const { predictions, count, unanswered, draws } = await queue('drawn');
		assert.deepEqual([predictions.length, count, unanswered, draws.length], [30, 30, 30, 1]);
		assert.deepEqual(draws[0], { ...made, unanswered: 30 });
		assert.equal(new Set(predictions.map(({ id }) => id)).size, 30);
		const uncertain = [];
		for (const id of ids) {
			const event = await eventOf(id);
			uncertain.push(1 - event.confidence);
			assert.equal(
				event.samplingProbability !== undefined,
				predictions.some((each) => each.id === id),
				id
			);
		}
		// The probabilities are those that docs/labels.md says, of what is stored.
		const mean = uncertain.reduce((sum, each) => sum + each, 0) / uncertain.length;
		for (const event of predictions) {
			assert.equal(event.labelDraw, made.id);
			assert.equal(event.modelId, 'drawn');
			assert.ok(JSON.parse(event.featuresIn).x, 'with its features');
			const wanted = (30 / 120) * (0.5 + (0.5 * (1 - event.confidence)) / mean);
			assert.ok(Math.abs(event.samplingProbability - wanted) < 1e-9, `${event.samplingProbability}, ${wanted}`);
		}
	});

	test('draws nothing twice, also of two callers at once', async () => {
		const both = await Promise.all([draw('drawn', { strategy: 'uniform', limit: 20 }), draw('drawn', { limit: 20 })]);
		assert.deepEqual(
			both.map(({ drawn }) => drawn),
			[20, 20]
		);
		assert.deepEqual(both.map(({ population }) => population).toSorted(), [70, 90]);
		const { predictions, draws } = await queue('drawn', { limit: 1000 });
		assert.equal(new Set(predictions.map(({ id }) => id)).size, 70);
		for (const { id } of draws) {
			const { drawn, toLabel } = draws.find((each) => each.id === id);
			assert.equal(predictions.filter(({ labelDraw }) => labelDraw === id).length, drawn);
			assert.equal(toLabel, drawn);
		}
		assert.equal((await queue('drawn', { strategy: 'uniform' })).count, 20);
		const rest = await draw('drawn', { strategy: 'uniform', limit: 1000 });
		assert.equal(rest.drawn, 50);
		const { code, error } = await draw('drawn', {}, 400);
		assert.deepEqual([code, /not drawn yet/.test(error)], ['INVALID_REQUEST', true]);
	});

	test('is of a time and a version', async () => {
		await upload('timed');
		await predict('timed', rowsOf(5));
		const between = Date.now() + 2;
		await until('a later millisecond', () => Date.now() > between);
		const later = await predict('timed', rowsOf(7));
		const made = await draw('timed', { from: between, version: VERSION, strategy: 'uniform' });
		assert.deepEqual([made.population, made.drawn, made.version], [7, 7, VERSION]);
		const { predictions } = await queue('timed', { from: between });
		assert.deepEqual(predictions.map(({ id }) => id).toSorted(), later.toSorted());
		assert.equal((await queue('timed', { to: between - 1 })).count, 0);
		assert.equal((await queue('timed', { version: 'v2' })).count, 0);
	});

	test('is stratified by the predicted class', async () => {
		await upload('strata');
		const rare = Array.from({ length: 6 }, () => [0, 0, 5]);
		await predict('strata', [...Array.from({ length: 94 }, () => [5, 0, 0]), ...rare]);
		await draw('strata', { strategy: 'stratified', limit: 10 });
		const { predictions } = await queue('strata');
		for (const event of predictions) {
			const size = classOf(event) === 2 ? 6 : 94;
			const wanted = (10 / 100) * (0.5 + (0.5 * 100) / 2 / size);
			assert.ok(Math.abs(event.samplingProbability - wanted) < 1e-9, `${event.samplingProbability}, ${wanted}`);
		}
	});

	test('takes for novel what is outside the reference', async () => {
		await upload('novel');
		const lines = Array.from({ length: 300 }, (_, at) => [at % 10, at % 7, at % 3].join(','));
		await request(
			'POST',
			`/monitoring/reference?${search('novel', { version: VERSION, name: 'training', format: 'csv' })}`,
			{
				body: ['0,1,2', ...lines].join('\n'),
				status: 201,
			}
		);
		const usual = Array.from({ length: 45 }, (_, at) => [at % 10, at % 7, at % 3]);
		const unusual = Array.from({ length: 5 }, () => [50, -60, 1]);
		await predict('novel', [...usual, ...unusual]);
		const made = await draw('novel', { strategy: 'novelty', version: VERSION, reference: 'training', limit: 5 });
		assert.equal(made.drawn, 5);
		const { predictions } = await queue('novel');
		const mean = (5 * 2) / 3 / 50;
		for (const event of predictions) {
			const isUnusual = event.featuresIn.includes('50');
			const wanted = (5 / 50) * (0.5 + (isUnusual ? (0.5 * 2) / 3 / mean : 0));
			assert.ok(Math.abs(event.samplingProbability - wanted) < 1e-9, `${event.samplingProbability}, ${wanted}`);
		}
		// Without a name the reference is what was predicted.
		assert.equal((await draw('novel', { strategy: 'novelty', version: VERSION, limit: 5 })).drawn, 5);
		assert.match((await draw('novel', { strategy: 'novelty' }, 400)).error, /version is required/);
	});

	test('refuses what makes no sense', async () => {
		for (const [parameters, problem] of [
			[{ strategy: 'best' }, /strategy must be one of uncertainty, novelty, stratified, uniform, received "best"/],
			[{ by: 'class' }, /by says/],
			[{ strategy: 'stratified', by: 'colour' }, /by must be one of class, segment/],
			[{ reference: 'training' }, /reference says/],
			[{ limit: 1001 }, /limit must be/],
			[{ from: 20, to: 10 }, /from must not be after to/],
			[{ colour: 'red' }, /unknown parameter "colour"/],
		]) {
			const { code, error } = await draw('drawn', parameters, 400);
			assert.equal(code, 'INVALID_REQUEST');
			assert.match(error, problem);
		}
		await upload('unsure', regression);
		await predict('unsure', [{ a: [1], b: [2] }], true);
		assert.match((await draw('unsure', {}, 400)).error, /no prediction of this time has a confidence/);
	});
});

describe('answers', () => {
	before(() => upload('answered'));

	test('are stored as feedback is, and count once', async () => {
		await predict('answered', rowsOf(40));
		await draw('answered', { strategy: 'uniform', limit: 20 });
		const { predictions } = await queue('answered');
		const answers = predictions.map((event, at) => (at < 4 ? wrong(event) : right(event)));
		assert.deepEqual(await answer(answers), { success: true, stored: 20, failed: [] });
		await answer([right(predictions[0])]);
		assert.equal((await queue('answered')).unanswered, 0);
		const { feedbackCount, accuracy: realised } = await request('GET', '/monitoring/metrics?modelId=answered');
		assert.deepEqual([feedbackCount, realised], [20, 0.85]);
		const found = await accuracy('answered');
		assert.deepEqual([found.method, found.level, found.labels, found.unanswered], ['inverse-propensity', 0.95, 20, 0]);
		assert.ok(Math.abs(found.accuracy.value - 0.85) < 1e-9);
		assert.ok(found.accuracy.lower < 0.8 && found.accuracy.upper > 0.9 && found.accuracy.upper < 1);
		assert.ok(Math.abs(found.effectiveLabels - 20) < 1e-9);
		assert.ok(Math.abs(found.predictions - 40) < 1e-9);
		assert.deepEqual([found.mae, found.rmse], [null, null]);
	});

	test('of predictions that nobody drew are refused one by one, and say nothing of others', async () => {
		const ids = await predict('answered', rowsOf(3));
		const [first] = await Promise.all(ids.map(eventOf));
		await harper.feedback(wrong(first));
		const before = await accuracy('answered');
		const told = await answer([
			wrong(first),
			{ inferenceId: 'none', outcome: 1 },
			{ outcome: 1 },
			7,
			{ inferenceId: ids[1], colour: 1 },
		]);
		assert.deepEqual([told.success, told.stored], [false, 0]);
		assert.deepEqual(
			told.failed.map(({ index, code }) => [index, code]),
			[
				[0, 'INVALID_REQUEST'],
				[1, 'INFERENCE_NOT_FOUND'],
				[2, 'INVALID_REQUEST'],
				[3, 'INVALID_REQUEST'],
				[4, 'INVALID_REQUEST'],
			]
		);
		assert.match(told.failed[0].error, /was not drawn to be labelled; POST \/feedback takes outcomes of any/);
		assert.deepEqual(await accuracy('answered'), before);
		for (const answers of [undefined, [], {}, Array.from({ length: 1001 }, () => right(first))]) {
			const { error } = await request('POST', '/monitoring/labels', { body: { answers }, status: 400 });
			assert.match(error, /answers must be a list of 1 to 1000/);
		}
	});

	test('keep all digits of an outcome', async () => {
		const made = await draw('answered', { strategy: 'uniform', limit: 1000 });
		assert.deepEqual([made.known, made.toLabel, made.drawn], [1, 22, 23]);
		const [event] = (await queue('answered')).predictions;
		const body = `{ "answers": [ {"inferenceId": "${event.id}", "outcome": {"note": "a ] , \\" [", "class": 12345678901234567890} } ] }`;
		const headers = { 'content-type': 'application/json' };
		await request('POST', '/monitoring/labels', { body, headers });
		assert.match((await eventOf(event.id)).actualOutcome, /12345678901234567890/);
	});

	test('may be null', async () => {
		const [event] = (await queue('answered')).predictions;
		assert.equal((await answer([{ inferenceId: event.id, outcome: null, correct: false }])).stored, 1);
		assert.equal((await eventOf(event.id)).correct, false);
	});
});

describe('accuracy', () => {
	test('of a model that is wrong where it is unsure is that of all predictions, by class too', async () => {
		await upload('unsafe');
		const rows = Array.from({ length: 300 }, (_, at) => (at % 3 === 0 ? [0.4, 0.3, 0] : [0, 0, 4 + random()]));
		await predict('unsafe', rows);
		await draw('unsafe', { strategy: 'uncertainty', limit: 60 });
		const { predictions } = await queue('unsafe');
		const unsure = predictions.filter((event) => classOf(event) === 0);
		assert.ok(unsure.length > 25, `${unsure.length} of the third that is unsure`);
		await answer(predictions.map((event, at) => (classOf(event) === 0 && at % 2 === 0 ? wrong(event) : right(event))));
		const found = await accuracy('unsafe', { by: 'class' });
		// Of the labels fewer are right than of the predictions.
		const { accuracy: ofLabels } = await request('GET', '/monitoring/metrics?modelId=unsafe');
		assert.ok(found.accuracy.value - ofLabels > 0.05, `${found.accuracy.value}, ${ofLabels}`);
		assert.ok(found.accuracy.lower < 5 / 6 && found.accuracy.upper > 5 / 6, JSON.stringify(found.accuracy));
		assert.ok(found.effectiveLabels < 60 && found.effectiveLabels > 30);
		const byClass = Object.fromEntries(found.groups.map((group) => [group.class, group]));
		assert.deepEqual(Object.keys(byClass), ['0', '2']);
		assert.equal(byClass[2].accuracy.value, 1);
		assert.ok(byClass[2].accuracy.lower < 1);
		assert.ok(byClass[0].accuracy.lower < 0.5 && byClass[0].accuracy.upper > 0.5);
		assert.equal(byClass[0].labels + byClass[2].labels, 60);
		assert.ok(Math.abs(byClass[0].predictions + byClass[2].predictions - found.predictions) < 1e-6);
	});

	test('tells how many are not answered, and counts what was known when it was drawn by its probability', async () => {
		await upload('partly');
		const ids = await predict('partly', rowsOf(200));
		const events = await Promise.all(ids.slice(0, 100).map(eventOf));
		// Only errors are complained about.
		for (const event of events.slice(0, 50)) await harper.feedback(wrong(event));
		const made = await draw('partly', { strategy: 'uniform', limit: 30 });
		assert.deepEqual([made.known, made.population, made.drawn, made.toLabel], [50, 200, 60, 30]);
		const { predictions } = await queue('partly');
		assert.equal(predictions.length, 30);
		await answer(predictions.slice(0, 10).map(right));
		const found = await accuracy('partly');
		assert.deepEqual([found.labels, found.unanswered, found.expired, found.incomparable], [40, 20, 0, 0]);
		// The ten stand for 150 that are right, the thirty for fifty that are wrong.
		assert.ok(Math.abs(found.accuracy.value - 0.75) < 1e-9, `${found.accuracy.value}`);
		assert.ok(Math.abs(found.predictions - 200) < 1e-6);
		assert.deepEqual(
			found.draws.map(({ labels, unanswered }) => [labels, unanswered]),
			[[40, 20]]
		);
		await answer([{ inferenceId: predictions[10].id, outcome: 'not a class' }]);
		assert.equal((await accuracy('partly')).incomparable + (await accuracy('partly')).labels, 41);
	});

	test('of a regression is its errors', async () => {
		await upload('numbers', regression);
		await predict(
			'numbers',
			Array.from({ length: 60 }, (_, at) => ({ a: [at], b: [2] })),
			true
		);
		await draw('numbers', { strategy: 'uniform', limit: 20 });
		const { predictions } = await queue('numbers');
		await answer(
			predictions.map(({ id, prediction }, at) => ({
				inferenceId: id,
				outcome: [JSON.parse(prediction).y].flat(2)[0] + (at % 2 ? 3 : -1),
			}))
		);
		const found = await accuracy('numbers');
		assert.equal(found.accuracy, null);
		assert.ok(Math.abs(found.mae.value - 2) < 1e-5);
		assert.ok(Math.abs(found.rmse.value - Math.sqrt(5)) < 1e-5);
		assert.ok(found.mae.lower > 1 && found.mae.upper < 3 && found.rmse.lower < Math.sqrt(5));
	});

	test('without labels there is none', async () => {
		const found = await accuracy('nobody');
		assert.deepEqual([found.accuracy, found.mae, found.labels, found.draws], [null, null, 0, []]);
		assert.match(
			(await accuracy('nobody', { by: 'colour' }, { status: 400 })).error,
			/by must be one of class, segment/
		);
	});
});

describe('what ends', () => {
	test('a process that is killed after a draw loses none of it', async () => {
		await upload('killed');
		await predict('killed', rowsOf(30));
		const made = await draw('killed', { strategy: 'uniform', limit: 12 });
		const before = await queue('killed');
		await harper.kill();
		await harper.start();
		assert.deepEqual(await queue('killed'), before);
		for (const event of before.predictions) {
			assert.deepEqual([event.labelDraw, event.samplingProbability], [made.id, 0.4]);
		}
		await answer(before.predictions.map(right));
		assert.equal((await accuracy('killed')).accuracy.value, 1);
		assert.equal((await draw('killed', { strategy: 'uniform', limit: 1000 })).drawn, 18);
	});

	test('events that have expired are told', async () => {
		await harper.restart({ eventRetention: 6 });
		await upload('expiring');
		await predict('expiring', rowsOf(10));
		await draw('expiring', { strategy: 'uniform', limit: 10 });
		const { predictions } = await queue('expiring');
		await answer(predictions.slice(0, 5).map(right));
		const [{ expiresAt }] = await harper
			.rows('LabelDraw', ['id', 'expiresAt', 'modelId'])
			.then((rows) => rows.filter(({ modelId }) => modelId === 'expiring'));
		const events = await harper.rows('InferenceEvent', ['id', 'expiresAt', 'modelId']);
		const ends = events.filter(({ modelId }) => modelId === 'expiring').map((event) => event.expiresAt);
		assert.equal(expiresAt, Math.max(...ends), 'a draw expires with the last of its events');
		await until('the end of an event', () => Date.now() > Math.min(...ends));
		const found = await accuracy('expiring');
		assert.ok(found.expired > 0 || found.draws.length === 0, JSON.stringify(found));
	});
});
