// GET /v1/models/:modelId[/versions/:version|/labels/:label]: which versions can be asked.
import { quarantineOf } from '../../../binding.js';
import { requireVisible } from '../../http/access.js';
import { ApiError } from '../../errors.js';
import { modelNames, versionsOf } from '../../registry/models.js';
import { identifier } from '../../http/query.js';
import { modelOf } from './model.js';

/** `GET /v1/models`, as KServe has it */
export const list = async ({ user }) => ({ body: { models: await modelNames(user) } });

/** `GET /v1/models/:modelId[/versions/:version|/labels/:label]`; `name` and `ready` are what KServe adds. */
export async function status(call) {
	const { params, query } = call;
	requireVisible(call.user, 'Model', ['modelId', 'version']);
	const { modelId, version, label } = params;
	const isOne = version !== undefined || label !== undefined || query.has('stage');
	const records = isOne ? [await modelOf(call)] : (await versionsOf(identifier('model', modelId))).reverse();
	if (records.length === 0) throw new ApiError('MODEL_NOT_FOUND', `there is no model "${modelId}"`);
	const versions = records.map(statusOf);
	return {
		body: {
			name: modelId,
			ready: versions.some(({ state }) => state === 'AVAILABLE'),
			model_version_status: versions,
		},
	};
}

/** What is quarantined is not served any more. */
function statusOf({ version, digest }) {
	const quarantined = quarantineOf(digest);
	if (!quarantined) return { version, state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } };
	return { version, state: 'END', status: { error_code: 'UNAVAILABLE', error_message: quarantined.message } };
}
