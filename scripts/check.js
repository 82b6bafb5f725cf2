// npm run check: everything that continuous integration runs. A step that fails does not hide the ones after it.
import { spawnSync } from 'node:child_process';
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

const steps = {
	rustfmt: [cargo, ['fmt', '--check']],
	clippy: clippy(),
	'clippy without default features': clippy('--no-default-features'),
	declarations: node('scripts/check-types.js'),
	ESLint: node(bin('eslint/bin/eslint.js'), '.'),
	Prettier: node(bin('prettier/bin/prettier.cjs'), '--check', '.'),
};
if (spawnSync(cargo, ['deny', '--version']).status === 0) {
	steps['cargo deny'] = [cargo, ['deny', 'check', 'licenses', 'bans', 'sources']];
}

const failed = [];
for (const [name, [command, args]] of Object.entries(steps)) {
	console.log(`\n== ${name}`);
	const started = Date.now();
	const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
	console.log(`${status === 0 ? 'ok' : 'FAILED'}, ${((Date.now() - started) / 1000).toFixed(1)} s`);
	if (status !== 0) failed.push(name);
}

console.log('\n== npm test');
const totals = await test();
totals.failed += failed.length;
if (failed.length) console.log(`\nFailed: ${failed.join(', ')}`);
console.log(`\n${closingLine(totals)}`);
process.exitCode = totals.failed ? 1 : 0;
