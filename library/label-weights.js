// How much the labels of several samples count together.
//
// Every prediction is shared out among the samples that it could have been drawn in, by what each draws of a thousand. A sample says
// of its share of a prediction: nothing, where it did not draw it; the share over the probability, where it did; and the share itself, where an earlier one
// had drawn it, since then its label is known. On average that is the share, whatever the earlier samples were, so that
// all samples together count each prediction once.

/**
 * @typedef {object} Draw A sample.
 * @property {number} drawnAt Unix milliseconds; all that were drawn earlier were left out
 * @property {number} rate how many it drew of those that it could
 * @property {(prediction: object) => boolean} covers whether a prediction was in what it drew from, or had been drawn earlier
 */

/**
 * @param {object} prediction that was drawn
 * @param {Draw} draw by which
 * @param {number} probability with which
 * @param {Draw[]} draws all of them
 * @returns {{weight: number, spread: number, probability: number}} how many predictions it stands for
 */
export function weightIn(prediction, draw, probability, draws) {
	let [rates, later] = [0, 0];
	for (const each of draws) {
		if (!each.covers(prediction)) continue;
		rates += each.rate;
		if (each !== draw && each.drawnAt > draw.drawnAt) later += each.rate;
	}
	const spread = draw.rate / rates / probability;
	return { weight: spread + later / rates, spread, probability };
}

/**
 * The same where some of a sample are not answered, or not any more: the others stand for them, which is right as far as it is by
 * chance which are not.
 *
 * @param {{weight: number, spread: number, probability: number}} label
 * @param {number} answeredShare of the sample, above 0
 */
export const standingIn = ({ weight, spread, probability }, answeredShare) => ({
	weight: weight / answeredShare,
	spread: spread / answeredShare,
	probability: probability * answeredShare,
});
