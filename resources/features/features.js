// Features of entities, with their history: what was known at a time can be read back.
import { createId } from '../../binding.js';
import { authorizeAttributes, requireVisible, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { isEventId } from '../monitoring/record.js';
import { textsOf } from '../http/json.js';
import { canBeKey, shown, time } from '../http/query.js';
import { commit } from '../storage/disk.js';
import { table } from '../storage/tables.js';

const MAX_ENTITY_BYTES = 256;
const ATTRIBUTES = ['entityId', 'features', 'timestamp', 'created'];

/** Throws unless a caller may write features. */
export function authorizeWriting(user) {
	authorizeAttributes(user, 'Feature', 'insert', ATTRIBUTES);
	authorizeAttributes(user, 'Feature', 'update', ATTRIBUTES);
}

/**
 * Writes features for a caller.
 *
 * @param {{entityId: unknown, features?: any, text?: string, timestamp?: unknown}} request `text`: the features as JSON text,
 *   where that has more digits
 * @param {object | undefined} user Harper's user
 */
export async function putFeatures({ entityId: givenId, features, text, timestamp: given }, user) {
	authorizeWriting(user);
	const entityId = entity(givenId);
	if (features === null || typeof features !== 'object' || Array.isArray(features)) {
		throw new ApiError('INVALID_REQUEST', `features must be an object of values by name, received ${shown(features)}`);
	}
	if (given !== undefined && typeof given !== 'number') {
		throw new ApiError('INVALID_REQUEST', `timestamp must be a time in Unix milliseconds, received ${shown(given)}`);
	}
	time('timestamp', given);
	const timestamp = await writeFeatures(entityId, features, { timestamp: given, text });
	return { success: true, entityId, timestamp };
}

/**
 * Reads features for a caller, as values.
 *
 * @param {Parameters<typeof getFeaturesText>[0]} request
 * @param {object | undefined} user Harper's user
 */
export async function getFeatures(request, user) {
	const { entityId, text, timestamp } = await getFeaturesText(request, user);
	return { entityId, features: JSON.parse(text), timestamp };
}

/**
 * Reads features for a caller, as JSON text with all digits.
 *
 * @param {{entityId: unknown, names?: string[], asOf?: unknown}} request `asOf` in Unix milliseconds, a number or its text
 * @param {object | undefined} user Harper's user
 */
export async function getFeaturesText({ entityId: givenId, names, asOf }, user) {
	const entityId = entity(givenId);
	if (names !== undefined && !(Array.isArray(names) && names.every((name) => typeof name === 'string'))) {
		throw new ApiError('INVALID_REQUEST', `names must be a list of names, received ${shown(names)}`);
	}
	requireVisible(user, 'Feature', asOf === undefined ? ['features'] : ['features', 'timestamp', 'created']);
	const { text, timestamp } = await featuresOf(entityId, { names, asOf: time('asOf', asOf) });
	const isVisible = visibleTo(user, 'Feature');
	const shownOf = (attribute, value) => (isVisible(attribute) ? value : undefined);
	return { entityId: shownOf('entityId', entityId), text, timestamp: shownOf('timestamp', timestamp) };
}

/**
 * The features of an entity: of each name the newest value that held, and had been written, at the time asked for.
 *
 * @param {string} entityId
 * @param {{names?: string[], asOf?: number, now?: number}} [options] in Unix milliseconds; without `asOf` what holds now, also
 *   when the clock was ahead while it was written
 * @returns {Promise<{text: string, timestamp: number}>} the features as JSON text with the digits that they were given with, and
 *   the `timestamp` of the newest value
 */
export async function featuresOf(entityId, { names, asOf, now = Date.now() } = {}) {
	entity(entityId);
	const features = new Map();
	let timestamp;
	let any = false;
	for await (const record of history(entityId, asOf)) {
		const values = valuesOf(record);
		if (values === undefined || !(asOf === undefined ? holds(record, now) : record.created <= asOf)) continue;
		any = true;
		for (const name of names ?? values.keys()) {
			if (values.has(name) && !features.has(name)) {
				features.set(name, values.get(name));
				timestamp ??= record.timestamp;
			}
		}
		if (names?.every((name) => features.has(name))) break;
	}
	if (!any) {
		throw new ApiError(
			'ENTITY_NOT_FOUND',
			`there are no features of the entity ${shown(entityId)}${asOf === undefined ? '' : ' at that time'}`
		);
	}
	const fields = [...features].map(([name, text]) => `${JSON.stringify(name)}:${text}`);
	return { text: `{${fields}}`, timestamp };
}

/**
 * Writes features of an entity. What is written without a time holds from now on, before all that holds already: the clock
 * may have been set back since that was written.
 *
 * @param {string} entityId
 * @param {object} features
 * @param {{timestamp?: number, now?: number, text?: string}} [options] times in Unix milliseconds; `text`: the features as JSON
 * @returns {Promise<number>} from when on they hold
 */
export async function writeFeatures(entityId, features, options = {}) {
	const { timestamp: given, now = Date.now(), text = JSON.stringify(features) } = options;
	const timestamp = given ?? Math.max(now, (await newestHeld(entityId, now))?.timestamp ?? 0);
	const record = {
		id: await nextKey(`${entityId}|${sortable(timestamp)}|`),
		entityId,
		features: text,
		timestamp,
		// So that it holds by what is stored of it, whatever the clock says.
		created: given === undefined ? timestamp : now,
	};
	await commit(record.features.length, () => table('Feature').put(record));
	return timestamp;
}

/** Whether features hold now: those that held when they were written do, those for a later time from then on. */
const holds = ({ timestamp, created }, now) => timestamp <= Math.max(now, created);

async function newestHeld(entityId, now) {
	for await (const record of history(entityId)) if (valuesOf(record) !== undefined && holds(record, now)) return record;
	return undefined;
}

/** A key behind all those that begin alike. */
async function nextKey(beginning) {
	const id = createId();
	const [last] = await allOf(range(beginning, `${beginning}~`, 1));
	const lastId = last?.id.slice(beginning.length) ?? '';
	// The clock may have been set back since.
	return beginning + (id < lastId && isEventId(lastId) ? later(lastId) : id);
}

/** An id of the millisecond behind that of another one. */
function later(id) {
	const millisecond = (BigInt(`0x${id.slice(0, 8)}${id.slice(9, 13)}`) + 1n).toString(16).padStart(12, '0');
	return `${millisecond.slice(0, 8)}-${millisecond.slice(8)}${createId().slice(13)}`;
}

async function allOf(records) {
	const all = [];
	for await (const record of records) all.push(record);
	return all;
}

/** The writes of an entity, newest first, up to a time. */
const history = (entityId, asOf) =>
	range(`${entityId}|`, asOf === undefined ? `${entityId}|~` : `${entityId}|${sortable(asOf)}|~`);

function range(lowest, highest, limit) {
	return table('Feature').search({
		conditions: [{ attribute: 'id', comparator: 'between', value: [lowest, highest] }],
		limit,
		sort: { attribute: 'id', descending: true },
	});
}

/** The texts of the values that a record holds, by name; nothing for one that no route wrote. */
function valuesOf({ features, timestamp, created }) {
	if (!Number.isFinite(timestamp) || !Number.isFinite(created)) return undefined;
	try {
		return textsOf(Buffer.from(features));
	} catch {
		return undefined;
	}
}

/** Milliseconds in a form whose order as text is the order of numbers. */
const sortable = (milliseconds) => milliseconds.toFixed(3).padStart(20, '0');

function entity(entityId) {
	if (typeof entityId !== 'string') {
		throw new ApiError('INVALID_REQUEST', `entityId must be a text, received ${shown(entityId)}`);
	}
	if (Buffer.byteLength(entityId) > MAX_ENTITY_BYTES || entityId.includes('|') || !canBeKey(entityId)) {
		throw new ApiError(
			'INVALID_REQUEST',
			`entityId must have 1 to ${MAX_ENTITY_BYTES} bytes, no "|" and no control characters, received ${shown(entityId)}`
		);
	}
	return entityId;
}
