// Features of entities, with their history: what was known at a time can be read back.
import { createId } from '../binding.js';
import { authorizeAttributes, requireVisible, visibleTo } from './http/access.js';
import { ApiError } from './errors.js';
import { readJsonObject } from './http/body.js';
import { isEventId } from './monitoring/record.js';
import { canBeKey, readQuery, shown, time } from './http/query.js';
import { commit } from './storage/disk.js';
import { table } from './storage/tables.js';

const MAX_ENTITY_BYTES = 256;
const ATTRIBUTES = ['entityId', 'features', 'timestamp', 'created'];

/** `PUT /features/:entityId` with `{features, timestamp?}` */
export async function put({ params, query, stream, user }) {
	readQuery(query, []);
	authorizeAttributes(user, 'Feature', 'insert', ATTRIBUTES);
	authorizeAttributes(user, 'Feature', 'update', ATTRIBUTES);
	const entityId = entity(params.entityId);
	const { features, timestamp: given } = await readJsonObject(stream, ['features', 'timestamp']);
	if (features === null || typeof features !== 'object' || Array.isArray(features)) {
		throw new ApiError('INVALID_REQUEST', `features must be an object of values by name, received ${shown(features)}`);
	}
	if (given !== undefined && typeof given !== 'number') {
		throw new ApiError('INVALID_REQUEST', `timestamp must be a time in Unix milliseconds, received ${shown(given)}`);
	}
	time('timestamp', given === undefined ? undefined : String(given));
	const timestamp = await writeFeatures(entityId, features, { timestamp: given });
	return { body: { success: true, entityId, timestamp } };
}

/** `GET /features/:entityId?names=a,b&asOf=` */
export async function get({ params, query, user }) {
	const { names, asOf } = readQuery(query, ['names', 'asOf']);
	const entityId = entity(params.entityId);
	const wanted = names === undefined ? undefined : names.split(',').filter(Boolean);
	requireVisible(user, 'Feature', asOf === undefined ? ['features'] : ['features', 'timestamp', 'created']);
	const { features, timestamp } = await featuresOf(entityId, { names: wanted, asOf: time('asOf', asOf) });
	const isVisible = visibleTo(user, 'Feature');
	const shownOf = (attribute, value) => (isVisible(attribute) ? value : undefined);
	return { body: { entityId: shownOf('entityId', entityId), features, timestamp: shownOf('timestamp', timestamp) } };
}

/**
 * The features of an entity: of each name the newest value that held, and had been written, at the time asked for.
 *
 * @param {string} entityId
 * @param {{names?: string[], asOf?: number, now?: number}} [options] in Unix milliseconds; without `asOf` what holds now, also
 *   when the clock was ahead while it was written
 * @returns {Promise<{features: Record<string, any>, timestamp: number}>} `timestamp` of the newest value
 */
export async function featuresOf(entityId, { names, asOf, now = Date.now() } = {}) {
	entity(entityId);
	const features = {};
	let timestamp;
	let any = false;
	for await (const record of history(entityId, asOf)) {
		const values = valuesOf(record);
		if (values === undefined || !(asOf === undefined ? holds(record, now) : record.created <= asOf)) continue;
		any = true;
		for (const name of names ?? Object.keys(values)) {
			if (Object.hasOwn(values, name) && !Object.hasOwn(features, name)) {
				Object.defineProperty(features, name, { value: values[name], enumerable: true });
				timestamp ??= record.timestamp;
			}
		}
		if (names?.every((name) => Object.hasOwn(features, name))) break;
	}
	if (!any) {
		throw new ApiError(
			'ENTITY_NOT_FOUND',
			`there are no features of the entity ${shown(entityId)}${asOf === undefined ? '' : ' at that time'}`
		);
	}
	return { features, timestamp };
}

/**
 * Writes features of an entity. What is written without a time holds from now on, before all that holds already: the clock
 * may have been set back since that was written.
 *
 * @param {string} entityId
 * @param {object} features
 * @param {{timestamp?: number, now?: number}} [times] in Unix milliseconds
 * @returns {Promise<number>} from when on they hold
 */
export async function writeFeatures(entityId, features, { timestamp: given, now = Date.now() } = {}) {
	const timestamp = given ?? Math.max(now, (await newestHeld(entityId, now))?.timestamp ?? 0);
	const record = {
		id: await nextKey(`${entityId}|${sortable(timestamp)}|`),
		entityId,
		features: JSON.stringify(features),
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

/** The values that a record holds; nothing for one that no route wrote. */
function valuesOf({ features, timestamp, created }) {
	if (!Number.isFinite(timestamp) || !Number.isFinite(created)) return undefined;
	try {
		const values = JSON.parse(features);
		return values !== null && typeof values === 'object' && !Array.isArray(values) ? values : undefined;
	} catch {
		return undefined;
	}
}

/** Milliseconds in a form whose order as text is the order of numbers. */
const sortable = (milliseconds) => milliseconds.toFixed(3).padStart(20, '0');

function entity(entityId) {
	if (Buffer.byteLength(entityId) > MAX_ENTITY_BYTES || entityId.includes('|') || !canBeKey(entityId)) {
		throw new ApiError(
			'INVALID_REQUEST',
			`entityId must have 1 to ${MAX_ENTITY_BYTES} bytes, no "|" and no control characters, received ${shown(entityId)}`
		);
	}
	return entityId;
}
