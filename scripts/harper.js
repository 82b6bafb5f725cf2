// Starts Harper on a folder of its own, without questions and without touching a Harper that the user has elsewhere.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const harperdb = fileURLToPath(new URL('../node_modules/harperdb', import.meta.url));

/**
 * The environment of a Harper that listens on loopback only. Every variable that is already set stays as it is.
 *
 * @param {object} given the environment to start from
 * @param {string} rootPath where Harper keeps its data unless ROOTPATH says otherwise
 * @returns {object}
 */
export function harperEnvironment(given, rootPath) {
	const home = resolve(given.ROOTPATH ?? rootPath);
	const environment = {
		TC_AGREEMENT: 'yes',
		// Not 'dev': that reloads whenever a file of the application changes, such as those below its own data folder.
		DEFAULTS_MODE: 'prod',
		AUTHENTICATION_AUTHORIZELOCAL: 'true',
		HDB_ADMIN_USERNAME: 'admin',
		REPLICATION_HOSTNAME: 'localhost',
		HTTP_PORT: '127.0.0.1:9926',
		OPERATIONSAPI_NETWORK_PORT: '127.0.0.1:9925',
		// By default pages of all origins may use the operations API, and who asks from this machine is the superuser.
		OPERATIONSAPI_NETWORK_CORS: 'false',
		// Not needed by anyone here; MQTT and replication are there for whoever sets their ports.
		MQTT_NETWORK_PORT: 'null',
		MQTT_NETWORK_SECUREPORT: 'null',
		REPLICATION_SECUREPORT: 'null',
		// Reading pages before they are written pays only for a database that does not fit into memory.
		STORAGE_PREFETCHWRITES: 'false',
		...given,
		ROOTPATH: home,
		// Harper writes down its last ROOTPATH in the home folder and refuses another one later.
		HOME: join(home, 'home'),
	};
	// Harper takes any text as true, this one too.
	if (environment.AUTHENTICATION_AUTHORIZELOCAL === 'false') delete environment.AUTHENTICATION_AUTHORIZELOCAL;
	return environment;
}

/**
 * The address under which a Harper with this environment answers.
 *
 * @param {object} environment
 * @returns {string} such as `http://127.0.0.1:9926`
 */
export function baseUrl({ HTTP_PORT }) {
	const [, host, port] = String(HTTP_PORT).match(/^(?:(.*):)?(\d+)$/) ?? [];
	return `http://${!host || host === '0.0.0.0' || host === '[::]' ? '127.0.0.1' : host}:${port}`;
}

/**
 * Runs Harper with an application in it.
 *
 * @param {string} application the folder with config.yaml
 * @param {object} environment as {@link harperEnvironment} makes it
 * @param {import('node:child_process').StdioOptions} stdio
 * @returns {import('node:child_process').ChildProcess}
 */
export function spawnHarper(application, environment, stdio) {
	const { bin } = JSON.parse(readFileSync(join(harperdb, 'package.json'), 'utf8'));
	const script = join(harperdb, bin.harperdb);
	mkdirSync(environment.HOME, { recursive: true });
	return spawn(process.execPath, [script, 'run', application], { cwd: application, env: environment, stdio });
}
