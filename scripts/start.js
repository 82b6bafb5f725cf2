// npm start: builds what is out of date, starts Harper with this component, and registers the example model once.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from './build.js';
import { baseUrl, harperEnvironment, spawnHarper } from './harper.js';
import { HeldOutput } from './held-output.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const example = join(root, 'examples', 'iris');
const READY_TIMEOUT_MS = 120_000;
/** The end of what Harper prints when it starts, and how long it may come after its first answer. */
const LAST_WORDS = 'successfully started';
const LAST_WORDS_MS = 10_000;
const TERMS = 'https://harperdb.io/legal/end-user-license-agreement';

/** The administrator's password is made on the first start and kept beside the data, readable by the owner only. */
function adminPassword(rootPath) {
	const path = join(rootPath, 'admin-password');
	if (!existsSync(path)) {
		mkdirSync(rootPath, { recursive: true });
		writeFileSync(path, `${randomBytes(18).toString('base64url')}\n`, { mode: 0o600 });
		chmodSync(path, 0o600);
	}
	return readFileSync(path, 'utf8').trim();
}

async function untilReady(routes, headers, harper) {
	const deadline = Date.now() + READY_TIMEOUT_MS;
	while (Date.now() < deadline && harper.exitCode === null) {
		try {
			const response = await fetch(`${routes}/status`, { headers, signal: AbortSignal.timeout(5000) });
			if (response.status !== 503 && response.status !== 404) return;
		} catch {
			// Not listening yet.
		}
		await sleep(200);
	}
	if (harper.exitCode !== null) throw new Error('Harper ended before it answered.');
	throw new Error(`Harper did not answer on ${routes} within ${READY_TIMEOUT_MS / 1000} s.`);
}

async function registerExample(routes, headers) {
	const present = await fetch(`${routes}/model/iris/1.0.0`, { headers });
	await present.arrayBuffer();
	if (present.status !== 404) return present.ok;
	const form = new FormData();
	form.append('modelId', 'iris');
	form.append('version', '1.0.0');
	form.append('framework', 'onnx');
	form.append('stage', 'production');
	// On one line: a form gives every line break the form CR LF.
	form.append('metadata', JSON.stringify(JSON.parse(readFileSync(join(example, 'metadata.json'), 'utf8'))));
	form.append('file', new Blob([readFileSync(join(example, 'model.onnx'))]), 'model.onnx');
	const uploaded = await fetch(`${routes}/model/upload`, { method: 'POST', headers, body: form });
	const answer = await uploaded.text();
	if (!uploaded.ok) console.error(`The example model was not registered: ${uploaded.status} ${answer}`);
	return uploaded.ok;
}

/** In one write, so that nothing that Harper prints comes between the lines. */
function welcome(base, routes, registered, environment) {
	const lines = [
		'',
		`Edge AI for Harper listens on ${base}`,
		`Data: ${environment.ROOTPATH}`,
		`Log: ${join(environment.ROOTPATH, 'log', 'hdb.log')}`,
		`Harper's own terms: ${TERMS}`,
	];
	if (registered) {
		lines.push(
			'Try the example model, which tells the species of an iris:\n',
			`curl ${routes}/predict -H 'Content-Type: application/json' \\`,
			`  -d '{"modelId": "iris", "features": {"float_input": [5.1, 3.5, 1.4, 0.2]}}'\n`
		);
	}
	console.log(lines.join('\n'));
}

build();
const environment = harperEnvironment(process.env, join(root, '.harper'));
environment.HDB_ADMIN_PASSWORD ??= adminPassword(environment.ROOTPATH);
const credentials = `${environment.HDB_ADMIN_USERNAME}:${environment.HDB_ADMIN_PASSWORD}`;
const headers = { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
const base = baseUrl(environment);
const routes = base + (environment.EDGE_AI_ROUTE_PREFIX ?? '');

const harper = spawnHarper(root, environment, ['inherit', 'pipe', 'pipe']);
const output = new HeldOutput(harper);
let isStopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
	process.on(signal, () => {
		isStopping = true;
		harper.kill(signal);
	});
}
const ended = new Promise((resolve) => {
	harper.once('close', (code, signal) => resolve(code ?? (signal ? 1 : 0)));
});

try {
	await untilReady(routes, headers, harper);
	const registered = await registerExample(routes, headers);
	await output.until(LAST_WORDS, LAST_WORDS_MS);
	output.drop();
	welcome(base, routes, registered, environment);
	process.exitCode = await ended;
} catch (failure) {
	harper.kill('SIGTERM');
	const code = await ended;
	if (isStopping) process.exit(code);
	output.show();
	console.error(failure.message);
	process.exit(1);
}
