// The journal of a process, read as the next start would read it: src/engine/journal/slots.rs describes the file.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const PROCESS_AT = 8;
const SLOT_BYTES = 64;
const DIGEST_AT = 8;
const PHASE_AT = 56;
const PHASES = [undefined, 'load', 'warm-up', 'run'];

/**
 * What is under way in a process whose journal is in a folder. Journals of processes that have ended may still be there.
 *
 * @param {string} folder
 * @param {number} pid
 * @returns {Promise<{digest: string, phase: string}[]>}
 */
export async function underWay(folder, pid) {
	const found = [];
	for (const name of await readdir(folder).catch(() => [])) {
		if (!name.endsWith('.slots')) continue;
		const bytes = await readFile(join(folder, name)).catch(() => Buffer.alloc(0));
		if (bytes.length === 0 || bytes.readUint32LE(PROCESS_AT) !== pid) continue;
		for (let at = SLOT_BYTES; at < bytes.length; at += SLOT_BYTES) {
			const phase = PHASES[bytes.readUint32LE(at + PHASE_AT)];
			const digest = bytes.toString('hex', at + DIGEST_AT, at + DIGEST_AT + 32);
			if (phase) found.push({ digest, phase });
		}
	}
	return found;
}
