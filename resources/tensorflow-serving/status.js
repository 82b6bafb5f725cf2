// GET /v1/models/:modelId[/versions/:version|/labels/:label]: which versions can be asked.
import { requireVisible } from '../access.js';
import { ApiError } from '../errors.js';
import { versionsOf } from '../models.js';
import { identifier } from '../query.js';
import { modelOf } from './model.js';

/** `GET /v1/models/:modelId[/versions/:version|/labels/:label]`; `name` and `ready` are what KServe adds. */
export async function status({ params, user }) {
	requireVisible(user, 'Model', ['modelId', 'version']);
	const { modelId, version, label } = params;
	const isOne = version !== undefined || label !== undefined;
	const records = isOne ? [await modelOf(params, user)] : (await versionsOf(identifier('model', modelId))).reverse();
	if (records.length === 0) throw new ApiError('MODEL_NOT_FOUND', `there is no model "${modelId}"`);
	const available = { state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } };
	return {
		body: {
			name: modelId,
			ready: true,
			model_version_status: records.map((record) => ({ version: record.version, ...available })),
		},
	};
}
