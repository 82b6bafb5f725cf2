// The Node.js API of index.js, without Harper.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import ts from 'typescript';
import { EdgeAiError, InferenceEngine, Model, ModelRegistry, Monitor, Tensor } from '../index.js';
import { assertOutputs, modelPath, models } from './support/fixtures.js';
import { FLOAT, INT64, message, onnxModel, slowModel } from './support/onnx.js';
import { runScript } from './support/script.js';
import { until } from './support/until.js';

const engine = new InferenceEngine();
const folder = mkdtempSync(join(tmpdir(), 'edge ai '));
after(() => rmSync(folder, { recursive: true, force: true }));

const flower = [5.1, 3.5, 1.4, 0.2];
const load = (name, options) => engine.load(modelPath(name), options);
const labelOf = ({ outputs }) => outputs.output_label.toArray();

describe('loading', () => {
	test('a path, a URL, bytes and a list of files are one model and one session', async () => {
		const path = join(folder, 'own iris.onnx');
		// With a text of its own: no other test has loaded it.
		writeFileSync(path, Buffer.concat([readFileSync(modelPath('iris')), message(6, 'own')]));
		const loadsBefore = engine.status().cache.loads;
		const sources = [path, pathToFileURL(path), readFileSync(path), new Uint8Array(readFileSync(path))];
		const models = await Promise.all([...sources, [{ name: 'any.onnx', path }]].map((source) => engine.load(source)));
		assert.equal(new Set(models.map(({ digest }) => digest)).size, 1);
		assert.equal(engine.status().cache.loads, loadsBefore + 1);
		for (const model of models) assert.equal(labelOf(await model.predict({ float_input: flower })), 0n);
	});

	test('a model says what it is', async () => {
		const model = await load('iris');
		assert.ok(model instanceof Model);
		assert.match(model.digest, /^[0-9a-f]{64}$/);
		assert.equal(model.framework, 'onnx');
		assert.equal(model.engine, 'onnxruntime');
		assert.deepEqual(model.signature.inputs, [{ name: 'float_input', dtype: 'float32', shape: [-1, 4] }]);
		assert.deepEqual(
			model.signature.outputs.map(({ name, dtype, type }) => [name, dtype ?? type]),
			[
				['output_label', 'int64'],
				['output_probability', 'seq(map(int64,tensor(float32)))'],
			]
		);
	});

	test('the caller may reuse its bytes', async () => {
		const bytes = new Uint8Array(readFileSync(modelPath('linear_float64')));
		const loading = engine.load(bytes);
		bytes.fill(0);
		const { outputs } = await (await loading).predict({ measurements: [5.1, 3.5, 1.4] });
		assert.ok(Math.abs(outputs.variable.data[0] - 0.21625189892792163) < 1e-12);
	});

	test('a missing file is an error that does not tell its folder', async () => {
		await assert.rejects(engine.load(join(folder, 'none.onnx')), ({ code, message }) => {
			assert.equal(code, 'FILE_UNAVAILABLE');
			assert.match(message, /none\.onnx/);
			assert.ok(!message.includes(folder));
			return true;
		});
	});

	test('an engine by name', async () => {
		const model = await load('linear_float64', { engine: 'tract' });
		assert.equal(model.engine, 'tract');
		const { outputs } = await model.predict({ measurements: [5.1, 3.5, 1.4] });
		assert.ok(Math.abs(outputs.variable.data[0] - 0.21625189892792163) < 1e-9);
		assert.equal((await load('linear_float64')).engine, 'onnxruntime');
	});
});

