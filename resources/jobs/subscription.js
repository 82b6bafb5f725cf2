// How far a job is, as it gets there, on whatever thread or node.
import { changesOf } from '../storage/changes.js';
import { table } from '../storage/tables.js';
import { readJobAndState } from './jobs.js';

/**
 * A job as it is, and again whenever it has changed, until it has ended.
 *
 * @param {{id: unknown}} given
 * @param {object | undefined} user Harper's user, who sees what it may
 * @param {import('../storage/changes.js').How} [how]
 * @returns {Promise<AsyncIterableIterator<object>>} when it has begun
 */
export async function subscribeToJob({ id }, user, how) {
	await readJobAndState(id, user);
	let shown;
	const select = async () => {
		const { job, state } = await readJobAndState(id, user);
		const text = JSON.stringify(job);
		const isLast = state !== 'running';
		if (text === shown && !isLast) return undefined;
		shown = text;
		return { item: job, isLast };
	};
	return changesOf(table('Job'), { id, withCurrent: true, select }, how);
}
