// Models that were under way at crashes of the process.
import { quarantineOf } from '../../../binding.js';

/**
 * Throws MODEL_QUARANTINED for a model that is quarantined. The engine refuses it too; here nothing is done before.
 *
 * @param {string} digest
 */
export function refuseQuarantined(digest) {
	const quarantined = quarantineOf(digest);
	if (quarantined) throw quarantined;
}
