// Figures of past windows, which are asked for again in each slot and seldom change: only late feedback does that. They are read again
// when they have been kept for an hour.

const KEPT_MS = 3_600_000;
const MAX_FIGURES = 50_000;

/** @typedef {{value?: number, samples?: number, reason?: string}} Figure `reason` why it has no value */

export class PastFigures {
	/** By what they are of: the figure, and the slot in which it was read. */
	#kept = new Map();
	#max;

	/** @param {number} [max] how many are kept */
	constructor(max = MAX_FIGURES) {
		this.#max = max;
	}

	/**
	 * @param {string} key what it is of
	 * @param {number} at the slot, in Unix milliseconds
	 * @returns {Figure | undefined}
	 */
	at(key, at) {
		const kept = this.#kept.get(key);
		return kept && Math.abs(at - kept.at) < KEPT_MS ? kept.figure : undefined;
	}

	/**
	 * Keeps what was read. Where there is no room, only what is too old makes way: all figures are asked for in turn, and in place of the
	 * next ones none would be there when it is asked for again.
	 */
	keep(key, figure, at) {
		this.#kept.delete(key);
		if (this.#kept.size >= this.#max) {
			const [oldest] = this.#kept.keys();
			if (this.at(oldest, at) !== undefined) return;
			this.#kept.delete(oldest);
		}
		this.#kept.set(key, { figure, at });
	}
}
