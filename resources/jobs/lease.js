// Who works on a job: one worker on one node, until it is silent for too long.
import { table } from '../store.js';

const LEASE_MS = 10_000;
export const RENEWAL_MS = 1000;

const node = () => globalThis.server.hostname ?? 'localhost';
const startedAt = Date.now() - process.uptime() * 1000;

/**
 * Whether somebody alive works on a job. A lease that is older than this process, on this node, is that of a dead one.
 *
 * @param {string} id
 */
export async function isLeased(id) {
	const lease = await table('JobLease').get(id);
	if (!lease || lease.until <= Date.now()) return false;
	return lease.node !== node() || lease.taken >= startedAt;
}

/** Takes the lease of a job, or renews it. */
export function lease(id) {
	const taken = Date.now();
	return table('JobLease').put({ id, node: node(), taken, until: taken + LEASE_MS });
}

/** Gives the lease of a job back. */
export const endLease = (id) => table('JobLease').delete(id);
