// npm run check: everything that continuous integration runs. A step that fails does not hide the ones after it.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCargo } from './build.js';
import { closingLine, test } from './test.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const cargo = findCargo() ?? 'cargo';
const bin = (path) => join(root, 'node_modules', path);
const node = (...args) => [process.execPath, args];
// In the profile of the addon: procedural macros and build scripts are compiled once for both.
const clippy = (...features) => [cargo, ['clippy', '--release', '--all-targets', ...features, '--', '-D', 'warnings']];

/** Compiling uses both processors only at times, and the others use one. */
const beside = [
	{
		rustfmt: [cargo, ['fmt', '--check']],
		clippy: clippy(),
		'clippy without default features': clippy('--no-default-features'),
	},
	{
		ESLint: node(bin('eslint/bin/eslint.js'), '.'),
		Prettier: node(bin('prettier/bin/prettier.cjs'), '--check', '.'),
	},
];
if (spawnSync(cargo, ['deny', '--version']).status === 0) {
	beside[1]['cargo deny'] = [cargo, ['deny', 'check', 'licenses', 'bans', 'sources']];
}

const failed = [];
/** Runs steps one after the other; what one prints is printed when it has ended. */
async function runAll(steps) {
	for (const [name, [command, args]] of Object.entries(steps)) {
		const started = Date.now();
		const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
		const printed = [];
		for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => printed.push(part));
		const isOk = await new Promise((resolve) => {
			child.on('error', (error) => {
				printed.push(Buffer.from(`${error.message}\n`));
				resolve(false);
			});
			child.on('close', (code) => resolve(code === 0));
		});
		const seconds = ((Date.now() - started) / 1000).toFixed(1);
		console.log(`\n== ${name}\n${Buffer.concat(printed)}${isOk ? 'ok' : 'FAILED'}, ${seconds} s`);
		if (!isOk) failed.push(name);
	}
}

await Promise.all(beside.map(runAll));
// It builds the addon.
await runAll({ declarations: node('scripts/check-types.js') });

console.log('\n== npm test');
const totals = await test();
totals.failed += failed.length;
if (failed.length) console.log(`\nFailed: ${failed.join(', ')}`);
console.log(`\n${closingLine(totals)}`);
process.exitCode = totals.failed ? 1 : 0;
