// The journal of loads and runs, which knows after a crash what was under way; of this node alone. See src/engine/journal.
import { engineStatus, openJournal, quarantineOf } from '../binding.js';
import { log } from './harper.js';

/**
 * Begins the journal of the process, once whichever thread calls, before anything is loaded.
 *
 * @param {string} directory
 */
export function beginJournal(directory) {
	if (!openJournal(directory)) return;
	const { journal, quarantine } = engineStatus();
	const warn = (text) => log.warn(`edge-ai: ${text}`);
	if (journal.reason) warn(`${journal.reason}; a model that ends the process will not be quarantined`);
	for (const { digest } of quarantine) warn(`${digest}: ${quarantineOf(digest)?.message}`);
}
