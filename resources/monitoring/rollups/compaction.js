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
		const { deltas, markers, rows } = await inOneState(async (state) => {
			const found = await deltasIn(state);
			return { ...found, rows: await addedTo(found.deltas.flatMap(partsOf), state) };
		});
		if (deltas.length > 0) await write({ spent: deltas, rows });
		for (const marker of markers) await settle(marker);
		if (signal.aborted || deltas.length + markers.length < MAX_DELTAS) return;
	}
}

/**
 * Reads what is to be written. A thread that did this before and was ended may have a commit under way: who read deltas before it and
 * rows after it would count them twice.
 */
function inOneState(read) {
	const state = {};
	return transaction(state, () => read(state));
}

/** The next deltas, and markers whose time has come. */
async function deltasIn(state) {
	const deltas = [];
	const markers = [];
	for await (const delta of deltasOf({ context: state })) {
		if (!delta.isMarker) deltas.push(delta);
		else if (delta.start + SETTLED_MS <= Date.now()) markers.push(delta);
		if (deltas.length + markers.length === MAX_DELTAS) break;
	}
	return { deltas, markers };
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
	const { rows, settled } = await inOneState(async (state) => {
		const row = await rollupTable().get(jobRowId(modelId, start, job), state);
		const isAlone = (await recordersOf(marker, state)).size < 2;
		return row && isAlone ? { rows: await addedTo(tierPartsOf(row), state), settled: row.id } : { rows: [] };
	});
	await write({ spent: [marker], rows, settled });
}

/** The rows of parts, with these added to what they hold. */
async function addedTo(parts, state) {
	const sums = new Map();
	for (const { row, added } of parts) {
		let sum = sums.get(row.id);
		if (!sum) sums.set(row.id, (sum = await begun(row, state)));
		addMeasures(sum.accumulator, added);
		if (row.isRecorder) sum.row.isRecorder = true;
	}
	return Array.from(sums.values(), ({ row, accumulator }) => ({ ...row, measures: accumulator.toBytes() }));
}

/** A row with what it holds already. */
async function begun(row, state) {
	const accumulator = new MetricsAccumulator();
	const stored = await rollupTable().get(row.id, state);
	if (stored?.measures) addMeasures(accumulator, stored);
	return { row: stored?.isRecorder ? { ...row, isRecorder: true } : { ...row }, accumulator };
}

/** Writes rows and removes what was added to them, in one transaction. */
async function write({ spent, rows, settled }) {
	const markers = rows.filter(({ interval }) => interval === JOB).map(markerOf);
	const ids = [...rows.map(({ id }) => id), ...(settled === undefined ? [] : [settled])];
	const context = await contextAfter([
		...ids.map((id) => [rollupTable(), id]),
		...[...spent, ...markers].map(({ id }) => [table('RollupDelta'), id]),
	]);
	await commit(
		rows.reduce((sum, { measures }) => sum + measures.length, 0),
		() =>
			transaction(context, async () => {
				spend(spent, context);
				for (const row of rows) putRow(row, context);
				for (const marker of markers) putMarker(marker, context);
				if (settled !== undefined) await rollupTable().delete(settled, context);
			})
	);
}
