// The Node.js API and callers whose values change, or run code, while they are read.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { InferenceEngine, ModelRegistry, Tensor } from '../index.js';
import { modelPath } from './support/fixtures.js';
import { FLOAT, message, number, onnxModel } from './support/onnx.js';
import { runScript } from './support/script.js';

const engine = new InferenceEngine();
const folder = mkdtempSync(join(tmpdir(), 'ownership '));
after(() => rmSync(folder, { recursive: true, force: true }));

/** `y = x + c`, with the fields of the number c that say where it is. */
const sum = (fields) =>
	onnxModel({
		nodes: [['Add', ['x', 'c'], ['y']]],
		inputs: [['x', FLOAT, ['n']]],
		outputs: [['y', FLOAT, ['n']]],
		initializer: message(5, [number(1, 1), number(2, FLOAT), message(8, 'c'), ...fields]),
	});

/** `y = x + term`: always as many bytes. */
const adding = (term) => sum([message(9, Buffer.from(Float32Array.of(term).buffer))]);

const termOf = async (model) => (await model.predict({ x: [0] })).outputs.y.data[0];

describe('a model', () => {
	test('of a Buffer that changes during the load is what its digest says', async () => {
		const bytes = Buffer.from(adding(10));
		const { digest } = await engine.load(adding(10));
		const loading = engine.load(bytes);
		adding(11).copy(bytes);
		const model = await loading;
		assert.equal(model.digest, digest);
		assert.equal(await termOf(model), 10);
		const listed = Buffer.from(adding(12));
		const fromList = engine.load([{ name: 'model.onnx', bytes: listed }]);
		adding(13).copy(listed);
		assert.equal(await termOf(await fromList), 12);
	});

	test('of a file that changes during the load is what its digest says', async () => {
		const path = join(folder, 'changing.onnx');
		const digests = new Map();
		for (let round = 0; round < 200; round += 1) {
			const [first, second] = [1000 + 2 * round, 1001 + 2 * round];
			writeFileSync(path, adding(first));
			const loading = engine.load(path);
			// Somewhere in the load.
			for (let turn = 0; turn < round % 20; turn += 1) await new Promise(setImmediate);
			writeFileSync(path, adding(second));
			const model = await loading.catch((error) => assert.equal(error.code, 'INVALID_MODEL'));
			if (!model) continue;
			const term = await termOf(model);
			assert.ok(term === first || term === second);
			assert.equal(digests.get(model.digest) ?? term, term);
			digests.set(model.digest, term);
			assert.equal((await engine.load(adding(term))).digest, model.digest);
		}
	});

	test('with other weights beside it is another one', async () => {
		const external = sum([message(13, [message(1, 'location'), message(2, 'weights')]), number(14, 1)]);
		const path = join(folder, 'any name');
		const weights = (value) => writeFileSync(join(folder, 'weights'), Buffer.from(Float32Array.of(value).buffer));
		writeFileSync(path, external);
		weights(1);
		const one = await engine.load(path);
		weights(2);
		const two = await engine.load(path);
		assert.notEqual(one.digest, two.digest);
		assert.deepEqual([await termOf(one), await termOf(two)], [1, 2]);
		rmSync(join(folder, 'weights'));
		await assert.rejects(engine.load(path), { code: 'INVALID_MODEL', message: /"weights"/ });
	});

	test('that is registered has the digest of what was checked', async () => {
		const path = join(folder, 'registered.onnx');
		const registry = new ModelRegistry();
		writeFileSync(path, adding(20));
		const { digest } = await registry.register({ modelId: 'm', version: 'v1', file: path });
		writeFileSync(path, adding(21));
		const own = new InferenceEngine({ registry });
		await assert.rejects(own.predict('m', { x: [0] }), { code: 'INVALID_MODEL' });
		writeFileSync(path, adding(20));
		assert.equal((await own.predict('m', { x: [0] })).outputs.y.data[0], 20);
		assert.equal((await engine.load(path)).digest, digest);
	});
});

