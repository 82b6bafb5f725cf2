// npm test: builds, then runs the Rust suites and the JavaScript suites, and closes with the totals over both.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keepInstalled } from '../__test__/support/installed.js';
import { build, findCargo } from './build.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const FILE_TIMEOUT_MS = 15 * 60_000;

const CARGO_TOTALS = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/;
const NODE_TOTALS = /^(?:ℹ|#) (pass|fail|cancelled|skipped|todo) (\d+)$/;
// Colours would stand between the pattern and the words.
// eslint-disable-next-line no-control-regex
const COLOURS = /\u001b\[[0-9;]*m/g;

/**
 * Runs one suite with its output passed through, and adds up what its closing lines count.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {(line: string, totals: object) => void} count
 * @param {object} [variables] of its environment
 */
function suite(command, args, count, variables = {}) {
	const totals = { passed: 0, failed: 0, skipped: 0 };
	const env = { ...process.env, ...variables, NO_COLOR: '1', FORCE_COLOR: '0', CARGO_TERM_COLOR: 'never' };
	const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
	let rest = '';
	child.stdout.setEncoding('utf8').on('data', (text) => {
		process.stdout.write(text);
		const lines = (rest + text).split('\n');
		rest = lines.pop();
		for (const line of lines) count(line.replace(COLOURS, ''), totals);
	});
	return new Promise((resolve) => {
		const end = (clean) => {
			// A suite that ends badly without naming a failed test did not finish, and one that ran nothing proves nothing.
			if (totals.failed === 0 && (!clean || totals.passed === 0)) totals.failed = 1;
			resolve(totals);
		};
		child.on('error', () => end(false));
		child.on('close', (code) => end(code === 0));
	});
}

function countCargo(line, totals) {
	const [, passed, failed, ignored] = line.match(CARGO_TOTALS) ?? [];
	totals.passed += +(passed ?? 0);
	totals.failed += +(failed ?? 0);
	totals.skipped += +(ignored ?? 0);
}

function countNode(line, totals) {
	const [, name, number] = line.match(NODE_TOTALS) ?? [];
	if (!name) return;
	const kind = { pass: 'passed', fail: 'failed', cancelled: 'failed', skipped: 'skipped', todo: 'skipped' }[name];
	totals[kind] += +number;
}

/**
 * Builds what is out of date and runs every suite.
 *
 * @returns {Promise<{passed: number, failed: number, skipped: number}>}
 */
export async function test() {
	build();
	const results = [];
	const cargo = findCargo();
	if (cargo) {
		// The features and the profile of the addon, so that the dependencies are compiled once.
		results.push(await suite(cargo, ['test', '--release', '--no-fail-fast'], countCargo));
	} else {
		console.log('The Rust suites are left out: there is no Rust toolchain.');
	}
	const files = readdirSync(join(root, '__test__')).filter((name) => name.endsWith('.test.js'));
	const options = ['--test', '--test-reporter=spec', '--test-concurrency=2', `--test-timeout=${FILE_TIMEOUT_MS}`];
	const args = [...options, ...files.map((name) => join('__test__', name))];
	const installed = await installHarper();
	results.push(await suite(process.execPath, args, countNode, installed.variables));
	await installed.dispose();
	const add = (kind) => results.reduce((sum, result) => sum + result[kind], 0);
	return { passed: add('passed'), failed: add('failed'), skipped: add('skipped') };
}

async function installHarper() {
	// It uses the addon, which is built by now.
	const { startHarper } = await import('../__test__/support/harper.js');
	const harper = await startHarper();
	await harper.stop();
	const installed = await keepInstalled(harper.rootPath);
	await harper.dispose();
	return installed;
}

/** The closing line that both `npm test` and `npm run check` print. */
export const closingLine = ({ passed, failed, skipped }) =>
	`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const totals = await test();
	console.log(`\n${closingLine(totals)}`);
	process.exitCode = totals.failed ? 1 : 0;
}
