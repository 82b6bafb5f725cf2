// What really happened, beside what was predicted.
import { observeCorrectness } from '../../binding.js';
import { compared } from '../../library/events.js';
import { plain } from '../../library/plain.js';
import { classNames } from '../../library/versions.js';
import { authorizeAttributes, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { patchEvent } from './events.js';
import { FEEDBACK } from './record.js';
import { canBeKey, shown } from '../http/query.js';
import { metadataOf } from '../registry/metadata.js';
import { faultOf } from '../registry/record.js';
import { table, versionKey } from '../storage/tables.js';

/** The fields of feedback, and those of them for which null is a value. */
export const FEEDBACK_FIELDS = ['inferenceId', 'outcome', 'correct'];
export const NULLABLE = ['outcome'];

/** Throws unless a caller may give feedback. */
export const authorizeFeedback = (user) => authorizeAttributes(user, 'InferenceEvent', 'update', FEEDBACK);

/**
 * Stores what really happened.
 *
 * @param {{inferenceId?: unknown, outcome?: any, text?: string, correct?: unknown}} given the outcome as a value, or as JSON
 *   text, of which no digit is lost
 * @param {object | undefined} user Harper's user
 */
export async function giveFeedback({ inferenceId, outcome, text = JSON.stringify(plain(outcome)), correct }, user) {
	authorizeFeedback(user);
	if (typeof inferenceId !== 'string' || inferenceId === '') {
		throw new ApiError('INVALID_REQUEST', `inferenceId must be the id of a prediction, received ${shown(inferenceId)}`);
	}
	if (!canBeKey(inferenceId)) throw new ApiError('INFERENCE_NOT_FOUND', `there is no prediction ${shown(inferenceId)}`);
	if (text === undefined) throw new ApiError('INVALID_REQUEST', 'outcome is required: what really happened');
	if (correct !== undefined && typeof correct !== 'boolean') {
		throw new ApiError('INVALID_REQUEST', `correct must be a boolean, received ${shown(correct)}`);
	}
	let judged;
	await patchEvent(inferenceId, async (event) => {
		const known = { correct: null, regression: null, quality: null };
		if (mayCompare(user)) {
			Object.assign(known, compared(event.prediction, event.confidence, text, await makerOf(event)));
		}
		if (correct !== undefined) known.correct = correct;
		// What changes later is no other prediction.
		judged = event.correct === undefined && known.correct !== null ? { ...event, correct: known.correct } : undefined;
		return { actualOutcome: text, feedbackTimestamp: Date.now(), ...known };
	});
	if (judged?.digest !== undefined) {
		observeCorrectness(judged.modelId, judged.modelVersion, judged.digest, judged.correct);
	}
	return { success: true, inferenceId };
}

/** What is known of the model of an event, as long as it is there with the same bytes. */
export async function makerOf({ modelId, modelVersion, digest }) {
	const record = await table('Model').get(versionKey(modelId, modelVersion));
	if (!record || digest === undefined || record.digest !== digest || faultOf(record) !== undefined) return undefined;
	const labels = classNames(record.labels && Array.from(record.labels), metadataOf(record));
	return { outputs: record.outputSchema, labels };
}

/** Who may read how right a guess is, but not the prediction, could find out the prediction by guessing. */
function mayCompare(user) {
	const isVisible = visibleTo(user, 'InferenceEvent');
	const sees = (...fields) => fields.some(isVisible);
	return !sees('correct', 'regression') || (isVisible('prediction') && isVisible('confidence'));
}
