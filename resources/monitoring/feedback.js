// POST /feedback: what really happened, beside what was predicted.
import { isCorrect } from '../../library/events.js';
import { authorizeAttributes, visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { patchEvent } from './events.js';
import { FEEDBACK } from './record.js';
import { readJsonObject } from '../http/body.js';
import { canBeKey, readQuery, shown } from '../http/query.js';

/** `POST /feedback` with `{inferenceId, outcome, correct?}` */
export async function feedback({ query, stream, user }) {
	readQuery(query, []);
	authorizeAttributes(user, 'InferenceEvent', 'update', FEEDBACK);
	const { inferenceId, outcome, correct } = await readJsonObject(
		stream,
		['inferenceId', 'outcome', 'correct'],
		['outcome']
	);
	if (typeof inferenceId !== 'string' || inferenceId === '') {
		throw new ApiError('INVALID_REQUEST', `inferenceId must be the id of a prediction, received ${shown(inferenceId)}`);
	}
	if (!canBeKey(inferenceId)) throw new ApiError('INFERENCE_NOT_FOUND', `there is no prediction ${shown(inferenceId)}`);
	if (outcome === undefined) throw new ApiError('INVALID_REQUEST', 'outcome is required: what really happened');
	if (correct !== undefined && typeof correct !== 'boolean') {
		throw new ApiError('INVALID_REQUEST', `correct must be a boolean, received ${shown(correct)}`);
	}
	const actualOutcome = JSON.stringify(outcome);
	await patchEvent(inferenceId, ({ prediction, confidence }) => ({
		actualOutcome,
		feedbackTimestamp: Date.now(),
		correct: correct ?? (mayCompare(user) ? isCorrect(prediction, confidence, actualOutcome) : null),
	}));
	return { body: { success: true, inferenceId } };
}

/** Who may read whether a guess is correct, but not the prediction, could find out the prediction by guessing. */
function mayCompare(user) {
	const isVisible = visibleTo(user, 'InferenceEvent');
	return !isVisible('correct') || (isVisible('prediction') && isVisible('confidence'));
}
