// The Dockerfile: what its last stage runs, run here with its own settings, and what stays out of it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort } from './support/free-port.js';
import { credentials, root } from './support/harper.js';
import { until } from './support/until.js';

const READY_TIMEOUT_MS = 120_000;
const PASSWORD = 'a password';

const read = (path) => readFileSync(join(root, path), 'utf8');
const instructions = read('Dockerfile')
	.replace(/^#.*\n/gm, '')
	.replace(/\\\n\s*/g, '')
	.trim()
	.split('\n')
	.filter(Boolean);
const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));
const commandOf = (text) => JSON.parse(text.match(/CMD (\[.*\])$/)[1]);
const command = commandOf(lastStage.find((line) => line.startsWith('CMD ')));
const healthCheck = commandOf(lastStage.find((line) => line.startsWith('HEALTHCHECK ')));
const variables = Object.fromEntries(
	lastStage
		.filter((line) => line.startsWith('ENV '))
		.flatMap((line) => [...line.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]))
);

test('what is built on the machine stays out of the image', () => {
	const ignored = read('.dockerignore').split('\n');
	for (const [, folder] of read('.gitignore').matchAll(/^\/(.+)\/$/gm)) assert.ok(ignored.includes(folder), folder);
});

test('its Node.js is one that the package supports', () => {
	const { engines } = JSON.parse(read('package.json'));
	const least = Number(engines.node.match(/\d+/)[0]);
	for (const line of instructions) {
		const version = line.match(/^FROM node:(\d+)/)?.[1];
		if (version) assert.ok(Number(version) >= least, line);
	}
});

describe('the container', () => {
	const rootPath = mkdtempSync(join(tmpdir(), 'edge ai image '));
	let base, child, environment;
	let output = '';

	const predict = (headers) =>
		fetch(`${base}/predict`, {
			method: 'POST',
			headers: { 'content-type': 'application/json', ...headers },
			body: JSON.stringify({ modelId: 'iris', features: { float_input: [5.1, 3.5, 1.4, 0.2] } }),
		});

	/** With all of its group: Harper is a process of its own. */
	const kill = () => {
		try {
			process.kill(-child.pid, 'SIGKILL');
		} catch (error) {
			if (error.code !== 'ESRCH') throw error;
		}
	};

	before(async () => {
		assert.equal(variables.HTTP_PORT, '0.0.0.0:9926');
		const port = await freePort();
		base = `http://127.0.0.1:${port}`;
		environment = {
			// The last stage has no Rust.
			PATH: dirname(process.execPath),
			CARGO_HOME: rootPath,
			...variables,
			ROOTPATH: rootPath,
			HTTP_PORT: `0.0.0.0:${port}`,
			OPERATIONSAPI_NETWORK_PORT: `127.0.0.1:${await freePort()}`,
			HDB_ADMIN_PASSWORD: PASSWORD,
			THREADS_COUNT: '1',
		};
		child = spawn(command[0], command.slice(1), {
			cwd: root,
			env: environment,
			detached: true,
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		for (const stream of [child.stdout, child.stderr]) {
			stream.setEncoding('utf8').on('data', (text) => (output += text));
		}
		process.once('exit', kill);
		const isReady = () => {
			assert.equal(child.exitCode, null, output);
			return output.includes('Try the example model');
		};
		await until('the example model answers', isReady, READY_TIMEOUT_MS);
	});
	after(() => {
		kill();
		rmSync(rootPath, { recursive: true, force: true });
	});

	test('asks for a password, also from the machine itself', async () => {
		assert.equal((await predict({})).status, 401);
		const answered = await predict(credentials('admin', PASSWORD));
		assert.equal(answered.status, 200);
		assert.equal((await answered.json()).prediction.output_label, 0);
	});

	test('is found healthy', () => {
		const [program, ...args] = healthCheck.map((text) => text.replace('http://127.0.0.1:9926', base));
		assert.equal(spawnSync(program, args, { env: environment }).status, 0);
	});

	test('ends when Docker asks it to', async () => {
		const ended = once(child, 'exit');
		child.kill('SIGTERM');
		await ended;
		const [program, ...args] = healthCheck.map((text) => text.replace('http://127.0.0.1:9926', base));
		assert.equal(spawnSync(program, args, { env: environment }).status, 1);
	});
});
