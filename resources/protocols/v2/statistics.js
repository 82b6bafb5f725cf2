// GET /v2/models[/:modelId[/versions/:version]]/stats: what the engine counted since it loaded a model.
import { engineStatus } from '../../../binding.js';
import { requireVisible } from '../../http/access.js';
import { ApiError } from '../../errors.js';
import { versionsOf } from '../../registry/models.js';
import { identifier } from '../../http/query.js';
import { modelRecords } from '../../registry/record.js';
import { modelOf } from './models.js';

/** `GET /v2/models/stats` */
export async function all({ user }) {
	const records = [];
	for await (const record of modelRecords()) records.push(record);
	return { body: statistics(records, user) };
}

/** `GET /v2/models/:modelId/stats` */
export async function ofModel({ params, user }) {
	const records = await versionsOf(identifier('model', params.modelId));
	if (records.length === 0) throw new ApiError('MODEL_NOT_FOUND', `there is no model "${params.modelId}"`);
	return { body: statistics(records, user) };
}

/** `GET /v2/models/:modelId/versions/:version/stats` */
export const ofVersion = async (call) => ({ body: statistics([await modelOf(call)], call.user) });

function statistics(records, user) {
	requireVisible(user, 'Model', ['modelId', 'version']);
	const sessions = new Map(engineStatus().sessions.map((session) => [session.digest, session]));
	return { model_stats: records.map((record) => statisticsOf(record, sessions.get(record.digest))) };
}

/** Only what the engine measures: the time of runs, of failed ones too, but not that in queues. */
function statisticsOf({ modelId, version }, { runs = 0, failures = 0, meanRunMs, batching } = {}) {
	return {
		name: modelId,
		version,
		inference_count: runs - failures,
		inference_stats: {
			success: { count: runs - failures },
			fail: { count: failures },
			compute_infer: { count: runs, ns: Math.round((meanRunMs ?? 0) * runs * 1e6) },
		},
		batching,
	};
}