describe('values', () => {
	test('typed arrays, nested arrays and tensors give the same outputs, which are typed arrays', async () => {
		const model = await load('iris');
		const batches = [
			new Tensor('float32', [2, 4], new Float32Array([...flower, ...flower])),
			[flower, flower],
			[new Float32Array(flower), new Float32Array(flower)],
			new Float32Array([...flower, ...flower]),
			{ data: [...flower, ...flower], shape: [2, 4] },
		];
		for (const float_input of batches) {
			const { outputs, confidence } = await model.predict({ float_input });
			assert.deepEqual(outputs.output_label, new Tensor('int64', [2], new BigInt64Array([0n, 0n])));
			assert.ok(outputs.output_probability.every((row) => row instanceof Map && row.get(0n) > 0.97));
			assert.equal(confidence.length, 2);
		}
	});

	test('one row comes back without the batch dimension', async () => {
		const { outputs, confidence } = await (await load('iris')).predict({ float_input: new Float32Array(flower) });
		assert.deepEqual(outputs.output_label.shape, []);
		assert.equal(typeof confidence, 'number');
		assert.ok(Math.abs(confidence - outputs.output_probability.get(0n)) < 1e-6);
	});

	test('a typed array that is a window of a larger buffer', async () => {
		const buffer = new Float32Array([9, 9, ...flower, 9]);
		const { outputs } = await (await load('iris')).predict({ float_input: buffer.subarray(2, 6) });
		assert.equal(outputs.output_label.toArray(), 0n);
	});

	test('outputs have arrays of their own, small and large, alone and beside others', async () => {
		const chain = Array.from({ length: 200 }, (_, at) => ['Neg', [at === 0 ? 'x' : `n${at}`], [`n${at + 1}`]]);
		const wide = (nodes) =>
			onnxModel({
				nodes: [...nodes, ['Add', ['x', 'x'], ['y']], ['Neg', ['x'], ['z']]],
				inputs: [['x', FLOAT, ['rows', 'columns']]],
				outputs: ['y', 'z'].map((name) => [name, FLOAT, ['rows', 'columns']]),
			});
		for (const model of await Promise.all([wide([]), wide(chain)].map((bytes) => engine.load(bytes)))) {
			for (const columns of [1, 100, 2000, 16_383, 16_384, 20_000, 300_000]) {
				const x = new Tensor(
					'float32',
					[1, columns],
					Float32Array.from({ length: columns }, (_, at) => at)
				);
				const runs = await Promise.all([1, 2, 3].map(() => model.predict({ x })));
				const arrays = runs.flatMap(({ outputs }) => [outputs.y.data, outputs.z.data]);
				for (const data of arrays) {
					assert.deepEqual([data.byteOffset, data.length, data.buffer.byteLength], [0, columns, 4 * columns]);
				}
				assert.equal(new Set(arrays.map(({ buffer }) => buffer)).size, arrays.length);
				const last = runs.map(({ outputs }) => [outputs.y.data.at(-1), outputs.z.data.at(-1)]);
				assert.deepEqual(last, Array(3).fill([2 * (columns - 1), columns === 1 ? -0 : 1 - columns]));
			}
		}
	});

	test('strings', async () => {
		const review = await load('review_tfidf');
		assert.equal(labelOf(await review.predict({ text: 'A LOVELY, clever story' })), 'good');
		assert.deepEqual(labelOf(await review.predict({ text: [['A LOVELY, clever story'], ['Boring and noisy']] })), [
			'good',
			'bad',
		]);
		const strings = ['', 'plain', 'Grüße, 世界 🌍', '"\\'];
		const { outputs } = await (await load('identity_string')).predict({ x: new Tensor('string', [1, 4], strings) });
		assert.deepEqual(outputs.y, new Tensor('string', [1, 4], strings));
	});

	const extremes = {
		int64: [[-(2n ** 63n), 2n ** 53n + 1n, 2n ** 63n - 1n], BigInt64Array],
		uint64: [[0n, 1n, 2n ** 64n - 1n], BigUint64Array],
		int32: [[-(2 ** 31), 0, 2 ** 31 - 1], Int32Array],
		uint32: [[0, 1, 2 ** 32 - 1], Uint32Array],
		int16: [[-32768, 0, 32767], Int16Array],
		uint16: [[0, 1, 65535], Uint16Array],
		int8: [[-128, 0, 127], Int8Array],
		uint8: [[0, 1, 255], Uint8Array],
		float: [[-0, 1e-45, NaN, Infinity, -Infinity, 2 ** 127].map(Math.fround), Float32Array],
		double: [[-0, 5e-324, NaN, Infinity, -Infinity, Number.MAX_VALUE], Float64Array],
	};
	for (const [dtype, [values, TypedArray]] of Object.entries(extremes)) {
		test(`${dtype} without loss, typed and nested`, async () => {
			const model = await load(`identity_${dtype}`);
			for (const x of [TypedArray.from(values), [values]]) {
				const { outputs } = await model.predict({ x });
				assert.deepEqual(outputs.y.data, TypedArray.from(values));
			}
		});
	}

	test('half floats are numbers in arrays and raw bits in tensors', async () => {
		const model = await load('identity_float16');
		const values = [-0, 1.5, 2 ** -24, 65504, NaN, -Infinity];
		const bits = Uint16Array.of(0x8000, 0x3e00, 0x0001, 0x7bff, 0x7e00, 0xfc00);
		for (const x of [[values], new Tensor('float16', [1, 6], bits)]) {
			const { outputs } = await model.predict({ x });
			assert.deepEqual(outputs.y.toArray(), [values]);
			assert.ok(outputs.y.data instanceof Uint16Array);
		}
		const { outputs } = await (await load('identity_bfloat16')).predict({ x: new Float64Array(6).fill(1.5) });
		assert.deepEqual(outputs.y.toArray(), Array(6).fill(1.5));
	});

	test('with a dtype a typed array is the elements, without one it is numbers', async () => {
		const halves = Uint16Array.of(0x3c00, 0x4000, 0xc000, 0, 0, 0);
		for (const [dtype, bits] of [
			['float16', halves],
			['bfloat16', Uint16Array.of(0x3f80, 0x4000, 0xc000, 0, 0, 0)],
		]) {
			const model = await load(`identity_${dtype}`);
			const { outputs } = await model.predict({ x: { data: bits, shape: [1, 6], dtype } });
			assert.deepEqual(outputs.y.data, bits);
			assert.deepEqual(outputs.y.toArray(), [[1, 2, -2, 0, 0, 0]]);
			const numbers = { data: Uint16Array.of(1, 2, 3, 0, 0, 0), shape: [1, 6] };
			assert.deepEqual((await model.predict({ x: numbers })).outputs.y.toArray(), [[1, 2, 3, 0, 0, 0]]);
			const own = { data: [1, 2, 3, 0, 0, 0], shape: [1, 6], dtype };
			assert.deepEqual((await model.predict({ x: own })).outputs.y.toArray(), [[1, 2, 3, 0, 0, 0]]);
		}
		const model = await load('identity_float16');
		for (const [x, message] of [
			[{ data: [1, 2], shape: [1, 2], dtype: 'float32' }, /"x" takes a dtype with a typed array.*float16 with values/],
			[{ data: halves, shape: [1, 6], dtype: 'float32' }, /the data of a float32 tensor must be of type Float32Array/],
			[{ data: halves, shape: [1, 6], dtype: 'half' }, /dtype must be one of .* received half/],
			[{ data: halves, shape: [1, 5], dtype: 'float16' }, /takes 5 elements, data has 6/],
		]) {
			await assert.rejects(model.predict({ x }), { name: 'TypeError', message });
		}
	});

	test('{ data, shape } of the own dtype is what it is as a list', async () => {
		const model = await load('iris');
		const rows = Float32Array.of(...flower, ...flower);
		for (const shape of [[2, 4], [1, 4], [8], [2, -4], [2.5, 4], 'x', [2, 4, 1]]) {
			const outcomes = [rows, [...rows]].map((data) =>
				model.predict({ float_input: { data, shape } }).then(
					({ outputs }) => outputs,
					({ code, message }) => [code, message]
				)
			);
			const [typed, listed] = await Promise.all(outcomes);
			assert.deepEqual(typed, listed, String(shape));
		}
	});

	test('arrays, maps and bytes of another realm', async () => {
		const model = await engine.load(runInNewContext(`Uint8Array.of(${[...readFileSync(modelPath('iris'))]})`));
		const there = (source) => runInNewContext(source, { flower });
		for (const [source, label] of [
			['new Float32Array(flower)', 0n],
			['Array.from(flower)', 0n],
			['({ data: new Float32Array(flower), shape: [1, 4] })', [0n]],
			['({ data: new Float32Array(flower), shape: [1, 4], dtype: "float32" })', [0n]],
			['new Float64Array(flower).map(Math.fround)', 0n],
		]) {
			const { outputs } = await model.predict(there(`({ float_input: ${source} })`));
			assert.deepEqual(outputs.output_label.toArray(), label, source);
		}
		const data = there('new Float32Array(flower)');
		const { outputs } = await model.predict({ float_input: new Tensor('float32', [1, 4], data) });
		assert.deepEqual(outputs.output_label.toArray(), [0n]);
		const files = there(`[{ name: 'any.onnx', path: ${JSON.stringify(modelPath('iris'))} }]`);
		assert.equal((await engine.load(files)).digest, model.digest);
	});

	const noHalves = { skip: typeof Float16Array === 'undefined' && 'this Node.js has no Float16Array' };
	test('Float16Array', noHalves, async () => {
		const model = await load('identity_float16');
		const values = [-0, 1.5, 2 ** -24, 65504, NaN, -Infinity];
		// eslint-disable-next-line no-undef
		const halves = new Float16Array(values);
		for (const x of [halves, { data: halves, shape: [1, 6] }, new Tensor('float16', [1, 6], halves)]) {
			assert.deepEqual((await model.predict({ x })).outputs.y.toArray().flat(), values);
		}
		assert.deepEqual(new Tensor('float16', [2, 3], halves).toArray().flat(), values);
		assert.deepEqual((await (await load('identity_double')).predict({ x: halves })).outputs.y.toArray(), values);
	});

	test('booleans', async () => {
		const model = await load('identity_bool');
		const answers = [
			[[[true, false]], [[true, false]]],
			[new Tensor('bool', [1, 2], Uint8Array.of(1, 0)), [[true, false]]],
			[Uint8Array.of(1, 0), [true, false]],
		];
		for (const [x, y] of answers) assert.deepEqual((await model.predict({ x })).outputs.y.toArray(), y);
	});

	test('what would lose something is refused', async () => {
		const refused = [
			['identity_int64', [1.5, 2, 3]],
			['identity_int64', [2n ** 63n, 2n, 3n]],
			['identity_uint8', [-1, 2, 3]],
			['identity_int8', new Int16Array([128, 1, 1])],
			['identity_float', [1e39, 0, 0, 0, 0, 0]],
			['identity_string', ['a', 'b', 'c', 4]],
			['iris', [1, 2, 3]],
			['iris', [[1, 2, 3, 4], [1]]],
			['iris', new Tensor('float64', [1, 4], new Float64Array(4))],
		];
		for (const [name, value] of refused) {
			const model = await load(name);
			const [{ name: input }] = model.signature.inputs;
			await assert.rejects(model.predict({ [input]: value }), ({ code, message }) => {
				assert.equal(code, 'INVALID_INPUT');
				assert.match(message, new RegExp(input));
				return true;
			});
		}
	});

	test('sequences and optionals', async () => {
		const { outputs } = await (await load('sequence_optional')).predict({ x: [[1, 2]] });
		assert.ok(outputs.parts.every((part) => part instanceof Tensor));
		assert.ok(outputs.maybe instanceof Tensor);
	});

	test('only the outputs that were asked for', async () => {
		const model = await load('iris');
		const { outputs } = await model.predict({ float_input: flower }, { outputs: ['output_label'] });
		assert.deepEqual(Object.keys(outputs), ['output_label']);
		await assert.rejects(model.predict({ float_input: flower }, { outputs: ['label'] }), ({ message }) => {
			assert.match(message, /"label".*output_label, output_probability/);
			return true;
		});
	});
});

