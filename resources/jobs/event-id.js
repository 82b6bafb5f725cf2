// The ids of a job's predictions.
import { createHash } from 'node:crypto';

/**
 * The id of the prediction for a row, a UUIDv7 of the time when the job was made. It is the same whoever runs the row: when a node
 * takes over from another one, what both ran is one event.
 *
 * @param {{id: string, createdAt: number}} job
 * @param {any} key of the row
 * @returns {string}
 */
export function eventIdOf({ id, createdAt }, key) {
	const hash = createHash('sha256')
		.update(JSON.stringify([id, typeof key, String(key)]))
		.digest('hex');
	const time = Math.floor(createdAt).toString(16).padStart(12, '0');
	const variant = '89ab'[Number.parseInt(hash[3], 16) % 4];
	return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
}
