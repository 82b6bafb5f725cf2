// An operator takes back what a crash has said about a model.
import { releaseQuarantined } from '../../../binding.js';
import { ApiError } from '../../errors.js';
import { find } from '../models.js';
import { readQuery } from '../../http/query.js';

/** `DELETE /model/:modelId/:version/quarantine` */
export async function ofModel({ params, query }) {
	readQuery(query, []);
	const { modelId, version, digest } = await find(params.modelId, params.version);
	await release(digest);
	return { body: { success: true, modelId, version } };
}

/** `DELETE /status/quarantine/:digest`, also for an upload that was never registered */
export async function ofDigest({ params, query }) {
	readQuery(query, []);
	await release(params.digest);
	return { body: { success: true, digest: params.digest } };
}

/** On all threads when it is answered. */
async function release(digest) {
	if (!(await releaseQuarantined(digest))) {
		throw new ApiError('NOT_FOUND', 'this model was not running at any known crash');
	}
}
