// npm start: says where it listens, its example answers the command that it prints, and it ends as it is told to.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { HeldOutput } from '../scripts/held-output.js';
import { freePort } from './support/free-port.js';
import { until, untilStill } from './support/until.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const READY_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 30_000;
/** What only Harper prints: its name, and the colours of its logo. */
// eslint-disable-next-line no-control-regex
const FOREIGN = /HarperDB|\u001b/;

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

	/** Resolves to its exit code. */
	async ended() {
		if (this.#child.exitCode === null) await once(this.#child, 'close');
		return this.#child.exitCode;
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

	test('prints nothing of Harper’s own, neither before nor after', async () => {
		const command = await printedCommand();
		assert.doesNotMatch(start.output, FOREIGN);
		await untilStill('the output', () => start.output.length);
		assert.doesNotMatch(start.output, FOREIGN);
		assert.ok(start.output.trimEnd().endsWith(command.trimEnd()), start.output);
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

	test('shows all that Harper says when it does not start', async () => {
		writeFileSync(join(rootPath, 'harperdb-config.yaml'), 'http: [');
		start = new Start(environment);
		assert.equal(await start.ended(), 1);
		assert.match(start.output, /\n +at .*harperdb[\s\S]*\nHarper ended before it answered\.\n$/);
	});
});

describe('the output of a process that starts', () => {
	/** A process that prints a banner and an error, then what it is told to. */
	const script = `
		console.log('banner');
		console.error('error');
		console.log('last words');
		process.stdin.on('data', (text) => process.stdout.write(text));`;
	let child, shown, output;

	beforeEach(() => {
		child = spawn(process.execPath, ['--eval', script], { stdio: 'pipe' });
		shown = { stdout: '', stderr: '' };
		const to = (name) => ({ write: (chunk) => (shown[name] += chunk) });
		output = new HeldOutput(child, { stdout: to('stdout'), stderr: to('stderr') });
	});
	afterEach(async () => {
		child.stdin.end();
		if (child.exitCode === null) await once(child, 'exit');
	});

	test('is held until it is over, and dropped but for errors', async () => {
		await output.until('last words', 60_000);
		await until('the error', () => {
			output.drop();
			return shown.stderr === 'error\n';
		});
		assert.equal(shown.stdout, '');
		child.stdin.write('later');
		await until('what comes later', () => shown.stdout === 'later');
	});

	test('is shown as a whole when that is asked for', async () => {
		await output.until('last words', 60_000);
		output.show();
		await until('all', () => shown.stdout === 'banner\nlast words\n' && shown.stderr === 'error\n');
	});

	test('is waited for no longer than the process lives, or than is said', async () => {
		await output.until('never', 1);
		child.stdin.end();
		await output.until('never', 600_000);
		assert.equal(shown.stdout, '');
	});
});
