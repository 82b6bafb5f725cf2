import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { countEarlierEvents } from './support/earlier-events.js';
import { startHarper } from './support/harper.js';
import { FLOAT, INT64, onnxModel } from './support/onnx.js';
import { until } from './support/until.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const VIRGINICA = [6.7, 2.5, 5.8, 1.8];
/** So many that a search which looks at all of them would show. A million take about ten minutes to insert. */
const BULK_EVENTS = Number(process.env.EDGE_AI_TEST_EVENTS ?? 40_000);
const BULK_BATCH = 10_000;

const rectified = onnxModel({
	nodes: [['Relu', ['x'], ['y']]],
	inputs: [['x', FLOAT, ['n', 1]]],
	outputs: [['y', FLOAT, ['n', 1]]],
});

const counted = onnxModel({
	nodes: [['Identity', ['x'], ['y']]],
	inputs: [['x', INT64, ['n', 1]]],
	outputs: [['y', INT64, ['n', 1]]],
});

/** What is to be known of errors, predicted minus true. */
function deviation(errors) {
	const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
	return {
		count: errors.length,
		mae: mean(errors.map(Math.abs)),
		rmse: Math.sqrt(mean(errors.map((error) => error ** 2))),
		bias: mean(errors),
	};
}

let harper;
before(async () => (harper = await startHarper()));
after(() => harper?.dispose());

const upload = async (modelId, version, file, fields) => {
	const { status, body } = await harper.upload({ modelId, version, ...fields }, [file]);
	assert.ok(status < 300, JSON.stringify(body));
};

const predict = async (body) => {
	const answer = await harper.predict(body);
	assert.equal(answer.status, 200, JSON.stringify(answer.body));
	return answer.body;
};

const search = (parameters) => new URLSearchParams(parameters).toString();

const events = async (parameters) => {
	const { status, body } = await harper.get(`/monitoring/events?${search(parameters)}`);
	assert.equal(status, 200, JSON.stringify(body));
	return body;
};

const metrics = async (parameters) => {
	const { status, body } = await harper.get(`/monitoring/metrics?${search(parameters)}`);
	assert.equal(status, 200, JSON.stringify(body));
	return body;
};

/** All events of a filter, a page at a time. */
async function* pages(parameters) {
	let cursor;
	do {
		const page = await events(cursor === undefined ? parameters : { ...parameters, cursor });
		assert.equal(page.count, page.events.length);
		yield page.events;
		({ cursor } = page);
	} while (cursor !== undefined);
}

async function idsOf(parameters) {
	const ids = [];
	for await (const page of pages(parameters)) ids.push(...page.map(({ id }) => id));
	return ids;
}

const refused = async (request, status, code, said) => {
	const answer = await request;
	assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
	assert.match(answer.body.error, said);
};

