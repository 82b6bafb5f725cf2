// What holds for the events of predictions, in memory and in Harper's table.
import { compareOutcome, OTHER_SEGMENTS } from '../binding.js';
import { plain } from './plain.js';

/** What went wrong in a run, not in the request. */
const FAILED_RUNS = new Set(['RUN_FAILED', 'DEADLINE_EXCEEDED']);

/** Characters of a prediction whose numbers are measured: a longer one is no handful of them. */
const MAX_NUMBERS_LENGTH = 4096;

/** Elements of an output, beyond which it is no handful of numbers. */
const MAX_NUMBERS = 1000;

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
 * @param {{modelVersion: string, timestamp: number, latencyMs?: number, queueMs?: number, batchRows?: number, confidence?: number | (number | null)[] | null,
 *   actualOutcome?: unknown, correct?: boolean | null, regression?: object | null, quality?: Uint8Array | null,
 *   error?: {code: string}, prediction?: string, segment?: string, isOtherSegment?: boolean}} event the prediction as JSON text
 * @param {string} [digest] of what ran, where it is known
 */
export function measure(accumulator, event, digest) {
	const { modelVersion, timestamp, latencyMs, queueMs, batchRows, confidence, error, prediction } = event;
	const { hasFeedback, correct, regression, quality } = feedbackIn(event);
	const code = error === undefined ? undefined : `${error?.code}`;
	const mean = meanConfidence(confidence);
	accumulator.add(
		modelVersion,
		digest,
		timestamp,
		latencyMs,
		mean,
		hasFeedback,
		correct,
		code,
		regression,
		quality,
		queueMs ?? undefined,
		batchRows ?? undefined,
		// What has a confidence is a class, whose number is only its name.
		mean === undefined && prediction?.length <= MAX_NUMBERS_LENGTH ? prediction : undefined,
		segmentIn(event)
	);
}

/**
 * Adds to metrics what feedback changed of an event, so that with the event as it was before they are those of the event as it is.
 *
 * @param {import('../binding.js').MetricsAccumulator} accumulator
 * @param {object} before the event, as `measure` takes it, without feedback or with an earlier one
 * @param {object} after the same event with the feedback
 * @param {string} [digest] of what ran, where it is known
 */
export function measureFeedback(accumulator, before, after, digest) {
	accumulator.replaceFeedback(after.modelVersion, digest, segmentIn(after), feedbackIn(before), feedbackIn(after));
}

/** The outputs of a prediction in memory as the JSON text that {@link measure} takes, where they are few. */
export function numbersText({ outputs, confidence }) {
	if (typeof confidence === 'number') return undefined;
	const isFew = (value) => typeof value === 'number' || ((value?.data ?? value)?.length ?? Infinity) <= MAX_NUMBERS;
	return outputs && Object.values(outputs).every(isFew) ? JSON.stringify(plain(outputs)) : undefined;
}

/** The segment that an event counts in. */
const segmentIn = ({ segment, isOtherSegment }) => (isOtherSegment ? OTHER_SEGMENTS : segment);

const feedbackIn = ({ actualOutcome, correct, regression, quality }) => ({
	hasFeedback: actualOutcome !== undefined,
	correct: correct ?? undefined,
	regression: regression ?? undefined,
	quality: quality ?? undefined,
});

/** One number for the confidence of a prediction: that of its row, or the mean over its batch. */
function meanConfidence(confidence) {
	if (!Array.isArray(confidence)) return confidence ?? undefined;
	const known = confidence.filter((value) => value !== null);
	return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/**
 * What an outcome says of a prediction: whether it was right, for a class, and how far it was off, for a regression; and, as bytes to be
 * kept with the event, what else its metrics need. Null is what is not known.
 *
 * @param {string | undefined} prediction JSON text; none of a run that failed
 * @param {number | (number | null)[] | null | undefined} confidence of the prediction
 * @param {string} outcome JSON text
 * @param {{outputs?: string, labels?: string[]}} [maker] the outputs of the model as its signature describes them, `{outputs: [...]}`
 *   as JSON text, and the names of its classes
 * @returns {{correct: boolean | null, regression: {count: number, mae: number, rmse: number, bias: number} | null,
 *   quality: Uint8Array | null}}
 */
export function compared(prediction, confidence, outcome, { outputs, labels } = {}) {
	if (prediction === undefined) return { correct: null, regression: null, quality: null };
	const {
		correct = null,
		regression = null,
		quality = null,
	} = compareOutcome(prediction, outcome, {
		outputs,
		labels,
		confidentRows: Array.isArray(confidence) ? confidence.length : confidence == null ? undefined : 0,
	});
	return { correct, regression, quality };
}
