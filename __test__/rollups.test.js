// Metrics from rollups against a recount over the pages of events, on a real Harper: whatever records the events, whatever ends the
// process, and for any range.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { countEarlierEvents } from './support/earlier-events.js';
import { FILLING } from './support/filling.js';
import { startHarper } from './support/harper.js';
import { postJob } from './support/jobs.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { until } from './support/until.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const RELU = onnxModel({
	nodes: [['Relu', ['x'], ['y']]],
	inputs: [['x', FLOAT, ['rows', 1]]],
	outputs: [['y', FLOAT, ['rows', 1]]],
});

let harper;
before(async () => {
	harper = await startHarper({ components: FILLING });
	for (const [modelId, file] of [
		['iris', 'examples/iris/model.onnx'],
		['killed', 'examples/iris/model.onnx'],
		['relu', { name: 'model.onnx', content: RELU }],
		['failing', '__test__/fixtures/hostile/int64_div_zero.onnx'],
	]) {
		const { status, body } = await harper.upload({ modelId, version: 'v1' }, [file]);
		assert.equal(status, 201, JSON.stringify(body));
	}
});
after(() => harper?.dispose());

const search = (parameters) => new URLSearchParams(parameters).toString();

async function get(path, parameters) {
	const { status, body } = await harper.get(`${path}?${search(parameters)}`);
	assert.equal(status, 200, JSON.stringify(body));
	return body;
}

const metrics = (parameters) => get('/monitoring/metrics', parameters);

/** All events of a filter. */
async function events(parameters) {
	const found = [];
	let cursor;
	do {
		const page = await get('/monitoring/events', { ...parameters, limit: '1000', ...(cursor && { cursor }) });
		found.push(...page.events);
		({ cursor } = page);
	} while (cursor !== undefined);
	return found;
}

/** Rounded once, whatever the order. */
function sumOf(values) {
	const SCALE = 2 ** 100;
	return Number(values.reduce((sum, value) => sum + BigInt(value * SCALE), 0n)) / SCALE;
}

const shareOf = (part, whole) => (whole === 0 ? null : part / whole);

/** What is exact in metrics, counted from events. */
function recount(found) {
	const latencies = found.flatMap(({ latencyMs }) => latencyMs ?? []);
	const numbers = found.flatMap(({ confidence, prediction }) =>
		confidence === undefined && prediction?.startsWith('{"y":') ? JSON.parse(prediction).y : []
	);
	const compared = found.filter(({ correct }) => correct !== undefined);
	return {
		count: found.length,
		errorCount: found.filter(({ error }) => error !== undefined).length,
		feedbackCount: found.filter(({ actualOutcome }) => actualOutcome !== undefined).length,
		accuracy: shareOf(compared.filter(({ correct }) => correct).length, compared.length),
		avgLatency: shareOf(sumOf(latencies), latencies.length),
		outputs: numbers.length === 0 ? {} : { y: numbersOf(numbers) },
	};
}

/** What is exact of the numbers of an output. */
const numbersOf = (numbers) => ({
	count: numbers.length,
	mean: sumOf(numbers) / numbers.length,
	min: Math.min(...numbers),
	max: Math.max(...numbers),
});

const exactOf = ({ outputs, ...rest }) => ({
	...rest,
	outputs: Object.fromEntries(
		Object.entries(outputs).map(([name, { count, mean, min, max }]) => [name, { count, mean, min, max }])
	),
});

/** Fails unless metrics are what events measure. */
function assertCounted(measured, found, what) {
	const expected = recount(found);
	const actual = Object.fromEntries(Object.keys(expected).map((name) => [name, measured[name]]));
	assert.deepEqual(exactOf(actual), expected, what);
}

async function isCounted(parameters, what) {
	const measured = await metrics(parameters);
	assertCounted(measured, await events(parameters), what);
	return measured;
}

/** Deltas that are not part of rows. */
const waiting = async () => (await harper.rows('RollupDelta', ['*'])).filter(({ measures }) => measures != null).length;

/** The rows of a model. */
const rollups = async (modelId) => (await harper.rows('Rollup', ['*'])).filter((row) => row.modelId === modelId);