describe('feedback', () => {
	const model = { modelId: 'feedback', features: { float_input: SETOSA } };
	before(async () => {
		const metadata = await readFile('examples/iris/metadata.json', 'utf8');
		await upload('feedback', 'v1', 'examples/iris/model.onnx', { metadata });
		await upload('wine', 'v1', '__test__/fixtures/wine_string_labels.onnx');
		await upload('regression', 'v1', { name: 'model.onnx', content: rectified });
		await upload('counted', 'v1', { name: 'model.onnx', content: counted });
	});

	const stored = async (id) => {
		const { events: found } = await events({ inferenceId: id });
		return found[0];
	};

	for (const [what, outcome, correct, expected] of [
		['the class predicted', { class: 0 }, undefined, true],
		['another class', { class: 1 }, undefined, false],
		['the class under the name of the output', { output_label: 0 }, undefined, true],
		['a bare class', 0, undefined, true],
		['the class as text', { class: '2' }, undefined, false],
		['the name that the metadata have for the class', { class: 'setosa' }, undefined, true],
		['the name of another class', 'virginica', undefined, false],
		['a name of no class', 'rose', undefined, false],
		['the class as a float', '0.0', undefined, true],
		['what is no class', { price: 1.5 }, undefined, undefined],
		['the word of the caller, which counts', { class: 1 }, true, true],
		['the word of the caller about no class', { price: 1.5 }, false, false],
	]) {
		test(`takes ${what}`, async () => {
			const { inferenceId } = await predict(model);
			const startedAt = Date.now();
			const { status, body } = await harper.feedback({ inferenceId, outcome, correct });
			assert.deepEqual([status, body], [200, { success: true, inferenceId }]);
			const event = await stored(inferenceId);
			assert.deepEqual(JSON.parse(event.actualOutcome), outcome);
			assert.equal(event.correct, expected);
			assert.ok(event.feedbackTimestamp >= startedAt && event.feedbackTimestamp <= Date.now());
		});
	}

	test('replaces what was given before', async () => {
		const { inferenceId } = await predict(model);
		await harper.feedback({ inferenceId, outcome: { class: 0 } });
		await harper.feedback({ inferenceId, outcome: { price: 7 } });
		const event = await stored(inferenceId);
		assert.deepEqual([JSON.parse(event.actualOutcome), event.correct], [{ price: 7 }, undefined]);
		assert.equal((await idsOf({ modelId: 'feedback' })).filter((id) => id === inferenceId).length, 1);
	});

	test('of a batch has a class per row', async () => {
		const { inferenceId } = await predict({ ...model, features: { float_input: [SETOSA, VIRGINICA] } });
		for (const [outcome, correct] of [
			[{ class: [0, 2] }, true],
			[{ class: [0, 1] }, false],
			[{ class: [0] }, undefined],
		]) {
			await harper.feedback({ inferenceId, outcome });
			assert.equal((await stored(inferenceId)).correct, correct, JSON.stringify(outcome));
		}
	});

	test('of several at once on several threads is that of one of them', async () => {
		for (let round = 0; round < 10; round += 1) {
			const { inferenceId } = await predict(model);
			const answers = await Promise.all(
				Array.from({ length: 8 }, (_, at) =>
					harper.feedback({ inferenceId, outcome: { class: at % 3 } }, { headers: { connection: 'close' } })
				)
			);
			assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
			const { actualOutcome, correct } = await stored(inferenceId);
			assert.equal(correct, JSON.parse(actualOutcome).class === 0);
		}
	});

	test('takes the position of a class for its name', async () => {
		const features = { x: Array(13).fill(1) };
		const { inferenceId, prediction } = await predict({ modelId: 'wine', features });
		const { signature } = (await harper.get('/model/wine/v1')).body;
		const { name, role, classes } = signature.outputs.find((output) => output.dtype === 'string');
		assert.equal(role, 'label');
		const position = classes.indexOf(prediction[name]);
		for (const [outcome, correct] of [
			[prediction[name], true],
			[position, true],
			[String(position), true],
			[{ class: (position + 1) % classes.length }, false],
			['no wine', false],
			[classes.length, undefined],
		]) {
			await harper.feedback({ inferenceId, outcome });
			assert.equal((await stored(inferenceId)).correct, correct, JSON.stringify(outcome));
		}
	});

	test('of a regression is off by a number, also by a whole one', async () => {
		const errors = [];
		for (const [features, outcome, regression] of [
			[{ x: [[3]] }, 3, [0]],
			[{ x: [[3]] }, { value: 2.5 }, [0.5]],
			[{ x: [[3]] }, { y: 7 }, [-4]],
			[{ x: [[1], [2]] }, [0, 5], [1, -3]],
			[{ x: [[3]] }, { class: 3 }, []],
			[{ x: [[3]] }, 'three', []],
		]) {
			const { inferenceId } = await predict({ modelId: 'regression', features });
			await harper.feedback({ inferenceId, outcome });
			const event = await stored(inferenceId);
			assert.equal(event.correct, undefined, JSON.stringify(outcome));
			assert.deepEqual(event.regression, regression.length > 0 ? deviation(regression) : undefined);
			errors.push(...regression);
		}
		const { count, mae, rmse, bias } = deviation(errors);
		const measured = await metrics({ modelId: 'regression' });
		assert.deepEqual([measured.regressionCount, measured.mae, measured.bias], [count, mae, bias]);
		assert.ok(Math.abs(measured.rmse - rmse) < 1e-12, `${measured.rmse}, expected ${rmse}`);
		assert.deepEqual([measured.feedbackCount, measured.accuracy, measured.versions[0].mae], [6, null, mae]);
	});

	test('keeps the digits that it was given', async () => {
		const x = '9007199254740993';
		const give = (id, outcome) =>
			harper.feedback(`{"inferenceId":"${id}","outcome":${outcome}}`, {
				headers: { 'content-type': 'application/json' },
			});
		const { inferenceId, prediction } = await predict({ modelId: 'counted', features: { x: [[x]] } });
		assert.deepEqual(Object.values(prediction).flat(2), [x]);
		for (const [outcome, kept, mae] of [
			['9007199254740993', undefined, 0],
			['9007199254740992', undefined, 1],
			['[ -0, {"a" : 1.0} ]', '[-0,{"a":1.0}]', undefined],
			['-0', undefined, 2 ** 53],
			['12345678901234567890123456789', undefined, undefined],
		]) {
			const { status } = await give(inferenceId, outcome);
			assert.equal(status, 200);
			const event = await stored(inferenceId);
			assert.equal(event.actualOutcome, kept ?? outcome);
			if (mae !== undefined) assert.equal(event.regression.mae, mae);
		}
		for (const outcome of ['1e400', '{"value":[-1e999]}']) {
			await refused(give(inferenceId, outcome), 400, 'INVALID_REQUEST', /-?1e\d+ does not fit/);
		}
	});

	for (const [what, body, status, code, said] of [
		['an unknown inferenceId', { inferenceId: randomUUID(), outcome: 1 }, 404, 'INFERENCE_NOT_FOUND', /no prediction/],
		['no inferenceId', { outcome: 1 }, 400, 'INVALID_REQUEST', /inferenceId/],
		['no outcome', { inferenceId: 'x' }, 400, 'INVALID_REQUEST', /outcome/],
		['correct that is no boolean', { inferenceId: 'x', outcome: 1, correct: 1 }, 400, 'INVALID_REQUEST', /correct.*1/],
		['a misspelt field', { inferenceID: 'x', outcome: 1 }, 400, 'INVALID_REQUEST', /"inferenceID".*"inferenceId"/],
	]) {
		test(`with ${what} is refused`, () => refused(harper.feedback(body), status, code, said));
	}
});

