// npm run bench:tensorflow: TensorFlow.js models here against TensorFlow.js itself, with its cpu and its wasm backend (SIMD),
// batch 1, in one run on one machine. Ratios travel to other machines, absolute figures do not.
//
// The models are those that others published, in `tfjs/real` of the reference corpus: the folder EDGE_AI_CORPUS. An argument
// picks those whose names contain it.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { translateModel } from '../binding.js';
import { InferenceEngine, Tensor } from '../index.js';
import { evict } from '../library/engine.js';
import { latencyUs, median } from './measures.js';

const ROUNDS = 5;
/** A round takes about so long, but has at least one call. */
const ROUND_MS = 150;
const LOADS = 7;
/** Of the largest absolute value of an output; models may hold quantised weights. */
const TOLERANCE = 2e-3;

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const corpus = join(process.env.EDGE_AI_CORPUS ?? join(root, '../shared/corpus'), 'tfjs/real');

const [wanted = ''] = process.argv.slice(2);
const engine = new InferenceEngine();
const ARRAY_OF = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

const versionOf = (path) => JSON.parse(readFileSync(path, 'utf8')).version;

function tensorOf({ dtype, shape, b64 }) {
	const bytes = Buffer.from(b64, 'base64');
	const data = new ARRAY_OF[dtype](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
	return { dtype, shape, data };
}

/** A model of the corpus: its files, inputs by name and the outputs that TensorFlow.js gave. */
function readModel(name) {
	const folder = join(corpus, name);
	const read = (file) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
	const main = read('model.json');
	const shards = main.weightsManifest.flatMap(({ paths }) => paths.map((path) => basename(path)));
	return {
		name,
		main,
		files: ['model.json', ...shards].map((file) => ({ name: file, bytes: readFileSync(join(folder, file)) })),
		inputs: Object.fromEntries(Object.entries(read('inputs.json')).map(([input, value]) => [input, tensorOf(value)])),
		expected: read('expected_tfjs.json').map(tensorOf),
	};
}

/** This package: `run(inputs)` gives the typed arrays of the outputs. */
async function loadOurs({ files }) {
	const model = await engine.load(files);
	return {
		async run(inputs) {
			const features = {};
			for (const name of Object.keys(inputs)) {
				const { dtype, shape, data } = inputs[name];
				features[name] = new Tensor(dtype, shape, data);
			}
			const { outputs } = await model.predict(features);
			return Object.values(outputs).map(({ data }) => data);
		},
	};
}

/** TensorFlow.js with a backend, in the same form. */
async function loadTfjs({ main, files }, backend) {
	await tf.setBackend(backend);
	const { weightsManifest, ...rest } = main;
	const weightData = Buffer.concat(files.slice(1).map(({ bytes }) => bytes));
	const handler = tf.io.fromMemory({
		...rest,
		weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
		weightData: new Uint8Array(weightData).buffer,
	});
	const isGraph = Array.isArray(main.modelTopology.node);
	const model = await (isGraph ? tf.loadGraphModel(handler) : tf.loadLayersModel(handler));
	let execute = (tensors) => model.predict(tensors);
	if (isGraph) {
		// Only control flow needs the slower way.
		const hasControl = main.modelTopology.node.some(({ op }) =>
			/^(NonMaxSuppression|While|If|Where|Enter|Switch)/.test(op)
		);
		execute = (tensors) => (hasControl ? model.executeAsync(tensors) : model.execute(tensors));
	}
	return {
		use: () => tf.setBackend(backend),
		async run(inputs) {
			const named = {};
			for (const [name, { dtype, shape, data }] of Object.entries(inputs)) named[name] = tf.tensor(data, shape, dtype);
			const tensors = Object.values(named);
			const inOrder = () => (tensors.length === 1 ? tensors : model.inputNames.map((name) => named[name]));
			const given = isGraph ? named : inOrder();
			const outputs = [await execute(given)]
				.flat()
				.flatMap((value) => (value.dataSync ? [value] : Object.values(value)));
			const arrays = await Promise.all(outputs.map((output) => output.data()));
			tf.dispose([outputs, named]);
			return arrays;
		},
	};
}

/** Fails unless the outputs are what the corpus expects, in whatever order. */
async function assertRight(side, { name, inputs, expected }) {
	const outputs = await side.run(inputs);
	for (const { data } of expected) {
		const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
		const isSame = (output) =>
			output.length === data.length && data.every((value, at) => Math.abs(output[at] - value) <= TOLERANCE * largest);
		assert.ok(outputs.some(isSame), `${name}: an output differs`);
	}
}

/** The median time of a call of each side, in microseconds; the sides in turn, each round in the other order. */
async function latencies(sides, inputs) {
	const calls = [];
	for (const side of sides) {
		await side.use?.();
		await side.run(inputs);
		const started = performance.now();
		await side.run(inputs);
		calls.push(Math.max(1, Math.floor(ROUND_MS / (performance.now() - started))));
	}
	const times = sides.map(() => []);
	for (let round = 0; round < ROUNDS; round += 1) {
		const order = sides.map((_, at) => at);
		if (round % 2 === 1) order.reverse();
		for (const at of order) {
			await sides[at].use?.();
			times[at].push(await latencyUs(sides[at], inputs, calls[at]));
		}
	}
	return times.map(median);
}

/** How long loading takes, in milliseconds: the TensorFlow.js files, and the ONNX model that they are translated to. */
async function loadTimes({ files }) {
	const sources = [files, [{ name: 'model.onnx', bytes: await translateModel(files) }]];
	const times = sources.map(() => []);
	for (let round = 0; round < LOADS; round += 1) {
		for (const [at, source] of sources.entries()) {
			const started = performance.now();
			const model = await engine.load(source);
			times[at].push(performance.now() - started);
			const { digest } = model;
			model.dispose();
			evict(digest);
		}
	}
	return times.map(median);
}

function printMachine() {
	const { engines } = engine.status();
	const gigabytes = (totalmem() / 2 ** 30).toFixed(1);
	console.log(`${cpus()[0].model.trim()}, ${availableParallelism()} processors, ${gigabytes} GiB`);
	console.log(`${platform()} ${release()}, Node.js ${process.version}`);
	console.log(
		`harper-edge-ai ${versionOf(join(root, 'package.json'))} with ONNX Runtime ${engines.onnxruntime.version}`
	);
	console.log(`@tensorflow/tfjs ${tf.version.tfjs}, cpu and wasm (SIMD)`);
	console.log(`Medians of ${ROUNDS} rounds, the sides in turn; batch 1. A ratio above 1 is to our advantage;`);
	console.log('for loading, it is our time for TensorFlow.js files over our time for the same graph as ONNX.\n');
}

const number = (value, width = 9) =>
	(value === undefined ? '-' : value.toLocaleString('en', { maximumSignificantDigits: 3 })).padStart(width);

if (!existsSync(corpus)) {
	console.log('skipped: no corpus');
	process.exit();
}
setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm'))}/`);
await tf.setBackend('wasm');
assert.ok(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'), 'the wasm backend has SIMD');

printMachine();
const heads = ['ours us', 'cpu us', 'wasm us', 'cpu/our', 'wasm/our', 'load ms', 'ONNX ms', 'ratio'];
console.log(`${''.padEnd(22)}${heads.map((head) => head.padStart(9)).join('')}`);
const ratios = { cpu: [], wasm: [], load: [] };
const reasons = [];
for (const name of readdirSync(corpus).filter((candidate) => candidate.includes(wanted))) {
	const model = readModel(name);
	const sides = [await loadOurs(model)];
	await assertRight(sides[0], model);
	const measured = ['ours'];
	for (const backend of ['cpu', 'wasm']) {
		try {
			const side = await loadTfjs(model, backend);
			await side.run(model.inputs);
			sides.push(side);
			measured.push(backend);
		} catch (error) {
			reasons.push(`${name}, ${backend}: ${error.message.split('\n', 1)[0]}`);
		}
	}
	const us = Object.fromEntries((await latencies(sides, model.inputs)).map((time, at) => [measured[at], time]));
	const [loadMs, onnxMs] = await loadTimes(model);
	const of = (backend) => us[backend] && us[backend] / us.ours;
	for (const backend of ['cpu', 'wasm']) if (us[backend]) ratios[backend].push(of(backend));
	ratios.load.push(loadMs / onnxMs);
	const cells = [us.ours, us.cpu, us.wasm, of('cpu'), of('wasm'), loadMs, onnxMs, loadMs / onnxMs];
	console.log(`${name.padEnd(22)}${cells.map((cell) => number(cell)).join('')}`);
}
console.log('');
for (const [what, values] of Object.entries(ratios)) {
	const [least, most] = [Math.min(...values), Math.max(...values)];
	console.log(`${what.padEnd(6)} ratio: median${number(median(values))}, least${number(least)}, most${number(most)}`);
}
for (const reason of reasons) console.log(`not measured: ${reason}`);
