// Which predictions to label, and what their labels say of all of them: on raw rows.
import { randomInt } from 'node:crypto';
import { EdgeAiError } from './edge-ai-error.js';
import { effectiveSize, LEVEL, meanOf, METHOD, shareRight } from './label-estimate.js';
import { inclusionProbabilities, PivotalSample } from './label-sample.js';
import { checkOptions, LABEL_DRAW, LABELLED_ROWS } from './options.js';
import { numbersOf, required } from './rows.js';
import { seeded } from './seeded.js';
import { shown } from './shown.js';

/**
 * Draws predictions to be labelled, the likelier the higher their score.
 *
 * @param {{scores: ArrayLike<number>, size: number, seed?: number}} of at least 0; NaN where it is not known
 * @returns {{drawn: number[], probabilities: number[], seed: number}} positions in random order, each with its probability
 */
export function drawForLabels(of) {
	const given = checkOptions('drawForLabels', of, LABEL_DRAW);
	required('drawForLabels', given, ['scores', 'size']);
	const { size, seed = randomInt(2 ** 32) } = given;
	const scores = numbersOf('scores', given.scores);
	refuse('scores', scores, (score) => score < 0 || score === Infinity, 'at least 0, and finite');
	const all = inclusionProbabilities(scores, size);
	const sample = new PivotalSample(seeded(seed));
	for (const [at, probability] of all.entries()) sample.take(at, probability);
	const drawn = sample.finish();
	return { drawn, probabilities: drawn.map((at) => all[at]), seed };
}

/**
 * How right all predictions are, by those of a draw that are labelled; also how far numbers are off.
 *
 * @param {{probabilities: ArrayLike<number>, correct?: ArrayLike<boolean>, errors?: ArrayLike<number>}} rows
 * @returns {object} see index.d.ts
 */
export function estimateFromLabels(rows) {
	const given = checkOptions('estimateFromLabels', rows, LABELLED_ROWS);
	required('estimateFromLabels', given, ['probabilities']);
	const probabilities = numbersOf('probabilities', given.probabilities);
	refuse('probabilities', probabilities, (each) => !(each > 0 && each <= 1), 'above 0, and at most 1');
	const { correct } = given;
	const errors = given.errors && numbersOf('errors', given.errors);
	for (const [name, list] of Object.entries({ correct, errors })) {
		if (list === undefined || list.length === probabilities.length) continue;
		throw invalid(`${name} must have as many as probabilities, ${probabilities.length}; received ${list.length}`);
	}
	const labels = Array.from(probabilities, (probability) => ({
		weight: 1 / probability,
		spread: 1 / probability,
		probability,
	}));
	const estimate = {
		...{ method: METHOD, level: LEVEL, labels: labels.length, effectiveLabels: effectiveSize(labels) },
		predictions: labels.reduce((sum, { weight }) => sum + weight, 0),
	};
	if (correct !== undefined) {
		estimate.accuracy = shareRight(labels.map((label, at) => ({ ...label, isRight: truthOf(correct[at], at) })));
	}
	if (errors !== undefined) {
		refuse('errors', errors, (each) => !Number.isFinite(each), 'finite');
		const mean = (valueOf) => meanOf(labels.map((label, at) => ({ ...label, sum: valueOf(errors[at]), count: 1 })));
		Object.assign(
			estimate,
			errorsFrom(
				mean(Math.abs),
				mean((error) => error ** 2)
			)
		);
	}
	return estimate;
}

/**
 * The measures of a regression, none of which is below 0, from the means of absolute and of squared errors.
 *
 * @param {{value: number, lower: number | null, upper: number | null} | null} absolute
 * @param {typeof absolute} squared
 */
export function errorsFrom(absolute, squared) {
	const mapped = (measure, of) =>
		measure &&
		Object.fromEntries(
			Object.entries(measure).map(([name, value]) => [name, value === null ? null : of(Math.max(0, value))])
		);
	return { mae: mapped(absolute, (value) => value), rmse: mapped(squared, Math.sqrt) };
}

function truthOf(value, at) {
	if (typeof value === 'boolean') return value;
	throw invalid(`correct[${at}] must be a boolean, received ${shown(value)}`);
}

function refuse(name, list, isWrong, expected) {
	const at = list.findIndex(isWrong);
	if (at !== -1) throw invalid(`${name}[${at}] must be ${expected}, received ${list[at]}`);
}

const invalid = (message) => new EdgeAiError('INVALID_REQUEST', message);
