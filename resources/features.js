// Features of entities, with their history: what was known at a time can be read back.
import { createId } from '../binding.js';
import { ApiError } from './errors.js';
import { readJsonObject, readQuery, shown, time } from './query.js';
import { table } from './store.js';

const MAX_ENTITY_BYTES = 256;

/** `PUT /features/:entityId` with `{features, timestamp?}` */
export async function put({ params, query, stream }) {
	readQuery(query, []);
	const entityId = entity(params.entityId);
	const { features, timestamp = Date.now() } = await readJsonObject(stream, ['features', 'timestamp']);
	if (features === null || typeof features !== 'object' || Array.isArray(features)) {
		throw new ApiError('INVALID_REQUEST', `features must be an object of values by name, received ${shown(features)}`);
	}
	if (typeof timestamp !== 'number') {
		throw new ApiError(
			'INVALID_REQUEST',
			`timestamp must be a time in Unix milliseconds, received ${shown(timestamp)}`
		);
	}
	time('timestamp', String(timestamp));
	await table('Feature').put({
		id: `${entityId}|${sortable(timestamp)}|${createId()}`,
		entityId,
		features: JSON.stringify(features),
		timestamp,
		created: Date.now(),
	});
	return { body: { success: true, entityId, timestamp } };
}

/** `GET /features/:entityId?names=a,b&asOf=` */
export async function get({ params, query }) {
	const { names, asOf } = readQuery(query, ['names', 'asOf']);
	const entityId = entity(params.entityId);
	const wanted = names === undefined ? undefined : names.split(',').filter(Boolean);
	const found = await featuresOf(entityId, { names: wanted, asOf: time('asOf', asOf) });
	return { body: { entityId, ...found } };
}

/**
 * The features of an entity: of each name the newest value that held, and had been written, at the time asked for.
 *
 * @param {string} entityId
 * @param {{names?: string[], asOf?: number}} [options] `asOf` in Unix milliseconds, default now
 * @returns {Promise<{features: Record<string, any>, timestamp: number}>} `timestamp` of the newest value
 */
export async function featuresOf(entityId, { names, asOf } = {}) {
	const features = {};
	let timestamp;
	let any = false;
	for await (const record of history(entityId, asOf)) {
		const values = valuesOf(record);
		if (values === undefined || (asOf !== undefined && record.created > asOf)) continue;
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

/** The writes of an entity, newest first, up to a time. */
function history(entityId, asOf = Date.now()) {
	return table('Feature').search({
		conditions: [
			{ attribute: 'id', comparator: 'between', value: [`${entityId}|`, `${entityId}|${sortable(asOf)}|~`] },
		],
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
	if (Buffer.byteLength(entityId) > MAX_ENTITY_BYTES || entityId.includes('|')) {
		throw new ApiError(
			'INVALID_REQUEST',
			`entityId must have 1 to ${MAX_ENTITY_BYTES} bytes and no "|", received ${shown(entityId)}`
		);
	}
	return entityId;
}
