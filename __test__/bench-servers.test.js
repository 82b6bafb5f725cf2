// What npm run bench:servers can run: the servers themselves are installed and measured by hand.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packagesOf, RIVALS } from '../benchmark/servers/rivals.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);
const { scripts, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const benchmark = (...args) => run('node', [...scripts['bench:servers'].split(' ').slice(1), ...args], { cwd: root });

describe('the servers of npm run bench:servers', () => {
	test('are the folders beside their table, each with its program and its requirements', () => {
		const folder = join(root, 'benchmark/servers');
		const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
		const names = folders.map(({ name }) => name).filter((name) => name !== '.venv');
		assert.deepEqual(RIVALS.map(({ name }) => name).toSorted(), names.toSorted());
		for (const { name, program, requirements } of RIVALS) {
			const files = readdirSync(join(folder, name));
			assert.ok(files.includes(program) && files.includes(requirements), name);
		}
	});

	test('have pinned packages, and the release of ONNX Runtime of onnxruntime-node', () => {
		for (const rival of RIVALS) {
			const packages = packagesOf(rival);
			for (const pinned of packages) assert.match(pinned, /^[\w[\]-]+ \d+(\.\d+)+$/, rival.name);
			const runtime = packages.find((pinned) => pinned.startsWith('onnxruntime'));
			assert.equal(runtime?.split(' ')[1], devDependencies['onnxruntime-node'], rival.name);
		}
	});

	test('are named by --help and refused by another name', async () => {
		const { stdout } = await benchmark('--help');
		for (const { name } of RIVALS) assert.match(stdout, new RegExp(`\\b${name}\\b`));
		await assert.rejects(benchmark('--only', 'nobody'), { code: 2 });
		await assert.rejects(benchmark('--seconds', 'long'), { code: 2 });
	});
});
