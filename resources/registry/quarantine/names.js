// The names of models that the journal knows by their digests.
import { faultOf } from '../record.js';
import { table } from '../../storage/tables.js';

/**
 * The models in a list of the engine's status, with their names; uploads that were never registered have none.
 *
 * @param {{digest: string}[]} suspects
 */
export async function named(suspects) {
	const found = [];
	for (const { digest, ...what } of suspects) {
		const models = [];
		const conditions = [{ attribute: 'digest', value: digest }];
		for await (const record of table('Model').search({ conditions })) {
			if (!faultOf(record)) models.push({ modelId: record.modelId, version: record.version });
		}
		found.push({ digest, models, ...what });
	}
	return found;
}
