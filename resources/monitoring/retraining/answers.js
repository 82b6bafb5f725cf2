// Uploads that answer a request: the version is stored and the request completed in one transaction.
import { acquireLock } from '../../../binding.js';
import { ApiError } from '../../errors.js';
import { authorizeAttributes } from '../../http/access.js';
import { shown } from '../../http/query.js';
import { ALERTS } from '../alerts/record.js';
import { CHANGED } from './record.js';
import { changeOf, find, writeOf } from './requests.js';

/**
 * Refuses an upload that cannot answer the request that it names. An answer that was given already may be given again.
 *
 * @param {unknown} id of the request
 * @param {{modelId?: string, version?: string}} upload as far as it is known yet
 * @param {object} user Harper's user
 * @returns {Promise<void>} rejects with RETRAINING_NOT_FOUND, INVALID_REQUEST, RETRAINING_STATE or FORBIDDEN
 */
async function check(id, upload, user) {
	await changeBy(id, upload, user);
}

/** The request, and what the upload writes of it; nothing when it has done so before. */
async function changeBy(id, { modelId, version }, user) {
	authorizeAttributes(user, 'RetrainingRequest', 'update', CHANGED);
	const request = await find(id, user);
	if (modelId !== undefined && request.modelId !== modelId) {
		const problem = `the request ${request.id} is for the model ${shown(request.modelId)}, received ${shown(modelId)}`;
		throw new ApiError('INVALID_REQUEST', problem);
	}
	const isAnswered = request.state === 'completed' && request.answeredBy !== undefined;
	if (isAnswered && (version === undefined || request.answeredBy === version)) return { request };
	return { request, written: changeOf(request, 'complete', { version }, user) };
}

/**
 * Stores what an upload says of the request that it answers.
 *
 * @template T
 * @param {unknown} id of the request
 * @param {{modelId: string, version: string}} upload
 * @param {object} user Harper's user
 * @param {(also?: import('../../registry/uploads.js').Also) => Promise<T>} store the transaction of the upload, which is to do this `also`
 * @returns {Promise<T>}
 */
async function answering(id, upload, user, store) {
	const lock = await acquireLock(ALERTS);
	try {
		const { request, written } = await changeBy(id, upload, user);
		return await store(written && (await writeOf(request, written)));
	} finally {
		lock.release();
	}
}

/** What uploads are given. */
export const ANSWERS = { check, answering };
