// What labels of a sample with known probabilities say of all predictions: estimates weighted by inverse probabilities, and intervals
// that are honest where labels are few or errors rare. docs/labels.md has the formulas and their sources.
import { betaQuantile, studentTwoSided } from './beta-distribution.js';

/** Of an interval: how often it covers the truth. */
export const LEVEL = 0.95;
export const METHOD = 'inverse-propensity';

/**
 * @typedef {object} Label
 * @property {number} weight how many predictions it stands for
 * @property {number} spread the part of the weight that is there by chance: all of it in a single draw
 * @property {number} probability with which it was drawn
 */

/** The part of the variance of a weighted sum that is of one label, but for its value. */
const varianceOf = ({ spread, probability }) => (1 - probability) * spread ** 2;

/**
 * How many labels that all count as much would tell as much, by Kish.
 *
 * @param {Label[]} labels
 */
export function effectiveSize(labels) {
	let [sum, squares] = [0, 0];
	for (const { weight } of labels) {
		sum += weight;
		squares += weight ** 2;
	}
	return squares > 0 ? sum ** 2 / squares : 0;
}

/**
 * The share of predictions that are right.
 *
 * Each end of the interval is that of Clopper and Pearson, for as many labels as have this variance: as if there were one more
 * label, of the largest weight, that was wrong for the lower end and right for the upper one. So nothing is certain because all labels agree, and an
 * error that is rare but weighs much counts before it is seen.
 *
 * @param {Array<Label & {isRight: boolean}>} labels
 * @param {number} [level]
 * @returns {{value: number, lower: number, upper: number} | null}
 */
export function shareRight(labels, level = LEVEL) {
	if (labels.length === 0) return null;
	let [total, right] = [0, 0];
	// What the largest weight stands for beside itself.
	let [unseen, unseenVariance] = [0, 0];
	for (const label of labels) {
		total += label.weight;
		if (label.isRight) right += label.weight;
		unseen = Math.max(unseen, (1 - label.probability) * label.spread);
		unseenVariance = Math.max(unseenVariance, varianceOf(label));
	}
	const end = (share, further) => {
		const sum = total + unseen;
		const mean = (right + further * unseen) / sum;
		let variance = unseenVariance * (further - mean) ** 2;
		for (const label of labels) variance += varianceOf(label) * ((label.isRight ? 1 : 0) - mean) ** 2;
		if (variance === 0) return mean;
		const size = (mean * (1 - mean) * sum ** 2) / variance;
		return betaQuantile(share, mean * size, (1 - mean) * size);
	};
	return { value: right / total, lower: end((1 - level) / 2, 0), upper: end((1 + level) / 2, 1) };
}

/**
 * A mean of numbers, such as absolute errors, with the linearised variance of a ratio and Student's t.
 *
 * @param {Array<Label & {sum: number, count: number}>} labels the sum of so many numbers each
 * @param {number} [level]
 * @returns {{value: number, lower: number | null, upper: number | null} | null} no interval from a single label
 */
export function meanOf(labels, level = LEVEL) {
	if (labels.length === 0) return null;
	let [sum, count] = [0, 0];
	for (const label of labels) {
		sum += label.weight * label.sum;
		count += label.weight * label.count;
	}
	const value = sum / count;
	const degreesOfFreedom = effectiveSize(labels) - 1;
	// Weights may make one label of several.
	if (degreesOfFreedom < 0.5) return { value, lower: null, upper: null };
	let variance = 0;
	for (const label of labels) variance += varianceOf(label) * (label.sum - value * label.count) ** 2;
	const standardError = Math.sqrt((variance * labels.length) / (labels.length - 1)) / count;
	const half = studentTwoSided(level, degreesOfFreedom) * standardError;
	return { value, lower: value - half, upper: value + half };
}
