// npm run conformance: fetches the data of ONNX's backend test suite and runs every case through both engines.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCargo } from './build.js';

const root = fileURLToPath(new URL('..', import.meta.url));

function run(command, args) {
	// The suite's newest cases are stamped with an operator set that ONNX Runtime refuses until it is final.
	const env = { ...process.env, ALLOW_RELEASED_ONNX_OPSET_ONLY: '0' };
	const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
	if (status !== 0) {
		console.error(error ? `${command}: ${error.message}` : `${command} failed`);
		process.exit(1);
	}
}

const ownPython = join(root, '.venv', 'bin', 'python');
run(existsSync(ownPython) ? ownPython : 'python3', ['scripts/fetch-onnx-data.py']);
run(findCargo() ?? 'cargo', ['test', '--release', '--test', 'conformance', '--', '--ignored', '--nocapture']);