describe('events', () => {
	const made = [];
	before(async () => {
		await upload('paged', 'v1', 'examples/iris/model.onnx');
		await upload('paged', 'v2', '__test__/fixtures/identity_float.onnx');
		for (let at = 0; at < 30; at += 1) {
			const version = at % 3 === 0 ? 'v2' : 'v1';
			const features = version === 'v1' ? { float_input: SETOSA } : { x: [1, 2, 3, 4, 5, 6] };
			const fields = { version, userId: `user-${at % 2}`, sessionId: `session-${at % 5}`, requestId: `request-${at}` };
			const { inferenceId } = await predict({ modelId: 'paged', features, ...fields });
			made.push({ id: inferenceId, ...fields });
		}
		made.reverse();
	});

	test('have the fields of the specification', async () => {
		const startedAt = Date.now();
		const answer = await predict({
			modelId: 'paged',
			version: 'v1',
			features: { float_input: SETOSA },
			userId: 'fields',
		});
		const { events: found, count } = await events({ userId: 'fields' });
		assert.equal(count, 1);
		const [{ id, timestamp, featuresIn, prediction, ...rest }] = found;
		assert.equal(id, answer.inferenceId);
		assert.ok(Number.isInteger(timestamp) && timestamp >= startedAt && timestamp <= Date.now());
		assert.deepEqual(JSON.parse(featuresIn), { float_input: SETOSA });
		assert.deepEqual(JSON.parse(prediction), answer.prediction);
		assert.deepEqual(rest, {
			modelId: 'paged',
			modelVersion: 'v1',
			digest: (await harper.get('/model/paged/v1')).body.digest,
			framework: 'onnx',
			confidence: answer.confidence,
			latencyMs: answer.latencyMs,
			userId: 'fields',
		});
	});

	for (const [filter, wanted] of [
		[{}, () => true],
		[{ version: 'v2' }, ({ version }) => version === 'v2'],
		[{ userId: 'user-1' }, ({ userId }) => userId === 'user-1'],
		[{ sessionId: 'session-3' }, ({ sessionId }) => sessionId === 'session-3'],
		[{ userId: 'user-0', version: 'v1' }, ({ userId, version }) => userId === 'user-0' && version === 'v1'],
		[
			{ userId: 'user-1', sessionId: 'session-1', version: 'v1' },
			({ userId, sessionId, version }) => userId === 'user-1' && sessionId === 'session-1' && version === 'v1',
		],
		[{ userId: 'nobody' }, () => false],
	]) {
		test(`of the filter ${JSON.stringify(filter)}, newest first, whole and in pages of 4`, async () => {
			const known = new Set(made.map(({ id }) => id));
			const expected = made.filter(wanted).map(({ id }) => id);
			for (const limit of ['1000', '4']) {
				const ids = await idsOf({ modelId: 'paged', ...filter, limit });
				assert.deepEqual(
					ids.filter((id) => known.has(id)),
					expected
				);
			}
		});
	}

	test('are found by the id of their prediction', async () => {
		for (const { id } of [made[0], made.at(-1)]) assert.deepEqual(await idsOf({ inferenceId: id }), [id]);
		assert.deepEqual(await idsOf({ inferenceId: made[3].id, modelId: 'another' }), []);
		const unknown = '01900000-0000-7000-8000-000000000000';
		assert.deepEqual(await idsOf({ inferenceId: unknown }), []);
		await refused(harper.get('/monitoring/events?inferenceId=x'), 400, 'INVALID_REQUEST', /inferenceId.*"x"/);
	});

	test('are 100 unless a limit says otherwise, and a page is not disturbed by newer events', async () => {
		await Promise.all(
			Array.from({ length: 130 }, () =>
				predict({ modelId: 'paged', version: 'v1', features: { float_input: SETOSA }, userId: 'many' })
			)
		);
		const first = await events({ userId: 'many' });
		assert.equal(first.count, 100);
		await predict({ modelId: 'paged', version: 'v1', features: { float_input: SETOSA }, userId: 'many' });
		const second = await events({ userId: 'many', cursor: first.cursor });
		assert.deepEqual([second.count, second.cursor], [30, undefined]);
		const ids = [...first.events, ...second.events].map(({ id }) => id);
		assert.deepEqual(ids, [...new Set(ids)].sort().reverse());
	});

	test('within times, both inclusive', async () => {
		const found = (await events({ modelId: 'paged', limit: '1000' })).events;
		const times = found.map(({ timestamp }) => timestamp);
		const [newest, oldest] = [times.at(3), times.at(-3)];
		const within = await events({ modelId: 'paged', startTime: oldest, endTime: newest, limit: '1000' });
		assert.deepEqual(
			within.events,
			found.filter(({ timestamp }) => timestamp >= oldest && timestamp <= newest)
		);
		const iso = (time) => new Date(time).toISOString();
		const east = (time) => iso(time + 90 * 60_000).replace('Z', '+0130');
		const [from, to] = [Math.floor(oldest), Math.ceil(newest)];
		for (const spelt of [(time) => time / 1000, iso, (time) => iso(time).slice(0, -1), east]) {
			const { events: same } = await events({
				modelId: 'paged',
				startTime: spelt(from),
				endTime: spelt(to),
				limit: '1000',
			});
			assert.deepEqual(same, within.events, spelt(from));
		}
		const today = await events({ modelId: 'paged', startTime: iso(times.at(-1)).slice(0, 10), limit: '1000' });
		assert.deepEqual(today.events, found);
		assert.equal((await events({ modelId: 'paged', endTime: iso(times.at(-1)).slice(0, 10) })).count, 0);
		assert.equal((await events({ modelId: 'paged', startTime: times[0] + 60_000 })).count, 0);
		assert.equal((await events({ modelId: 'paged', endTime: 1 })).count, 0);
	});

	for (const [parameters, said] of [
		['limit=0', /limit.*1 to 1000.*"0"/],
		['limit=1001', /limit.*"1001"/],
		['limit=ten', /limit.*"ten"/],
		['limit=1&limit=2', /limit.*twice/],
		['cursor=yesterday', /cursor.*"yesterday"/],
		['startTime=yesterday', /startTime.*"yesterday"/],
		['endTime=-1', /endTime.*"-1"/],
		['endTime=1795464047281000', /endTime.*seconds or milliseconds.*"1795464047281000"/],
		['startTime=2026-02-30', /startTime.*"2026-02-30"/],
		['startTime=2026-02-03T25:00', /startTime.*"2026-02-03T25:00"/],
		['startTime=', /startTime.*""/],
		['startTime=2&endTime=1', /startTime.*endTime/],
		['modelId=a/b', /modelId/],
		['user=me', /"user".*"userId"/],
	]) {
		test(`with ?${parameters} are refused`, () =>
			refused(harper.get(`/monitoring/events?${parameters}`), 400, 'INVALID_REQUEST', said));
	}

	test('hold features above 16 KiB as a summary', async () => {
		const x = Array.from({ length: 2000 }, (_, at) => [at, 0.5, 0.25, 1, 2, 3]);
		const given = JSON.stringify({ x });
		await predict({ modelId: 'paged', version: 'v2', features: { x }, userId: 'large' });
		const [{ featuresIn, prediction }] = (await events({ userId: 'large' })).events;
		assert.ok(given.length > 16 * 1024);
		assert.deepEqual(JSON.parse(featuresIn), {
			summary: [{ name: 'x', shape: [2000, 6], dtype: 'float32' }],
			bytes: given.length,
			digest: createHash('sha256').update(given).digest('hex'),
		});
		assert.deepEqual(JSON.parse(prediction), { y: x });
	});
});

