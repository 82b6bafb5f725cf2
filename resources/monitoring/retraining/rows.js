// Writes of requests, in a transaction that is under way: every request is made and changed here.
import { copyOf } from '../../harper.js';
import { table } from '../../storage/tables.js';

/**
 * Stores a new request.
 *
 * @param {object} request
 * @param {object} context of the transaction
 */
export async function putRequest(request, context) {
	await table('RetrainingRequest').put(copyOf(request), context);
}

/**
 * Stores what was done to a request.
 *
 * @param {object} request as it was
 * @param {object} written the attributes that change
 * @param {object} context of the transaction
 */
export async function patchRequest({ id }, written, context) {
	await table('RetrainingRequest').patch(id, written, context);
}