test('whatever records an event, it counts once', async () => {
	const features = { float_input: SETOSA };
	const segment = 'eu';
	const predicted = await Promise.all(
		Array.from({ length: 20 }, () =>
			harper.predict({ modelId: 'iris', features }, { headers: { connection: 'close' } }).then(({ body }) => body)
		)
	);
	await harper.predict({ modelId: 'iris', features, record: false });
	for (const [at, { inferenceId }] of predicted.slice(0, 8).entries()) {
		for (const outcome of [0, at % 2]) await harper.feedback({ inferenceId, outcome: { class: outcome } });
	}
	await harper.predict({ modelId: 'iris', features, segment });
	const lines = Array.from({ length: 30 }, () => JSON.stringify(features)).join('\n');
	const batch = await harper.request('POST', `/predict/batch?modelId=iris&segment=${segment}`, {
		body: lines,
		headers: { 'content-type': 'application/x-ndjson' },
	});
	assert.equal(batch.status, 200, batch.body.toString());
	const inputs = [{ name: 'float_input', shape: [1, 4], datatype: 'FP32', data: SETOSA }];
	assert.equal(
		(await harper.request('POST', '/v2/models/iris/infer', { body: { inputs, parameters: { segment } } })).status,
		200
	);
	const served = { body: { instances: [SETOSA, SETOSA] } };
	assert.equal((await harper.request('POST', `/v1/models/iris:predict?segment=${segment}`, served)).status, 200);
	const measured = await isCounted({ modelId: 'iris' }, 'before they are rows');
	assert.deepEqual([measured.count, measured.feedbackCount, measured.accuracy], [53, 8, 0.5]);
	const ofSegment = await isCounted({ modelId: 'iris', segment }, 'a segment');
	assert.equal(ofSegment.count, 33);
	await until('they are rows', async () => (await waiting()) === 0);
	assert.deepEqual(await metrics({ modelId: 'iris' }), measured);
	assert.deepEqual(await metrics({ modelId: 'iris', segment }), ofSegment);
	assert.deepEqual(
		new Set((await rollups('iris')).map(({ interval }) => interval)),
		new Set(['1m', '10m', '1h', '1d'])
	);

	await harper.predict({ modelId: 'failing', features: { a: [1], b: [0] } });
	assert.equal((await isCounted({ modelId: 'failing' }, 'runs that fail')).errorCount, 1);
});

test('the rows of a job count once', async () => {
	const ROWS = 1500;
	const attributes = ['id', 'x', 'y'].map((name) => ({ name }));
	const make = { operation: 'create_table', database: 'data', table: 'Numbers', primary_key: 'id', attributes };
	await harper.operation(make);
	const records = Array.from({ length: ROWS }, (_, at) => ({ id: `k${at}`, x: at }));
	await harper.operation({ operation: 'insert', database: 'data', table: 'Numbers', records });
	const target = { table: 'Numbers', fields: { y: 'prediction.y' } };
	const { body } = await postJob(harper, { modelId: 'relu', source: { table: 'Numbers' }, target, segment: 'jobs' });
	await until('the job is done', async () => (await harper.get(`/jobs/${body.id}`)).body.state === 'completed');
	assert.equal((await isCounted({ modelId: 'relu' }, 'a job')).count, ROWS);
	assert.equal((await isCounted({ modelId: 'relu', segment: 'jobs' }, 'its segment')).count, ROWS);
});

