// Part of npm run bench: for which part of a call that takes long the event loop stands still, when calls of the same model before it
// were short enough to run on the calling thread.
import { readFileSync } from 'node:fs';
import { FLOAT, INT64, onnxModel } from '../__test__/support/onnx.js';
import { InferenceEngine, Tensor } from '../index.js';
import { longestPauseMs, median } from './measures.js';

const ROUNDS = 5;
const SHORT_CALLS = 40;
const ELEMENTS = 4000;
/** Above this part a caller would notice. */
const BAR = 0.5;
const TIMEOUT_MS = 500;

const fixture = (name) => readFileSync(new URL(`../__test__/fixtures/${name}.onnx`, import.meta.url));

const PRODUCT = onnxModel({
	nodes: [['MatMul', ['a', 'b'], ['y']]],
	inputs: [
		['a', FLOAT, ['m', 'k']],
		['b', FLOAT, ['k', 'n']],
	],
	outputs: [['y', FLOAT, ['m', 'n']]],
});
const WINDOW = onnxModel({
	nodes: [
		['HannWindow', ['size'], ['window']],
		['ReduceMax', ['window'], ['y']],
	],
	inputs: [['size', INT64, []]],
	outputs: [['y', FLOAT, [1]]],
});

const vector = new Float32Array(ELEMENTS).fill(1);
const factors = (a, b) => ({ a: new Tensor('float32', a, vector), b: new Tensor('float32', b, vector) });
const size = (count) => ({ size: new Tensor('int64', [], BigInt64Array.of(count)) });

/** Name, bytes of the model, short features, long ones. */
const CALLS = [
	['a loop that a deadline ends', fixture('hostile/long_loop'), undefined, { x: [1] }],
	[
		'a text of ten million characters',
		fixture('review_tfidf'),
		{ text: 'A lovely story' },
		{ text: 'lovely boring noisy '.repeat(500_000) },
	],
	['an outer product', PRODUCT, factors([1, ELEMENTS], [ELEMENTS, 1]), factors([ELEMENTS, 1], [1, ELEMENTS])],
	['a window of 60 million elements', WINDOW, size(8n), size(60_000_000n)],
];

const engine = new InferenceEngine();
console.log(
	`\nThe longest pause of the event loop during one call, as a part of the call. Medians of ${ROUNDS}; below ${BAR} is well.\n`
);
for (const [name, bytes, short, long] of CALLS) {
	const loaded = await engine.load(bytes);
	if (short) for (let call = 0; call < SHORT_CALLS; call += 1) await loaded.predict(short);
	const parts = [];
	for (let round = 0; round < ROUNDS; round += 1) parts.push(await pausedPart(loaded, long));
	console.log(`${name.padEnd(58)}${median(parts).toFixed(2).padStart(10)}`);
}

async function pausedPart(loaded, features) {
	let tookMs;
	const run = async () => {
		const started = performance.now();
		await loaded.predict(features, { timeoutMs: TIMEOUT_MS }).catch((error) => {
			if (error.code !== 'DEADLINE_EXCEEDED') throw error;
		});
		tookMs = performance.now() - started;
	};
	return (await longestPauseMs({ run }, undefined, 1)) / tookMs;
}
