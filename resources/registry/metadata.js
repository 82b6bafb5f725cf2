// What the metadata of a model say to the component itself; everything else in them is the operator's own.
import { isDefaultVersionValid, isBatchingValid, DEFAULT_VERSIONS } from '../../library/versions.js';
import { ApiError } from '../errors.js';
import { shown } from '../http/query.js';

/**
 * The metadata of a record. Those that did not come by an upload may be any text.
 *
 * @param {{metadata?: string}} record of the table Model
 * @returns {any} undefined for none, and for what is no JSON
 */
export function metadataOf({ metadata }) {
	if (!metadata) return undefined;
	try {
		return JSON.parse(metadata);
	} catch {
		return undefined;
	}
}

/**
 * Refuses metadata in which a field that means something has a value that means nothing: it would be ignored without a word.
 *
 * @param {any} metadata as parsed
 */
export function checkMetadata(metadata) {
	if (!isBatchingValid(metadata)) {
		const received = shown(metadata.batching);
		throw new ApiError('INVALID_REQUEST', `metadata.batching must be true or false, received ${received}`);
	}
	if (!isDefaultVersionValid(metadata)) {
		const [known, received] = [DEFAULT_VERSIONS.join(' or '), shown(metadata.defaultVersion)];
		throw new ApiError('INVALID_REQUEST', `metadata.defaultVersion must be ${known}, received ${received}`);
	}
}