describe('code of a caller that runs while its values are read', () => {
	const x = () => new Float32Array(40_000).fill(1);
	const load = () => engine.load(adding(30));
	const sum = (outputs) => outputs.y.data.reduce((total, value) => total + value, 0);

	/** Answers of runs that such code starts, and of the run itself, must each be their own. */
	async function assertOwn(start) {
		const model = await load();
		const inner = [];
		const call = () => {
			if (inner.length < 20) inner.push(model.predict({ x: [inner.length] }), model.predict({ x: x() }));
		};
		const outcome = await start(model, call).then(
			({ outputs }) => sum(outputs),
			(error) => error
		);
		assert.ok(inner.length > 0, 'it was never called');
		for (const [at, answer] of (await Promise.all(inner)).entries()) {
			assert.equal(sum(answer.outputs), at % 2 === 0 ? at + 30 : 40_000 * 31);
		}
		return outcome;
	}

	const getter = (name, value, call) => ({
		get [name]() {
			call();
			return value;
		},
	});

	for (const [what, options] of [
		['outputs', (call) => getter('outputs', ['y'], call)],
		['timeoutMs', (call) => getter('timeoutMs', 10_000, call)],
		['priority', (call) => getter('priority', 1, call)],
		['signal', (call) => getter('signal', new AbortController().signal, call)],
		['an element of outputs', (call) => ({ outputs: Object.defineProperty([], 0, { get: () => (call(), 'y') }) })],
		[
			'a proxy',
			(call) =>
				new Proxy(
					{ outputs: new Proxy(['y'], { get: (...of) => (call(), Reflect.get(...of)) }) },
					{ get: (...of) => (call(), Reflect.get(...of)) }
				),
		],
	]) {
		test(`in the option ${what}`, async () => {
			for (const values of [[1], x()]) {
				const outcome = await assertOwn((model, call) => model.predict({ x: values }, options(call)));
				assert.equal(outcome, values.length * 31);
			}
		});
	}

	test('in features, tensors and their shapes', async () => {
		const features = (call) => getter('x', x(), call);
		assert.equal(await assertOwn((model, call) => model.predict(features(call))), 40_000 * 31);
		const shaped = (call) => {
			const tensor = new Tensor('float32', [3], Float32Array.of(1, 1, 1));
			tensor.shape = new Proxy([3], { get: (...of) => (call(), Reflect.get(...of)) });
			return { x: tensor };
		};
		assert.equal(await assertOwn((model, call) => model.predict(shaped(call))), 93);
		const nested = (call) => ({ x: Object.defineProperty([0, 1], 0, { get: () => (call(), 1) }) });
		assert.equal(await assertOwn((model, call) => model.predict(nested(call))), 62);
	});

	test('that throws is an error of its own call', async () => {
		const expected = new Error('expected by the test');
		const outcome = await assertOwn((model, call) =>
			model.predict(
				{ x: [1] },
				getter('outputs', ['y'], () => {
					call();
					throw expected;
				})
			)
		);
		assert.equal(outcome, expected);
	});

	test('in an AbortSignal is not asked', async () => {
		class Hostile extends AbortController {}
		const model = await engine.load(readFileSync(modelPath('endless_loop')));
		const { signal } = new Hostile();
		for (const name of ['addEventListener', 'removeEventListener', 'throwIfAborted', 'aborted', 'reason']) {
			Object.defineProperty(signal, name, {
				get: () => {
					throw new Error('expected by the test');
				},
			});
		}
		await assert.rejects(model.predict({ x: [1] }, { signal, timeoutMs: 50 }), { code: 'DEADLINE_EXCEEDED' });
		const fake = Object.create(AbortSignal.prototype);
		await assert.rejects(model.predict({ x: [1] }, { signal: fake }), TypeError);
	});

	test('in a listener of the signal, and at its abort', async () => {
		const endless = await engine.load(readFileSync(modelPath('endless_loop')));
		const abort = new AbortController();
		const inner = [];
		const model = await load();
		abort.signal.addEventListener('abort', () => inner.push(model.predict({ x: [1] }), model.predict({ x: x() })));
		const runs = Array.from({ length: 4 }, () => endless.predict({ x: [1] }, { signal: abort.signal }));
		abort.abort(new Error('expected by the test'));
		for (const run of runs) await assert.rejects(run, { message: 'expected by the test' });
		assert.deepEqual(
			(await Promise.all(inner)).map(({ outputs }) => sum(outputs)),
			[31, 40_000 * 31]
		);
	});

	test('in the options of the engine, of a load and of a registration', async () => {
		const model = await load();
		const inner = [];
		const call = () => inner.push(model.predict({ x: x() }));
		new InferenceEngine(getter('maxQueueDelayMs', 0, call)).dispose();
		await engine.load(adding(31), getter('framework', 'onnx', call));
		const file = { name: 'model.onnx', ...getter('bytes', undefined, call) };
		assert.ok(file);
		await engine.load([
			{
				get name() {
					call();
					return 'model.onnx';
				},
				get bytes() {
					call();
					return adding(32);
				},
			},
		]);
		await new ModelRegistry()
			.register({ modelId: 'm', version: 'v', ...getter('x', 0, call), file: adding(33) })
			.catch(() => {});
		for (const { outputs } of await Promise.all(inner)) assert.equal(sum(outputs), 40_000 * 31);
	});
});

