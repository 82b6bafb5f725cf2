// The rows of an event: a prediction of many rows is one row each.
import { depthOf, elementsOf, isList, isObject, membersOf, soundText } from './json-text.js';

/**
 * @typedef {object} Row Values are JSON texts.
 * @property {string} id `inferenceId`, or `inferenceId:row` of a prediction of a batch
 * @property {object} event
 * @property {Map<string, string>} features by input, nested by their shape
 * @property {Map<string, string>} prediction by output
 * @property {string | undefined} confidence
 * @property {string | undefined} groundTruth
 */

/** Under which names an outcome may stand, beside those of outputs. */
const WRAPPERS = ['class', 'label', 'value', 'target'];
/** What stands in place of features that were too large to be kept. */
const SUMMARY = ['summary', 'bytes', 'digest'];
/** No tensor of a model that runs has more axes; each is a turn through all values. */
const MAX_RANK = 64;

/**
 * The rows of an event.
 *
 * @param {object} event
 * @param {{inputs: object[], outputs: object[]}} [signature] of the model that made it, where it is known
 * @returns {Row[]} none when its features were not kept, or its run failed
 */
export function rowsOf(event, signature) {
	const [featuresText, predictionText] = [soundText(event.featuresIn), soundText(event.prediction)];
	if (featuresText === undefined || predictionText === undefined) return [];
	if (!isObject(featuresText) || !isObject(predictionText)) return [];
	const [features, prediction] = [membersOf(featuresText), membersOf(predictionText)];
	if (features.size === SUMMARY.length && SUMMARY.every((name) => features.has(name))) return [];
	for (const [name, text] of features) features.set(name, nested(text));
	const outcome = soundText(event.actualOutcome);
	const truth = outcome === undefined ? undefined : unwrapped(outcome, prediction);
	const count = countOf(event, features, signature);
	if (count === undefined) {
		const { id, confidence } = event;
		return [{ id, event, features, prediction, confidence: numeral(confidence), groundTruth: aloneIn(truth) }];
	}
	const part = (text, at, parts) => (isList(text) && parts.length === count ? parts[at] : text);
	const split = (members) => [...members].map(([name, text]) => [name, text, isList(text) ? elementsOf(text) : []]);
	const [allFeatures, allOutputs] = [split(features), split(prediction)];
	const truths = truth !== undefined && isList(truth) ? elementsOf(truth) : count === 1 ? [truth] : [];
	return Array.from({ length: count }, (_, at) => {
		const rowOf = (all) => new Map(all.map(([name, text, parts]) => [name, part(text, at, parts)]));
		const own = truths.length === count ? truths[at] : undefined;
		return {
			id: `${event.id}:${at}`,
			event,
			features: rowOf(allFeatures),
			prediction: rowOf(allOutputs),
			confidence: numeral(Array.isArray(event.confidence) ? event.confidence[at] : event.confidence),
			groundTruth: own === undefined ? undefined : unwrapped(own, prediction),
		};
	});
}

/** What has its shape beside it, as the open protocols send it, as lists in lists; all else as it is. */
function nested(text) {
	const members = isObject(text) ? membersOf(text) : new Map();
	const [data, shape] = [members.get('data'), members.get('shape')];
	if (members.size !== 2 || data === undefined || shape === undefined || !isList(data)) return text;
	// Some clients nest what they also give the shape of.
	if (depthOf(data) > 1) return data;
	const sizes = JSON.parse(shape);
	if (!Array.isArray(sizes) || sizes.length > MAX_RANK) return text;
	let parts = elementsOf(data);
	if (sizes.reduce((product, size) => product * size, 1) !== parts.length) return text;
	if (sizes.length === 0) return parts[0];
	for (const size of sizes.slice(1).toReversed()) {
		const [inner, length] = [parts, parts.length / size];
		parts = Array.from({ length }, (_, at) => `[${inner.slice(at * size, (at + 1) * size)}]`);
	}
	return `[${parts}]`;
}

const numeral = (value) => (typeof value === 'number' ? String(value) : undefined);

/** Of one row: a list of one value stands for that. */
function aloneIn(truth) {
	if (truth === undefined || !isList(truth)) return truth;
	const elements = elementsOf(truth);
	return elements.length === 1 ? elements[0] : truth;
}

/** How many rows a batch has; nothing for a prediction of one row without a dimension for that. */
function countOf({ confidence }, features, signature) {
	for (const { name, shape } of signature?.inputs ?? []) {
		const text = features.get(name);
		if (text === undefined || !Array.isArray(shape)) continue;
		// Only a list whose length the model fixes is one row.
		const isRow = shape.length === 1 && shape[0] > 1;
		if (isRow || shape.length === 0) continue;
		return isList(text) && depthOf(text) >= shape.length ? elementsOf(text).length : undefined;
	}
	return Array.isArray(confidence) ? confidence.length : undefined;
}

/** An outcome without the name that it stands under. */
function unwrapped(text, prediction) {
	if (!isObject(text)) return text;
	const members = membersOf(text);
	const named = [...prediction.keys(), ...WRAPPERS].filter((name) => members.has(name));
	return named.length === 1 ? members.get(named[0]) : text;
}
