// POST /feedback: what really happened, beside what was predicted.
import { compareOutcome } from '../binding.js';
import { ApiError } from './errors.js';
import { patchEvent } from './events.js';
import { readJsonObject, readQuery, shown } from './query.js';

/** `POST /feedback` with `{inferenceId, outcome, correct?}` */
export async function feedback({ query, stream }) {
	readQuery(query, []);
	const { inferenceId, outcome, correct } = await readJsonObject(stream, ['inferenceId', 'outcome', 'correct']);
	if (typeof inferenceId !== 'string' || inferenceId === '') {
		throw new ApiError('INVALID_REQUEST', `inferenceId must be the id of a prediction, received ${shown(inferenceId)}`);
	}
	if (outcome === undefined) throw new ApiError('INVALID_REQUEST', 'outcome is required: what really happened');
	if (correct !== undefined && typeof correct !== 'boolean') {
		throw new ApiError('INVALID_REQUEST', `correct must be a boolean, received ${shown(correct)}`);
	}
	const actualOutcome = JSON.stringify(outcome);
	await patchEvent(inferenceId, (event) => ({
		actualOutcome,
		feedbackTimestamp: Date.now(),
		correct: correct ?? compared(event, actualOutcome),
	}));
	return { body: { success: true, inferenceId } };
}

function compared({ prediction, confidence }, actualOutcome) {
	if (typeof prediction !== 'string') return null;
	return compareOutcome(prediction, actualOutcome, confidence !== null && confidence !== undefined);
}
