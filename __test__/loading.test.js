// Models that are slow or impossible to load, and the memory of those that are dropped.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startHarper } from './support/harper.js';
import { postJob } from './support/jobs.js';
import { FLOAT, functionChain, message, number, onnxModel, slowModel } from './support/onnx.js';
import { until } from './support/until.js';

const relu = (name) =>
	onnxModel({
		nodes: [['Relu', ['x'], [name]]],
		inputs: [['x', FLOAT, ['n']]],
		outputs: [[name, FLOAT, ['n']]],
	});

const upload = (harper, modelId, content) =>
	harper.upload({ modelId, version: 'v1' }, [{ name: 'model.onnx', content }]);

async function uploaded(harper, modelId, content) {
	const { status, body } = await upload(harper, modelId, content);
	assert.equal(status, 201, JSON.stringify(body));
	return body;
}

/** Promises by name, and the names in the order in which they are fulfilled. */
async function inOrder(promises) {
	const order = [];
	const results = {};
	const noted = Object.entries(promises).map(async ([name, promise]) => {
		results[name] = await promise;
		order.push(name);
	});
	await Promise.all(noted);
	return { order, results };
}

describe('local functions', () => {
	let harper;
	before(async () => {
		harper = await startHarper({ threads: 1 });
	});
	after(() => harper?.dispose());

	for (const [what, content] of [
		['1,000 deep', functionChain(1000, 1)],
		['doubling 40 times', functionChain(40, 2)],
		['doubling 16 times', functionChain(17, 2)],
	]) {
		test(`${what} are refused at once, and others are loaded`, async () => {
			const answers = await Promise.all([1, 2, 3].map(() => upload(harper, 'functions', content)));
			for (const { status, body } of answers) {
				assert.equal(status, 422, JSON.stringify(body));
				assert.equal(body.code, 'INVALID_MODEL');
				assert.match(body.error, /functions .*(64 deep|limit is 32768)/);
			}
			await uploaded(harper, `beside-${content.length}`, relu(`y${content.length}`));
			assert.ok(await harper.isAlive());
		});
	}

	for (const [what, content] of [
		['64 deep', functionChain(64, 1)],
		['doubling 8 times', functionChain(9, 2)],
	]) {
		test(`${what} run`, async () => {
			const modelId = `run-${content.length}`;
			await uploaded(harper, modelId, content);
			const { status, body } = await harper.predict({ modelId, features: { x: [1] } });
			assert.equal(status, 200, JSON.stringify(body));
			assert.equal(Math.abs(body.prediction.y[0]), 1);
		});
	}
});

describe('a cold model that loads slowly', () => {
	const TIMEOUT_MS = 300;
	const features = { x: [1] };
	let harper;
	let slow;
	before(async () => {
		harper = await startHarper({ threads: 1 });
		// Long enough wherever this runs.
		for (let products = 32, loadMs = 0; loadMs <= 10 * TIMEOUT_MS; products *= 2) {
			const modelId = `slow${products}`;
			const startedAt = performance.now();
			await uploaded(harper, modelId, slowModel(products));
			loadMs = performance.now() - startedAt;
			slow = modelId;
		}
		await uploaded(harper, 'quick', relu('y'));
	});
	after(() => harper?.dispose());

	const post = (path, body) => harper.request('POST', path, { body });
	for (const [protocol, ask, expected] of [
		['/predict', () => harper.predict({ modelId: slow, features, timeoutMs: TIMEOUT_MS }), 504],
		['/predict/batch', () => post('/predict/batch', { modelId: slow, timeoutMs: TIMEOUT_MS, rows: [features] }), 504],
		[
			'/v2',
			() =>
				post(`/v2/models/${slow}/infer`, {
					parameters: { timeout: TIMEOUT_MS * 1000 },
					inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [1] }],
				}),
			503,
		],
	]) {
		test(`is answered at the deadline by ${protocol}, and then used`, async () => {
			await harper.restart();
			const { order, results } = await inOrder({
				late: ask(),
				patient: harper.predict({ modelId: slow, features, timeoutMs: 120_000 }),
				quick: harper.predict({ modelId: 'quick', features }),
			});
			assert.equal(results.late.status, expected, JSON.stringify(results.late.body));
			assert.match(results.late.body.error, /not loaded before the deadline/);
			assert.deepEqual([results.patient.status, results.quick.status], [200, 200]);
			assert.equal(order.at(-1), 'patient', 'the load went on when others were answered');
			assert.equal((await harper.get('/status')).body.cache.loads, 2, 'nobody started it again');
		});
	}

	test('is answered at the option by /v1, and fails a job with a deadline of its own', async () => {
		await harper.restart({ timeoutMs: TIMEOUT_MS });
		const answer = await post(`/v1/models/${slow}:predict`, { instances: [1] });
		assert.equal(answer.status, 503, JSON.stringify(answer.body));
		assert.match(answer.body.error, /not loaded before the deadline/);
		await harper.restart({});
		await harper.operation({ operation: 'create_table', table: 'Rows', primary_key: 'id' });
		await harper.operation({ operation: 'create_table', table: 'Answers', primary_key: 'id' });
		await harper.operation({ operation: 'insert', table: 'Rows', records: [{ id: 'a', x: [1] }] });
		const { status, body } = await postJob(harper, {
			modelId: slow,
			timeoutMs: TIMEOUT_MS,
			source: { table: 'Rows' },
			target: { table: 'Answers', fields: { y: 'prediction.y' } },
		});
		assert.equal(status, 202, JSON.stringify(body));
		let job;
		await until(
			'the end of the job',
			async () => (job = (await harper.get(`/jobs/${body.id}`)).body).state !== 'running'
		);
		assert.deepEqual([job.state, job.error?.code], ['failed', 'DEADLINE_EXCEEDED'], JSON.stringify(job));
	});
});

