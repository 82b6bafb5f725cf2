// An execution provider that runs models: with a library that carries it, on a machine that has what it needs. docs/platforms.md
// says where they are from. The library of a process is fixed by its first load, so this is a file of its own.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { InferenceEngine } from '../index.js';
import { assertOutputs, models } from './support/fixtures.js';
import { FLOAT, onnxModel } from './support/onnx.js';

/** Fixtures whose values a provider does not keep: docs/configuration.md says so. */
const LOSSY = {
	// It computes 64-bit integers with 32 bits.
	openvino: ['identity_int64'],
};

const sessionOf = (engine, { digest }) => engine.status().sessions.find((session) => session.digest === digest);

const { EDGE_AI_PROVIDER: provider, EDGE_AI_PROVIDER_LIBRARY: libraryPath } = process.env;
const skip = !(provider && libraryPath) && 'skipped: EDGE_AI_PROVIDER and EDGE_AI_PROVIDER_LIBRARY are not set';

describe('a provider that runs models', { skip }, () => {
	/** Other kernels round in another way. */
	const LEAST_TOLERANCE = 1e-3;
	const COLUMNS = 16;
	const RUNS = 1000;
	let engine;
	before(() => (engine = new InferenceEngine({ libraryPath, executionProviders: [provider, 'cpu'] })));
	after(() => new InferenceEngine({ executionProviders: ['cpu'], maxBatchSize: 64 }));

	test('is among those of the library', () => {
		assert.ok(engine.status().engines.onnxruntime.executionProviders.includes(provider));
	});

	test('answers as the CPU does, and the parts that it does not take run there', async (t) => {
		const taken = [];
		for (const { name, path, tolerance, cases } of models) {
			const model = await engine.load(path);
			const { executionProvider, nodes, unusedProviders = [] } = sessionOf(engine, model);
			assert.equal(model.executionProvider, executionProvider);
			assert.equal(executionProvider === provider, Boolean(nodes?.[provider]), name);
			for (const { reason } of unusedProviders) t.diagnostic(`${name}: ${reason}`);
			if (nodes) taken.push(`${name} ${JSON.stringify(nodes)}`);
			for (const { features, expected } of cases) {
				const { outputs } = await model.predict(features);
				if (LOSSY[provider]?.includes(name)) continue;
				assertOutputs(outputs, expected, Math.max(tolerance, LEAST_TOLERANCE));
			}
		}
		assert.ok(taken.length > 0, 'it took no model');
		t.diagnostic(taken.join('; '));
	});

	for (const maxBatchSize of [1, 64]) {
		test(`${RUNS} runs in flight, in batches of at most ${maxBatchSize}, get what is theirs`, async () => {
			new InferenceEngine({ maxBatchSize });
			const bytes = onnxModel({
				nodes: [
					['Tanh', ['x'], ['t']],
					['Mul', ['t', 'x'], ['y']],
					['Exp', ['t'], [`e${maxBatchSize}`]],
				],
				inputs: [['x', FLOAT, ['n', COLUMNS]]],
				outputs: [
					['y', FLOAT, ['n', COLUMNS]],
					[`e${maxBatchSize}`, FLOAT, ['n', COLUMNS]],
				],
			});
			const model = await engine.load(bytes);
			const answers = Array.from({ length: RUNS }, async (_, run) => {
				const x = Float32Array.from({ length: COLUMNS }, (__, at) => (run * COLUMNS + at) / 1000 - 8);
				const { outputs } = await model.predict({ x });
				for (const [at, value] of outputs.y.data.entries()) {
					const expected = Math.tanh(x[at]) * x[at];
					assert.ok(Math.abs(value - expected) <= LEAST_TOLERANCE * Math.max(1, expected), `run ${run}: ${value}`);
				}
			});
			await Promise.all(answers);
			assert.equal(model.executionProvider, provider);
		});
	}
});
