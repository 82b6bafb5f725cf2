// This package as it comes, in the form that the benchmark measures: `load(path)` gives `run(input)`, which gives the outputs'
// typed arrays.
import { InferenceEngine, Tensor } from '../index.js';

const engine = new InferenceEngine();

/** @param {string} path */
export async function load(path) {
	const model = await engine.load(path);
	return {
		async run({ shape, data }) {
			const { outputs } = await model.predict({ x: new Tensor('float32', shape, data) });
			return Object.values(outputs).map((output) => output.data);
		},
	};
}
