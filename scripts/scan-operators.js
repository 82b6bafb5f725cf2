// npm run scan:operators: finds what ends the process in ONNX Runtime itself; see scripts/operator-scan/scan.py.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const ownPython = join(root, '.venv', 'bin', 'python');
const python = existsSync(ownPython) ? ownPython : 'python3';
const { status, error } = spawnSync(python, ['scripts/operator-scan/scan.py', ...process.argv.slice(2)], {
	cwd: root,
	stdio: 'inherit',
});
if (error) console.error(`${python}: ${error.message}`);
process.exit(status ?? 1);
