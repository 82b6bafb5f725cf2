// npm start: says where it listens, its example answers the command that it prints, and it ends as it is told to.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './support/free-port.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const READY_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 30_000;

const run = promisify(execFile);

/** `node scripts/start.js` in a process group of its own, as a terminal gives it. */
class Start {
	output = '';
	#child;

	constructor(environment) {
		this.#child = spawn(process.execPath, [join(root, 'scripts', 'start.js')], {
			cwd: tmpdir(),
			env: environment,
			detached: true,
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		for (const stream of [this.#child.stdout, this.#child.stderr]) {
			stream.setEncoding('utf8').on('data', (text) => (this.output += text));
		}
		process.once('exit', () => this.isAlive && process.kill(-this.#child.pid, 'SIGKILL'));
	}

	/** Whether any process of the group is left. */
	get isAlive() {
		try {
			process.kill(-this.#child.pid, 0);
			return true;
		} catch (error) {
			if (error.code !== 'ESRCH') throw error;
			return false;
		}
	}

	/** What the pattern matches in the output, as soon as it does. */
	async until(pattern) {
		const deadline = Date.now() + READY_TIMEOUT_MS;
		while (!pattern.test(this.output)) {
			assert.equal(this.#child.exitCode, null, this.output);
			assert.ok(Date.now() < deadline, this.output);
			await sleep(50);
		}
		return this.output.match(pattern);
	}

	/** Ends it as Ctrl+C does, or by a signal to the first process alone. */
	async stop(signal, { whole }) {
		const ended = once(this.#child, 'exit');
		process.kill(whole ? -this.#child.pid : this.#child.pid, signal);
		await ended;
		const deadline = Date.now() + STOP_TIMEOUT_MS;
		while (this.isAlive) {
			assert.ok(Date.now() < deadline, 'processes are left');
			await sleep(50);
		}
	}
}

describe('npm start', () => {
	const rootPath = mkdtempSync(join(tmpdir(), 'edge ai start '));
	let environment, base, start, firstUpload;

	const json = async (path) => {
		const response = await fetch(base + path);
		assert.equal(response.status, 200, path);
		return response.json();
	};
	/** The curl command as it is printed, run by a shell. */
	const printedCommand = async () => (await start.until(/^curl [^\n]*\\\n[^\n]*'\n/m))[0];

	before(async () => {
		const given = Object.entries(process.env).filter(([name]) => !/^(EDGE_AI_|HDB_|NODE_TEST_)/.test(name));
		const address = `127.0.0.1:${await freePort()}`;
		base = `http://${address}`;
		environment = {
			...Object.fromEntries(given),
			ROOTPATH: rootPath,
			HTTP_PORT: address,
			OPERATIONSAPI_NETWORK_PORT: `127.0.0.1:${await freePort()}`,
			THREADS_COUNT: '1',
		};
		start = new Start(environment);
	});

	after(async () => {
		if (start.isAlive) await start.stop('SIGKILL', { whole: true });
		rmSync(rootPath, { recursive: true, force: true });
	});

	test('says where it listens and where its data is', async () => {
		const [, address, data] = await start.until(/^Edge AI for Harper listens on (\S+)\nData: ([^\n]*)\n/m);
		assert.equal(address, base);
		assert.equal(data, rootPath);
	});

	test('its example answers the printed command', async () => {
		const { stdout } = await run('sh', ['-c', `${(await printedCommand()).trimEnd()} --silent --show-error`]);
		const answer = JSON.parse(stdout);
		assert.equal(answer.modelId, 'iris');
		assert.equal(answer.prediction.output_label, 0);
		assert.ok(answer.confidence > 0.95, stdout);
		assert.match(answer.inferenceId, /^[0-9a-f-]{36}$/);
	});

	test('Ctrl+C ends all of its processes', async () => {
		firstUpload = await json('/model/iris/1.0.0');
		assert.equal(firstUpload.stage, 'production');
		await start.stop('SIGINT', { whole: true });
		await assert.rejects(fetch(base));
	});

	test('a second start, with another place of the routes, finds its data and does not register the example again', async () => {
		start = new Start({ ...environment, EDGE_AI_ROUTE_PREFIX: '/ai' });
		assert.ok((await printedCommand()).startsWith(`curl ${base}/ai/predict `));
		assert.deepEqual(await json('/ai/model/iris/1.0.0'), firstUpload);
		const { events } = await json('/ai/monitoring/events?modelId=iris');
		assert.equal(events.length, 1);
	});

	test('SIGTERM to the first process ends all of them', async () => {
		await start.stop('SIGTERM', { whole: false });
		await assert.rejects(fetch(base));
	});
});
