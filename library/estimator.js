// What estimates quality without labels, fitted to predictions whose outcome is known.
import { describeEstimator, fitLabelled, LabelledPredictions } from '../binding.js';
import { plain, plainLists } from './plain.js';
import { worthOf } from './rows.js';

/**
 * Fits an estimator to events that have an outcome, as far as it takes them.
 *
 * @param {{event: object, model?: {signature: {outputs: object[]}, labels?: string[]}}[]} entries the newest first
 * @param {{chunkRows?: number, businessValue?: number[][]}} how
 * @returns {Promise<object>} the `estimator`, as bytes; what it is; `fittedAt`, and `from` and `to`, the times of the predictions; `leftOut`,
 *   predictions with an outcome that could not be used
 * @throws INVALID_REQUEST for events that say too little; TOO_LARGE for too many classes
 */
export async function fittedTo(entries, { chunkRows, businessValue }) {
	const worth = businessValue && worthOf(businessValue);
	const labelled = new LabelledPredictions();
	const times = [];
	for (const { event, model } of entries) {
		const { outputs, actualOutcome, features, confidence, timestamp } = event;
		if (outputs === undefined || actualOutcome === undefined) continue;
		const confidentRows = Array.isArray(confidence) ? confidence.length : confidence == null ? undefined : 0;
		const declared = model && JSON.stringify({ outputs: model.signature.outputs });
		const texts = [plain(outputs), plain(actualOutcome), plainLists(features) ?? undefined].map((value) =>
			value === undefined ? undefined : JSON.stringify(value)
		);
		if (!labelled.add(...texts, { outputs: declared, labels: model?.labels, confidentRows })) break;
		times.push(timestamp);
	}
	const { leftOut } = labelled;
	const estimator = await fitLabelled(labelled, { chunkRows, businessValue: worth });
	const described = JSON.parse(describeEstimator(estimator));
	const [from, to] = [Math.min(...times), Math.max(...times)];
	return { estimator, ...described, fittedAt: Date.now(), from, to, leftOut };
}
