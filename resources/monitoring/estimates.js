// What estimators saw: taken from the addon now and then, added to rows of this node by hour and by day, and read over any time.
import { acquireLock, EstimateSums, pendingEstimates, restoreEstimate, takeEstimates } from '../../binding.js';
import { log } from '../harper.js';
import { nodeName } from '../storage/tables.js';
import { estimatorOf } from './estimators.js';
import { INTERVALS, isRow, overlaps, rowOf, storeRows, tableOfRows, tellsOf } from './hours-and-days.js';

/** Who stores estimates of this process, or reads them, holds this lock: what is taken is in the table, or is not taken yet. */
const LOCK = 'estimates';

const estimateTable = () => tableOfRows('Estimate');

/** Has rows removed when they expire, and replicated, also in a thread that writes none. */
export function prepareEstimates() {
	estimateTable();
}

/** Adds what estimators of this process saw since the last call to the rows of this node. */
export async function storeEstimates() {
	const lock = await acquireLock(LOCK);
	try {
		const now = Date.now();
		const waiting = takeEstimates();
		try {
			for (; waiting.length > 0; waiting.shift()) await store(waiting[0], now);
		} finally {
			for (const taken of waiting) restoreEstimate(taken);
		}
	} finally {
		lock.release();
	}
}

async function store({ modelId, version, digest, estimator: estimatorId, bytes }, now) {
	const current = await estimatorOf({ modelId, version, digest });
	// Another one has followed: nobody asks for these any more.
	if (current?.estimatorId !== estimatorId) return;
	const estimates = estimateTable();
	const none = EstimateSums.of(current.estimator);
	const rows = [];
	for (const interval of Object.keys(INTERVALS)) {
		const { start } = rowOf(interval, now);
		const id = `${prefixOf({ modelId, version, digest }, estimatorId)}${interval}|${start}|${nodeName()}`;
		const sums = none.none();
		const stored = rowFrom(await estimates.get(id));
		if (stored) addTo(sums, stored);
		sums.merge(bytes);
		rows.push({ id, interval, start, sums: sums.toBytes() });
	}
	await storeRows(estimates, rows);
}

const prefixOf = ({ modelId, version, digest }, estimatorId) => `${modelId}|${version}|${digest}|${estimatorId}|`;

/** A row that this component wrote; nothing for what a role that may write to the table itself put there instead. */
function rowFrom(record) {
	const isSound =
		isRow(record) && record.sums instanceof Uint8Array && record.id.includes(`|${record.interval}|${record.start}|`);
	return isSound ? record : undefined;
}

/** Adds a row to sums; what nobody can read, and no addon of this release has written, is left out, and the log says so. */
function addTo(sums, { id, sums: bytes }) {
	try {
		sums.merge(bytes);
	} catch (error) {
		if (error.code !== 'INVALID_REQUEST') throw error;
		log.error(`edge-ai: the estimate "${id}" is left out`, error);
	}
}

/**
 * The estimated quality of a version over a time: of whole hours, those at its ends included; where hours are no longer kept, of whole
 * days. With an interval also that of each hour or day, by its start.
 *
 * @param {{modelId: string, version: string, digest: string, from: number, to: number, interval?: '1h' | '1d'}} asked Unix
 *   milliseconds, up to before `to`
 * @returns {Promise<{total: object, points: Map<number, object>} | undefined>} nothing without an estimator
 */
export async function estimatedIn({ modelId, version, digest, from, to, interval }) {
	const current = await estimatorOf({ modelId, version, digest });
	if (!current) return undefined;
	const none = EstimateSums.of(current.estimator);
	const [total, points] = [none.none(), new Map()];
	const now = Date.now();
	const range = { from, to: to - 1 };
	const isWanted = tellsOf(range, now);
	let read = { from: Infinity, to: -Infinity };
	const take = (row, isCounted) => {
		if (!overlaps(range, row)) return;
		if (isCounted) {
			addTo(total, row);
			read = { from: Math.min(read.from, row.start), to: Math.max(read.to, row.start + INTERVALS[row.interval]) };
		}
		if (row.interval === interval) {
			if (!points.has(row.start)) points.set(row.start, none.none());
			addTo(points.get(row.start), row);
		}
	};
	const lock = await acquireLock(LOCK);
	try {
		for (const { digest: of, estimator, bytes: sums } of pendingEstimates(modelId, version)) {
			if (of !== digest || estimator !== current.estimatorId) continue;
			take({ id: 'pending', ...rowOf('1h', now), sums }, true);
			if (interval === '1d') take({ id: 'pending', ...rowOf(interval, now), sums }, false);
		}
		const prefix = prefixOf({ modelId, version, digest }, current.estimatorId);
		// "~" sorts after every character of an identifier.
		const conditions = [{ attribute: 'id', comparator: 'between', value: [prefix, `${prefix}~`] }];
		for await (const record of estimateTable().search({ conditions })) {
			const row = rowFrom(record);
			if (row) take(row, isWanted(row));
		}
	} finally {
		lock.release();
	}
	const { from: begin, to: end } = read;
	const times = begin < end ? { from: begin, to: end } : {};
	return {
		total: { ...JSON.parse(total.toJson()), ...times, estimator: current.described },
		points: new Map([...points].map(([start, sums]) => [start, JSON.parse(sums.toJson()).measures])),
	};
}
