// Draws: which predictions were drawn to be labelled, with which probabilities, out of which. The event of a prediction says so too; the row
// also tells of those whose events have expired.
import { options } from '../../options.js';
import { mayReplicate } from '../../storage/cluster.js';
import { removeExpired } from '../../storage/expiry.js';
import { table } from '../../storage/tables.js';
import { isEventId, timeOf } from '../record.js';

/** The table, which reaches other nodes as that of events does, and whose rows expire with the last of their events. */
export function drawTable() {
	const draws = table('LabelDraw');
	if (!draws.audit && options().replicateEvents && mayReplicate()) draws.enableAuditing();
	const { eventRetention } = options();
	if (eventRetention > 0) removeExpired(draws, eventRetention);
	return draws;
}

/** Has rows removed when they expire, and replicated, also in a thread that draws nothing. */
export function prepareDraws() {
	drawTable();
}

const isText = (value) => typeof value === 'string';
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isProbability = (value) => value > 0 && value <= 1;
const isMember = (member) =>
	isEventId(member?.id) && isProbability(member.probability) && typeof member.wasKnown === 'boolean';

/** Whether a record is one that this component wrote; a role may write to the table itself. */
const isSound = (record) =>
	isText(record?.modelId) &&
	isText(record.id) &&
	record.id.startsWith(`${record.modelId}|`) &&
	(record.version == null || isText(record.version)) &&
	isText(record.strategy) &&
	isEventId(record.firstId) &&
	isEventId(record.lastId) &&
	Number.isFinite(record.drawnAt) &&
	isCount(record.population) &&
	isCount(record.known) &&
	Array.isArray(record.members) &&
	record.members.every(isMember);

/**
 * @typedef {object} LabelDraw
 * @property {string} id modelId|UUIDv7
 * @property {string} modelId
 * @property {string} [version] absent: it drew from all of them
 * @property {string} strategy
 * @property {string} [by] of the strata
 * @property {string} firstId of the oldest event that it could draw
 * @property {string} lastId of the newest one
 * @property {number} population events that it could draw
 * @property {number} known those of them whose outcome was known
 * @property {number} seed
 * @property {number} drawnAt Unix milliseconds
 * @property {{id: string, probability: number, wasKnown: boolean}[]} members what it drew, in random order
 */

/**
 * The draws of a model that overlap a time, oldest first.
 *
 * @param {{modelId: string, version?: string, from?: number, to?: number}} filter Unix milliseconds, both included
 * @returns {AsyncGenerator<LabelDraw>}
 */
export async function* drawsOf({ modelId, version, from = 0, to = Infinity }) {
	// "~" sorts after every character of an id.
	const conditions = [{ attribute: 'id', comparator: 'between', value: [`${modelId}|`, `${modelId}|~`] }];
	for await (const record of drawTable().search({ conditions })) {
		if (!isSound(record)) continue;
		const isOfVersion = version === undefined || record.version == null || record.version === version;
		if (isOfVersion && timeOf(record.firstId) <= to && timeOf(record.lastId) >= from) yield drawFrom(record);
	}
}

/** Named fields: a record of Harper's is no plain object. */
function drawFrom({ id, modelId, version, strategy, by, firstId, lastId, population, known, seed, drawnAt, members }) {
	const optional = { version: version ?? undefined, by: by ?? undefined };
	return { id, modelId, ...optional, strategy, firstId, lastId, population, known, seed, drawnAt, members };
}

/** Whether a draw was of all events of a time and version, those drawn before left out: it covers what it could have drawn. */
export const coversOf =
	({ version, firstId, lastId }) =>
	({ id, modelVersion }) =>
		id >= firstId && id <= lastId && (version === undefined || version === modelVersion);

/** What an answer tells of a draw. */
export const describe = ({
	id,
	version,
	strategy,
	by,
	firstId,
	lastId,
	population,
	known,
	seed,
	drawnAt,
	members,
}) => ({
	...{ id: id.slice(id.indexOf('|') + 1), version, strategy, by, drawnAt, seed },
	...{ from: timeOf(firstId), to: timeOf(lastId), population, known },
	drawn: members.length,
	toLabel: members.filter(({ wasKnown }) => !wasKnown).length,
});
