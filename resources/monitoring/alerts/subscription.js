// Alerts as they change, on whatever thread or node.
import { changesOf } from '../../storage/changes.js';
import { table } from '../../storage/tables.js';
import { alertFilter, describe } from './alerts.js';
import { alertFrom } from './record.js';

/**
 * Every alert from now on, whenever its rule or somebody changes it.
 *
 * @param {Record<string, unknown>} given of `FILTER_FIELDS`
 * @param {object | undefined} user Harper's user, who sees what it may
 * @param {import('../../storage/changes.js').How} [how]
 * @returns {Promise<AsyncIterableIterator<object>>} when it has begun
 */
export async function subscribeToAlerts(given, user, how) {
	const isWanted = alertFilter(given, user);
	const select = (value) => {
		const alert = value && alertFrom(value);
		return alert && isWanted(alert) ? { item: describe(alert, user) } : undefined;
	};
	return changesOf(table('Alert'), { select }, how);
}