describe('predictions as JSON', () => {
	const written = async (name, features) => JSON.parse(JSON.stringify(await (await load(name)).predict(features)));

	test('maps are objects, one and several', async () => {
		const prediction = await (await load('iris')).predict({ float_input: flower });
		const { outputs, confidence, latencyMs } = JSON.parse(JSON.stringify(prediction));
		assert.equal(outputs.output_label, 0);
		assert.deepEqual(Object.keys(outputs.output_probability), ['0', '1', '2']);
		assert.equal(outputs.output_probability[0], prediction.outputs.output_probability.get(0n));
		assert.deepEqual([confidence, latencyMs], [prediction.confidence, prediction.latencyMs]);
		assert.deepEqual(JSON.parse(JSON.stringify(prediction.outputs.output_probability)), outputs.output_probability);
		// They are maps like any other.
		const copy = new Map(prediction.outputs.output_probability);
		assert.deepEqual(prediction.outputs.output_probability, copy);
		const batch = await written('iris', { float_input: [flower, flower] });
		assert.deepEqual(batch.outputs.output_label, [0, 0]);
		assert.deepEqual(batch.outputs.output_probability, Array(2).fill(outputs.output_probability));
	});

	test('digits are kept', async () => {
		const integers = [-(2n ** 63n), 2n ** 53n + 1n, 2n ** 63n - 1n];
		const { outputs } = await written('identity_int64', { x: integers });
		assert.deepEqual(outputs.y, integers.map(String));
		assert.deepEqual((await written('identity_int64', { x: [1, -2, 2 ** 53 - 1] })).outputs.y, [1, -2, 2 ** 53 - 1]);
		const doubles = [0.1, 5e-324, NaN, Infinity, -Infinity, Number.MAX_VALUE];
		assert.deepEqual(
			(await written('identity_double', { x: doubles })).outputs.y,
			doubles.map((value) => (Number.isFinite(value) ? value : String(value)))
		);
		const values = [0.1, 1e-45, NaN, Infinity, -Infinity, 1].map(Math.fround);
		const floats = await written('identity_float', { x: values });
		assert.deepEqual(floats.outputs.y.map(Number), values);
	});

	test('strings, sequences, and what the registry runs', async () => {
		assert.equal((await written('review_tfidf', { text: 'A LOVELY, clever story' })).outputs.output_label, 'good');
		const { outputs } = await written('sequence_optional', { x: [[1, 2]] });
		assert.ok(Array.isArray(outputs.parts) && Array.isArray(outputs.maybe));
		const registry = new ModelRegistry();
		await registry.register({ modelId: 'iris', version: '1', file: modelPath('iris') });
		const recorded = await new InferenceEngine({ registry }).predict('iris', { float_input: flower });
		const { modelId, outputs: known } = JSON.parse(JSON.stringify(recorded));
		assert.deepEqual([modelId, known.output_label], ['iris', 0]);
	});
});

describe('errors', () => {
	test('with a code are of one class, wherever they come from', async () => {
		const registry = new ModelRegistry();
		const model = await load('iris');
		const closed = await load('iris');
		closed.dispose();
		const failures = [
			['INVALID_INPUT', () => model.predict({ float_input: [1] })],
			['INVALID_MODEL', () => engine.load(Uint8Array.of(1, 2, 3))],
			['CLOSED', () => closed.predict({ float_input: flower })],
			['MODEL_NOT_FOUND', async () => registry.find('none')],
			['INFERENCE_NOT_FOUND', async () => new Monitor().feedback('none', 1)],
			['DEADLINE_EXCEEDED', async () => (await load('endless_loop')).predict({ x: [1] }, { timeoutMs: 5 })],
			['INVALID_REQUEST', () => registry.register({ modelId: '..', version: '1', file: modelPath('iris') })],
		];
		for (const [code, fail] of failures) {
			const error = await fail().then(
				() => undefined,
				(failed) => failed
			);
			assert.ok(error instanceof EdgeAiError && error instanceof Error, `${code}: ${error}`);
			assert.equal(error.code, code);
			assert.match(error.stack, /^EdgeAiError: /);
			assert.ok(!(error instanceof TypeError));
		}
		const { details } = await model.predict({ float_input: [1] }).catch((error) => error);
		assert.equal(details.input, 'float_input');
		assert.ok(!Object.hasOwn(new EdgeAiError('CLOSED', 'closed'), 'details'));
	});
});

describe('tensors', () => {
	test('as nested arrays', () => {
		assert.deepEqual(new Tensor('int32', [2, 1, 2], Int32Array.of(1, 2, 3, 4)).toArray(), [[[1, 2]], [[3, 4]]]);
		assert.deepEqual(new Tensor('float32', [2, 0], new Float32Array()).toArray(), [[], []]);
		assert.equal(new Tensor('float64', [], Float64Array.of(7)).toArray(), 7);
		assert.deepEqual(new Tensor('int4', [3], Uint8Array.of(0x8f, 0x07)).toArray(), [-1, -8, 7]);
		assert.deepEqual(new Tensor('uint2', [5], Uint8Array.of(0b11100100, 0b01)).toArray(), [0, 1, 2, 3, 1]);
	});

	test('misuse', () => {
		const wrong = [
			[['float', [1], new Float32Array(1)], /dtype must be one of float32.*received float/],
			[['float32', 1, new Float32Array(1)], /shape must be an array of sizes/],
			[['float32', [-1], new Float32Array(1)], /shape must be an array of sizes/],
			[['float32', [1], [1]], /must be of type Float32Array/],
			[['int64', [1], Int32Array.of(1)], /must be of type BigInt64Array/],
			[['float32', [2, 3], new Float32Array(5)], /takes 6 elements, data has 5/],
			[['int4', [3], new Uint8Array(3)], /takes 2 bytes of packed int4, data has 3/],
			[['string', [2], ['a']], /takes 2 elements/],
			[['string', [1], [1]], /must be strings/],
		];
		for (const [args, message] of wrong) assert.throws(() => new Tensor(...args), { name: 'TypeError', message });
	});
});

