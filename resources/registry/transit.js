// Bytes of a model that are not here: they were deleted, or they are still being copied from another node.
import { ApiError } from '../errors.js';
import { hasOtherNodes } from '../storage/cluster.js';
import { table } from '../storage/tables.js';

const RETRY_SECONDS = 1;

/**
 * The error for bytes that a record names and that are not here, or not all of them.
 *
 * @param {{id: string}} record
 * @returns {Promise<Error>}
 */
export async function absenceOf({ id }) {
	if (!(await table('Model').get(id))) return new ApiError('MODEL_NOT_FOUND', 'the model has just been deleted');
	if (!hasOtherNodes()) {
		return new ApiError(
			'FILE_UNAVAILABLE',
			`the bytes of the model ${id} are missing; upload it under another version`
		);
	}
	const error = new ApiError(
		'MODEL_NOT_READY',
		`the bytes of the model ${id} are still being copied from another node`
	);
	return Object.assign(error, { headers: { 'retry-after': String(RETRY_SECONDS) } });
}
