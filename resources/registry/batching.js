// `metadata.batching: false`: an operator's word that requests for a model never run together.
import * as versions from '../../library/versions.js';
import { ApiError } from '../errors.js';
import { shown } from '../http/query.js';
import { faultOf } from './record.js';
import { table } from '../storage/tables.js';

/** By record: a record that is remembered is read once. */
const known = new WeakMap();

/**
 * Whether the metadata of a model forbid that its requests run together with others.
 *
 * @param {{metadata?: string}} record of the table Model
 * @returns {boolean}
 */
export function forbidsBatching(record) {
	if (!record.metadata) return false;
	let forbids = known.get(record);
	if (forbids === undefined) {
		forbids = versions.forbidsBatching(parsed(record.metadata));
		known.set(record, forbids);
	}
	return forbids;
}

/** Metadata that did not come by an upload may be any text. */
function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

/**
 * The ids of the models with these bytes whose requests may not run together.
 *
 * @param {string} digest
 * @returns {Promise<string[]>}
 */
export async function idsApart(digest) {
	const ids = [];
	const conditions = [{ attribute: 'digest', value: digest }];
	for await (const record of table('Model').search({ conditions })) {
		if (faultOf(record) === undefined && forbidsBatching(record)) ids.push(record.id);
	}
	return ids;
}

/**
 * Refuses metadata that say of batching what is no truth.
 *
 * @param {any} metadata as parsed
 */
export function checkBatching(metadata) {
	if (!versions.isBatchingValid(metadata)) {
		const received = shown(metadata.batching);
		throw new ApiError('INVALID_REQUEST', `metadata.batching must be true or false, received ${received}`);
	}
}
