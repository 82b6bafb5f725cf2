// POST /monitoring/labels: what really happened, of many predictions that were drawn.
import { answerOf, ApiError } from '../../errors.js';
import { canBeKey, readFields, shown } from '../../http/query.js';
import { storedEvent } from '../events.js';
import { authorizeFeedback, FEEDBACK_FIELDS, giveFeedback, NULLABLE } from '../feedback.js';
import { MAX_LIMIT } from '../metrics.js';

/** What answers are given by. */
export const ANSWER_FIELDS = ['answers'];

/**
 * Stores answers, one after the other: each as feedback, so that one that is given twice counts once. What is wrong with one of them is told, and the
 * others are stored.
 *
 * @param {unknown} answers a list of what feedback takes
 * @param {(string | undefined)[]} outcomes the outcome of each as JSON text, of which no digit is lost
 * @param {object | undefined} user Harper's user
 */
export async function giveLabels(answers, outcomes, user) {
	authorizeFeedback(user);
	if (!Array.isArray(answers) || answers.length === 0 || answers.length > MAX_LIMIT) {
		const received = Array.isArray(answers) ? `a list of ${answers.length}` : shown(answers);
		throw new ApiError('INVALID_REQUEST', `answers must be a list of 1 to ${MAX_LIMIT}, received ${received}`);
	}
	const failed = [];
	for (const [at, given] of answers.entries()) {
		try {
			const { inferenceId, correct } = readFields(`answers[${at}]`, given, FEEDBACK_FIELDS, NULLABLE);
			await requireDrawn(inferenceId);
			await giveFeedback({ inferenceId, text: outcomes[at], correct }, user);
		} catch (error) {
			const { status, body } = answerOf(error);
			// A disk that is full or a defect is nothing about this one.
			if (status >= 500) throw error;
			failed.push({ index: at, inferenceId: given?.inferenceId, ...body });
		}
	}
	return { success: failed.length === 0, stored: answers.length - failed.length, failed };
}

/** Throws for a prediction that nobody drew: its outcome would say nothing of others. What is no id, feedback says. */
async function requireDrawn(inferenceId) {
	if (typeof inferenceId !== 'string' || !canBeKey(inferenceId)) return;
	const event = await storedEvent(inferenceId);
	if (!event || event.samplingProbability !== undefined) return;
	throw new ApiError(
		'INVALID_REQUEST',
		`the prediction ${shown(inferenceId)} was not drawn to be labelled; POST /feedback takes outcomes of any`
	);
}
