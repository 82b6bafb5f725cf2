// Events that are put around the component, as those of releases without rollups are there.
import { until } from './until.js';

const KEY = 'events';

/**
 * Restarts Harper as if it had never counted such events, and waits until it has.
 *
 * @param {Awaited<ReturnType<typeof import('./harper.js').startHarper>>} harper
 * @param {() => Promise<unknown>} [meanwhile] called again and again until then
 */
export async function countEarlierEvents(harper, meanwhile = async () => {}) {
	await harper.operation({ operation: 'delete', database: 'edge_ai', table: 'RollupProgress', ids: [KEY] });
	await harper.restart({});
	await until('they are counted', async () => {
		await meanwhile();
		return (await harper.rows('RollupProgress', ['isFinished']))[0]?.isFinished === true;
	});
}
