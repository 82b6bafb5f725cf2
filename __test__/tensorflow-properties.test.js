// Random layers with random options: what the translated model answers is what TensorFlow.js answers.
//
// EDGE_AI_PROPERTY_CASES is how many models are tried, EDGE_AI_PROPERTY_SEED the seed of the first of each family; a failure
// names its seed.
//
// Not drawn:
// - BatchNormalization on another axis than the last, which TensorFlow.js takes for the last when their sizes are the same;
// - padding "same" over three axes with strides longer than the kernel, where TensorFlow.js pads by a negative size;
// - Resizing, which TensorFlow.js cannot run within a model.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InferenceEngine, Tensor } from '../index.js';
import { Draw, drawInputs, FAMILIES } from './support/random-layers.js';
import { artifactsOf, filesOf, seedWeights, tf } from './support/tfjs.js';

const CASES = Number(process.env.EDGE_AI_PROPERTY_CASES ?? 660);
const FIRST_SEED = Number(process.env.EDGE_AI_PROPERTY_SEED ?? 1);
const MAX_ROWS = 3;
/** Of the largest absolute value of the output. */
const TOLERANCE = 1e-4;
/** Further failures of a family add nothing. */
const MAX_FAILURES = 5;

const engine = new InferenceEngine();

/** What differs from TensorFlow.js for the model of a seed, or undefined. */
async function differenceOf(family, seed) {
	const draw = new Draw(seed);
	const original = seedWeights(family(draw), seed);
	const inputs = drawInputs(draw, original, draw.whole(1, MAX_ROWS));
	const expected = [original.predict(inputs)].flat();
	let problem;
	try {
		const model = await engine.load(filesOf(await artifactsOf(original)));
		const features = Object.fromEntries(
			original.inputNames.map((name, at) => [name, new Tensor('float32', inputs[at].shape, inputs[at].dataSync())])
		);
		const { outputs } = await model.predict(features);
		problem = firstDifference(Object.values(outputs), expected);
	} catch (error) {
		problem = `${error.code}: ${error.message}`;
	}
	if (problem === undefined) return undefined;
	const configs = original.layers.map((layer) => `${layer.getClassName()} ${JSON.stringify(layer.getConfig())}`);
	return `seed ${seed}: ${problem}\n  ${configs.join('\n  ')}`;
}

function firstDifference(outputs, expected) {
	if (outputs.length !== expected.length) return `${outputs.length} outputs instead of ${expected.length}`;
	for (const [at, tensor] of expected.entries()) {
		const { shape, data } = outputs[at];
		if (String(shape) !== String(tensor.shape)) return `output ${at} has shape [${shape}], not [${tensor.shape}]`;
		const values = tensor.dataSync();
		const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
		const wrong = values.findIndex((value, index) => !isClose(data[index], value, largest * TOLERANCE));
		if (wrong >= 0) return `output ${at}: element ${wrong} is ${data[wrong]}, not ${values[wrong]}`;
	}
	return undefined;
}

const isClose = (a, b, tolerance) => Object.is(a, b) || Math.abs(a - b) <= tolerance;

describe(`${CASES} random models`, () => {
	const names = Object.keys(FAMILIES);
	for (const name of names) {
		const count = Math.ceil(CASES / names.length);
		test(`${name}: ${count}`, async () => {
			const failures = [];
			for (let seed = FIRST_SEED; seed < FIRST_SEED + count && failures.length < MAX_FAILURES; seed += 1) {
				tf.engine().startScope();
				const found = await differenceOf(FAMILIES[name], seed);
				tf.engine().endScope();
				if (found !== undefined) failures.push(found);
			}
			assert.ok(failures.length === 0, `\n${failures.join('\n')}`);
		});
	}
});