describe('metrics', () => {
	const NULLS = {
		avgLatency: null,
		p50Latency: null,
		p90Latency: null,
		p95Latency: null,
		p99Latency: null,
		avgQueueMs: null,
		p50QueueMs: null,
		p90QueueMs: null,
		p99QueueMs: null,
		avgBatchRows: null,
		p50BatchRows: null,
		p90BatchRows: null,
		p99BatchRows: null,
		avgConfidence: null,
		p10Confidence: null,
		p50Confidence: null,
		p90Confidence: null,
		accuracy: null,
		mae: null,
		rmse: null,
		bias: null,
		r2: null,
		quality: null,
		errorRate: null,
		throughput: null,
	};
	const mean = (values) => (values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length);
	/** The smallest value that at least the share `q` does not exceed. */
	const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(q * values.length) - 1)];

	const assertClose = (got, expected, relative, what) =>
		assert.ok(Math.abs(got - expected) <= relative * Math.abs(expected), `${what}: ${got}, expected ${expected}`);

	/** Computes from the events what the metrics must say. */
	const check = (measured, found) => {
		const latencies = found.flatMap(({ latencyMs }) => latencyMs ?? []);
		const feedback = found.filter(({ actualOutcome }) => actualOutcome !== undefined);
		const compared = feedback.filter(({ correct }) => correct !== undefined);
		const failed = found.filter(({ error }) => error !== undefined);
		assert.equal(measured.count, found.length);
		assert.equal(measured.errorCount, failed.length);
		assert.equal(measured.errorRate, failed.length / found.length);
		const codes = Object.values(measured.errorsByCode);
		assert.deepEqual(
			[measured.errorsByCode.RUN_FAILED ?? 0, codes.length],
			[failed.length, Math.min(1, failed.length)]
		);
		assert.equal(measured.feedbackCount, feedback.length);
		assert.equal(measured.accuracy, mean(compared.map(({ correct }) => Number(correct))));
		const told = compared.map(({ correct }) => correct);
		assert.deepEqual(
			measured.quality && [measured.quality.count, measured.quality.accuracy],
			told.length === 0 ? null : [told.length, mean(told.map(Number))]
		);
		assertClose(measured.avgLatency, mean(latencies), 1e-9, 'avgLatency');
		const confidences = found.flatMap(({ confidence }) => (confidence === undefined ? [] : mean([confidence].flat())));
		assertClose(measured.avgConfidence, mean(confidences), 1e-9, 'avgConfidence');
		for (const percent of [50, 90, 95, 99]) {
			const [low, high] = [0.98, 1.02].map((by) => by * quantile(latencies, percent / 100));
			// Between two neighbours a percentile may lie at either.
			const next = quantile(latencies, Math.min(1, percent / 100 + 1 / latencies.length)) * 1.02;
			const before = quantile(latencies, percent / 100 - 1 / latencies.length) * 0.98;
			const got = measured[`p${percent}Latency`];
			assert.ok(got >= Math.min(low, before) && got <= Math.max(high, next), `p${percent}Latency ${got}`);
		}
	};

	test('of no events are 0 and null', async () => {
		assert.deepEqual(await metrics({ modelId: 'nothing' }), {
			modelId: 'nothing',
			startTime: null,
			endTime: null,
			count: 0,
			errorCount: 0,
			errorsByCode: {},
			outputs: {},
			quantileRelativeError: 0.01,
			confidenceQuantileError: 0.001,
			feedbackCount: 0,
			regressionCount: 0,
			...NULLS,
			versions: [],
			lostEvents: 0,
		});
	});

	test('are right to the last event, whole, by version and within times', async () => {
		await upload('measured', 'v1', 'examples/iris/model.onnx');
		await upload('measured', 'v2', '__test__/fixtures/digits_int64.onnx');
		await upload('measured', 'v3', '__test__/fixtures/hostile/int64_div_zero.onnx');
		const requests = [
			...Array.from({ length: 40 }, () => ({ version: 'v1', features: { float_input: SETOSA } })),
			...Array.from({ length: 5 }, () => ({ version: 'v1', features: { float_input: [SETOSA, VIRGINICA] } })),
			...Array.from({ length: 20 }, () => ({ version: 'v2', features: { pixels: Array(64).fill(8) } })),
			...Array.from({ length: 4 }, () => ({ version: 'v3', features: { a: [6], b: [3] } })),
			...Array.from({ length: 6 }, () => ({ version: 'v3', features: { a: [1], b: [0] } })),
		];
		const made = [];
		for (const [at, request] of requests.entries()) {
			const { status, body } = await harper.predict({ modelId: 'measured', ...request });
			assert.ok(status === 200 || body.code === 'RUN_FAILED', JSON.stringify(body));
			made.push(body.inferenceId);
			if (at < 30) await harper.feedback({ inferenceId: body.inferenceId, outcome: { class: at % 3 === 0 ? 1 : 0 } });
			const { count } = await metrics({ modelId: 'measured' });
			assert.equal(count, at + 1, 'at once');
		}
		const { events: found } = await events({ modelId: 'measured', limit: '1000' });
		const all = await metrics({ modelId: 'measured' });
		check(all, found);
		assert.deepEqual([all.errorCount, all.feedbackCount, all.accuracy], [6, 30, 20 / 30]);
		assert.deepEqual(all.errorsByCode, { RUN_FAILED: 6 });
		const confidences = found.flatMap(({ confidence }) => (typeof confidence === 'number' ? [confidence] : []));
		assert.ok(Math.abs(all.p50Confidence - quantile(confidences, 0.5)) <= all.confidenceQuantileError, 'p50Confidence');
		const times = found.map(({ timestamp }) => timestamp);
		assert.deepEqual([all.startTime, all.endTime], [times.at(-1), times[0]]);
		assertClose(all.throughput, found.length / ((times[0] - times.at(-1)) / 1000), 1e-9, 'throughput');

		assert.deepEqual(
			all.versions.map(({ version, count }) => [version, count]),
			[
				['v1', 45],
				['v2', 20],
				['v3', 10],
			]
		);
		for (const measured of all.versions.slice(0, 2)) {
			const ofVersion = found.filter(({ modelVersion }) => modelVersion === measured.version);
			check(measured, ofVersion);
			check(await metrics({ modelId: 'measured', version: measured.version }), ofVersion);
		}
		assert.equal(all.versions[1].accuracy, null, 'no feedback');
		assert.deepEqual([all.versions[2].errorRate, all.versions[2].avgConfidence], [0.6, null]);

		const [startTime, endTime] = [times.at(-10), times.at(-40)];
		const within = await metrics({ modelId: 'measured', startTime, endTime });
		check(
			within,
			found.filter(({ timestamp }) => timestamp >= startTime && timestamp <= endTime)
		);
		assert.deepEqual([within.startTime, within.endTime], [startTime, endTime]);
	});

	for (const [parameters, said] of [
		['', /modelId is required/],
		['modelId=m&startTime=soon', /startTime.*"soon"/],
		['modelId=m&from=1', /"from"/],
	]) {
		test(`with ?${parameters} are refused`, () =>
			refused(harper.get(`/monitoring/metrics?${parameters}`), 400, 'INVALID_REQUEST', said));
	}
});

