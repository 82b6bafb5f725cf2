// The model that a path names: by version, by label, or the latest.
import { requireVisible } from '../access.js';
import { ApiError } from '../errors.js';
import { latest, versionsOf } from '../models.js';
import { modelFor } from '../predict.js';
import { identifier, shown } from '../query.js';
import { STAGES } from '../registry/record.js';

/**
 * @param {{modelId: string, version?: string, label?: string}} params the label is a stage, or "latest"
 * @param {object | undefined} user Harper's user
 * @returns {Promise<object>} its record
 */
export async function modelOf({ modelId, version, label }, user) {
	identifier('model', modelId);
	if (label === undefined) return modelFor(modelId, version);
	if (label === 'latest') return latest(modelId);
	if (!STAGES.includes(label)) {
		const known = [...STAGES, 'latest'].join(', ');
		throw new ApiError('INVALID_REQUEST', `unknown label ${shown(label)}; labels are ${known}`);
	}
	requireVisible(user, 'Model', ['stage']);
	const record = (await versionsOf(modelId)).findLast(({ stage }) => stage === label);
	if (!record) {
		throw new ApiError('MODEL_NOT_FOUND', `there is no version of a model "${modelId}" in the stage ${label}`);
	}
	return record;
}
