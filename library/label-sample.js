// Which predictions are worth a label: a sample in which each has a known probability to be, higher where its score is.

/** The part of a sample that is drawn without regard to scores: no weight is above 1 / FLOOR times that of a uniform sample. */
export const FLOOR = 0.5;

/**
 * How probable each prediction is to be among those that are drawn: in proportion to FLOOR + (1 - FLOOR) score / mean score, but at most
 * 1, so that they add up to the size.
 *
 * @param {Float64Array} scores at least 0; NaN for what is not known, which counts as the mean of the others
 * @param {number} size how many are to be drawn
 * @returns {Float64Array}
 */
export function inclusionProbabilities(scores, size) {
	const probabilities = new Float64Array(scores.length).fill(1);
	if (size >= scores.length) return probabilities;
	let [sum, known] = [0, 0];
	for (const score of scores) {
		if (Number.isNaN(score)) continue;
		sum += score;
		known += 1;
	}
	// Relative to one another, so that sums of tiny or of huge scores are as good.
	const mean = sum / known;
	const shareOf = (score) => (mean > 0 && !Number.isNaN(score) ? FLOOR + (1 - FLOOR) * (score / mean) : 1);
	let [left, total] = [size, 0];
	for (let at = 0; at < scores.length; at += 1) {
		probabilities[at] = shareOf(scores[at]);
		total += probabilities[at];
	}
	// What is certain to be drawn leaves more for the others, of which some may become certain by that.
	const certain = new Uint8Array(scores.length);
	for (let isDone = false; !isDone;) {
		const factor = left / total;
		isDone = true;
		for (let at = 0; at < scores.length; at += 1) {
			if (certain[at] === 1 || probabilities[at] * factor < 1) continue;
			certain[at] = 1;
			left -= 1;
			total -= probabilities[at];
			isDone = false;
		}
	}
	for (let at = 0; at < scores.length; at += 1) {
		probabilities[at] = certain[at] === 1 ? 1 : probabilities[at] * (left / total);
	}
	return probabilities;
}

/**
 * Draws by the ordered pivotal method (Deville and Tillé 1998): each is drawn with its probability, and always as many as these add up to.
 * Neighbours are seldom drawn both, so that a sample in the order of time is spread over it.
 */
export class PivotalSample {
	#random;
	#waiting = -1;
	/** The probability of the one that waits. */
	#share = 0;
	/** What is drawn, as it was named. */
	drawn = [];

	/** @param {() => number} random in [0, 1) */
	constructor(random) {
		this.#random = random;
	}

	/**
	 * @param {number} which a name, from 0
	 * @param {number} probability above 0, at most 1
	 */
	take(which, probability) {
		if (probability >= 1) {
			this.drawn.push(which);
			return;
		}
		const sum = this.#share + probability;
		if (sum < 1) {
			// One of both goes on with the probability of both.
			if (this.#waiting < 0 || this.#random() * sum < probability) this.#waiting = which;
			this.#share = sum;
			return;
		}
		// One of both is drawn, and the other goes on with what is left.
		const isNew = this.#random() * (2 - sum) < 1 - this.#share;
		this.drawn.push(isNew ? which : this.#waiting);
		if (!isNew) this.#waiting = which;
		this.#share = sum - 1;
	}

	/** Decides about the last one. Returns all that are drawn, in random order. */
	finish() {
		if (this.#waiting >= 0 && this.#random() < this.#share) this.drawn.push(this.#waiting);
		this.#waiting = -1;
		const { drawn } = this;
		for (let at = drawn.length - 1; at > 0; at -= 1) {
			const other = Math.floor(this.#random() * (at + 1));
			[drawn[at], drawn[other]] = [drawn[other], drawn[at]];
		}
		return drawn;
	}
}
