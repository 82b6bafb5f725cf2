// A Harper with one application on a folder of its own, for the time of a measurement.
import { closeSync, cpSync, mkdirSync, openSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../__test__/support/free-port.js';
import { baseUrl, harperEnvironment, spawnHarper } from '../../scripts/harper.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const READY_TIMEOUT_MS = 120_000;
const POLL_MS = 100;

/**
 * Starts Harper with its own default of threads.
 *
 * @param {string} application its folder
 * @param {string} rootPath
 * @param {string} path that answers when the application is there
 * @param {Record<string, string>} [variables]
 * @returns {Promise<{base: string, port: number, pid: number, stop: () => Promise<void>}>}
 */
export async function startServer(application, rootPath, path, variables = {}) {
	const port = await freePort();
	const environment = harperEnvironment(
		{
			...process.env,
			HDB_ADMIN_PASSWORD: 'benchmark',
			HTTP_PORT: `127.0.0.1:${port}`,
			OPERATIONSAPI_NETWORK_PORT: `127.0.0.1:${await freePort()}`,
			...variables,
		},
		rootPath
	);
	const base = baseUrl(environment);
	mkdirSync(rootPath, { recursive: true });
	const log = join(rootPath, 'output.log');
	const output = openSync(log, 'a');
	const child = spawnHarper(application, environment, ['ignore', output, output]);
	closeSync(output);
	process.once('exit', () => child.kill('SIGKILL'));

	const deadline = Date.now() + READY_TIMEOUT_MS;
	while (!(await answers(base + path))) {
		if (child.exitCode !== null || Date.now() > deadline) {
			child.kill('SIGKILL');
			throw new Error(`Harper did not start:\n${readFileSync(log, 'utf8').slice(-4000)}`);
		}
		await sleep(POLL_MS);
	}
	return {
		base,
		port,
		pid: child.pid,
		async stop() {
			const ended = new Promise((resolve) => child.once('exit', resolve));
			child.kill('SIGTERM');
			await ended;
		},
	};
}

/** Whether a route is there, whatever it says. */
const answers = (url) =>
	fetch(url, { method: 'OPTIONS' }).then(
		({ status }) => status !== 404,
		() => false
	);

/**
 * A copy of an application of this folder, because Harper writes beside what it loads.
 *
 * @param {'peer' | 'bare'} name
 * @param {string} folder where it is made
 * @returns {string} its path
 */
export function application(name, folder) {
	const path = join(folder, name);
	cpSync(new URL(name, import.meta.url), path, { recursive: true });
	mkdirSync(join(path, 'node_modules'));
	symlinkSync(join(root, 'node_modules', 'onnxruntime-node'), join(path, 'node_modules', 'onnxruntime-node'));
	// What the bare route puts is an event of ours, so it has our table.
	if (name === 'bare') cpSync(join(root, 'schema.graphql'), join(path, 'schema.graphql'));
	return path;
}

/**
 * Registers a model of one file as version v1 of `regression`.
 *
 * @param {{base: string}} server a Harper with this component
 * @param {Buffer} bytes
 */
export async function upload({ base }, bytes) {
	const form = new FormData();
	form.append('modelId', 'regression');
	form.append('version', 'v1');
	form.append('file', new Blob([bytes]), 'model.onnx');
	const response = await fetch(`${base}/model/upload`, { method: 'POST', body: form });
	if (!response.ok) throw new Error(await response.text());
}
