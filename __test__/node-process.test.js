// The Node.js API among threads, in a process that ends, and beside other libraries in it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { InferenceEngine } from '../index.js';
import { assertOutputs, modelPath, models } from './support/fixtures.js';
import { slowModel } from './support/onnx.js';
import { runScript } from './support/script.js';

const engine = new InferenceEngine();
const folder = mkdtempSync(join(tmpdir(), 'process '));
after(() => rmSync(folder, { recursive: true, force: true }));
const worker = (name, workerData) => new Worker(new URL(`./support/${name}.js`, import.meta.url), { workerData });

async function untilIdle() {
	for (let waits = 0; engine.status().running + engine.status().queued > 0; waits++) {
		assert.ok(waits < 500, `still under way: ${JSON.stringify(engine.status())}`);
		await sleep(10);
	}
}

/** Fails with the output of a program that did not end by itself with this code. */
function assertExit({ code, signal, stdout, stderr }, expected) {
	assert.deepEqual({ code, signal }, { code: expected, signal: null }, `${stdout}\n${stderr}`);
	assert.equal(stderr, '');
}

describe('worker threads', () => {
	test('four of them load a model once and answer alike', async (t) => {
		const path = modelPath('wine_string_labels');
		const { features, expected } = models.find(({ name }) => name === 'wine_string_labels').cases[0];
		const { loads, models: before } = engine.status().cache;
		const workers = Array.from({ length: 4 }, () => worker('sharing-worker', { path }));
		t.after(() => Promise.all(workers.map((thread) => thread.terminate())));
		await Promise.all(workers.map((thread) => once(thread, 'message')));
		const answers = workers.map((thread) => once(thread, 'message'));
		for (const thread of workers) thread.postMessage({ features, times: 50 });
		for (const [{ labels }] of await Promise.all(answers)) {
			assert.deepEqual(labels, Array(50).fill(expected.output_label));
		}
		const { cache, sessions } = engine.status();
		assert.equal(cache.loads, loads + 1);
		assert.equal(cache.models, before + 1);
		const model = await engine.load(path);
		assert.equal(engine.status().cache.loads, loads + 1);
		assert.ok(sessions.find(({ digest }) => digest === model.digest).runs >= 200);
		await Promise.all(workers.map((thread) => thread.terminate()));
		assertOutputs((await model.predict(features)).outputs, expected, 1e-5);
	});

	test('one that is terminated during its runs takes nothing with it', async () => {
		for (let round = 0; round < 10; round++) {
			const thread = worker('endless-worker', { path: modelPath('endless_loop'), runs: 4 });
			await once(thread, 'message');
			await thread.terminate();
		}
		await untilIdle();
		const model = await engine.load(modelPath('iris'));
		const { outputs } = await model.predict({ float_input: [5.1, 3.5, 1.4, 0.2] });
		assert.equal(outputs.output_label.toArray(), 0n);
	});

	test('one that has nothing left to do ends by itself', async () => {
		const source = `
			const { InferenceEngine } = await import('harper-edge-ai');
			const model = await new InferenceEngine().load(${JSON.stringify(modelPath('iris'))});
			await model.predict({ float_input: [1, 2, 3, 4] });`;
		const thread = new Worker(`(async () => {${source}})()`, { eval: true });
		const [code] = await once(thread, 'exit');
		assert.equal(code, 0);
	});
});

