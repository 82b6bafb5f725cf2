// Virtual environments of Python for what a benchmark compares with.
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Makes an environment anew unless it is there with the same requirements.
 *
 * @param {string} environment its folder
 * @param {string} requirements the file that it is made from
 * @param {() => Promise<unknown>} install into the folder, which is there and empty
 */
export async function makeEnvironment(environment, requirements, install) {
	// Written last: what was interrupted is made anew.
	const stamp = join(environment, 'installed');
	if (existsSync(stamp) && readFileSync(stamp).equals(readFileSync(requirements))) return;
	rmSync(environment, { recursive: true, force: true });
	mkdirSync(environment, { recursive: true });
	await install();
	copyFileSync(requirements, stamp);
}

/** The Python of an environment. */
export const pythonOf = (environment) => join(environment, 'bin', 'python');

/**
 * Installs packages into a virtual environment.
 *
 * @param {string} environment its folder
 * @param {string} requirements the file that pins them
 */
export async function installPython(environment, requirements) {
	await makeEnvironment(environment, requirements, async () => {
		await run('python3', ['-m', 'venv', environment]);
		await run(pythonOf(environment), ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]);
	});
}
