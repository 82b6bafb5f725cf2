// Requests of several worker threads that run together, and how their answers come back.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { cachedSession, predictJson, PredictRequest } from '../binding.js';
import { InferenceEngine } from '../index.js';
import { native } from '../native.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { until } from './support/until.js';

const engine = new InferenceEngine();
const WIDTH = 8;

/** An even number of them gives `x` back, and takes longer than a run on the calling thread may. */
const NEGATIONS = 400;

/** `y` is `x` times a power of two, which is exact, and `x2` is `x + x`. */
function doubling(times) {
	const value = (at) => (at === times ? 'y' : `h${at}`);
	const negation = (at) => (at === 0 ? 'x' : at === NEGATIONS ? 'h0' : `n${at}`);
	return onnxModel({
		nodes: [
			...Array.from({ length: NEGATIONS }, (_, at) => ['Neg', [negation(at)], [negation(at + 1)]]),
			...Array.from({ length: times }, (_, at) => ['Add', [value(at), value(at)], [value(at + 1)]]),
			['Add', ['x', 'x'], ['x2']],
		],
		inputs: [['x', FLOAT, ['rows', WIDTH]]],
		outputs: ['y', 'x2'].map((name) => [name, FLOAT, ['rows', WIDTH]]),
	});
}

const statusOf = ({ digest }) => engine.status().sessions.find((session) => session.digest === digest);

/** A model of which it is known whether rows can run together. */
async function loadProbed(bytes) {
	const model = await engine.load(bytes);
	await until('it is known', () => statusOf(model).batching.batchable !== null);
	assert.equal(statusOf(model).batching.batchable, true);
	return model;
}

describe('worker threads', () => {
	// MLServer #1306 and #1718: rows reached other callers. #514: the outputs asked for were ignored.
	// onnxruntime #24486: the addon ended the process when a second worker thread used it.
	test('thousands of rows of four of them, over three models, with cancellations, find their callers', async (t) => {
		const models = [1, 5, 11].map((times) => ({ bytes: doubling(times), factor: 2 ** times }));
		const probed = await Promise.all(models.map(({ bytes }) => loadProbed(bytes)));
		const count = 900;
		const workers = Array.from({ length: 4 }, (_, at) => {
			const workerData = { models, from: at * count, count, width: WIDTH };
			return new Worker(new URL('./support/batching-worker.js', import.meta.url), { workerData });
		});
		t.after(() => Promise.all(workers.map((worker) => worker.terminate())));
		await Promise.all(workers.map((worker) => once(worker, 'message')));
		const tallies = workers.map((worker) => once(worker, 'message'));
		for (const worker of workers) worker.postMessage('start');
		let answered = 0;
		for (const [{ own, left, wrong }] of await Promise.all(tallies)) {
			assert.deepEqual(wrong, []);
			assert.equal(own + left, count);
			answered += own;
		}
		const left = 4 * count - answered;
		assert.ok(left > 0 && left <= Math.ceil((4 * count) / 7), `${left} left`);
		assert.ok(probed.some((model) => statusOf(model).batching.batches > 0));
	});
});

describe('answers', () => {
	test('of many runs come with one wake-up of the event loop', async () => {
		const model = await loadProbed(doubling(3));
		const session = native.cachedSession(model.digest);
		const features = { x: [Array(WIDTH).fill(0.5)] };
		const slot = native.requestSlot();
		native.parseRequest(slot, Buffer.from(JSON.stringify({ modelId: 'm', features })));
		const settled = [];
		let wakeUps = 0;
		const channel = new native.Channel(() => {
			wakeUps += 1;
			settled.push(...channel.take());
		}, new Uint8Array(4096));
		const count = 200;
		const predict = session.predictor(channel);
		for (let id = 0; id < count; id += 1) assert.equal(predict(id, slot, true, undefined) ?? null, null);
		// The event loop stands still until every run is over.
		const pause = new Int32Array(new SharedArrayBuffer(4));
		do Atomics.wait(pause, 0, 0, 20);
		while (engine.status().running > 0);
		await until('all answers', () => settled.length === 3 * count);
		// The last answer may be on its way when its run is over.
		assert.ok(wakeUps <= 2, `${wakeUps} wake-ups`);
		assert.deepEqual(
			settled.filter((_, at) => at % 3 === 1 && settled[at] !== undefined),
			[]
		);
		assert.equal(new Set(settled.filter((_, at) => at % 3 === 0)).size, count);
	});
});

describe('requests that are started together', () => {
	const request = (x, fields) =>
		PredictRequest.parse(Buffer.from(JSON.stringify({ modelId: 'm', features: { x }, ...fields })));

	test('run together, and each has its own answer, error or end', async () => {
		const { digest } = await loadProbed(
			onnxModel({
				nodes: [['Add', ['x', 'x'], ['y']]],
				inputs: [['x', FLOAT, ['rows', 2]]],
				outputs: [['y', FLOAT, ['rows', 2]]],
			})
		);
		const session = cachedSession(digest);
		// More than one run takes, so that some wait for the next turn of the event loop.
		const count = 300;
		const round = async () => {
			const leaving = new AbortController();
			const started = Array.from({ length: count }, (_, at) => {
				if (at % 10 === 3) return predictJson(session, request([at]), { together: true });
				const signal = at % 10 === 7 ? leaving.signal : undefined;
				const made = request([at, at + 0.5], { outputs: at % 2 ? ['y'] : [] });
				return predictJson(session, made, { together: true, signal });
			});
			leaving.abort(new Error('left'));
			for (const [at, { value, reason }] of (await Promise.allSettled(started)).entries()) {
				if (at % 10 === 3) assert.equal(reason.code, 'INVALID_INPUT');
				else if (at % 10 === 7) assert.equal(reason.message, 'left');
				else assert.deepEqual(JSON.parse(value.prediction), { y: [2 * at, 2 * at + 1] });
			}
		};
		const batches = () => statusOf({ digest }).batching.batches;
		for (let rounds = 0; rounds < 3 || batches() === 0; rounds += 1) {
			assert.ok(rounds < 100, 'nothing ran together');
			await round();
		}
	});

	test('of two models do not mix, and a run that takes longer does not stay', async () => {
		const models = [1, 2].map((times) => ({ times, bytes: doubling(times) }));
		for (const model of models) model.session = cachedSession((await loadProbed(model.bytes)).digest);
		const started = Array.from({ length: 60 }, (_, at) => {
			const made = request([Array(WIDTH).fill(at)], { outputs: ['y'] });
			return predictJson(models[at % 2].session, made, { together: true });
		});
		for (const [at, { prediction }] of (await Promise.all(started)).entries()) {
			assert.deepEqual(JSON.parse(prediction), { y: [Array(WIDTH).fill(at * 2 ** models[at % 2].times)] });
		}
	});

	test('can be stopped when they went to other threads', async () => {
		const session = cachedSession((await loadProbed(doubling(4))).digest);
		const leaving = new AbortController();
		const started = Array.from({ length: 20 }, (_, at) =>
			predictJson(session, request([Array(WIDTH).fill(at)]), { together: true, signal: leaving.signal })
		);
		// The runs are on their way, and the event loop has not looked for answers yet.
		await null;
		leaving.abort(new Error('left'));
		for (const { reason } of await Promise.allSettled(started)) assert.equal(reason?.message, 'left');
	});
});
