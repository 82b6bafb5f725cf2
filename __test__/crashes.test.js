// Models of the corpus that end the process, or did: none does so more than twice, and the model beside them is never blamed.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { modelPath } from './support/fixtures.js';
import { root } from './support/harper.js';
import { runScript } from './support/script.js';

const folder = join(process.env.EDGE_AI_CORPUS ?? join(root, '../shared/corpus'), 'crash');
const skip = !existsSync(folder) && 'skipped: no corpus';
const files = skip ? [] : readdirSync(folder).filter((name) => name.endsWith('.onnx'));

/** The shape that ends the process, as the name of the file has it; without one, an ordinary row. */
const shapeIn = (name) =>
	name
		.match(/_(\d+(x\d+)+)\./)?.[1]
		.split('x')
		.map(Number) ?? [1, 4];

/** Loads a model and runs it once, while another one runs all the time; prints what became of it. */
const PROGRAM = `
	import { setImmediate as turn } from 'node:timers/promises';
	import { InferenceEngine, Tensor } from 'harper-edge-ai';
	const [journalDirectory, path, innocent, shape] = process.argv.slice(1);
	const engine = new InferenceEngine({ journalDirectory });
	const beside = await engine.load(innocent);
	let goesOn = true;
	const running = (async () => {
		// Tiny runs are answered at once: without a turn nothing else would be.
		for (; goesOn; await turn()) await beside.predict({ float_input: [5.1, 3.5, 1.4, 0.2] });
	})();
	const sizes = JSON.parse(shape);
	const row = new Tensor('float32', sizes, new Float32Array(sizes.reduce((product, size) => product * size, 1)));
	let outcome = 'answered';
	try {
		const model = await engine.load(path);
		await model.predict({ [model.signature.inputs[0].name]: row });
	} catch (error) {
		outcome = error.code ?? String(error);
	}
	goesOn = false;
	await running;
	const { quarantine, suspects } = engine.status();
	console.log(JSON.stringify({ outcome, beside: beside.digest, blamed: [...quarantine, ...suspects] }));`;

describe('models of the corpus', { skip }, () => {
	for (const name of files) {
		test(name, async (t) => {
			const journal = await mkdtemp(join(tmpdir(), 'crashes '));
			t.after(() => rm(journal, { recursive: true, force: true }));
			const args = [journal, join(folder, name), modelPath('iris'), JSON.stringify(shapeIn(name))];
			const ends = [];
			for (let times = 0; times < 3; times += 1) ends.push(await runScript(PROGRAM, { args }));
			const { stdout, stderr, code } = ends[2];
			assert.deepEqual([stderr, code], ['', 0]);
			const { outcome, beside, blamed } = JSON.parse(stdout);
			const crashes = ends.filter(({ signal }) => signal !== null).length;
			t.diagnostic(`${crashes} crashes, then ${outcome}`);
			assert.equal(outcome === 'MODEL_QUARANTINED', crashes === 2);
			assert.ok(blamed.every(({ digest }) => digest !== beside));
		});
	}
});
