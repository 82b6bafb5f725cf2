// A real Harper with this component: started on free ports and a folder of its own, restarted on the same data, killed.
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { baseUrl, harperEnvironment, spawnHarper } from '../../scripts/harper.js';
import { ROLES } from '../../resources/http/roles.js';
import { variableOf } from '../../library/engine-options.js';
import { copyInstalled } from './installed.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const READY_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 20_000;
/** Answers in a row, each on a connection of its own, after which every thread is taken to listen. */
const READY_ANSWERS = 12;
const FRESH_CONNECTIONS = 24;

export const ADMIN = 'admin';
export const passwordOf = (user) => `the password of ${user}`;

/**
 * Starts a Harper.
 *
 * @param {object} [how]
 * @param {'dev' | 'prod'} [how.mode] `prod` by default. In `dev` mode loopback requests without credentials are the
 *   superuser's, a single thread serves, and Harper restarts it when a file of the repository changes.
 * @param {number} [how.threads] that serve HTTP, in `prod` mode; 2 by default
 * @param {string} [how.address] such as `127.0.0.1:9926`; a free port by default
 * @param {object} [how.options] options of the component, such as `{ timeoutMs: 1000 }`
 * @param {string} [how.folder] where its data is; the folder of temporary files by default
 * @param {object} [how.variables] further environment variables
 * @param {boolean} [how.isInstalled] whether it may begin with a copy of one that is installed, where `npm test` has made it; true by
 *   default in `prod` mode, whose settings that one has
 * @param {Record<string, string>} [how.components] applications beside this component: texts of files by their paths, such as
 *   `shop/config.yaml`
 * @returns {Promise<Harper>}
 */
export async function startHarper(how = {}) {
	const harper = new Harper(await mkdtemp(join(how.folder ?? tmpdir(), 'edge ai ')), how);
	if (how.isInstalled ?? how.mode !== 'dev') await copyInstalled(harper.rootPath);
	for (const [path, content] of Object.entries(how.components ?? {})) {
		const target = join(harper.rootPath, 'components', path);
		await mkdir(dirname(target), { recursive: true });
		await writeFile(target, content);
	}
	await harper.start();
	return harper;
}

class Harper {
	#how;
	#child;
	#environment;
	#ending = false;
	#isReplacing = false;

	constructor(rootPath, how) {
		this.rootPath = rootPath;
		this.#how = how;
		// Whatever ends the tests, no server outlives them.
		process.once('exit', () => {
			this.#child?.kill('SIGKILL');
			rmSync(rootPath, { recursive: true, force: true });
		});
	}

	get pid() {
		return this.#child.pid;
	}

	/** Starts, or starts again on the same data; `options` replace those given before. */
	async start(options = this.#how.options) {
		this.#how = { ...this.#how, options };
		const { mode = 'prod', threads = 2, address, variables } = this.#how;
		const given = Object.entries(process.env).filter(([name]) => !/^(EDGE_AI_|ROOTPATH$|HDB_|NODE_TEST_)/.test(name));
		this.#environment = harperEnvironment(
			{
				...Object.fromEntries(given),
				DEFAULTS_MODE: mode,
				// Harper takes every text for yes.
				AUTHENTICATION_AUTHORIZELOCAL: mode === 'dev' ? 'true' : undefined,
				HDB_ADMIN_USERNAME: ADMIN,
				HDB_ADMIN_PASSWORD: passwordOf(ADMIN),
				HTTP_PORT: address ?? `127.0.0.1:${await freePort()}`,
				OPERATIONSAPI_NETWORK_PORT: `127.0.0.1:${await freePort()}`,
				THREADS_COUNT: String(threads),
				...Object.fromEntries(Object.entries(options ?? {}).map(([name, value]) => [variableOf(name), String(value)])),
				...variables,
			},
			this.rootPath
		);
		this.base = baseUrl(this.#environment);
		this.operations = baseUrl({ HTTP_PORT: this.#environment.OPERATIONSAPI_NETWORK_PORT });
		const output = openSync(this.#outputPath, 'a');
		this.#child = spawnHarper(root, this.#environment, ['ignore', output, output]);
		closeSync(output);
		const child = this.#child;
		// What fails before it knows of the server ends all the same, and the server with it.
		child.unref();
		child.once('exit', (code, signal) => {
			if (child === this.#child && !this.#ending) console.error(`Harper ended by itself: ${signal ?? `exit ${code}`}`);
		});
		this.#ending = false;
		this.#isReplacing = false;
		await this.#untilReady();
	}

	get #outputPath() {
		return `${this.rootPath}/output.log`;
	}

	/** What Harper wrote to its log files and to the console. */
	async log() {
		const texts = [this.#outputPath, join(this.rootPath, 'log', 'hdb.log')].map((path) =>
			readFile(path, 'utf8').catch(() => '')
		);
		return (await Promise.all(texts)).join('\n');
	}

	/** What stands in front of all routes of the component. */
	get #prefix() {
		return this.#how.options?.routePrefix ?? '';
	}

	#status() {
		return this.request('GET', `${this.#prefix}/status`, { headers: { connection: 'close' } });
	}

	async #untilReady() {
		const deadline = Date.now() + READY_TIMEOUT_MS;
		let answers = 0;
		while (answers < READY_ANSWERS) {
			if (this.#child.exitCode !== null || this.#child.signalCode !== null || Date.now() > deadline) {
				await this.kill();
				throw new Error(`Harper did not start:\n${readFileSync(this.#outputPath, 'utf8').slice(-4000)}`);
			}
			try {
				const { status } = await this.#status();
				answers = status === 200 ? answers + 1 : 0;
			} catch {
				// Not listening yet.
				answers = 0;
			}
			if (answers === 0) await sleep(100);
		}
	}

