// The reference that a version has by itself: its first predictions, as each node profiled them.
import { Profile } from '../../binding.js';
import { log } from '../harper.js';
import { options } from '../options.js';
import { isDigest } from '../registry/record.js';
import { nodeName, table } from '../storage/tables.js';

/** What it is called. */
export const FIRST = 'first';

/** The row of a node: no name of another reference has the sign. */
const idOf = ({ modelId, version, digest, node }) => [modelId, version, FIRST, digest, node].join('|');

/** Whether a row is one that this component wrote; a role may write to the table itself. */
const isSound = (record) =>
	record.name === FIRST &&
	record.id === idOf(record) &&
	isDigest(record.digest) &&
	[record.rows, record.from, record.to].every(Number.isSafeInteger) &&
	Array.isArray(record.columns) &&
	record.profile instanceof Uint8Array;

/** Adds the profile of a row; of what no addon of this release has written the log tells. */
function addTo(profile, { id, profile: bytes }) {
	try {
		profile.merge(bytes);
	} catch (error) {
		if (error.code !== 'INVALID_REQUEST') throw error;
		log.error(`edge-ai: the reference "${id}" is left out`, error);
	}
}

/**
 * The row of this node with what was profiled since, while it has less than `referenceRows`.
 *
 * @param {{modelId: string, version: string, digest: string, bytes: Uint8Array}} taken
 * @param {number} now Unix milliseconds
 * @returns {Promise<object | undefined>} to be put, or nothing when it is complete
 */
export async function firstRowWith({ modelId, version, digest, bytes }, now) {
	const { referenceRows } = options();
	if (referenceRows === 0) return undefined;
	const key = { modelId, version, digest, node: nodeName() };
	const id = idOf(key);
	const found = await table('Reference').get(id);
	const stored = found && isSound(found) ? found : undefined;
	if (stored?.isComplete) return undefined;
	const profile = new Profile();
	if (stored) addTo(profile, stored);
	profile.merge(bytes);
	const { rows, columns } = JSON.parse(profile.contents());
	return {
		...{ id, ...key, name: FIRST, source: 'predictions', rows, columns },
		...{
			createdAt: stored?.createdAt ?? now,
			from: Math.min(stored?.from ?? now, now),
			to: Math.max(stored?.to ?? now, now),
		},
		isComplete: rows >= referenceRows,
		profile: profile.takeBytes(),
	};
}

/** All rows of a version, of every node and digest. */
export async function firstRowsOf(modelId, version) {
	const prefix = `${modelId}|${version}|${FIRST}|`;
	// "~" sorts after every character of a digest and of a node's name.
	const conditions = [{ attribute: 'id', comparator: 'between', value: [prefix, `${prefix}~`] }];
	const rows = [];
	for await (const record of table('Reference').search({ conditions })) if (isSound(record)) rows.push(record);
	return rows;
}

/**
 * The first predictions of a version, of all nodes.
 *
 * @param {string} modelId
 * @param {string} version
 * @param {string} [digest] of the version; that of the last row without one
 * @returns {Promise<{rows: number, isComplete: boolean, createdAt: number, from: number, to: number, profile: Uint8Array} | undefined>}
 *   nothing when there are none
 */
export async function firstOf(modelId, version, digest) {
	const all = await firstRowsOf(modelId, version);
	const last = all.reduce((newest, row) => (row.to > (newest?.to ?? -1) ? row : newest), undefined);
	const own = all.filter((row) => row.digest === (digest ?? last?.digest));
	if (own.length === 0) return undefined;
	const profile = new Profile();
	for (const row of own) addTo(profile, row);
	const { rows } = profile;
	return {
		rows,
		isComplete: rows >= options().referenceRows || own.some(({ isComplete }) => isComplete),
		createdAt: Math.min(...own.map(({ createdAt }) => createdAt)),
		from: Math.min(...own.map(({ from }) => from)),
		to: Math.max(...own.map(({ to }) => to)),
		profile: profile.takeBytes(),
	};
}
