// What `npm run bench:monitoring` compares with, each with a folder here: a program that reads two CSV files.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installPython, pythonOf } from '../python.js';

/** Names by folder. */
export const RIVALS = { evidently: 'Evidently', whylogs: 'whylogs' };

const folder = fileURLToPath(new URL('.', import.meta.url));
const requirementsOf = (name) => join(folder, name, 'requirements.txt');
const run = promisify(execFile);

/** The packages of a rival as they are pinned. */
export const packagesOf = (name) =>
	readFileSync(requirementsOf(name), 'utf8').trim().replaceAll('==', ' ').replaceAll('\n', ', ');

/**
 * @param {string} name of {@link RIVALS}
 * @param {string[]} files reference and current rows
 * @returns {Promise<{seconds: Record<string, number>, drifted: number, peakBytes: number}>}
 */
export async function measureRival(name, files) {
	const environment = join(folder, '.venv', name);
	await installPython(environment, requirementsOf(name));
	// Reports of usage go nowhere.
	const env = { ...process.env, DO_NOT_TRACK: '1', WHYLOGS_NO_ANALYTICS: 'True', PYTHONDONTWRITEBYTECODE: '1' };
	const { stdout } = await run(pythonOf(environment), [join(folder, name, 'peer.py'), ...files], { env });
	return JSON.parse(stdout.trim().split('\n').at(-1));
}