test('what was acknowledged survives kill -9 under load', async () => {
	const CALLERS = 32;
	await upload('durable', 'v1', 'examples/iris/model.onnx');
	const predicted = [];
	const confirmed = [];
	let killed = false;
	const call = async () => {
		while (!killed) {
			try {
				const { inferenceId } = await predict({ modelId: 'durable', features: { float_input: SETOSA } });
				predicted.push(inferenceId);
				if (predicted.length % 4 !== 0) continue;
				const { status } = await harper.feedback({ inferenceId, outcome: { class: 0 } });
				if (status === 200) confirmed.push(inferenceId);
			} catch (error) {
				if (!killed) throw error;
			}
		}
	};
	const load = Promise.all(Array.from({ length: CALLERS }, call));
	await until('100 confirmations', () => confirmed.length >= 100);
	killed = true;
	await harper.kill();
	await load;
	await harper.start();

	const survived = new Map();
	for await (const page of pages({ modelId: 'durable', limit: '1000' })) {
		for (const event of page) survived.set(event.id, event);
	}
	assert.deepEqual(
		predicted.filter((id) => !survived.has(id)),
		[]
	);
	assert.deepEqual(
		confirmed.filter((id) => survived.get(id).correct !== true),
		[]
	);
	assert.equal((await metrics({ modelId: 'durable' })).count, survived.size);
});

