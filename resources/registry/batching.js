// `metadata.batching: false`: an operator's word that requests for a model never run together.
import * as versions from '../../library/versions.js';
import { metadataOf } from './metadata.js';
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
		forbids = versions.forbidsBatching(metadataOf(record));
		known.set(record, forbids);
	}
	return forbids;
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