describe('what cannot be loaded in time', () => {
	let harper;
	before(async () => {
		harper = await startHarper({ threads: 1, options: { loadTimeoutMs: 5000 } });
	});
	after(() => harper?.dispose());

	test('is refused at upload, the same bytes again at once, and stops nobody', async () => {
		const endless = Array.from({ length: 3 }, (_, at) => slowModel(5000 + at));
		const [refused, innocent] = await Promise.all([
			Promise.all(endless.map((content, at) => upload(harper, `endless${at}`, content))),
			upload(harper, 'innocent', relu('y')),
		]);
		for (const { status, body } of refused) {
			assert.equal(status, 504, JSON.stringify(body));
			assert.equal(body.code, 'DEADLINE_EXCEEDED');
			assert.match(body.error, /loadTimeoutMs/);
		}
		assert.equal(innocent.status, 201, JSON.stringify(innocent.body));
		const { order, results } = await inOrder({
			other: upload(harper, 'endless3', slowModel(5003)),
			again: upload(harper, 'endless0', endless[0]),
		});
		assert.deepEqual([results.again.status, results.other.status], [504, 504]);
		assert.deepEqual(order, ['again', 'other'], 'what is known to take too long is not tried');
		assert.equal((await harper.predict({ modelId: 'innocent', features: { x: [1] } })).status, 200);
		assert.equal((await harper.get('/model/endless0/v1')).status, 404);
	});
});

describe('the memory of dropped models', { skip: process.platform !== 'linux' }, () => {
	const MODELS = 16;
	const CACHED = 6;
	const SIZE = 2230;
	const MODEL_BYTES = SIZE * SIZE * 4;
	const features = { x: [Array(SIZE).fill(1)] };
	const weights = message(5, [
		number(1, SIZE),
		number(1, SIZE),
		number(2, FLOAT),
		message(8, 'w'),
		message(9, Buffer.from(new Float32Array(SIZE * SIZE).fill(0.5).buffer)),
	]);
	const product = (name) =>
		onnxModel({
			nodes: [['MatMul', ['x', 'w'], [name]]],
			inputs: [['x', FLOAT, ['n', SIZE]]],
			outputs: [[name, FLOAT, ['n', SIZE]]],
			initializer: weights,
		});
	let harper;
	before(async () => {
		harper = await startHarper({ threads: 1, options: { cacheMaxModels: CACHED, recordFeatures: 'none' } });
		for (let at = 0; at < MODELS; at += 1) await uploaded(harper, `m${at}`, product(`y${at}`));
	});
	after(() => harper?.dispose());

	const resident = async () => (await harper.memory()).VmRSS;
	const ask = async (at) => {
		const body = { modelId: `m${at}`, features, record: false };
		for (const answer of await Promise.all(Array.from({ length: 8 }, () => harper.predict(body)))) {
			assert.equal(answer.status, 200, JSON.stringify(answer.body));
		}
	};

	test('is returned when they are evicted and when they are deleted', async () => {
		for (let at = 0; at < CACHED; at += 1) await ask(at);
		const before = await resident();
		for (let round = 0; round < 2; round += 1) {
			for (let at = 0; at < MODELS; at += 1) await ask(at);
		}
		assert.ok((await harper.get('/status')).body.cache.evictions >= MODELS);
		// What goes with requests and records is far less than the models beyond the limit.
		const most = before + 5 * MODEL_BYTES;
		await until('the memory of evicted models', async () => (await resident()) < most);

		const full = await resident();
		for (let at = 0; at < MODELS; at += 1) await harper.request('DELETE', `/model/m${at}/v1`);
		assert.equal((await harper.get('/status')).body.cache.models, 0);
		const least = (CACHED / 2) * MODEL_BYTES;
		await until('the memory of deleted models', async () => (await resident()) < full - least);
		assert.ok((await harper.predict({ modelId: 'm0', features })).status === 404);
	});
});