describe('the limits of the cache', () => {
	test('unload models that a program holds, and runs bring them back', async () => {
		const paths = Array.from({ length: 4 }, (_, at) => join(folder, `held${at}.onnx`));
		for (const [at, path] of paths.entries()) writeFileSync(path, adding(40 + at));
		const own = new InferenceEngine({ cacheMaxModels: 2 });
		try {
			const models = await Promise.all(paths.map((path) => own.load(path)));
			for (let round = 0; round < 3; round += 1) {
				const terms = await Promise.all(models.map(termOf));
				assert.deepEqual(terms, [40, 41, 42, 43]);
				assert.ok(own.status().cache.models <= 2);
			}
		} finally {
			new InferenceEngine({ cacheMaxModels: 10 });
		}
	});

	test('give memory back, although a program holds the models', { skip: process.platform !== 'linux' }, async () => {
		const script = `
			import { rmSync, writeFileSync } from 'node:fs';
			import { setTimeout as sleep } from 'node:timers/promises';
			import { InferenceEngine } from 'harper-edge-ai';
			import { FLOAT, message, number, onnxModel } from './__test__/support/onnx.js';
			const [folder] = process.argv.slice(1);
			const SIZE = 2230;
			const x = new Float32Array(SIZE).fill(1);
			const engine = new InferenceEngine({ cacheMaxModels: 2 });
			const models = [];
			async function load(at) {
				const path = folder + '/large' + at + '.onnx';
				const weights = Buffer.from(new Float32Array(SIZE * SIZE).fill(at).buffer);
				const tensor = [number(1, SIZE), number(1, SIZE), number(2, FLOAT), message(8, 'w'), message(9, weights)];
				writeFileSync(path, onnxModel({
					nodes: [['MatMul', ['x', 'w'], ['y']]],
					inputs: [['x', FLOAT, ['n', SIZE]]],
					outputs: [['y', FLOAT, ['n', SIZE]]],
					initializer: message(5, tensor),
				}));
				models[at] = await engine.load(path);
				await ask(at);
			}
			async function ask(at) {
				const { outputs } = await models[at].predict({ x });
				if (outputs.y.data[0] !== at * SIZE) throw new Error('the answer of another model');
			}
			const rss = () => (global.gc(), process.memoryUsage.rss());
			for (let at = 0; at < 2; at++) await load(at);
			while (engine.status().sessions.some(({ warmUpMs }) => warmUpMs === null)) await sleep(10);
			const before = rss();
			for (let at = 2; at < 8; at++) await load(at);
			for (let at = 0; at < 8; at++) await ask(at);
			const most = before + 4 * SIZE * SIZE * 4;
			for (let tries = 0; rss() > most && tries < 50; tries++) await sleep(100);
			console.log(rss() <= most ? 'returned' : (rss() - before) / 2 ** 20 + ' MiB more');
			for (let at = 0; at < 8; at++) rmSync(folder + '/large' + at + '.onnx');`;
		const env = { NODE_OPTIONS: '--expose-gc' };
		const { stdout, stderr } = await runScript(script, { args: [folder], env });
		assert.equal(stdout, 'returned\n', stderr);
	});
});
