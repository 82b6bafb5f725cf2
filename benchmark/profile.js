// Part of npm run bench: what a profile adds to a call of a small model, with it and without it in turns, and what memory it takes
// after a million calls whose values are all different.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FLOAT, onnxModel } from '../__test__/support/onnx.js';
import { configureProfiles } from '../binding.js';
import { InferenceEngine, Tensor } from '../index.js';
import { MODELS } from './models.js';
import { FEATURES, MAX_COLUMNS, nextRow, profileCostUs } from './profile-cost.js';

const STRING = 8;
const ROUNDS = 60;
const MEMORY_CALLS = 1_000_000;
/** Microseconds of processor time a call. */
const BAR = 2;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const engine = new InferenceEngine();
let count = 0;
const word = () => ({ x: new Tensor('string', [1, 1], [`category ${count++}`]) });

/** Resident memory after a million calls with a profile, less that after as many without one, which leave garbage too. */
async function mebibytes(model, features) {
	const after = async (columns) => {
		configureProfiles(columns, true);
		for (let call = 0; call < MEMORY_CALLS; call += 1) await model.predict(features());
		collectGarbage();
		return process.memoryUsage.rss() / 2 ** 20;
	};
	const without = await after(0);
	return (await after(MAX_COLUMNS)) - without;
}

const identity = (type, columns) =>
	onnxModel({
		nodes: [['Identity', ['x'], ['y']]],
		inputs: [['x', type, ['n', columns]]],
		outputs: [['y', type, ['n', columns]]],
	});

const [{ name, make }] = MODELS;
const costUs = await profileCostUs(await engine.load(make()), ROUNDS);
console.log(`\nProfiles of predictions. Medians of ${ROUNDS} rounds, in turns.\n`);
const print = (what, value, unit) => console.log(`${what.padEnd(58)}${value.toFixed(2).padStart(10)} ${unit}`);
print(`${name}: what it adds, below ${BAR} is well`, costUs, 'us');
print(
	'more memory after a million calls: numbers',
	await mebibytes(await engine.load(identity(FLOAT, FEATURES)), nextRow),
	'MiB'
);
print(
	'more memory after a million calls: categories',
	await mebibytes(await engine.load(identity(STRING, 1)), word),
	'MiB'
);
