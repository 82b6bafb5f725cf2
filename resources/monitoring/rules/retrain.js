// What a rule says of retraining: whether its alert makes a request, who approves that, and how often it may.
import { ApiError } from '../../errors.js';
import { readFields, shown } from '../../http/query.js';
import { APPROVALS } from '../retraining/states.js';

export const RETRAIN_FIELDS = ['approval', 'minDaysBetween', 'minNewLabels'];
export const MAX_DAYS_BETWEEN = 3650;
export const MAX_NEW_LABELS = 1e9;

/**
 * The field `retrain` of a rule, with what it does not say.
 *
 * @param {unknown} given an object of {@link RETRAIN_FIELDS}; absent in a rule that asks for no retraining
 * @returns {{approval: 'manual' | 'automatic', minDaysBetween: number, minNewLabels: number} | undefined}
 * @throws {ApiError} INVALID_REQUEST, which names the field
 */
export function readRetrain(given) {
	if (given === undefined) return undefined;
	const fields = readFields('retrain', given, RETRAIN_FIELDS);
	const { approval = 'manual', minDaysBetween = 7, minNewLabels = 0 } = fields;
	if (!APPROVALS.includes(approval)) {
		throw new ApiError(
			'INVALID_REQUEST',
			`retrain.approval must be one of ${APPROVALS.join(', ')}, received ${shown(approval)}`
		);
	}
	if (!(Number.isFinite(minDaysBetween) && minDaysBetween >= 0 && minDaysBetween <= MAX_DAYS_BETWEEN)) {
		throw new ApiError(
			'INVALID_REQUEST',
			`retrain.minDaysBetween must be a number from 0 to ${MAX_DAYS_BETWEEN}, received ${shown(minDaysBetween)}`
		);
	}
	if (!(Number.isSafeInteger(minNewLabels) && minNewLabels >= 0 && minNewLabels <= MAX_NEW_LABELS)) {
		throw new ApiError(
			'INVALID_REQUEST',
			`retrain.minNewLabels must be a whole number from 0 to ${MAX_NEW_LABELS}, received ${shown(minNewLabels)}`
		);
	}
	return { approval, minDaysBetween, minNewLabels };
}