describe('the end of a process', () => {
	const prelude = `
		import { InferenceEngine } from 'harper-edge-ai';
		const engine = new InferenceEngine();
		const load = (path) => engine.load(path);`;

	test('comes by itself when nothing is awaited', async () => {
		const ended = await runScript(
			`${prelude}
			const model = await load(process.argv[1]);
			const runs = Array.from({ length: 100 }, () => model.predict({ float_input: [1, 2, 3, 4] }));
			console.log((await Promise.all(runs)).length);`,
			{ args: [modelPath('iris')] }
		);
		assertExit(ended, 0);
		assert.equal(ended.stdout, '100\n');
	});

	for (const name of ['endless_loop', 'doubling_loop']) {
		test(`by process.exit during a run of ${name} is clean and has its code`, async () => {
			const script = `${prelude}
				const model = await load(process.argv[1]);
				for (let count = 0; count < 4; count++) model.predict({ x: [1] }).catch(() => {});
				setTimeout(() => process.exit(7), 20);`;
			for (let round = 0; round < 5; round++) {
				assertExit(await runScript(script, { args: [modelPath(name)] }), 7);
			}
		});
	}

	test('by process.exit in the middle of short runs and of a load is clean', async () => {
		const script = `${prelude}
			const model = await load(process.argv[1]);
			const next = () => model.predict({ text: 'a lovely story '.repeat(1000) }).then(next, () => {});
			for (let count = 0; count < 32; count++) next();
			setTimeout(() => {
				load(process.argv[2]);
				process.exit(3);
			}, 50);`;
		for (let round = 0; round < 5; round++) {
			assertExit(await runScript(script, { args: [modelPath('review_tfidf'), modelPath('digits_int64')] }), 3);
		}
	});

	for (const [what, content] of [
		['a load that can be stopped', slowModel(2000)],
		['a load that cannot be stopped in time', slowModel(1, 9000)],
	]) {
		test(`by process.exit during ${what} is clean and soon`, async () => {
			const path = join(folder, 'slow.onnx');
			writeFileSync(path, content);
			const script = `${prelude}
				for (let count = 0; count < 3; count++) {
					load(process.argv[1]).catch(() => {});
					load(process.argv[2]).then((model) => model.predict({ float_input: [1, 2, 3, 4] })).catch(() => {});
				}
				setTimeout(() => process.exit(9), Number(process.argv[3]));`;
			for (const afterMs of [0, 20, 60, 400]) {
				const args = [path, modelPath('iris'), String(afterMs)];
				const startedAt = performance.now();
				assertExit(await runScript(script, { args }), 9);
				assert.ok(performance.now() - startedAt < 30_000);
			}
		});
	}

	test('by process.exit during a warm-up is clean', async () => {
		const script = `${prelude}
			await load(process.argv[1]);
			setTimeout(() => process.exit(4), Number(process.argv[2]));`;
		for (const afterMs of [0, 50, 110, 150, 300]) {
			assertExit(await runScript(script, { args: [modelPath('endless_loop'), String(afterMs)] }), 4);
		}
	});

	test('of the main thread, which does not have the package, is clean while a worker loads', async () => {
		const path = join(folder, 'slow-in-worker.onnx');
		writeFileSync(path, slowModel(2000));
		const script = `
			import { Worker } from 'node:worker_threads';
			const source = \`
				const { parentPort, workerData } = require('node:worker_threads');
				import('harper-edge-ai').then(({ InferenceEngine }) => {
					new InferenceEngine().load(workerData).catch(() => {});
					parentPort.postMessage('');
				});\`;
			const worker = new Worker(source, { eval: true, execArgv: [], workerData: process.argv[1] });
			worker.on('message', () => setTimeout(() => process.exit(6), 100));`;
		for (let round = 0; round < 3; round++) assertExit(await runScript(script, { args: [path] }), 6);
	});

	test('by an exception that nobody catches has the code of Node.js', async () => {
		const { code, signal } = await runScript(
			`${prelude}
			const model = await load(process.argv[1]);
			model.predict({ x: [1] }).catch(() => {});
			setTimeout(() => {
				throw new Error('expected by the test');
			}, 20);`,
			{ args: [modelPath('endless_loop')] }
		);
		assert.deepEqual({ code, signal }, { code: 1, signal: null });
	});

	test('with a worker thread during a run is clean', async () => {
		const script = `
			import { Worker } from 'node:worker_threads';
			const [workerPath, path] = process.argv.slice(1);
			const worker = new Worker(new URL(workerPath), { workerData: { path, runs: 4 }, execArgv: [] });
			worker.on('message', () => process.exit(5));`;
		const args = [new URL('./support/endless-worker.js', import.meta.url).href, modelPath('endless_loop')];
		assertExit(await runScript(script, { args }), 5);
	});
});

describe('onnxruntime-node in the same process', () => {
	const ours = `
		const { InferenceEngine } = await import('harper-edge-ai');
		const model = await new InferenceEngine().load(process.argv[1]);
		const runOurs = async () => (await model.predict({ measurements: new Float64Array([5.1, 3.5, 1.4]) })).outputs.variable.data[0];
		console.log(await runOurs());`;
	const theirs = `
		const { default: ort } = await import('onnxruntime-node');
		const session = await ort.InferenceSession.create(process.argv[1]);
		const feeds = { measurements: new ort.Tensor('float64', new Float64Array([5.1, 3.5, 1.4]), [1, 3]) };
		const runTheirs = async () => (await session.run(feeds)).variable.data[0];
		console.log(await runTheirs());`;
	const again = 'console.log(await runOurs(), await runTheirs());';

	for (const [order, script] of [
		['before ours', theirs + ours + again],
		['after ours', ours + theirs + again],
	]) {
		test(`loaded ${order}`, async () => {
			const ended = await runScript(script, { args: [modelPath('linear_float64')] });
			assertExit(ended, 0);
			const answers = ended.stdout.trim().split(/\s+/).map(Number);
			assert.equal(answers.length, 4, ended.stdout);
			for (const answer of answers) assert.ok(Math.abs(answer - 0.21625189892792163) < 1e-12, ended.stdout);
		});
	}

	test('our library has a name of its own in the process', { skip: process.platform !== 'linux' }, async () => {
		const { stdout } = await runScript(
			`${ours}${theirs}
			const { readFileSync } = await import('node:fs');
			const mapped = readFileSync('/proc/self/maps', 'utf8').match(/[^/ \\n]*onnx[^/ \\n]*\\.so\\S*/g);
			console.log(JSON.stringify([...new Set(mapped)].sort()));`,
			{ args: [modelPath('linear_float64')] }
		);
		assert.deepEqual(JSON.parse(stdout.trim().split('\n').at(-1)), ['libedgeai-onnx.so.1', 'libonnxruntime.so.1']);
	});
});

describe('locales', () => {
	const script = `
		import { InferenceEngine } from 'harper-edge-ai';
		const model = await new InferenceEngine().load(process.argv[1]);
		for (const text of ['A LOVELY, clever story', 'Boring and noisy', 'GROSSE MUSIK: SUPERB!']) {
			console.log((await model.predict({ text })).outputs.output_label.toArray());
		}`;
	for (const locale of ['en_US.UTF-8', 'C', 'POSIX', 'xx_XX.UTF-8', '']) {
		test(`a text model loads and runs under LC_ALL=${locale}`, async () => {
			// An empty folder of locales is a system that has none.
			const env = { LANG: locale, LC_ALL: locale, LOCPATH: '/nonexistent' };
			const ended = await runScript(script, { args: [modelPath('review_tfidf')], env });
			assertExit(ended, 0);
			assert.equal(ended.stdout, 'good\nbad\ngood\n');
		});
	}
});
