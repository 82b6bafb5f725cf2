// Rollups: what the events of a model measured in a minute, an hour or a day, as each node counted them; and what it counted of a job
// that several nodes may run. Each node writes rows of its own only, and who reads adds up those of all nodes.
import { options } from '../../options.js';
import { mayReplicate } from '../../storage/cluster.js';
import { NEVER, removeExpired } from '../../storage/expiry.js';
import { nodeName, table } from '../../storage/tables.js';
import { expiryOf, JOB, retentionMs, TIERS } from './tiers.js';

/** So many digits every time has. */
const TIME_DIGITS = 15;

/** The table of rollups, which reaches other nodes as that of events does. */
export function rollupTable() {
	const rollups = table('Rollup');
	if (!rollups.audit && options().replicateEvents && mayReplicate()) rollups.enableAuditing();
	const shortest = Math.min(...TIERS.map(retentionMs));
	if (shortest < Infinity) removeExpired(rollups, shortest / 1000);
	return rollups;
}

/** Has rows removed when they expire, and replicated, also in a thread that writes none. */
export function prepareRollups() {
	rollupTable();
}

const keyOf = (modelId, interval, start) => `${modelId}|${interval}|${String(start).padStart(TIME_DIGITS, '0')}`;

/** The id of the row of this node for an interval of a tier. */
export const tierRowId = (modelId, interval, start) => `${keyOf(modelId, interval, start)}|${nodeName()}`;

/** The id of the row of this node for a job. */
export const jobRowId = (modelId, start, job) => `${keyOf(modelId, JOB, start)}|${job}|${nodeName()}`;

/**
 * Puts a row of this node.
 *
 * @param {{id: string, modelId: string, interval: string, start: number, job?: string, isRecorder?: boolean,
 *   measures: Uint8Array}} row
 * @param {object} context of the transaction
 */
export function putRow(row, { transaction }) {
	const tier = TIERS.find(({ interval }) => interval === row.interval);
	const expiresAt = tier ? expiryOf(tier, row.start) : Infinity;
	const record = { ...row, node: nodeName() };
	if (expiresAt < Infinity) record.expiresAt = expiresAt;
	rollupTable().put(record, { transaction, expiresAt: Math.min(expiresAt, NEVER) });
}

const isRow = ({ modelId, interval, start, node, measures, expiresAt }, now) =>
	typeof modelId === 'string' &&
	typeof interval === 'string' &&
	Number.isSafeInteger(start) &&
	typeof node === 'string' &&
	measures instanceof Uint8Array &&
	// Harper removes them later.
	(expiresAt == null || expiresAt > now);

/**
 * The rows of a model, of all nodes, whose intervals begin in a range.
 *
 * @param {{modelId: string, interval: string, from: number, to: number}} wanted
 * @param {object} [context] of the transaction that reads them
 * @returns {AsyncGenerator<object>} in the order of their begin
 */
export async function* rowsOf({ modelId, interval, from, to }, context) {
	// "~" sorts after every character of a name of a node or a job.
	const value = [keyOf(modelId, interval, from), `${keyOf(modelId, interval, to - 1)}|~`];
	const found = rollupTable().search({ conditions: [{ attribute: 'id', comparator: 'between', value }] }, context);
	const now = Date.now();
	for await (const record of found) if (isRow(record, now)) yield record;
}

/**
 * The nodes that have recorded events of a job, as far as their rows say.
 *
 * @param {{modelId: string, start: number, job: string}} wanted
 * @param {object} context of the transaction that reads them
 * @returns {Promise<Set<string>>}
 */
export async function recordersOf({ modelId, start, job }, context) {
	const nodes = new Set();
	for await (const row of rowsOf({ modelId, interval: JOB, from: start, to: start + 1 }, context)) {
		if (row.job === job && row.isRecorder) nodes.add(row.node);
	}
	return nodes;
}
