// A row as it came: the features of one prediction as JSON text, or why there are none.
import { isUtf8 } from 'node:buffer';
import { ApiError } from '../../errors.js';

/**
 * @param {Buffer} bytes JSON text, not checked yet
 * @returns {{features?: string, error?: ApiError}}
 */
export function rowOf(bytes) {
	return isUtf8(bytes)
		? { features: bytes.toString() }
		: { error: new ApiError('INVALID_JSON', 'the row is not valid JSON: it is not UTF-8') };
}