describe('eventDurability: deferred', () => {
	before(() => harper.restart({ eventDurability: 'deferred' }));
	after(() => harper.restart({}));

	test('an event is found by whoever has the answer, on whichever thread', async () => {
		await upload('deferred', 'v1', 'examples/iris/model.onnx');
		const request = { modelId: 'deferred', features: { float_input: SETOSA } };
		const elsewhere = { headers: { connection: 'close' } };
		for (let at = 1; at <= 8; at += 1) {
			const { inferenceId } = await predict({ ...request, userId: `deferred ${at}` });
			assert.equal((await harper.feedback({ inferenceId, outcome: { class: 0 } }, elsewhere)).status, 200);
			const { inferenceId: last } = await predict(request);
			const found = await harper.get('/monitoring/events?modelId=deferred&limit=1', elsewhere);
			assert.equal(found.body.events[0].id, last);
			await predict(request);
			const { body } = await harper.get('/monitoring/metrics?modelId=deferred', elsewhere);
			assert.deepEqual([body.count, body.feedbackCount, body.lostEvents], [3 * at, at, 0]);
		}
		assert.equal((await events({ userId: 'deferred 8' })).events[0].correct, true);
		assert.deepEqual((await harper.get('/status')).body.events, { lost: {} });
	});

	test('a stop under load, and threads that are replaced, lose nothing that was answered', async () => {
		await upload('stopped', 'v1', 'examples/iris/model.onnx');
		const answered = [];
		let over = false;
		const call = async () => {
			while (!over) {
				const request = { modelId: 'stopped', features: { float_input: SETOSA } };
				const answer = await harper.predict(request).catch(() => undefined);
				if (answer?.status === 200) answered.push(answer.body.inferenceId);
			}
		};
		const missing = async () => {
			const ids = [...answered];
			const stored = new Set(await idsOf({ modelId: 'stopped', limit: '1000' }));
			return ids.filter((id) => !stored.has(id));
		};
		const load = Promise.all(Array.from({ length: 16 }, call));
		try {
			await until('there is load', () => answered.length > 200);
			await harper.replaceThreads();
			const before = answered.length;
			await until('others answer', () => answered.length > before + 1000);
			assert.deepEqual(await missing(), []);
			await harper.stop();
		} finally {
			over = true;
			await load;
		}
		await harper.start();
		assert.deepEqual(await missing(), []);
	});
});

