// The model that a path names: by version, by label, by a stage, or the default one.
import { ApiError } from '../../errors.js';
import { identifier, shown } from '../../http/query.js';
import { latest } from '../../registry/models.js';
import { modelFor } from '../../registry/stages.js';
import { STAGES } from '../../../library/versions.js';

/**
 * @param {{params: {modelId: string, version?: string, label?: string}, query: URLSearchParams, user: object | undefined}} call the
 *   label is a stage, or "latest"; `?stage=` may stand in place of a version
 * @returns {Promise<object>} its record
 */
export async function modelOf({ params, query, user }) {
	const { modelId, version, label } = params;
	identifier('model', modelId);
	const stage = query.get('stage');
	if (label === undefined) return modelFor({ modelId, version, stage }, user);
	if (stage !== null) {
		throw new ApiError('INVALID_REQUEST', 'the label of the path and the parameter stage cannot both be given');
	}
	if (label === 'latest') return latest(modelId);
	if (!STAGES.includes(label)) {
		const known = [...STAGES, 'latest'].join(', ');
		throw new ApiError('INVALID_REQUEST', `unknown label ${shown(label)}; labels are ${known}`);
	}
	return modelFor({ modelId, stage: label }, user);
}
