// The model that a path names: by version, by label, or the latest.
import { requireVisible } from '../../http/access.js';
import { ApiError } from '../../errors.js';
import { versionsOf } from '../../registry/models.js';
import { modelFor } from '../../serving/inference.js';
import { identifier, shown } from '../../http/query.js';
import { STAGES } from '../../../library/versions.js';

/**
 * @param {{modelId: string, version?: string, label?: string}} params the label is a stage, or "latest"
 * @param {object | undefined} user Harper's user
 * @returns {Promise<object>} its record
 */
export async function modelOf({ modelId, version, label }, user) {
	identifier('model', modelId);
	if (label === undefined || label === 'latest') return modelFor(modelId, version);
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