describe('options', () => {
	const RETENTION_SECONDS = 2;
	after(() => harper.restart({}));

	const storedCount = async () => {
		const table = { database: 'edge_ai', table: 'InferenceEvent' };
		return (await harper.operation({ operation: 'describe_table', ...table, exact_count: true })).record_count;
	};

	test('eventRetention: what has expired is removed though nobody reads it', async () => {
		await upload('removed', 'v1', 'examples/iris/model.onnx');
		await harper.restart({ eventRetention: RETENTION_SECONDS });
		await predict({ modelId: 'removed', features: { float_input: SETOSA } });
		const count = await storedCount();
		// From here on no thread records anything.
		await harper.restart({ eventRetention: RETENTION_SECONDS });
		await until('the row is gone', async () => (await storedCount()) < count);
	});

	test('eventRetention: events vanish when their time has come, older ones stay', async () => {
		await harper.restart({});
		await upload('retained', 'v1', 'examples/iris/model.onnx');
		const kept = await predict({ modelId: 'retained', features: { float_input: SETOSA } });
		await harper.restart({ eventRetention: RETENTION_SECONDS, recordFeatures: 'none' });
		const passing = [];
		for (const outcome of [undefined, 0]) {
			const { inferenceId } = await predict({ modelId: 'retained', features: { float_input: SETOSA } });
			if (outcome !== undefined) await harper.feedback({ inferenceId, outcome });
			passing.unshift(inferenceId);
		}
		await harper.feedback({ inferenceId: kept.inferenceId, outcome: 0 });
		assert.deepEqual(await idsOf({ modelId: 'retained' }), [...passing, kept.inferenceId]);
		await until('they vanish', async () => (await idsOf({ modelId: 'retained' })).length === 1);
		assert.deepEqual(await idsOf({ modelId: 'retained' }), [kept.inferenceId]);
		assert.equal((await metrics({ modelId: 'retained' })).count, 3, 'metrics keep what has expired');
		assert.equal((await events({ modelId: 'retained' })).events[0].correct, true);
		for (const inferenceId of passing) {
			await refused(harper.feedback({ inferenceId, outcome: 0 }), 404, 'INFERENCE_NOT_FOUND', /no prediction/);
		}
	});

	for (const [recordFeatures, expected] of [
		['none', (_x) => undefined],
		['full', (x) => JSON.stringify({ x })],
	]) {
		test(`recordFeatures: ${recordFeatures}`, async () => {
			await harper.restart({ recordFeatures });
			const x = Array.from({ length: 2000 }, () => [1, 2, 3, 4, 5, 6]);
			const userId = `records ${recordFeatures}`;
			await predict({ modelId: 'paged', version: 'v2', features: { x }, userId });
			const [{ featuresIn }] = (await events({ userId })).events;
			assert.equal(featuresIn, expected(x));
		});
	}
});

