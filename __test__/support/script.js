// Small programs in a process of their own, with the package under its name.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 60_000;

/**
 * Runs the text of an ES module.
 *
 * @param {string} source
 * @param {{args?: string[], env?: Record<string, string | undefined>, cwd?: string, started?: (child: import('node:child_process').ChildProcess) => void}}
 *   [how] `args` are `process.argv.slice(1)`
 * @returns {Promise<{code: number | null, signal: string | null, stdout: string, stderr: string}>}
 */
export function runScript(source, { args = [], env, cwd = root, started } = {}) {
	const child = spawn(process.execPath, ['--input-type=module', '--eval', source, '--', ...args], {
		cwd,
		env: { ...process.env, ...env },
		stdio: ['ignore', 'pipe', 'pipe'],
		timeout: TIMEOUT_MS,
		killSignal: 'SIGKILL',
	});
	started?.(child);
	let stdout = '';
	let stderr = '';
	child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
	child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
	});
}
