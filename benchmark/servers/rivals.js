// The servers that `npm run bench:servers` measures, each with a folder here: how its environment is made and what starts it.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../../__test__/support/free-port.js';
import { installPython, makeEnvironment, pythonOf } from '../python.js';

const READY_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 100;

const folder = fileURLToPath(new URL('.', import.meta.url));
const environments = join(folder, '.venv');
const run = promisify(execFile);

/**
 * @typedef {object} Rival
 * @property {string} name its folder, and what `--only` takes
 * @property {string} title
 * @property {'plain' | 'v2'} protocol `{features}` to `{label, probabilities}`, or the Open Inference Protocol
 * @property {string} path of its route
 * @property {string} requirements the file that pins its packages
 * @property {string} program the file that serves
 * @property {(program: string, port: number) => string[]} [argumentsOf] the arguments of Python, the program alone without it
 */

/** @type {Rival[]} */
export const RIVALS = [
	python('fastapi', 'FastAPI with onnxruntime', 'plain', '/predict'),
	{
		...python('kserve', "KServe's Python server", 'v2', '/v2/models/regression/infer'),
		// No line for each request: none of the others writes one.
		argumentsOf: (program) => [program, '--log_config_file', join(dirname(program), 'logging.json')],
	},
	python('mlserver', 'MLServer', 'v2', '/v2/models/regression/infer'),
	{
		...python('bentoml', 'BentoML', 'plain', '/predict'),
		argumentsOf(program, port) {
			const where = ['--host', '127.0.0.1', '--port', String(port), '--working-dir', dirname(program)];
			return ['-m', 'bentoml', 'serve', 'server:Regression', ...where];
		},
	},
	python('litserve', 'LitServe', 'plain', '/predict'),
	{
		name: 'fastify',
		title: 'Fastify cluster with onnxruntime-node',
		protocol: 'plain',
		path: '/predict',
		requirements: 'package.json',
		program: 'server.js',
	},
];

function python(name, title, protocol, path) {
	return { name, title, protocol, path, requirements: 'requirements.txt', program: 'server.py' };
}

const isPython = ({ program }) => program.endsWith('.py');
const own = ({ name }, file) => join(folder, name, file);
const environmentOf = ({ name }) => join(environments, name);

/**
 * The packages of a rival as they are pinned, `name version` each.
 *
 * @param {Rival} rival
 * @returns {string[]}
 */
export function packagesOf(rival) {
	const text = readFileSync(own(rival, rival.requirements), 'utf8');
	if (isPython(rival)) return text.trim().replaceAll('==', ' ').split('\n');
	// From this project's own node_modules.
	const { devDependencies } = JSON.parse(readFileSync(join(folder, '../../package.json'), 'utf8'));
	const { dependencies } = JSON.parse(text);
	const packages = { ...dependencies, 'onnxruntime-node': devDependencies['onnxruntime-node'] };
	return Object.entries(packages).map((entry) => entry.join(' '));
}

/**
 * Makes the environment of a rival, unless it is there with the same requirements: a virtual environment for each, because they ask
 * for different releases of the same packages.
 *
 * @param {Rival} rival
 */
export async function install(rival) {
	const environment = environmentOf(rival);
	const requirements = own(rival, rival.requirements);
	if (isPython(rival)) {
		await installPython(environment, requirements);
		return;
	}
	await makeEnvironment(environment, requirements, async () => {
		copyFileSync(requirements, join(environment, rival.requirements));
		await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: environment });
	});
	// Node.js looks for packages beside the file: for Fastify here, and for onnxruntime-node where this project has it.
	copyFileSync(own(rival, rival.program), join(environment, rival.program));
}

/** What starts a rival on a port. */
function commandOf(rival, port) {
	if (!isPython(rival)) return [process.execPath, join(environmentOf(rival), rival.program)];
	const program = own(rival, rival.program);
	return [pythonOf(environmentOf(rival)), ...(rival.argumentsOf?.(program, port) ?? [program])];
}

/**
 * Starts a rival with as many workers as there are processors.
 *
 * @param {Rival} rival that is installed
 * @param {string} model path of the ONNX file
 * @param {string} body that it answers when it is there
 * @param {string} workFolder for what it writes
 * @returns {Promise<{port: number, stop: () => Promise<void>}>}
 */
export async function startRival(rival, model, body, workFolder) {
	const port = await freePort();
	const [command, ...args] = commandOf(rival, port);
	mkdirSync(workFolder, { recursive: true });
	const log = join(workFolder, 'output.log');
	const output = openSync(log, 'a');
	const env = {
		...process.env,
		RIVAL_MODEL: model,
		RIVAL_PORT: String(port),
		RIVAL_OTHER_PORT: String(await freePort()),
		RIVAL_WORKERS: String(availableParallelism()),
		NODE_ENV: 'production',
		PYTHONDONTWRITEBYTECODE: '1',
		BENTOML_DO_NOT_TRACK: 'True',
		BENTOML_HOME: workFolder,
	};
	// A group of its own, so that its workers end with it.
	const child = spawn(command, args, { cwd: workFolder, env, stdio: ['ignore', output, output], detached: true });
	closeSync(output);
	await once(child, 'spawn');
	const kill = () => endGroup(child.pid);
	process.once('exit', kill);
	const stop = async () => {
		if (child.exitCode === null && child.signalCode === null) {
			const ended = once(child, 'exit');
			child.kill('SIGTERM');
			await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
		}
		kill();
		process.off('exit', kill);
	};

	const deadline = Date.now() + READY_TIMEOUT_MS;
	while (!(await answers(port, rival.path, body))) {
		if (child.exitCode !== null || Date.now() > deadline) {
			await stop();
			throw new Error(`it did not start:\n${readFileSync(log, 'utf8').slice(-2000)}`);
		}
		await sleep(POLL_MS);
	}
	return { port, stop };
}

function endGroup(pid) {
	try {
		process.kill(-pid, 'SIGKILL');
	} catch (error) {
		// Nobody of the group is left.
		if (error.code !== 'ESRCH') throw error;
	}
}

const answers = (port, path, body) =>
	post(port, path, body).then(
		({ ok }) => ok,
		() => false
	);

/** @returns {Promise<Response>} */
export const post = (port, path, body) =>
	fetch(`http://127.0.0.1:${port}${path}`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body,
		signal: AbortSignal.timeout(5000),
	});