describe(`with ${BULK_EVENTS.toLocaleString('en')} events`, () => {
	const PAGES = 25;
	/**
	 * What depends on the size of the table takes 40 times as long, and what does not takes as long: only beyond so many times, which no
	 * busy machine makes, a page is taken for one of the first kind.
	 */
	const MAX_RATIO = 10;
	const SMALL_EVENTS = 1000;
	const small = Date.now() - 3 * 86_400_000;
	const large = Date.now() - 2 * 86_400_000;

	const hex = (value, digits) => value.toString(16).padStart(digits, '0');
	const eventOf = (prefix, at, timestamp) => {
		const time = hex(timestamp, 12);
		const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${hex(at, 12)}`;
		const [modelId, modelVersion] = [`${prefix}-${at % 2}`, `v${at % 4}`];
		const [userId, sessionId] = [`${prefix}-user-${at % 50}`, `${prefix}-session-${at % 500}`];
		return {
			...{ id, timestamp, modelId, modelVersion, framework: 'onnx', latencyMs: 0.1, userId, sessionId },
			...{ featuresIn: '{"x":[1,2,3]}', prediction: '{"y":[1]}' },
			modelKey: `${modelId}|${id}`,
			versionKey: `${modelId}|${modelVersion}|${id}`,
			userKey: `${userId}|${id}`,
			sessionKey: `${sessionId}|${id}`,
		};
	};

	const insert = async (prefix, count, startTime) => {
		for (let from = 0; from < count; from += BULK_BATCH) {
			const length = Math.min(BULK_BATCH, count - from);
			const records = Array.from({ length }, (_, at) => eventOf(prefix, from + at, startTime + from + at));
			await harper.operation({ operation: 'insert', database: 'edge_ai', table: 'InferenceEvent', records });
		}
	};

	/** The filters, and the number of events that a page of each has. */
	const FILTERS = [
		['the model', (prefix) => ({ modelId: `${prefix}-1`, limit: 100 }), 100],
		['the version', (prefix) => ({ modelId: `${prefix}-1`, version: 'v3', limit: 100 }), 100],
		['the user', (prefix) => ({ userId: `${prefix}-user-7`, limit: 10 }), 10],
		['the session', (prefix) => ({ sessionId: `${prefix}-session-7`, limit: 2 }), 2],
		['the model and the user', (prefix) => ({ modelId: `${prefix}-1`, userId: `${prefix}-user-7`, limit: 10 }), 10],
		['nothing but the time', (_prefix, middle) => ({ endTime: middle, limit: 100 }), 100],
		['the middle of the model', (prefix, middle) => ({ modelId: `${prefix}-1`, endTime: middle, limit: 100 }), 100],
	];

	/** The shortest time of a page of each filter, in milliseconds: what else the machine does can only add to it. */
	const leastTimesMs = async (prefix, middle) => {
		const least = [];
		for (const [, filter, count] of FILTERS) {
			const taken = [];
			for (let at = 0; at < PAGES; at += 1) {
				const startedAt = performance.now();
				const page = await events(filter(prefix, middle));
				taken.push(performance.now() - startedAt);
				assert.equal(page.count, count);
			}
			least.push(Math.min(...taken));
		}
		return least;
	};

	let smallTimesMs;
	let largeTimesMs;
	before(async () => {
		await insert('small', SMALL_EVENTS, small);
		smallTimesMs = await leastTimesMs('small', small + SMALL_EVENTS / 2);
		await insert('large', BULK_EVENTS, large);
		largeTimesMs = await leastTimesMs('large', large + BULK_EVENTS / 2);
	});

	for (const [at, [what]] of FILTERS.entries()) {
		test(`a page by ${what} takes as long as with a thousand`, (context) => {
			const ratio = largeTimesMs[at] / smallTimesMs[at];
			context.diagnostic(`${ratio.toFixed(2)} times`);
			assert.ok(ratio < MAX_RATIO, `${largeTimesMs[at]} ms against ${smallTimesMs[at]} ms`);
		});
	}

	test('metrics count them all while others are answered', async () => {
		let answered = 0;
		await countEarlierEvents(harper, async () => {
			await events({ userId: 'large-user-7', limit: 1 });
			answered += 1;
		});
		const { count, versions } = await metrics({ modelId: 'large-1' });
		assert.equal(count, BULK_EVENTS / 2);
		assert.deepEqual(
			versions.map(({ version, count: each }) => [version, each]),
			[
				['v1', BULK_EVENTS / 4],
				['v3', BULK_EVENTS / 4],
			]
		);
		assert.ok(answered > 2, `${answered} answers`);
	});
});
