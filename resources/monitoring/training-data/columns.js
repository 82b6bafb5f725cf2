// The columns of a table of rows, as the signature of a version has them, and called as those of profiles.
import { MAX_PROFILE_COLUMNS } from '../../../binding.js';
import { OUTPUT_PREFIX } from '../profiles.js';
import { isEventId, timeOf } from '../record.js';
import { elementsOf, isList, isObject, membersOf } from './json-text.js';

/**
 * @typedef {object} Column
 * @property {string} name
 * @property {string} [dtype] of its values, a tensor's or `timestamp`; texts without one
 * @property {(row: import('./event-rows.js').Row) => string | undefined} textIn the JSON text of its value; nothing when there is none
 */

/** What features are called by when their own name means something else. */
const INPUT_PREFIX = 'input.';

const ID = { name: 'id', textIn: ({ id }) => JSON.stringify(id) };
const OWN = {
	timestamp: { name: 'timestamp', dtype: 'timestamp', textIn: ({ event }) => String(event.timestamp) },
	modelVersion: { name: 'version', textIn: ({ event }) => JSON.stringify(event.modelVersion) },
	confidence: { name: 'confidence', dtype: 'float64', textIn: ({ confidence }) => confidence },
	actualOutcome: { name: 'groundTruth', textIn: ({ groundTruth }) => groundTruth },
	samplingProbability: { name: 'weight', dtype: 'float64', textIn: ({ event }) => String(weightOf(event)) },
};
const RESERVED = [ID, ...Object.values(OWN)].map(({ name }) => name);

/**
 * What a row counts for, where only a sample was labelled. One whose outcome was known before it was drawn stands for itself: so do those
 * beside it that were not drawn.
 *
 * @param {{samplingProbability?: number, labelDraw?: string, feedbackTimestamp?: number}} event
 */
export function weightOf({ samplingProbability: p, labelDraw, feedbackTimestamp }) {
	const wasKnown = isEventId(labelDraw) && feedbackTimestamp < timeOf(labelDraw);
	return p > 0 && p <= 1 && !wasKnown ? 1 / p : 1;
}

/**
 * The columns of a table.
 *
 * @param {{inputs: object[], outputs: object[]}} signature
 * @param {(attribute: string) => boolean} isVisible which attributes of events it may tell
 * @returns {Column[]}
 */
export function columnsOf({ inputs, outputs }, isVisible) {
	const classes = outputs.find(({ role, classes: named }) => role === 'label' && named)?.classes;
	const all = [
		...(isVisible('featuresIn') ? inputs.flatMap(columnsOfInput) : []),
		...(isVisible('prediction') ? outputs.flatMap((output) => columnsOfOutput(output, classes)) : []),
	];
	const names = new Set();
	for (const column of all) {
		// Names of an uploader's own may be those of other columns.
		if (names.has(column.name)) column.name = column.byPlace;
		names.add(column.name);
	}
	const own = (attribute) => (isVisible(attribute) ? [OWN[attribute]] : []);
	return [
		...[ID, ...own('timestamp'), ...own('modelVersion'), ...all, ...own('confidence'), ...own('actualOutcome')],
		...own('samplingProbability'),
	];
}

/** Of how many columns a row of a tensor is; nothing when it is one thing, such as an image, or its length is not known. */
function widthOf({ shape }) {
	if (!Array.isArray(shape)) return undefined;
	if (shape.length <= 1) return shape[0] > 1 ? shape[0] : 1;
	const isFlat = shape.length === 2 && shape[1] >= 1 && shape[1] <= MAX_PROFILE_COLUMNS;
	return isFlat ? shape[1] : undefined;
}

function columnsOfInput(input) {
	const whole = nameOfInput(input.name);
	const valueOf = ({ features }) => features.get(input.name);
	const width = widthOf(input);
	const isNamed = input.columns?.length === width;
	const nameAt = (at) => (isNamed ? nameOfInput(input.columns[at]) : undefined);
	return columnsOfTensor(whole, { width, dtype: input.dtype }, valueOf, nameAt);
}

const nameOfInput = (name) =>
	name.startsWith(OUTPUT_PREFIX) || name.startsWith(INPUT_PREFIX) || RESERVED.includes(name)
		? `${INPUT_PREFIX}${name}`
		: name;

function columnsOfOutput(output, classes) {
	const whole = `${OUTPUT_PREFIX}${output.name}`;
	const valueOf = ({ prediction }) => prediction.get(output.name);
	// A map of classes.
	if (/\bmap\b/.test(output.type ?? '') && classes) {
		const [, dtype] = output.type.match(/tensor\((\w+)\)/) ?? [];
		return classes.map((name) => {
			const column = `${whole}[${name}]`;
			return { name: column, byPlace: column, dtype, textIn: (row) => memberIn(valueOf(row), name) };
		});
	}
	const width = widthOf(output);
	const isScores = output.role === 'scores' && output.classes?.length === width;
	const nameAt = (at) => (isScores ? `${whole}[${output.classes[at]}]` : undefined);
	return columnsOfTensor(whole, { width, dtype: output.dtype }, valueOf, nameAt);
}

function columnsOfTensor(whole, { width, dtype }, valueOf, nameAt) {
	if (width === undefined) return [{ name: whole, byPlace: whole, textIn: valueOf }];
	if (width === 1) {
		const textIn = (row) => elementIn(valueOf(row), 0, 1) ?? valueOf(row);
		return [{ name: nameAt(0) ?? whole, byPlace: whole, dtype, textIn }];
	}
	return Array.from({ length: width }, (_, at) => {
		const byPlace = `${whole}[${at}]`;
		return { name: nameAt(at) ?? byPlace, byPlace, dtype, textIn: (row) => elementIn(valueOf(row), at, width) };
	});
}

/** Of the value of a row, whose elements are asked for one after the other. */
let last = { text: undefined, elements: [] };

function elementIn(text, at, width) {
	if (text === undefined || !isList(text)) return undefined;
	if (last.text !== text) last = { text, elements: elementsOf(text) };
	return last.elements.length === width ? last.elements[at] : undefined;
}

const memberIn = (text, name) => (text !== undefined && isObject(text) ? membersOf(text).get(name) : undefined);
