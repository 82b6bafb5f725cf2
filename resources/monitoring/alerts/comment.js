// What somebody may say who does something to an alert, or to a request that one has made.
import { ApiError } from '../../errors.js';

export const MAX_COMMENT_LENGTH = 1000;

/**
 * A comment, checked.
 *
 * @param {unknown} given
 * @returns {string | undefined}
 */
export function readComment(given) {
	if (given === undefined || (typeof given === 'string' && given.length <= MAX_COMMENT_LENGTH)) return given;
	throw new ApiError('INVALID_REQUEST', `comment must be a text of at most ${MAX_COMMENT_LENGTH} characters`);
}
