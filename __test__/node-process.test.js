// The Node.js API among threads, in a process that ends, and beside other libraries in it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { InferenceEngine } from '../index.js';
import { assertOutputs, modelPath, models } from './support/fixtures.js';
import { underWay } from './support/journal.js';
import { slowModel } from './support/onnx.js';
import { runScript } from './support/script.js';
import { until } from './support/until.js';

const engine = new InferenceEngine();
const folder = mkdtempSync(join(tmpdir(), 'process '));
after(() => rmSync(folder, { recursive: true, force: true }));
const worker = (name, workerData) => new Worker(new URL(`./support/${name}.js`, import.meta.url), { workerData });

const untilIdle = () => until('nothing runs', () => engine.status().running + engine.status().queued === 0);

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
		const load = (path) => engine.load(path);
		async function untilItRuns() {
			while (engine.status().running === 0) await new Promise((resolve) => setTimeout(resolve, 1));
		}`;

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
				await untilItRuns();
				process.exit(7);`;
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
			// Moments that are tried: whatever is under way then, the end is clean, so nothing depends on when it is.
			for (const afterMs of [0, 20, 60, 400]) {
				const args = [path, modelPath('iris'), String(afterMs)];
				assertExit(await runScript(script, { args }), 9);
			}
		});
	}

	test('by process.exit during a warm-up is clean', async () => {
		const script = `${prelude}
			await load(process.argv[1]);
			setTimeout(() => process.exit(4), Number(process.argv[2]));`;
		// Moments before, at and after the begin of the warm-up; at each the end is clean.
		for (const afterMs of [0, 50, 110, 150, 300]) {
			assertExit(await runScript(script, { args: [modelPath('endless_loop'), String(afterMs)] }), 4);
		}
	});

	describe('of the main thread, which does not have the package', () => {
		const loading = `
			import { once } from 'node:events';
			import { Worker } from 'node:worker_threads';
			const source = \`
				const { parentPort, workerData } = require('node:worker_threads');
				import('harper-edge-ai').then(async ({ InferenceEngine }) => {
					const loading = new InferenceEngine().load(workerData);
					parentPort.postMessage('it loads');
					loading.then(() => parentPort.postMessage('it is loaded'), () => {});
				});\`;
			const [path, ms] = process.argv.slice(1);
			const start = (workerData) => new Worker(source, { eval: true, execArgv: [], workerData });`;

		// The library is brought in, makes its environment, and reads the model.
		for (const ms of [0, 5, 10, 15, 20, 30, 100]) {
			test(`is clean ${ms} ms after a worker began to load`, async () => {
				const path = join(folder, 'slow-in-worker.onnx');
				writeFileSync(path, slowModel(2000));
				const script = `${loading}
					start(path).on('message', () => setTimeout(() => process.exit(6), Number(ms)));`;
				for (let round = 0; round < 3; round++) {
					assertExit(await runScript(script, { args: [path, String(ms)] }), 6);
				}
			});
		}

		test('does not come with the end of its workers: the next one loads', async () => {
			const slow = join(folder, 'slow-before.onnx');
			writeFileSync(slow, slowModel(2000));
			const script = `${loading}
				const first = start(path);
				await once(first, 'message');
				await first.terminate();
				const next = start(${JSON.stringify(modelPath('identity_float'))});
				await once(next, 'message');
				const [said] = await once(next, 'message');
				process.exit(said === 'it is loaded' ? 7 : 8);`;
			assertExit(await runScript(script, { args: [slow] }), 7);
		});
	});

	test('by an exception that nobody catches has the code of Node.js', async () => {
		const { code, signal } = await runScript(
			`${prelude}
			const model = await load(process.argv[1]);
			model.predict({ x: [1] }).catch(() => {});
			await untilItRuns();
			setTimeout(() => {
				throw new Error('expected by the test');
			});`,
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

describe('the status', () => {
	test('has plain numbers, however large', async () => {
		const program = `
			import { InferenceEngine } from 'harper-edge-ai';
			const engine = new InferenceEngine({ cacheMaxBytes: 8 * 2 ** 30 });
			console.log(JSON.stringify(engine.status().cache.maxBytes));`;
		const { stdout, stderr } = await runScript(program);
		assert.deepEqual([stdout, stderr], ['8589934592\n', '']);
	});
});

describe('a journal', () => {
	const programOf = (folder, rest) => `
		import { InferenceEngine } from 'harper-edge-ai';
		const engine = new InferenceEngine({ journalDirectory: ${JSON.stringify(folder)} });
		const load = () => engine.load(${JSON.stringify(modelPath('endless_loop'))});
		${rest}`;
	const RUN = `await (await load()).predict({ x: [1] }, { timeoutMs: 3_600_000 });`;

	test('quarantines the model of two crashes for all programs that use its folder, until it is released', async (t) => {
		const folder = await mkdtemp(join(tmpdir(), 'journal '));
		t.after(() => rm(folder, { recursive: true, force: true }));
		for (const signal of ['SIGKILL', 'SIGBUS', 'SIGKILL', 'SIGILL']) {
			let child;
			const ended = runScript(programOf(folder, RUN), { started: (started) => (child = started) });
			await until('the run', async () => (await underWay(folder, child.pid)).some(({ phase }) => phase === 'run'));
			child.kill(signal);
			assert.equal((await ended).signal, signal);
		}
		const program = `
			const refused = await load().catch((error) => error);
			const { quarantine, suspects, journal } = engine.status();
			const [{ digest }] = quarantine;
			const released = [await engine.release(digest), await engine.release(digest)];
			const left = engine.status().quarantine.length;
			const { code } = await (await load()).predict({ x: [1] }, { timeoutMs: 50 }).catch((error) => error);
			console.log(JSON.stringify({ refused: refused.code, quarantine, suspects, journal, released, left, code }));`;
		const { stdout, stderr } = await runScript(programOf(folder, program));
		assert.equal(stderr, '');
		const { quarantine, ...rest } = JSON.parse(stdout);
		assert.deepEqual(rest, {
			refused: 'MODEL_QUARANTINED',
			suspects: [],
			journal: { enabled: true },
			released: [true, false],
			left: 0,
			code: 'DEADLINE_EXCEEDED',
		});
		assert.deepEqual(
			quarantine.map(({ crashes }) => crashes.map(({ signal }) => signal)),
			[['SIGBUS', 'SIGILL']]
		);
	});

	test('that cannot be written stops nothing', async () => {
		const program = `
			await load();
			console.log(JSON.stringify(engine.status().journal));`;
		const { stdout, stderr } = await runScript(programOf('/dev/null/journal', program));
		assert.equal(stderr, '');
		const { enabled, reason } = JSON.parse(stdout);
		assert.equal(enabled, false);
		assert.match(reason, /^the journal cannot be written: /);
	});

	test('lets exceptions of WebAssembly be exceptions', async (t) => {
		const folder = await mkdtemp(join(tmpdir(), 'journal '));
		t.after(() => rm(folder, { recursive: true, force: true }));
		// (func (export "f") (result i32) (i32.load (i32.const 0x7fffffff))) with one page of memory: V8 lets it fault.
		const bytes = [
			...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 5, 1, 1, 102, 0, 0],
			...[10, 13, 1, 11, 0, 65, 255, 255, 255, 255, 7, 40, 2, 0, 11],
		];
		const program = `
			const { instance } = await WebAssembly.instantiate(new Uint8Array(${JSON.stringify(bytes)}));
			const running = (await load()).predict({ x: [1] }, { timeoutMs: 500 }).catch(({ code }) => code);
			let caught = 0;
			for (let times = 0; times < 1000; times += 1) {
				try { instance.exports.f(); } catch (error) { if (error instanceof WebAssembly.RuntimeError) caught += 1; }
			}
			console.log(caught, await running);
			const { kill, pid } = process;
			kill(pid, 'SIGKILL');`;
		const { stdout, stderr } = await runScript(programOf(folder, program));
		assert.equal(stdout, '1000 DEADLINE_EXCEEDED\n', stderr);
		const next = await runScript(programOf(folder, `console.log(JSON.stringify(engine.status().suspects));`));
		assert.equal(next.stdout, '[]\n');
	});
});
