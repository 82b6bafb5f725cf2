// The package as npm makes it: what is in it, and a Harper application of its own that depends on it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import {
	closeSync,
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readFileSync,
	readSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { addonName, libraryName, packageName, platformName } from '../platform.js';
import { writeCommonJs } from '../scripts/commonjs.js';
import { baseUrl, harperEnvironment, spawnHarper } from '../scripts/harper.js';
import { freePort } from './support/free-port.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const READY_TIMEOUT_MS = 120_000;
const run = promisify(execFile);
const isWindows = process.platform === 'win32';
const npm = (args, cwd) => run(isWindows ? 'npm.cmd' : 'npm', args, { cwd, shell: isWindows });

const folder = mkdtempSync(join(tmpdir(), 'edge ai package '));
const application = join(folder, 'an application');
let packed;

before(async () => {
	writeCommonJs();
	const { stdout } = await npm(['pack', '--json', '--pack-destination', folder], root);
	[packed] = JSON.parse(stdout);
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Gives the application these options. */
function configure(options, config = '') {
	const lines = Object.entries(options).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}\n`);
	writeFileSync(
		join(application, 'config.yaml'),
		`rest: true\n${config}'harper-edge-ai':\n  package: 'harper-edge-ai'\n${lines.join('')}`
	);
}

/** Harper with the application in it, with a configuration for these options. */
function startApplication(options, { config, ...how } = {}) {
	configure(options, config);
	return start(application, how);
}

/** Harper with an application in it, on data of its own; `output` is what it wrote. */
async function start(application, { variables = {}, path: statusPath = '/status' } = {}) {
	const given = Object.entries(process.env).filter(([name]) => !/^(EDGE_AI_|ROOTPATH$|HDB_|NODE_TEST_)/.test(name));
	const environment = harperEnvironment(
		{
			...Object.fromEntries(given),
			HDB_ADMIN_PASSWORD: 'the password of admin',
			HTTP_PORT: `127.0.0.1:${await freePort()}`,
			OPERATIONSAPI_NETWORK_PORT: `127.0.0.1:${await freePort()}`,
			THREADS_COUNT: '1',
			...variables,
		},
		join(folder, 'data')
	);
	const path = join(folder, 'output.log');
	const output = openSync(path, 'w');
	const child = spawnHarper(application, environment, ['ignore', output, output]);
	closeSync(output);
	const kill = () => child.kill('SIGKILL');
	process.once('exit', kill);
	const base = baseUrl(environment);
	const harper = {
		base,
		output: () => readFileSync(path, 'utf8'),
		log: () => readFileSync(join(folder, 'data', 'log', 'hdb.log'), 'utf8'),
		async stop() {
			process.off('exit', kill);
			if (child.exitCode !== null || child.signalCode !== null) return;
			const ended = once(child, 'exit');
			child.kill('SIGTERM');
			await ended;
		},
	};
	const deadline = Date.now() + READY_TIMEOUT_MS;
	for (;;) {
		assert.ok(child.exitCode === null && Date.now() < deadline, harper.output());
		try {
			harper.first = await fetch(base + statusPath);
			// Nobody answers for the component while Harper is still loading it.
			if (![404, 503].includes(harper.first.status)) return harper;
		} catch {
			// Not listening yet.
		}
		await sleep(100);
	}
}

describe('names of the platform', () => {
	const ELF_MACHINES = { 0x3e: 'x64', 0xb7: 'arm64' };
	const onLinux = { skip: process.platform !== 'linux' && 'reads ELF files' };

	/** The header of an ELF file and its first bytes, where the name of the loader stands. */
	function elf(path) {
		const bytes = Buffer.alloc(16_384);
		const file = openSync(path, 'r');
		readSync(file, bytes, 0, bytes.length, 0);
		closeSync(file);
		assert.equal(bytes.toString('latin1', 1, 4), 'ELF');
		return { arch: ELF_MACHINES[bytes.readUInt16LE(18)], start: bytes.toString('latin1') };
	}

	test('are what the executable of Node.js says', onLinux, () => {
		const { arch, start } = elf(process.execPath);
		const loader = start.match(/\/lib\S*\/ld-(musl|linux)-/)?.[1];
		assert.equal(platformName(), `linux-${arch}-${loader === 'musl' ? 'musl' : 'gnu'}`);
	});

	test('are what the addon was built for', onLinux, () => {
		const path = join(root, 'native', addonName());
		assert.equal(elf(path).arch, platformName().split('-')[1]);
		// The C library that the addon asks for.
		const bytes = readFileSync(path);
		assert.equal(bytes.includes('libc.so.6\0') ? 'gnu' : 'musl', platformName().split('-')[2]);
	});

	test('are the ones that packages are published for', () => {
		const workflow = readFileSync(join(root, '.github', 'workflows', 'release.yml'), 'utf8');
		const published = [...workflow.matchAll(/platform: ([a-z0-9-]+)/g)].map(([, name]) => name);
		assert.ok(published.includes(platformName()), `${platformName()} is none of ${published}`);
		const names = published.flatMap((platform) => [addonName(platform), packageName(platform)]);
		assert.equal(new Set(names).size, 2 * published.length);
		assert.ok(published.every((platform) => !/^(lib)?onnxruntime/.test(libraryName(platform))));
	});
});

describe('the tarball', () => {
	const paths = () => packed.files.map(({ path }) => path);

	test('holds what the package needs', () => {
		const needed = [
			'CHANGELOG.md',
			'LICENSE',
			'NOTICE',
			'README.md',
			'binding.js',
			'cli/main.js',
			'commonjs/index.cjs',
			'commonjs/index.d.cts',
			'commonjs/library/engine.cjs',
			'config.yaml',
			'examples/grafana/edge-ai.json',
			'examples/iris/model.onnx',
			'examples/retraining/train.py',
			'examples/shop-scoring/resources.js',
			'harper.d.ts',
			'harper.js',
			'index.d.ts',
			'index.js',
			'library/engine.js',
			'native.js',
			`native/${addonName()}`,
			`native/${libraryName()}`,
			'package.json',
			'platform.js',
			'plugin.js',
			'resources.js',
			'resources/serving/predict.js',
			'schema.graphql',
		];
		assert.deepEqual(
			needed.filter((path) => !paths().includes(path)),
			[]
		);
		assert.ok(paths().some((path) => /^docs\/.*\.md$/.test(path)));
	});

	test('holds nothing else', () => {
		const allowed = /^(cli|commonjs|docs|examples\/(grafana|iris|retraining|shop-scoring)|library|native|resources)\//;
		const root = paths().filter((path) => !path.includes('/'));
		assert.deepEqual(
			paths().filter((path) => path.includes('/') && !allowed.test(path)),
			[]
		);
		assert.deepEqual(
			root.filter(
				(path) =>
					!/^[A-Z]+(\.md)?$|^(binding|harper|index|native|platform|plugin|resources)\.(js|d\.ts)$|^config\.yaml$|^(package\.json|schema\.graphql)$/.test(
						path
					)
			),
			[]
		);
		const foreign = /\.(rs|tgz|log|test\.js|tmp)$|^(?!examples\/).*\.py$|Cargo|node_modules|\.env|password/;
		assert.deepEqual(
			paths().filter((path) => foreign.test(path)),
			[]
		);
		assert.equal(paths().filter((path) => path.startsWith('native/')).length, isWindows ? 3 : 2);
	});

	test('every file that its files import is in it', () => {
		const missing = [];
		for (const path of paths().filter((name) => name.endsWith('.js'))) {
			for (const [, target] of readFileSync(join(root, path), 'utf8').matchAll(/from '(\.[^']+)'/g)) {
				const imported = join(path, '..', target).replaceAll('\\', '/');
				if (!paths().includes(imported)) missing.push(`${path} imports ${imported}`);
			}
		}
		assert.deepEqual(missing, []);
	});
});

describe('an application that depends on it', () => {
	let harper;

	before(async () => {
		mkdirSync(application);
		const manifest = { name: 'application', private: true, type: 'module' };
		writeFileSync(join(application, 'package.json'), JSON.stringify(manifest));
		await npm(['install', '--prefer-offline', '--ignore-scripts', join(folder, packed.filename)], application);
	});
	after(() => harper?.stop());

	test('gets no development dependency', () => {
		assert.ok(existsSync(join(application, 'node_modules', 'harper-edge-ai', 'native', addonName())));
		for (const name of ['harperdb', 'onnxruntime-node', 'typescript']) {
			assert.ok(!existsSync(join(application, 'node_modules', name)), name);
		}
	});

	test('uses it as a library', async () => {
		const script = `
			import { InferenceEngine } from 'harper-edge-ai';
			const model = await new InferenceEngine().load(process.argv[1]);
			const { outputs } = await model.predict({ float_input: [5.1, 3.5, 1.4, 0.2] });
			console.log(model.engine, outputs.output_label.toArray());`;
		const model = join(root, 'examples', 'iris', 'model.onnx');
		const env = { ...process.env, ORT_DYLIB_PATH: '' };
		const args = ['--input-type=module', '--eval', script, '--', model];
		const { stdout } = await run(process.execPath, args, { cwd: application, env });
		assert.equal(stdout, 'onnxruntime 0n\n');
	});

	test('starts in Harper with its options and answers with an uploaded model', async () => {
		const options = { cacheMaxModels: 3, timeoutMs: 1234, engine: 'onnxruntime', recordFeatures: 'full' };
		harper = await startApplication(options, { variables: { EDGE_AI_TIMEOUT_MS: '99', EDGE_AI_MAX_QUEUE_SIZE: '77' } });
		const status = await harper.first.json();
		assert.equal(harper.first.status, 200, harper.output());
		assert.equal(status.cache.maxModels, 3);
		for (const [name, value] of Object.entries({ ...options, maxQueueSize: 77 })) {
			assert.equal(status.options[name], value, name);
		}

		const form = new FormData();
		form.append('modelId', 'flowers');
		form.append('version', '1');
		form.append('file', new Blob([readFileSync(join(root, 'examples', 'iris', 'model.onnx'))]), 'model.onnx');
		const uploaded = await fetch(`${harper.base}/model/upload`, { method: 'POST', body: form });
		assert.equal(uploaded.status, 201, await uploaded.text());
		const predicted = await fetch(`${harper.base}/predict`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ modelId: 'flowers', features: { float_input: [5.1, 3.5, 1.4, 0.2] } }),
		});
		const { prediction, confidence } = await predicted.json();
		assert.equal(prediction.output_label, 0);
		assert.ok(confidence > 0.95);
		await harper.stop();
	});

	test('takes options that change while it runs, and keeps the old ones when a new one is wrong', async () => {
		harper = await startApplication({ timeoutMs: 1000 });
		const timeoutMs = async () => (await (await fetch(`${harper.base}/status`)).json()).options.timeoutMs;
		/** Written again and again: Harper may not watch the file yet. */
		const given = async (options, isSo) => {
			const deadline = Date.now() + READY_TIMEOUT_MS;
			do {
				assert.ok(Date.now() < deadline, harper.log());
				configure(typeof options === 'function' ? options() : options);
				// Between two looks; Harper is told by writing the file again.
				await sleep(250);
			} while (!(await isSo()));
		};
		for (const [wrong, message] of [
			[{ timeoutMs: 'soon' }, 'option timeoutMs must be a whole number from 1 to 3600000, received "soon"'],
			[{ timeoutMs: 2000, routePrefix: 'ai' }, 'option routePrefix must be empty or a path such as /ai'],
		]) {
			await given(wrong, () => harper.log().includes('the old ones stay: ') && harper.log().includes(message));
			assert.equal(await timeoutMs(), 1000, JSON.stringify(wrong));
		}
		// Another value each time: Harper tells only of what differs from what it has read, and may have read half of a change.
		let next = 3000;
		await given(
			() => ({ timeoutMs: (next += 1), routePrefix: '' }),
			async () => (await timeoutMs()) > 3000
		);
		assert.doesNotMatch(harper.output() + harper.log(), /uncaught/i);
		await harper.stop();
	});

	test('has its own resources where routePrefix moves the routes', async () => {
		const resources = `export class status extends Resource {
			static loadAsInstance = false;
			get() { return { application: true }; }
		}`;
		writeFileSync(join(application, 'resources.js'), resources);
		const config = 'jsResource:\n  files: resources.js\n';
		harper = await startApplication({ routePrefix: '/ai' }, { config, path: '/ai/status' });
		assert.equal((await harper.first.json()).options.routePrefix, '/ai', harper.output());
		assert.deepEqual(await (await fetch(`${harper.base}/status`)).json(), { application: true });
		await harper.stop();
	});

	const wrong = [
		[{ routePrefix: 'ai' }, {}, 'option routePrefix must be empty or a path such as /ai'],
		[{ timeoutMs: 'soon' }, {}, 'option timeoutMs must be a whole number from 1 to 3600000, received \\"soon\\"'],
		[{ cacheMaxModel: 3 }, {}, 'has no option \\"cacheMaxModel\\"'],
		[{}, { EDGE_AI_ENGINE: 'cuda' }, 'EDGE_AI_ENGINE must be one of auto, onnxruntime, tract, received \\"cuda\\"'],
	];
	for (const [options, variables, message] of wrong) {
		test(`does not start with ${JSON.stringify({ ...options, ...variables })}`, async () => {
			harper = await startApplication(options, { variables });
			const answer = await harper.first.text();
			assert.equal(harper.first.status, 500, answer);
			assert.ok(answer.includes(message), answer);
			assert.ok(harper.output().includes(message.replaceAll('\\', '')), harper.output());
			await harper.stop();
		});
	}
});

describe('the example application', () => {
	const shop = join(folder, 'shop');
	let harper;

	before(async () => {
		cpSync(join(root, 'examples', 'shop-scoring'), shop, { recursive: true });
		await npm(['install', '--prefer-offline', '--ignore-scripts', '--no-save', join(folder, packed.filename)], shop);
		const variables = { THREADS_COUNT: '2', AUTHENTICATION_AUTHORIZELOCAL: 'true' };
		harper = await start(shop, { variables });
		const form = new FormData();
		form.append('modelId', 'order-risk');
		form.append('version', '1');
		form.append('file', new Blob([readFileSync(join(shop, 'model.onnx'))]), 'model.onnx');
		const uploaded = await fetch(`${harper.base}/model/upload`, { method: 'POST', body: form });
		assert.equal(uploaded.status, 201, await uploaded.text());
	});
	after(() => harper?.stop());

	async function send(method, path, body) {
		const headers = { 'content-type': 'application/json' };
		const response = await fetch(harper.base + path, { method, headers, body: body && JSON.stringify(body) });
		const text = await response.text();
		return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
	}

	/** Asks until an answer is the one that is waited for. */
	async function until(path, isRight) {
		const deadline = Date.now() + READY_TIMEOUT_MS;
		for (;;) {
			const { body } = await send('GET', path);
			if (await isRight(body)) return body;
			assert.ok(Date.now() < deadline, `${path}: ${JSON.stringify(body)}\n${harper.output()}`);
			await sleep(50);
		}
	}

	const risky = { amount: 900, items: 1, accountAgeDays: 2 };
	let ordered = 0;

	/** An order that is taken. */
	async function order(...request) {
		const { status, body } = await send(...request);
		assert.ok(status >= 200 && status < 300, JSON.stringify(body));
		ordered += 1;
		return body;
	}

	test('follows predictions, once the thread that does so has started', async () => {
		// Another thread may have been ready before.
		const isListed = async (reviews) => {
			if (reviews.length > 0) return true;
			await order('PUT', '/orders/o0', { id: 'o0', ...risky });
			return false;
		};
		await until('/reviews/', isListed);
	});

	test('scores orders when they are written, and lists the risky ones', async () => {
		await order('PUT', '/orders/o1', { id: 'o1', ...risky });
		const posted = await order('POST', '/orders/', { amount: 35, items: 3, accountAgeDays: 800 });
		const { body: stored } = await send('GET', '/orders/o1');
		assert.ok(stored.risk > 0.9, JSON.stringify(stored));
		assert.ok((await send('GET', `/orders/${posted}`)).body.risk < 0.1);
		const review = await until(`/reviews/${stored.inferenceId}`, (body) => body?.risk !== undefined);
		assert.equal(review.risk, stored.risk);
	});

	test('takes what people found as feedback', async () => {
		const { body: stored } = await send('GET', '/orders/o1');
		const { body: given } = await send('POST', '/verdicts', { orderId: 'o1', verdict: 'review' });
		assert.deepEqual(given, { success: true, inferenceId: stored.inferenceId });
		const { body: metrics } = await send('GET', '/monitoring/metrics?modelId=order-risk');
		assert.deepEqual([metrics.feedbackCount, metrics.accuracy, metrics.count], [1, 1, ordered]);
		assert.equal((await send('POST', '/verdicts', { orderId: 'none', verdict: 'ok' })).status, 404);
	});

	test('refuses an order that the model cannot score, and stores nothing', async () => {
		const { status } = await send('PUT', '/orders/o2', { id: 'o2', amount: 'a lot', items: 1, accountAgeDays: 1 });
		assert.equal(status, 422);
		assert.equal((await send('GET', '/orders/o2')).status, 404);
	});
});
