// Every fixture through the Node.js API: sound models answer what their makers do, hostile ones are refused or survived.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { InferenceEngine } from '../index.js';
import { assertOutputs, hostile, modelPath, models } from './support/fixtures.js';
import { until } from './support/until.js';

const engine = new InferenceEngine();
const TIMEOUT_MS = 500;

describe('models of the manifest', () => {
	for (const { name, path, tolerance, cases } of models) {
		test(name, async () => {
			const model = await engine.load(path);
			for (const { features, expected } of cases) {
				const startedAt = performance.now();
				const { outputs, latencyMs } = await model.predict(features);
				assert.ok(latencyMs > 0 && latencyMs <= performance.now() - startedAt);
				assertOutputs(outputs, expected, tolerance);
			}
		});
	}
});

describe('hostile models', () => {
	for (const { name, what, path, at, codes, features, expected } of hostile) {
		test(`${name}: ${what}`, async () => {
			if (at === 'upload') {
				await assert.rejects(engine.load(path), ({ code }) => codes.includes(code));
				await assert.rejects(engine.load(readFileSync(path)), ({ code }) => codes.includes(code));
				return;
			}
			const model = await engine.load(path);
			// A memory bomb takes a while to reach its limit on a busy machine; only what never ends needs a short deadline.
			const timeoutMs = codes?.includes('DEADLINE_EXCEEDED') ? TIMEOUT_MS : 30_000;
			const run = model.predict(features, { timeoutMs });
			if (expected) assertOutputs((await run).outputs, expected);
			else await assert.rejects(run, ({ code }) => codes.includes(code));
		});
	}

	test('a sound model still runs beside them', async () => {
		const { cases, path, tolerance } = models.find(({ name }) => name === 'iris');
		const model = await engine.load(path);
		assertOutputs((await model.predict(cases[0].features)).outputs, cases[0].expected, tolerance);
	});

	test('runs that were stopped leave nothing behind', async () => {
		const model = await engine.load(modelPath('endless_loop'));
		await assert.rejects(model.predict({ x: [1] }, { timeoutMs: 20 }), { code: 'DEADLINE_EXCEEDED' });
		await until('no run goes on after its deadline', () => engine.status().running === 0);
	});
});