describe('synthetic events over days', () => {
	const COUNT = 8000;
	const from = Date.now() - 9 * DAY_MS - 12_345_678;
	const to = from + 6 * DAY_MS;
	let found;
	before(async () => {
		const body = { modelId: 'spread', count: COUNT, from, to, feedbackEvery: 40 };
		const { status } = await harper.request('POST', '/Fill', { body });
		assert.ok(status < 300);
		found = (await events({ modelId: 'spread' })).map((event) => ({ ...event, at: event.timestamp }));
		assert.equal(found.length, COUNT);
	});

	const within = (startTime, endTime) => found.filter(({ at }) => at >= startTime && at <= endTime);

	test('any range is what its events measure, and an odd one while others become rows', async () => {
		let state = 7;
		const below = (limit) => (state = (state * 16_807) % 2_147_483_647) % limit;
		for (let round = 0; round < 60; round += 1) {
			const startTime = from - HOUR_MS + below(6 * DAY_MS);
			const lengths = [below(MINUTE_MS), below(HOUR_MS), below(DAY_MS), below(7 * DAY_MS)];
			const endTime = startTime + lengths[round % 4];
			const measured = await metrics({ modelId: 'spread', startTime, endTime });
			assertCounted(measured, within(startTime, endTime), `${startTime} to ${endTime}`);
			assert.deepEqual([measured.startTime, measured.endTime], [startTime, endTime]);
			assert.equal(measured.incomplete, undefined);
		}
		await until('they are rows', async () => (await waiting()) === 0);
		assertCounted(await metrics({ modelId: 'spread' }), found, 'all');
		assertCounted(
			await metrics({ modelId: 'spread', version: 'v1' }),
			found.filter(({ modelVersion }) => modelVersion === 'v1'),
			'a version'
		);
		const digest = 'd'.repeat(64);
		assertCounted(await metrics({ modelId: 'spread', digest }), found, 'a digest');
		assertCounted(await metrics({ modelId: 'spread', digest: 'e'.repeat(64) }), [], 'another digest');
	});

	for (const [interval, lengthMs, startTime, endTime] of [
		['1d', DAY_MS, from - DAY_MS, to + DAY_MS],
		['1h', HOUR_MS, from + 123_456, from + 2 * DAY_MS],
		['10m', 10 * MINUTE_MS, from + 4 * HOUR_MS + 98_765, from + DAY_MS],
		['1m', MINUTE_MS, from + 5 * HOUR_MS + 1, from + 8 * HOUR_MS],
	]) {
		test(`a series of ${interval} has a point for each, and all events`, async () => {
			const measured = await metrics({ modelId: 'spread', startTime, endTime, interval });
			assertCounted(measured, within(startTime, endTime), 'the total');
			const { series } = measured;
			assert.equal(series.length, Math.floor(endTime / lengthMs) - Math.floor(startTime / lengthMs) + 1);
			assert.deepEqual([series[0].startTime, series.at(-1).endTime], [startTime, endTime]);
			for (const [at, point] of series.entries()) {
				if (at > 0) assert.equal(point.startTime, series[at - 1].endTime + 1);
				if (at > 0) assert.equal(point.startTime % lengthMs, 0);
				assertCounted(point, within(point.startTime, point.endTime), `point ${at}`);
				assert.ok(!('versions' in point) && !('modelId' in point));
			}
		});
	}

	test('segments are those of their events, and further ones count together', async () => {
		const order = [...new Set(found.toReversed().flatMap(({ segment }) => segment ?? []))];
		assert.ok(order.length > 50);
		const [told, others] = [order.slice(0, 50), new Set(order.slice(50))];
		const measured = await metrics({ modelId: 'spread', by: 'segment' });
		assertCounted(measured, found, 'the whole');
		assert.deepEqual(
			measured.segments.map(({ segment }) => segment),
			told.toSorted()
		);
		for (const { segment, ...measures } of measured.segments) {
			assertCounted(
				measures,
				found.filter((event) => event.segment === segment),
				segment
			);
		}
		assertCounted(
			measured.otherSegments,
			found.filter(({ segment }) => others.has(segment)),
			'the others'
		);
		for (const segment of ['eu', told.at(-1), order.at(-1), 'nobody']) {
			const of = (event) => event.segment === segment;
			assertCounted(await metrics({ modelId: 'spread', segment }), found.filter(of), segment);
			const [startTime, endTime] = [from + 54_321, from + 3 * DAY_MS];
			const parameters = {
				modelId: 'spread',
				segment,
				version: 'v1',
				startTime,
				endTime,
				interval: '1d',
				by: 'segment',
			};
			const part = await metrics(parameters);
			const wanted = (event) => of(event) && event.modelVersion === 'v1';
			assertCounted(part, within(startTime, endTime).filter(wanted), `${segment} within`);
			for (const point of part.series) {
				assertCounted(point, within(point.startTime, point.endTime).filter(wanted), `${segment}, a point`);
			}
		}
		const series = await metrics({
			modelId: 'spread',
			by: 'segment',
			startTime: from + 1,
			endTime: to,
			interval: '1d',
		});
		for (const point of series.series) {
			const ofPoint = within(point.startTime, point.endTime);
			const eu = point.segments.find(({ segment }) => segment === 'eu');
			assertCounted(
				eu,
				ofPoint.filter(({ segment }) => segment === 'eu'),
				'a segment of a point'
			);
		}
		assert.deepEqual((await events({ modelId: 'spread', segment: 'eu' })).length, COUNT / 4);
	});

	test('those of a user are counted from the events', async () => {
		const [startTime, endTime] = [from + 1, from + 3 * DAY_MS];
		const measured = await metrics({ modelId: 'spread', userId: 'user-7', startTime, endTime, interval: '1d' });
		const own = (event) => event.userId === 'user-7';
		assertCounted(measured, within(startTime, endTime).filter(own), 'the total');
		for (const point of measured.series) {
			assertCounted(point, within(point.startTime, point.endTime).filter(own), 'a point');
		}
	});

	for (const [parameters, said] of [
		[{ interval: '1w', startTime: from }, /interval must be one of 1d, 1h, 10m, 1m, received "1w"/],
		[{ interval: '1m', startTime: from, endTime: to }, /at most 1500 points: interval=10m fits/],
		[{ interval: '1d', startTime: 0 }, /at most 1500 points: give a later startTime/],
		[{ interval: '1d' }, /interval needs startTime/],
		[{ by: 'user' }, /by must be one of version, segment, received "user"/],
		[
			{ by: 'segment', interval: '1h', startTime: from, endTime: to },
			/by segment has at most 100 points: interval=1d fits/,
		],
		[{ segment: 'a\u0000' }, /segment may have at most 1024 bytes and no control characters/],
	]) {
		test(`a series with ${JSON.stringify(parameters)} is refused`, async () => {
			const { status, body } = await harper.get(`/monitoring/metrics?${search({ modelId: 'spread', ...parameters })}`);
			assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST']);
			assert.match(body.error, said);
		});
	}

	test('a reader sees each event once while others are recorded and become rows', async () => {
		const STEP = 50;
		const known = (await metrics({ modelId: 'busy' })).count;
		assert.equal(known, 0);
		let recorded = 0;
		let begun = 0;
		let over = false;
		const recording = (async () => {
			for (let round = 0; round < 60; round += 1) {
				begun += STEP;
				const at = from + round * HOUR_MS;
				await harper.request('POST', '/Fill', { body: { modelId: 'busy', count: STEP, from: at, to: at + MINUTE_MS } });
				recorded += STEP;
			}
			over = true;
		})();
		let reads = 0;
		while (!over) {
			const least = recorded;
			const { count } = await metrics({ modelId: 'busy' });
			assert.ok(count >= least && count <= begun && count % STEP === 0, `${least} <= ${count} <= ${begun}`);
			reads += 1;
		}
		await recording;
		assert.ok(reads > 10);
		await until('they are rows', async () => (await waiting()) === 0);
		assert.equal((await metrics({ modelId: 'busy' })).count, 60 * STEP);
	});
});