describe('deadlines and cancellation', () => {
	test('timeoutMs ends a run that does not end by itself', async () => {
		const model = await load('endless_loop');
		const started = performance.now();
		await assert.rejects(model.predict({ x: [1] }, { timeoutMs: 100 }), { code: 'DEADLINE_EXCEEDED' });
		assert.ok(performance.now() - started >= 95, 'not before its time');
	});

	test('an AbortSignal ends a run with its reason', async () => {
		const model = await load('endless_loop');
		const reason = new Error('the user left');
		const controller = new AbortController();
		const run = model.predict({ x: [1] }, { signal: controller.signal });
		const rejected = assert.rejects(run, (error) => error === reason);
		await until('the run', () => engine.status().running > 0);
		controller.abort(reason);
		await rejected;
		await assert.rejects(model.predict({ x: [1] }, { signal: controller.signal }), (error) => error === reason);
		await assert.rejects(model.predict({ x: [1] }, { signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' });
	});

	test('many runs share a signal without a warning, and leave nothing on it', async (t) => {
		const warnings = [];
		const note = (warning) => warnings.push(warning);
		process.on('warning', note);
		t.after(() => process.off('warning', note));
		const model = await engine.load(slowModel(4, 400));
		const { signal } = new AbortController();
		const runs = Array.from({ length: 64 }, () => model.predict({ x: [1] }, { signal }));
		assert.equal(getEventListeners(signal, 'abort').length, 1);
		await Promise.all(runs);
		assert.deepEqual(getEventListeners(signal, 'abort'), []);
		// Once more, now that it had been left; and aborted.
		const endless = await load('endless_loop');
		const leaving = new AbortController();
		for (let round = 0; round < 2; round += 1) {
			await model.predict({ x: [1] }, { signal: leaving.signal });
			assert.deepEqual(getEventListeners(leaving.signal, 'abort'), []);
		}
		const stopped = Array.from({ length: 64 }, () => endless.predict({ x: [1] }, { signal: leaving.signal }));
		leaving.abort(new Error('left'));
		for (const { reason } of await Promise.allSettled(stopped)) assert.equal(reason?.message, 'left');
		assert.deepEqual(getEventListeners(leaving.signal, 'abort'), []);
		// Warnings are told in a turn of their own.
		await nextTurn();
		assert.deepEqual(warnings, []);
	});

	test('a stopped run gives its thread back', async () => {
		const model = await load('endless_loop');
		const controller = new AbortController();
		const runs = Array.from({ length: 8 }, () => model.predict({ x: [1] }, { signal: controller.signal }));
		controller.abort();
		await Promise.all(runs.map((run) => assert.rejects(run, { name: 'AbortError' })));
		const { outputs } = await (
			await load('linear_float64')
		).predict({ measurements: [1, 2, 3] }, { timeoutMs: 10_000 });
		assert.ok(Number.isFinite(outputs.variable.data[0]));
	});
});

describe('disposal', () => {
	test('a disposed model is closed; the others of the same bytes are not', async () => {
		const [one, other] = await Promise.all([load('iris'), load('iris')]);
		one.dispose();
		await assert.rejects(one.predict({ float_input: flower }), { code: 'CLOSED' });
		assert.equal(labelOf(await other.predict({ float_input: flower })), 0n);
		other[Symbol.dispose]();
		await assert.rejects(other.predict({ float_input: flower }), { code: 'CLOSED' });
	});

	test('a run under way outlives its model', async () => {
		const model = await load('review_tfidf');
		const run = model.predict({ text: 'lovely '.repeat(10_000) });
		model.dispose();
		assert.equal(labelOf(await run), 'good');
	});

	test('using', async () => {
		// Node.js 20 does not know the syntax; this is how TypeScript's users have it.
		const { outputText } = ts.transpileModule(
			`import { InferenceEngine } from 'harper-edge-ai';
			let kept;
			{
				using engine = new InferenceEngine();
				using model = await engine.load(process.argv[1]);
				kept = model;
				await model.predict({ float_input: [5.1, 3.5, 1.4, 0.2] });
			}
			console.log(await kept.predict({ float_input: [5.1, 3.5, 1.4, 0.2] }).catch(({ code }) => code));`,
			{ compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } }
		);
		const { stdout, stderr, code } = await runScript(outputText, { args: [modelPath('iris')] });
		assert.deepEqual([stdout, stderr, code], ['CLOSED\n', '', 0]);
	});
});

describe('idleUnloadMs', () => {
	test('a model that is held leaves memory and comes back; one from bytes stays', async (t) => {
		t.after(() => new InferenceEngine({ idleUnloadMs: 0 }));
		const sources = [modelPath('iris'), readFileSync(modelPath('wine_string_labels'))];
		const [iris, wine] = await Promise.all(sources.map((source) => engine.load(source)));
		const isLoaded = ({ digest }) => engine.status().sessions.some((session) => session.digest === digest);
		new InferenceEngine({ idleUnloadMs: 50 });
		await until('both are unloaded', () => !isLoaded(iris) && !isLoaded(wine));
		assert.ok(engine.status().cache.idleUnloads >= 2);
		const { loads } = engine.status().cache;
		const { features, expected } = models.find(({ name }) => name === 'wine_string_labels').cases[0];
		assertOutputs((await wine.predict(features)).outputs, expected, 1e-5);
		assert.equal(engine.status().cache.loads, loads);
		assert.equal(labelOf(await iris.predict({ float_input: flower })), 0n);
		assert.equal(engine.status().cache.loads, loads + 1);
	});
});

describe('registry and monitor in memory', () => {
	const registry = new ModelRegistry();
	const monitor = new Monitor();
	const own = new InferenceEngine({ registry, monitor });
	const register = (version, name, more) =>
		registry.register({ modelId: 'flowers', version, file: modelPath(name), ...more });

	test('versions do not change', async () => {
		const first = await register('1', 'iris', { stage: 'production', metadata: { by: 'a test' } });
		assert.deepEqual(await register('1', 'iris'), first);
		await assert.rejects(register('1', 'wine_string_labels'), { code: 'VERSION_EXISTS' });
		assert.throws(() => {
			first.stage = 'staging';
		}, TypeError);
		const { id, framework, stage, metadata, size, inputSchema } = first;
		assert.deepEqual(
			{ id, framework, stage, metadata },
			{
				id: 'flowers:1',
				framework: 'onnx',
				stage: 'production',
				metadata: { by: 'a test' },
			}
		);
		assert.equal(size, readFileSync(modelPath('iris')).length);
		assert.equal(JSON.parse(inputSchema).inputs[0].name, 'float_input');
	});

	test('one winner of many registrations at once', async () => {
		const names = ['iris', 'wine_string_labels', 'linear_float64'];
		const outcomes = await Promise.allSettled(
			names.map((name) => registry.register({ modelId: 'race', version: '1', file: modelPath(name) }))
		);
		assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
		assert.ok(outcomes.every(({ reason }) => reason === undefined || reason.code === 'VERSION_EXISTS'));
		registry.delete('race', '1');
		assert.throws(() => registry.find('race'), { code: 'MODEL_NOT_FOUND' });
	});

	test('the latest is what was registered last', async () => {
		await register('0.9', 'digits_int64');
		assert.equal(registry.find('flowers').version, '0.9');
		assert.deepEqual(
			registry.versions('flowers').map(({ version }) => version),
			['1', '0.9']
		);
		assert.deepEqual(registry.list(), ['flowers']);
		registry.delete('flowers', '0.9');
		assert.equal(registry.find('flowers').version, '1');
		assert.throws(() => registry.find('flowers', '0.9'), { code: 'MODEL_NOT_FOUND' });
	});

	test('predictions by name are recorded, their feedback and metrics too', async () => {
		const run = await own.predict('flowers', { float_input: flower }, { userId: 'u1', sessionId: 's1' });
		assert.match(run.inferenceId, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
		assert.deepEqual([run.modelId, run.modelVersion], ['flowers', '1']);
		await own.predict({ modelId: 'flowers', version: '1' }, { float_input: flower }, { record: false });
		const given = { userId: 'u2', segment: 'eu' };
		const wrong = await own.predict({ modelId: 'flowers', version: '1' }, { float_input: flower }, given);

		assert.equal(monitor.feedback(run.inferenceId, 0).correct, true);
		assert.equal(monitor.feedback(wrong.inferenceId, 2).correct, false);
		assert.throws(() => monitor.feedback('unknown', 0), { code: 'INFERENCE_NOT_FOUND' });

		assert.deepEqual(
			monitor.events({ modelId: 'flowers' }).map(({ id }) => id),
			[wrong.inferenceId, run.inferenceId]
		);
		assert.deepEqual(
			monitor.events({ userId: 'u1' }).map(({ id }) => id),
			[run.inferenceId]
		);
		const { count, feedbackCount, accuracy, errorCount, versions } = monitor.metrics('flowers');
		assert.deepEqual(
			{ count, feedbackCount, accuracy, errorCount },
			{
				count: 2,
				feedbackCount: 2,
				accuracy: 0.5,
				errorCount: 0,
			}
		);
		assert.deepEqual(
			versions.map(({ version }) => version),
			['1']
		);
		assert.deepEqual(
			monitor.events({ segment: 'eu' }).map(({ id }) => id),
			[wrong.inferenceId]
		);
		assert.equal(monitor.metrics('flowers', { segment: 'eu' }).accuracy, 0);
		const { segments, otherSegments } = monitor.metrics('flowers', { by: 'segment' });
		assert.deepEqual(
			[segments.map(({ segment, accuracy: share }) => [segment, share]), otherSegments],
			[[['eu', 0]], null]
		);
		await assert.rejects(own.predict('flowers', { float_input: flower }, { segment: '' }), {
			name: 'TypeError',
			message: /segment must be a string that is not empty/,
		});
	});

	test('a run that fails is recorded with its error, a call that does not fit the model is not', async () => {
		await registry.register({ modelId: 'endless', version: '1', file: modelPath('endless_loop') });
		await assert.rejects(own.predict('endless', { x: [1] }, { timeoutMs: 20 }), { code: 'DEADLINE_EXCEEDED' });
		await assert.rejects(own.predict('endless', { x: ['one'] }), { code: 'INVALID_INPUT' });
		const events = monitor.events({ modelId: 'endless' });
		assert.deepEqual(
			events.map(({ error }) => error.code),
			['DEADLINE_EXCEEDED']
		);
		assert.equal(monitor.metrics('endless').errorRate, 1);
	});

	test('feedback tells of a class whether it is right, of a regression how far it is off', async () => {
		const metadata = { classes: ['setosa', 'versicolor', 'virginica'] };
		await registry.register({ modelId: 'named', version: '1', file: modelPath('iris'), metadata });
		await registry.register({ modelId: 'line', version: '1', file: modelPath('identity_double') });
		const { inferenceId } = await own.predict('named', { float_input: flower });
		for (const [outcome, correct] of [
			['setosa', true],
			[0n, true],
			[{ class: 0 }, true],
			['virginica', false],
			[7, false],
			['rose', false],
			[0.5, null],
		]) {
			assert.equal(monitor.feedback(inferenceId, outcome).correct, correct, String(outcome));
		}
		const predicted = [0, 3, 1.5, -2, 7, 1e6];
		const line = await own.predict('line', { x: predicted });
		const truth = predicted.map((value) => value - 2);
		const { correct, regression } = monitor.feedback(line.inferenceId, truth);
		assert.equal(correct, null);
		const { regressionCount, mae, rmse, bias, accuracy } = monitor.metrics('line');
		assert.deepEqual(regression, { count: regressionCount, mae, rmse, bias });
		for (const measured of [mae, rmse, bias]) assert.ok(Math.abs(measured - 2) < 1e-9, String(measured));
		assert.deepEqual([regressionCount, accuracy], [predicted.length, null]);
		const [numbers] = Object.values(monitor.metrics('line').outputs);
		assert.deepEqual([numbers.count, numbers.min, numbers.max], [predicted.length, -2, 1e6]);
		assert.deepEqual(Object.keys(monitor.events({ modelId: 'line' })[0]).includes('signature'), false);
	});

	test('a monitor forgets the oldest', () => {
		const small = new Monitor({ maxEvents: 2 });
		for (const id of ['a', 'b', 'c']) small.record({ id, modelId: 'm', modelVersion: '1' });
		assert.deepEqual(
			small.events().map(({ id }) => id),
			['c', 'b']
		);
	});

	test('a monitor keeps copies', async () => {
		const watching = new Monitor();
		const watched = new InferenceEngine({ registry, monitor: watching });
		const row = Float32Array.from(flower);
		const rows = [[...flower]];
		const { outputs, inferenceId } = await watched.predict('flowers', { float_input: row }, { userId: 'u' });
		await watched.predict('flowers', { float_input: rows });
		row.fill(9);
		rows[0][0] = 9;
		const known = structuredClone(outputs.output_label.data);
		outputs.output_label.data.fill(7n);
		outputs.output_probability.clear();
		const [second, first] = watching.events();
		assert.deepEqual(first.features.float_input, Float32Array.from(flower));
		assert.deepEqual(second.features.float_input, [flower]);
		assert.deepEqual(first.outputs.output_label.data, known);
		assert.equal(first.outputs.output_probability.size, 3);
		const outcome = { class: 0 };
		const told = watching.feedback(inferenceId, outcome);
		outcome.class = 1;
		told.userId = 'another';
		assert.equal(told.correct, true);
		assert.deepEqual(watching.events({ userId: 'u' })[0].actualOutcome, { class: 0 });
	});

	test('a monitor is bounded by bytes', () => {
		const small = new Monitor({ maxBytes: 64 << 10 });
		const event = (id, features) => ({ id, modelId: 'm', modelVersion: '1', framework: 'onnx', features });
		const ids = () => small.events().map(({ id }) => id);
		for (let at = 0; at < 10; at += 1) small.record(event(`${at}`, { x: new Float32Array(4000) }));
		assert.deepEqual(ids(), ['9', '8', '7']);
		// The same one again takes the place of the first.
		small.record(event('9', { x: 'text '.repeat(1000) }));
		assert.deepEqual(ids(), ['9', '8', '7']);
		assert.throws(() => small.feedback('9', 'x'.repeat(40_000)), { code: 'TOO_LARGE' });
		small.feedback('9', 'x'.repeat(20_000), true);
		assert.deepEqual(ids(), ['9']);
		small.feedback('9', 1, true);
		small.record(event('10', { x: Array(5000).fill(0) }));
		assert.deepEqual(ids(), ['10', '9']);
		// What alone is too large tells what it is, and not what it was given.
		const large = {
			...event('11', { x: new Float64Array(10_000) }),
			outputs: { y: [1] },
			latencyMs: 3,
			confidence: 0.5,
		};
		small.record(large);
		const [{ id, features, outputs, latencyMs }] = small.events();
		assert.deepEqual(
			{ id, features, outputs, latencyMs },
			{ id: '11', features: null, outputs: undefined, latencyMs: 3 }
		);
		assert.equal(small.feedback('11', 1).correct, null);
		assert.equal(small.metrics('m').avgLatency, 3);
		const many = new Monitor({ maxBytes: 1 << 20 });
		for (let at = 0; at < 5000; at += 1) many.record(event(`${at}`, { x: at }));
		const kept = many.events({ limit: Infinity }).length;
		assert.ok(kept > 1000 && kept < 5000, String(kept));
	});

	test('a monitor tells how a version drifts from another', async () => {
		const watching = new Monitor();
		const watched = new InferenceEngine({ registry, monitor: watching });
		const rows = (shift) => Array.from({ length: 40 }, (_, at) => [at / 10 + shift, 3.5, 1.4, at % 2]);
		for (const [version, shift] of Object.entries({ before: 0, after: 3 })) {
			await registry.register({ modelId: 'drifting', version, file: modelPath('iris') });
			await watched.predict({ modelId: 'drifting', version }, { float_input: rows(shift) });
		}
		const versions = { version: 'after', referenceVersion: 'before' };
		const { reference, current, columns, driftedColumns } = await watching.drift('drifting', versions);
		assert.deepEqual(
			[reference, current],
			[
				{ version: 'before', rows: 40 },
				{ version: 'after', rows: 40 },
			]
		);
		const of = (name) => columns.find((column) => column.name === name);
		assert.deepEqual([of('float_input[0]').verdict, of('float_input[0]').method], ['drift', 'ks']);
		assert.deepEqual([of('float_input[3]').verdict, of('float_input[3]').method], ['ok', 'z']);
		assert.ok(driftedColumns >= 1);
		const how = { ...versions, method: { 'float_input[0]': 'psi' }, threshold: 100 };
		const [first] = (await watching.drift('drifting', how)).columns;
		assert.deepEqual([first.method, first.threshold, first.verdict], ['psi', 100, 'ok']);
		for (const [wrong, message] of [
			[{ ...versions, method: { none: 'psi' } }, /no column "none"/],
			[{ ...versions, method: 'kz' }, /there is no drift method "kz"/],
			[{ ...versions, version: 'other' }, /no prediction of version "other" of "drifting" was profiled/],
		]) {
			const error = await watching.drift('drifting', wrong).catch((reason) => reason);
			assert.deepEqual([error.code, message.test(error.message)], ['INVALID_REQUEST', true], error.message);
		}
		await assert.rejects(watching.drift('drifting', { from: 1 }), TypeError);

		const record = registry.find('drifting', 'after');
		const training = rows(0).map((row, at) => ({ float_input: Float32Array.from(row), label: at % 2, note: NaN }));
		const made = await watching.reference(record, 'training', training);
		assert.deepEqual([made.rows, made.columns.length, made.labels.count, made.ignored], [40, 4, 40, ['note']]);
		const beside = await watching.drift('drifting', { version: 'after', reference: 'training' });
		assert.deepEqual(beside.reference, { name: 'training', version: 'after', rows: 40 });
		const same = ({ name, verdict, statistic }) => ({ name, verdict, statistic });
		const features = columns.filter(({ name }) => name.startsWith('float_input'));
		assert.deepEqual(beside.columns.map(same), features.map(same));
		for (const [wrong, code] of [
			[[], 'INVALID_REQUEST'],
			[[{ float_input: [1] }], 'SCHEMA_MISMATCH'],
			[[{ float_input: ['a', 1, 1, 1] }], 'INVALID_INPUT'],
			[[1], 'INVALID_JSON'],
		]) {
			await assert.rejects(watching.reference(record, 'training', wrong), { code });
		}
		await assert.rejects(watching.reference(record, 'training', 'rows'), TypeError);
		await assert.rejects(watching.reference('drifting', 'training', []), TypeError);
		const both = { ...versions, reference: 'training' };
		await assert.rejects(watching.drift('drifting', both), TypeError);
		const unknown = { version: 'before', reference: 'training' };
		await assert.rejects(watching.drift('drifting', unknown), /has no reference "training"/);
	});

	test('a monitor profiles what it records, by version', async () => {
		const watching = new Monitor();
		const watched = new InferenceEngine({ registry, monitor: watching });
		const columns = ['a', 'b', 'c', 'd'];
		const inputSchema = JSON.stringify({ inputs: [{ name: 'float_input', columns }] });
		await registry.register({ modelId: 'profiled', version: '1', file: modelPath('iris'), inputSchema });
		for (const a of [1, 2, 3]) await watched.predict('profiled', { float_input: [a, 3.5, 1.4, 0.2] });
		await watched.predict('profiled', { float_input: [[8, 1, 1, NaN]] }, { batching: false });
		await watched.predict('profiled', { float_input: [9, 1, 1, 1] }, { record: false });
		await assert.rejects(watched.predict('profiled', { float_input: [1] }));
		await watched.predict('flowers', { float_input: flower });
		const { modelId, profiles } = watching.profile('profiled');
		const [{ version, digest, rows, columns: profiled }] = profiles;
		assert.deepEqual([modelId, profiles.length, version, rows], ['profiled', 1, '1', 4]);
		assert.equal(digest, registry.find('profiled').digest);
		const { min, max, mean, rankError, top } = profiled.a;
		assert.deepEqual({ min, max, mean, rankError }, { min: 1, max: 8, mean: 3.5, rankError: 0 });
		assert.equal(top.length, 4);
		assert.deepEqual([profiled.d.count, profiled.d.missing], [3, 1]);
		assert.equal(profiled['output.output_label'].count, 4);
		assert.deepEqual(watching.profile('profiled', { version: '2' }).profiles, []);
		assert.deepEqual(watching.profile('none').profiles, []);
		assert.throws(() => watching.profile(3), /takes the modelId/);
		assert.throws(() => watching.profile('profiled', { from: 1 }), /does not take "from"/);

		const wide = new Monitor({ profileColumns: 3 });
		await new InferenceEngine({ registry, monitor: wide }).predict('profiled', { float_input: flower });
		assert.equal(wide.profile('profiled').profiles[0].columns.float_input.kind, 'vector');
		const off = new Monitor({ profile: 'off' });
		await new InferenceEngine({ registry, monitor: off }).predict('profiled', { float_input: flower });
		assert.deepEqual([off.profile('profiled').profiles, off.events().length], [[], 1]);
		// A monitor of one's own needs no profile.
		const recorded = [];
		const simple = { record: (event) => recorded.push(event) };
		await new InferenceEngine({ registry, monitor: simple }).predict('profiled', { float_input: flower });
		assert.equal(recorded.length, 1);
	});

	test('a monitor takes what runs take', () => {
		const lists = new Monitor();
		const features = {
			big: [2n ** 60n, -0, NaN, null, true, 'text'],
			map: new Map([[1n, 0.5]]),
			tensor: new Tensor('string', [1], ['a']),
			bytes: Buffer.from([1, 2]),
			shaped: { data: Int8Array.of(1), shape: [1] },
		};
		lists.record({ id: 'a', modelId: 'm', modelVersion: '1', features, outputs: { y: [3n], z: new Map([['a', 1n]]) } });
		const [event] = lists.events();
		assert.deepEqual({ ...event.features, bytes: [...event.features.bytes] }, { ...features, bytes: [1, 2] });
		assert.equal(lists.feedback('a', { y: 3n }).correct !== undefined, true);
		let deep = 1;
		for (let depth = 0; depth < 100; depth += 1) deep = [deep];
		const cycle = [];
		cycle.push(cycle);
		for (const x of [deep, cycle]) {
			const call = () => lists.record({ id: 'b', modelId: 'm', modelVersion: '1', features: { x } });
			assert.throws(call, { name: 'TypeError', message: /at most 64 deep/ });
		}
		assert.equal(lists.events().length, 1);
	});

	test('files that change after their registration are not served', async () => {
		const file = join(folder, 'changing.onnx');
		writeFileSync(file, readFileSync(modelPath('linear_float64')));
		await registry.register({ modelId: 'changing', version: '1', file });
		writeFileSync(file, readFileSync(modelPath('digits_int64')));
		await assert.rejects(own.predict('changing', { pixels: [0] }), { code: 'INVALID_MODEL', message: /changed/ });
	});
});

describe('misuse is a TypeError that names the fix', () => {
	const model = load('iris');
	const float_input = flower;
	const cases = {
		'features as an array': [async () => (await model).predict(flower), /features must be an object.*float_input/],
		'features absent': [async () => (await model).predict(), /features must be an object/],
		'an undefined value': [async () => (await model).predict({ float_input: undefined }), /"float_input" is undefined/],
		'undefined within': [
			async () => (await model).predict({ float_input: [1, undefined, 3, 4] }),
			/"float_input".*type undefined/,
		],
		'a hole': [async () => (await model).predict({ float_input: Array(4) }), /"float_input".*type undefined/],
		'a DataView': [
			async () => (await model).predict({ float_input: new DataView(new ArrayBuffer(16)) }),
			/typed array/,
		],
		'a Date': [async () => (await model).predict({ float_input: new Date() }), /takes numbers.*type Date/],
		'a controller for its signal': [
			async () => (await model).predict({ float_input }, { signal: new AbortController() }),
			/new AbortController\(\)\.signal/,
		],
		'a misspelt option': [
			async () => (await model).predict({ float_input }, { timeout: 5 }),
			/did you mean "timeoutMs"/,
		],
		'a deadline in text': [
			async () => (await model).predict({ float_input }, { timeoutMs: '5' }),
			/number of milliseconds/,
		],
		'a negative deadline': [
			async () => (await model).predict({ float_input }, { timeoutMs: -1 }),
			/from 0.*received -1/,
		],
		'outputs in text': [async () => (await model).predict({ float_input }, { outputs: 'y' }), /array of names/],
		'a number for a model': [() => engine.load(7), /a model is a path, a Uint8Array/],
		'no model': [() => engine.load(), /a model is a path, a Uint8Array/],
		'a file without content': [() => engine.load([{ name: 'm' }]), /\{ name, path \} or \{ name, bytes \}/],
		'a file with both': [() => engine.load([{ name: 'm', path: 'm', bytes: new Uint8Array() }]), /\{ name, path \} or/],
		'a URL elsewhere': [() => engine.load(new URL('https://example.com/m.onnx')), /scheme file/],
		'an unknown engine': [() => load('iris', { engine: 'cuda' }), /engine must be one of auto, .*received "cuda"/],
		'an unknown framework': [() => load('iris', { framework: 'pytorch' }), /framework must be one of onnx, /],
		'a Model of one’s own': [async () => new Model(), /engine\.load\(\)/],
		'a modelId without a registry': [() => engine.predict('iris', {}), /new InferenceEngine\(\{ registry/],
		'a target that is nothing': [() => engine.predict(undefined, {}), /takes a Model from engine\.load\(\)/],
		'an unknown engine option': [
			async () => new InferenceEngine({ cacheMaxModel: 3 }),
			/did you mean "cacheMaxModels"/,
		],
		'an impossible cache': [async () => new InferenceEngine({ cacheMaxModels: 0 }), /from 1.*received 0/],
		'a fraction of a thread': [async () => new InferenceEngine({ runThreads: 1.5 }), /whole number/],
		'options that are none': [async () => new InferenceEngine(null), /takes an object of/],
		'a registry that is none': [async () => new InferenceEngine({ registry: {} }), /registry must be a ModelRegistry/],
		'a monitor that is none': [async () => new InferenceEngine({ monitor: 3 }), /monitor must be a Monitor/],
		'a registration without a version': [
			() => new ModelRegistry().register({ modelId: 'm', file: 'm' }),
			/needs version/,
		],
		'an unknown stage': [
			() => new ModelRegistry().register({ modelId: 'm', version: '1', file: 'm', stage: 'live' }),
			/one of development, staging, production/,
		],
		'metadata with a text for batching': [
			() => new ModelRegistry().register({ modelId: 'm', version: '1', file: 'm', metadata: { batching: 'no' } }),
			/metadata must be .* batching, which must be true or false/,
		],
		'a profile of too many columns': [
			async () => new Monitor({ profileColumns: 1025 }),
			/profileColumns must be a whole number/,
		],
		'a memory of nothing': [async () => new Monitor({ maxEvents: 0 }), /maxEvents must be a whole number/],
		'a memory of no bytes': [async () => new Monitor({ maxBytes: 0 }), /maxBytes must be a whole number.*received 0/],
		'a misspelt memory': [async () => new Monitor({ maxEvent: 3 }), /did you mean "maxEvents"/],
		'metrics of nothing': [async () => new Monitor().metrics(), /modelId.*received undefined/],
		'metrics with a limit': [async () => new Monitor().metrics('m', { limit: 3 }), /metrics does not take "limit"/],
		'metrics from a date': [
			async () => new Monitor().metrics('m', { startTime: new Date() }),
			/startTime must be a number of Unix milliseconds, received a value of type Date/,
		],
		'a filter that is none': [async () => new Monitor().events('m'), /events takes an object of/],
		'a misspelt filter': [async () => new Monitor().events({ model: 'm' }), /did you mean "modelId"/],
		'a filter by no text': [async () => new Monitor().events({ userId: 7 }), /userId must be a string, received 7/],
		'half an event': [async () => new Monitor().events({ limit: 0.5 }), /limit must be a whole number.*received 0.5/],
		'no event': [async () => new Monitor().record(), /record takes an event with id, a string; received undefined/],
		'an event at no time': [
			async () => new Monitor().record({ id: 'a', modelId: 'm', modelVersion: '1', timestamp: 'now' }),
			/timestamp must be a number of Unix milliseconds, received "now"/,
		],
		'an event with code': [
			async () => new Monitor().record({ id: 'a', modelId: 'm', modelVersion: '1', features: { x: () => 1 } }),
			/an event holds numbers.*received a value of type function/,
		],
		'feedback to nothing': [async () => new Monitor().feedback(7, 1), /inferenceId.*a string; received 7/],
		'feedback of nothing': [async () => new Monitor().feedback('a'), /what really happened; received undefined/],
		'feedback that is neither': [
			async () => new Monitor().feedback('a', 1, 'yes'),
			/correct must be true or false, received "yes"/,
		],
		'a deletion without a version': [
			async () => new ModelRegistry().delete('m'),
			/delete takes a version, a string; received undefined/,
		],
		'a deletion of a record': [
			async () => new ModelRegistry().delete({ modelId: 'm', version: '1' }),
			/delete takes a modelId, a string; received a value of type Object/,
		],
		'a search for nothing': [async () => new ModelRegistry().find(), /find takes a modelId, a string/],
		'a version that is a number': [
			async () => new ModelRegistry().find('m', 1),
			/find takes a version, a string; received 1/,
		],
		'versions of nothing': [async () => new ModelRegistry().versions(), /versions takes a modelId, a string/],
	};
	for (const [what, [call, message]] of Object.entries(cases)) {
		test(what, () => assert.rejects(call, { name: 'TypeError', message }));
	}
});

describe('the event loop', () => {
	/** Starts a run and sees to it that the event loop turns before it has ended; a run on the calling thread has ended at once. */
	async function assertFree(start) {
		let hasEnded = false;
		const run = start().finally(() => (hasEnded = true));
		await nextTurn();
		assert.equal(hasEnded, false);
		return run;
	}

	test('is free during a heavy run', async () => {
		const model = await load('long_loop');
		const run = assertFree(() => model.predict({ x: [1] }, { timeoutMs: 1000 }));
		await assert.rejects(run, { code: 'DEADLINE_EXCEEDED' });
	});

	test('is free during a long text after short ones', async () => {
		const model = await load('review_tfidf');
		for (let count = 0; count < 10; count++) await model.predict({ text: 'A lovely story' });
		const text = 'lovely boring noisy '.repeat(500_000);
		await assertFree(() => model.predict({ text }));
	});

	test('is free during an outer product after inner ones of as many elements', async () => {
		const product = onnxModel({
			nodes: [['MatMul', ['a', 'b'], ['y']]],
			inputs: [
				['a', FLOAT, ['m', 'k']],
				['b', FLOAT, ['k', 'n']],
			],
			outputs: [['y', FLOAT, ['m', 'n']]],
		});
		const model = await engine.load(product);
		const size = 4000;
		const vector = new Float32Array(size).fill(1);
		const run = (a, b) =>
			model.predict({ a: new Tensor('float32', a, vector), b: new Tensor('float32', b, vector) }, { outputs: ['y'] });
		for (let count = 0; count < 10; count++) await run([1, size], [size, 1]);
		const { outputs } = await assertFree(() => run([size, 1], [1, size]));
		assert.equal(outputs.y.data.length, size * size);
	});

	for (const [operator, small, large] of [
		['HannWindow', 8n, 60_000_000n],
		['HammingWindow', 8n, 60_000_000n],
		['BlackmanWindow', 8n, 60_000_000n],
	]) {
		test(`is free during a large ${operator} after small ones`, async () => {
			const model = await engine.load(
				onnxModel({
					nodes: [
						[operator, ['size'], ['window']],
						['ReduceMax', ['window'], ['y']],
					],
					inputs: [['size', INT64, []]],
					outputs: [['y', FLOAT, [1]]],
				})
			);
			const run = (size, options) => model.predict({ size: new Tensor('int64', [], BigInt64Array.of(size)) }, options);
			for (let count = 0; count < 40; count++) await run(small);
			// Wherever it is so fast that it ends in time, the thread was as free.
			await assertFree(() =>
				run(large, { timeoutMs: 100 }).catch(({ code }) => assert.equal(code, 'DEADLINE_EXCEEDED'))
			);
		});
	}
});

describe('timeoutMs of a load', () => {
	test('ends the waiting, while the load goes on', async () => {
		const content = slowModel(40);
		await assert.rejects(engine.load(content, { timeoutMs: 20 }), { code: 'DEADLINE_EXCEEDED', message: /goes on/ });
		const { loads } = engine.status().cache;
		const { outputs } = await (await engine.load(content)).predict({ x: [2] });
		assert.equal(outputs.y.data[0], 2);
		assert.ok(engine.status().cache.loads <= loads + 1, 'it was loaded once');
	});

	test('of a run counts the load of a registered model', async () => {
		const registry = new ModelRegistry();
		await registry.register({ modelId: 'slow', version: 'v1', file: slowModel(41) });
		const own = new InferenceEngine({ registry });
		await assert.rejects(own.predict('slow', { x: [2] }, { timeoutMs: 20 }), { code: 'DEADLINE_EXCEEDED' });
		assert.equal((await own.predict('slow', { x: [2] })).outputs.y.data[0], 2);
	});

	test('loadTimeoutMs gives a load up, and refuses the model at once afterwards', async () => {
		const content = slowModel(5000);
		new InferenceEngine({ loadTimeoutMs: 300 });
		try {
			await assert.rejects(engine.load(content), { code: 'DEADLINE_EXCEEDED', message: /300 ms/ });
			const order = [];
			const refused = async (name, bytes) => {
				await assert.rejects(engine.load(bytes), { code: 'DEADLINE_EXCEEDED' });
				order.push(name);
			};
			await Promise.all([refused('other', slowModel(5001)), refused('again', content)]);
			assert.deepEqual(order, ['again', 'other']);
		} finally {
			new InferenceEngine({ loadTimeoutMs: 120_000 });
		}
	});
});