	/** Whether the process runs and answers. */
	async isAlive() {
		if (this.#child.exitCode !== null || this.#child.signalCode !== null) return false;
		const { status } = await this.#status();
		return status === 200;
	}

	/** Ends the process in the orderly way and keeps the data. */
	async stop() {
		const ended = this.#ended();
		this.#child.kill('SIGTERM');
		const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
		await ended;
		clearTimeout(timer);
	}

	/**
	 * Ends the process at once: as a power cut would, or with the signal of a crash.
	 *
	 * @param {NodeJS.Signals} [signal]
	 */
	async kill(signal = 'SIGKILL') {
		const ended = this.#ended();
		this.#child.kill(signal);
		await ended;
	}

	async #ended() {
		this.#ending = true;
		if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
		this.#child.ref();
		await new Promise((resolve) => this.#child.once('exit', resolve));
	}

	async restart(options) {
		await this.stop();
		await this.start(options);
	}

	/** Ends the process and removes its data. */
	async dispose() {
		await this.stop();
		await rm(this.rootPath, { recursive: true, force: true });
	}

	/**
	 * A request.
	 *
	 * @param {string} method
	 * @param {string} path
	 * @param {{body?: any, headers?: object, user?: string | null, signal?: AbortSignal}} [how] objects are sent as JSON; the
	 *   user is the administrator by default, null for none
	 * @returns {Promise<{status: number, headers: Headers, body: any, text?: string}>}
	 */
	async request(method, path, { body, headers = {}, user = ADMIN, signal } = {}) {
		const isObject = body !== undefined && Object.getPrototypeOf(body) === Object.prototype;
		const response = await this.#fetch(this.base + path, {
			method,
			headers: {
				...(user === null ? {} : credentials(user)),
				...(isObject ? { 'content-type': 'application/json' } : {}),
				...headers,
			},
			body: isObject ? JSON.stringify(body) : body,
			duplex: 'half',
			redirect: 'manual',
			signal,
		});
		const bytes = Buffer.from(await response.arrayBuffer());
		const isJson = response.headers.get('content-type')?.startsWith('application/json');
		return {
			status: response.status,
			headers: response.headers,
			body: isJson ? JSON.parse(bytes.toString()) : bytes,
			/** With the digits that JavaScript's numbers have not. */
			text: isJson ? bytes.toString() : undefined,
		};
	}

	/** As `fetch`; while threads are replaced, what none of them has begun, or what can be read again, is asked again. */
	async #fetch(url, init) {
		const deadline = Date.now() + READY_TIMEOUT_MS;
		for (;;) {
			try {
				return await fetch(url, init);
			} catch (error) {
				const isHarmless = init.method === 'GET' || error.cause?.code === 'ECONNREFUSED';
				const isOver = this.#ending || this.#child.exitCode !== null || init.signal?.aborted;
				if (!this.#isReplacing || isOver || !isHarmless || Date.now() > deadline) throw error;
				// Nothing tells from outside when a thread listens but another try.
				await sleep(100);
			}
		}
	}

	/**
	 * Has Harper replace its threads. For a moment the old ones no longer listen and the new ones do not yet, and connections are
	 * refused: from now on requests wait for that.
	 */
	async replaceThreads() {
		await this.operation({ operation: 'restart_service', service: 'http_workers' });
		this.#isReplacing = true;
	}

	/**
	 * The same request on connections of its own, one after the other, so that every thread answers some of them: of two
	 * threads each does, but for one time in 2^23. Connections that are opened at once may all go to one.
	 */
	async onEveryThread(method, path, how) {
		const answers = [];
		while (answers.length < FRESH_CONNECTIONS) {
			answers.push(await this.request(method, path, { ...how, headers: { connection: 'close' } }));
		}
		return answers;
	}

	get(path, how) {
		return this.request('GET', path, how);
	}

	/** `POST /predict` */
	predict(body, how) {
		return this.request('POST', `${this.#prefix}/predict`, { body, ...how });
	}

	/** `POST /feedback` */
	feedback(body, how) {
		return this.request('POST', `${this.#prefix}/feedback`, { body, ...how });
	}

	/**
	 * `POST /model/upload`
	 *
	 * @param {object} fields the multipart fields
	 * @param {Array<string | {name: string, content: Blob | Uint8Array | string, part?: string}>} files paths relative to the
	 *   repository, or names with bytes
	 */
	upload(fields, files, how) {
		const form = new FormData();
		for (const [name, value] of Object.entries(fields)) form.append(name, value);
		for (const file of files) {
			const { name, content, part = 'file' } = typeof file === 'string' ? fileOf(file) : file;
			form.append(part, content instanceof Blob ? content : new Blob([content]), name);
		}
		return this.request('POST', `${this.#prefix}/model/upload`, { body: form, ...how });
	}

	/** A call of Harper's operations API, by default as the administrator. */
	async operation(body, user = ADMIN) {
		const response = await fetch(this.operations, {
			method: 'POST',
			headers: { 'content-type': 'application/json', ...credentials(user) },
			body: JSON.stringify(body),
		});
		const answer = await response.json();
		if (!response.ok) throw new Error(`${body.operation}: ${response.status} ${JSON.stringify(answer)}`);
		return answer;
	}

	/** All rows of a table of the component, read around its routes. */
	rows(table, attributes) {
		// Every id sorts after "!".
		const conditions = [{ search_attribute: 'id', search_type: 'greater_than', search_value: '!' }];
		const database = 'edge_ai';
		return this.operation({
			operation: 'search_by_conditions',
			database,
			table,
			get_attributes: attributes,
			conditions,
		});
	}

	/** Adds a user with a role: by default that of the component with its name behind `edge_ai_`, else the one of its name. */
	addUser(username, role = Object.hasOwn(ROLES, `edge_ai_${username}`) ? `edge_ai_${username}` : username) {
		return this.operation({ operation: 'add_user', role, username, password: passwordOf(username), active: true });
	}

	/** Adds a role, and a user of the same name who has it. */
	async addRole(role, permission) {
		await this.operation({ operation: 'add_role', role, permission: { super_user: false, ...permission } });
		await this.addUser(role, role);
	}

	/** Bytes of memory by kind: `VmRSS`, `RssAnon` ... On Linux only. */
	async memory() {
		const text = await readFile(`/proc/${this.pid}/status`, 'utf8');
		return Object.fromEntries([...text.matchAll(/^(\w+):\s+(\d+) kB$/gm)].map(([, name, kB]) => [name, kB * 1024]));
	}
}

/**
 * The header of Basic authentication.
 *
 * @param {string} user
 * @param {string} [password]
 */
export const credentials = (user, password = passwordOf(user)) => ({
	authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

const fileOf = (path) => ({ name: basename(path), content: readFileSync(join(root, path)) });

async function freePort() {
	const server = createServer();
	await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}
