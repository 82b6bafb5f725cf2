// Models that were under way at crashes of the process. The journal in src/engine/journal finds them; it is of this node alone.
import { engineStatus, openJournal, quarantineOf } from '../binding.js';

/**
 * Begins the journal of the process, once whichever thread calls, before anything is loaded.
 *
 * @param {string} directory
 */
export function beginJournal(directory) {
	if (!openJournal(directory)) return;
	const { journal, quarantine } = engineStatus();
	const warn = (text) => globalThis.logger?.warn?.(`edge-ai: ${text}`);
	if (journal.reason) warn(`${journal.reason}; a model that ends the process will not be quarantined`);
	for (const { digest } of quarantine) warn(`${digest}: ${quarantineOf(digest)?.message}`);
}

/**
 * Throws MODEL_QUARANTINED for a model that is quarantined. The engine refuses it too; here nothing is done before.
 *
 * @param {string} digest
 */
export function refuseQuarantined(digest) {
	const quarantined = quarantineOf(digest);
	if (quarantined) throw quarantined;
}
