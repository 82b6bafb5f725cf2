// Makes rows of deltas. One thread of the process does, and never begins before its last commit has ended: what it adds to is what it
// has read.
import { MetricsAccumulator } from '../../../binding.js';
import { transaction } from '../../harper.js';
import { contextAfter } from '../../storage/after.js';
import { commit } from '../../storage/disk.js';
import { table } from '../../storage/tables.js';
import { deltasOf, markerOf, putMarker, spend } from './deltas.js';
import { jobRowId, putRow, recordersOf, rollupTable, tierRowId } from './rows.js';
import { addMeasures } from './measures.js';
import { expiryOf, JOB, MINUTE_MS, startOf, TIERS } from './tiers.js';

/** Deltas that one transaction takes. */
const MAX_DELTAS = 1000;
/** For so long what is counted of a job stays apart, as other nodes may turn out to have recorded the same rows. */
const SETTLED_MS = 7 * 24 * 60 * MINUTE_MS;

/**
 * Adds all deltas that are there to the rows of this node.
 *
 * @param {{signal: AbortSignal}} held
 */
export async function compact({ signal }) {
	for (;;) {
		const deltas = [];
		const markers = [];
		for await (const delta of deltasOf()) {
			if (!delta.isMarker) deltas.push(delta);
			else if (delta.start + SETTLED_MS <= Date.now()) markers.push(delta);
			if (deltas.length + markers.length === MAX_DELTAS) break;
		}
		if (deltas.length > 0) await merge({ spent: deltas, parts: deltas.flatMap(partsOf) });
		for (const marker of markers) await settle(marker);
		if (signal.aborted || deltas.length + markers.length < MAX_DELTAS) return;
	}
}

/** Where a delta counts. */
function partsOf(delta) {
	if (delta.job === undefined) return tierPartsOf(delta);
	const { modelId, start, job, isRecorder } = delta;
	return [{ row: { id: jobRowId(modelId, start, job), modelId, interval: JOB, start, job, isRecorder }, added: delta }];
}

/** The same, in the tiers; what comes after the time of a row is dropped. */
function tierPartsOf(added) {
	const { modelId, start } = added;
	const now = Date.now();
	return TIERS.flatMap((tier) => {
		const { interval, lengthMs } = tier;
		const begin = startOf(lengthMs, start);
		if (expiryOf(tier, begin) <= now) return [];
		return { row: { id: tierRowId(modelId, interval, begin), modelId, interval, start: begin }, added };
	});
}

/** What one node alone has counted of a job becomes part of the tiers. What two have is counted from the events. */
async function settle(marker) {
	const { modelId, start, job } = marker;
	const row = await rollupTable().get(jobRowId(modelId, start, job));
	const isAlone = (await recordersOf(marker)).size < 2;
	if (row && isAlone) await merge({ spent: [marker], parts: tierPartsOf(row), settled: row.id });
	else await merge({ spent: [marker], parts: [] });
}

/** Adds parts to rows and removes what they were, in one transaction. */
async function merge({ spent, parts, settled }) {
	const rows = new Map();
	for (const { row, added } of parts) {
		let sum = rows.get(row.id);
		if (!sum) rows.set(row.id, (sum = await begun(row)));
		addMeasures(sum.accumulator, added);
		if (row.isRecorder) sum.row.isRecorder = true;
	}
	const written = Array.from(rows.values(), ({ row, accumulator }) => ({ ...row, measures: accumulator.toBytes() }));
	const markers = written.filter(({ interval }) => interval === JOB).map(markerOf);
	const ids = [...rows.keys(), ...(settled === undefined ? [] : [settled])];
	const context = await contextAfter([
		...ids.map((id) => [rollupTable(), id]),
		...[...spent, ...markers].map(({ id }) => [table('RollupDelta'), id]),
	]);
	await commit(
		written.reduce((sum, { measures }) => sum + measures.length, 0),
		() =>
			transaction(context, async () => {
				spend(spent, context);
				for (const row of written) putRow(row, context);
				for (const marker of markers) putMarker(marker, context);
				if (settled !== undefined) await rollupTable().delete(settled, context);
			})
	);
}

/** A row with what it holds already. */
async function begun(row) {
	const accumulator = new MetricsAccumulator();
	const stored = await rollupTable().get(row.id);
	if (stored?.measures) addMeasures(accumulator, stored);
	return { row: stored?.isRecorder ? { ...row, isRecorder: true } : { ...row }, accumulator };
}
