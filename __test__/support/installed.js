// A Harper that is installed and has no data yet. Making its keys and its own tables takes as much of a processor as starting it, so
// `npm test` does it once and its servers begin with a copy. A suite that runs alone installs its own.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The environment variable that names the folder. */
const VARIABLE = 'INSTALLED_HARPER';
/** Harper writes its folder into these. */
const NAMING_IT = ['harperdb-config.yaml', 'home/.harperdb/hdb_boot_properties.file'];
const KEPT = [...NAMING_IT, 'keys', 'database/system.mdb'];

/**
 * Keeps what one is that was started once and has stopped.
 *
 * @param {string} rootPath
 * @returns {Promise<{variables: object, dispose: () => Promise<void>}>} the environment of suites that are to begin with it
 */
export async function keepInstalled(rootPath) {
	const folder = await mkdtemp(join(tmpdir(), 'installed harper '));
	for (const path of KEPT) {
		await mkdir(dirname(join(folder, path)), { recursive: true });
		await cp(join(rootPath, path), join(folder, path), { recursive: true });
	}
	for (const path of NAMING_IT) await replaceIn(join(folder, path), rootPath, folder);
	return { variables: { [VARIABLE]: folder }, dispose: () => rm(folder, { recursive: true, force: true }) };
}

/**
 * Copies the one that there is, if there is one.
 *
 * @param {string} rootPath
 */
export async function copyInstalled(rootPath) {
	const folder = process.env[VARIABLE];
	if (!folder) return;
	await cp(folder, rootPath, { recursive: true });
	for (const path of NAMING_IT) await replaceIn(join(rootPath, path), folder, rootPath);
}

async function replaceIn(path, from, to) {
	await writeFile(path, (await readFile(path, 'utf8')).replaceAll(from, to));
}
