// The measures of a record, added to others.
import { log } from '../../harper.js';

/**
 * Adds what a record measured, or a version or a digest of that. What is damaged, because somebody wrote it around the component,
 * counts nothing.
 *
 * @param {import('../../../binding.js').MetricsAccumulator} accumulator
 * @param {{id: string, measures: Uint8Array}} record
 * @param {string} [version]
 * @param {string} [digest]
 * @throws NOT_SUPPORTED when another release wrote it in a format that this one does not know
 */
export function addMeasures(accumulator, { id, measures }, version, digest) {
	try {
		accumulator.merge(measures, version, digest);
	} catch (error) {
		if (error.code !== 'INVALID_REQUEST') throw error;
		log.warn(`edge-ai: the measures of ${id} are damaged and count nothing`, error);
	}
}