test('after kill -9 under load, ten times, they equal a recount', async (t) => {
	const ROUNDS = 10;
	const CALLERS = 12;
	const features = { float_input: SETOSA };
	let total = 0;
	for (let round = 0; round < ROUNDS; round += 1) {
		const confirmed = [];
		let killed = false;
		const call = async (at) => {
			while (!killed) {
				try {
					const headers = { connection: at % 3 === 0 ? 'close' : 'keep-alive' };
					const segment = at % 3 === 0 ? undefined : `s${at}`;
					const { body } = await harper.predict({ modelId: 'killed', features, segment }, { headers });
					const outcome = { class: at % 2 };
					const { status } = await harper.feedback({ inferenceId: body.inferenceId, outcome }, { headers });
					if (status === 200) confirmed.push(body.inferenceId);
				} catch (error) {
					if (!killed) throw error;
				}
			}
		};
		const load = Promise.all(Array.from({ length: CALLERS }, (_, at) => call(at)));
		await until('there is load', () => confirmed.length >= 40 * (1 + (round % 4)));
		killed = true;
		await harper.kill();
		await load;
		await harper.start({ eventDurability: round % 2 === 0 ? 'deferred' : 'required' });
		const measured = await isCounted({ modelId: 'killed' }, `round ${round}`);
		assert.ok(measured.count > total);
		await isCounted({ modelId: 'killed', segment: 's1' }, `round ${round}, a segment`);
		total = measured.count;
	}
	t.diagnostic(`${total} events`);
});

test('events of earlier releases are counted once, with the feedback that they get later', async () => {
	const found = await events({ modelId: 'killed' });
	const before = await metrics({ modelId: 'killed' });
	const table = { database: 'edge_ai', table: 'InferenceEvent' };
	for (let at = 0; at < found.length; at += 1000) {
		const records = found.slice(at, at + 1000).map(({ id }) => ({ id, countedIn: null }));
		await harper.operation({ operation: 'update', ...table, records });
	}
	await until('they are rows', async () => (await waiting()) === 0);
	const ids = (await rollups('killed')).map(({ id }) => id);
	await harper.operation({ operation: 'delete', database: 'edge_ai', table: 'Rollup', ids });
	await countEarlierEvents(harper);
	assert.deepEqual(await metrics({ modelId: 'killed' }), before);
	await until('they are rows', async () => (await waiting()) === 0);
	assert.deepEqual(await metrics({ modelId: 'killed' }), before);
	const { status } = await harper.feedback({ inferenceId: found[0].id, outcome: { class: 2 }, correct: true });
	assert.equal(status, 200);
	await isCounted({ modelId: 'killed' }, 'with feedback to one of them');
});
