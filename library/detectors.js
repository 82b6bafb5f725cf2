// Detectors of a change in a stream of values, seen value by value.
import { native } from '../native.js';
import { fromNative } from './edge-ai-error.js';
import { ADWIN_OPTIONS, checkOptions, PAGE_HINKLEY_OPTIONS } from './options.js';
import { shown } from './shown.js';

/** A window that is as long as the mean of the stream does not change (Bifet and Gavaldà, 2007). */
export class Adwin {
	#detector;

	/**
	 * @param {{delta?: number, clock?: number, maxBuckets?: number, minWindowLength?: number, gracePeriod?: number}} [options]
	 */
	constructor(options = {}) {
		const {
			delta = 0.002,
			clock = 32,
			maxBuckets = 5,
			minWindowLength = 5,
			gracePeriod = 10,
		} = checkOptions('new Adwin', options, ADWIN_OPTIONS);
		this.#detector = new native.Adwin(delta, clock, maxBuckets, minWindowLength, gracePeriod);
	}

	/**
	 * Adds a value. After a detection the window starts over with the next one.
	 *
	 * @param {number} value
	 * @returns {boolean} whether the mean has changed
	 */
	update(value) {
		return updated(this.#detector, value);
	}

	/** Values in the window. */
	get width() {
		return this.#detector.width;
	}

	/** Their sum. */
	get total() {
		return this.#detector.total;
	}

	/** Their mean; null without any. */
	get mean() {
		return this.#detector.mean;
	}

	/** The mean of their squared distances from it; null without any. */
	get variance() {
		return this.#detector.variance;
	}
}

/** The sum of distances from the mean, where it leaves its extreme (Page, 1954; Hinkley). */
export class PageHinkley {
	#detector;

	/**
	 * @param {{minInstances?: number, delta?: number, threshold?: number, alpha?: number, mode?: 'up' | 'down' | 'both'}} [options]
	 */
	constructor(options = {}) {
		const {
			minInstances = 30,
			delta = 0.005,
			threshold = 50,
			alpha = 0.9999,
			mode = 'both',
		} = checkOptions('new PageHinkley', options, PAGE_HINKLEY_OPTIONS);
		const isUp = mode === 'both' ? undefined : mode === 'up';
		this.#detector = new native.PageHinkley(minInstances, delta, threshold, alpha, isUp);
	}

	/**
	 * Adds a value. After a detection it starts over with the next one.
	 *
	 * @param {number} value
	 * @returns {boolean} whether the mean has changed
	 */
	update(value) {
		return updated(this.#detector, value);
	}

	/** Values since the start. */
	get count() {
		return this.#detector.count;
	}

	/** Their mean; null without any. */
	get mean() {
		return this.#detector.mean;
	}
}

function updated(detector, value) {
	if (typeof value !== 'number') throw new TypeError(`update takes a number, received ${shown(value)}`);
	try {
		return detector.update(value);
	} catch (error) {
		throw fromNative(error);
	}
}
