// The measures of a record, added to others.
import { log } from '../../harper.js';

/**
 * Adds all that a record measured. What is damaged, because somebody wrote it around the component, counts nothing.
 *
 * @param {import('../../../binding.js').MetricsAccumulator} accumulator
 * @param {{id: string, measures: Uint8Array}} record
 * @throws NOT_SUPPORTED when another release wrote it in a format that this one does not know
 */
export const addMeasures = (accumulator, record) => adding(record, (measures) => accumulator.merge(measures));

/**
 * Adds what is wanted of that: of a version, a digest, or a segment, as if that were all there is. Segments are told apart only
 * `bySegment`.
 *
 * @param {import('../../../binding.js').MetricsAccumulator} accumulator
 * @param {{id: string, measures: Uint8Array}} record
 * @param {{version?: string, digest?: string, segment?: string, bySegment?: boolean}} wanted
 * @throws as `addMeasures`
 */
export function addWanted(accumulator, record, { version, digest, segment, bySegment }) {
	adding(record, (measures) => {
		if (segment !== undefined) accumulator.mergeSegment(measures, segment, version, digest);
		else if (bySegment) accumulator.merge(measures, version, digest);
		else accumulator.mergeTotal(measures, version, digest);
	});
}

function adding({ id, measures }, add) {
	try {
		add(measures);
	} catch (error) {
		if (error.code !== 'INVALID_REQUEST') throw error;
		log.warn(`edge-ai: the measures of ${id} are damaged and count nothing`, error);
	}
}
