// What holds for the events of predictions, in memory and in Harper's table.
import { compareOutcome } from '../binding.js';

/** What went wrong in a run, not in the request. */
const FAILED_RUNS = new Set(['RUN_FAILED', 'DEADLINE_EXCEEDED']);

/**
 * Whether a prediction that failed is an event.
 *
 * @param {{code?: string}} error
 */
export const isFailedRun = ({ code }) => FAILED_RUNS.has(code);

/**
 * Adds an event to metrics.
 *
 * @param {import('../binding.js').MetricsAccumulator} accumulator
 * @param {{modelVersion: string, timestamp: number, latencyMs?: number, confidence?: number | (number | null)[] | null,
 *   actualOutcome?: unknown, correct?: boolean | null, error?: object}} event
 * @param {string} [digest] of what ran, where it is known
 */
export function measure(accumulator, event, digest) {
	const { modelVersion, timestamp, latencyMs, confidence, actualOutcome, correct, error } = event;
	const hasFeedback = actualOutcome !== undefined;
	const failed = error !== undefined;
	accumulator.add(modelVersion, digest, timestamp, latencyMs, meanConfidence(confidence), hasFeedback, correct, failed);
}

/** One number for the confidence of a prediction: that of its row, or the mean over its batch. */
function meanConfidence(confidence) {
	if (!Array.isArray(confidence)) return confidence ?? undefined;
	const known = confidence.filter((value) => value !== null);
	return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/**
 * Whether what happened agrees with what was predicted; null when that is not known.
 *
 * @param {string | undefined} prediction JSON text; none of a run that failed
 * @param {number | (number | null)[] | null | undefined} confidence of the prediction: a classifier has one
 * @param {string} outcome JSON text
 * @returns {boolean | null}
 */
export function isCorrect(prediction, confidence, outcome) {
	if (prediction === undefined) return null;
	return compareOutcome(prediction, outcome, confidence !== null && confidence !== undefined);
}
