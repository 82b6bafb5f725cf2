// Requests for retraining as they are made and change, on whatever thread or node.
import { changesOf } from '../../storage/changes.js';
import { table } from '../../storage/tables.js';
import { requestFrom } from './record.js';
import { describe, requestFilter } from './requests.js';

/**
 * Every request from now on, whenever it is made or somebody changes it.
 *
 * @param {Record<string, unknown>} given of `FILTER_FIELDS`
 * @param {object | undefined} user Harper's user, who sees what it may
 * @param {import('../../storage/changes.js').How} [how]
 * @returns {Promise<AsyncIterableIterator<object>>} when it has begun
 */
export async function subscribeToRequests(given, user, how) {
	const isWanted = requestFilter(given, user);
	const select = (value) => {
		const request = value && requestFrom(value);
		return request && isWanted(request) ? { item: describe(request, user) } : undefined;
	};
	return changesOf(table('RetrainingRequest'), { select }, how);
}
