// A monitor in memory, for tests and scripts; in Harper the table InferenceEvent is the memory.
import { MetricsAccumulator } from '../binding.js';
import { isCorrect, measure } from './events.js';
import { Tensor } from './tensor.js';

/** Remembers the last events, takes feedback and computes metrics. */
export class Monitor {
	#events = new Map();
	#maxEvents;

	/** @param {{maxEvents?: number}} [options] older events are forgotten; 10,000 by default */
	constructor({ maxEvents = 10_000 } = {}) {
		if (!Number.isSafeInteger(maxEvents) || maxEvents < 1) {
			throw new TypeError('maxEvents must be a whole number of at least 1');
		}
		this.#maxEvents = maxEvents;
	}

	/**
	 * Records an event, as `InferenceEngine.predict` does.
	 *
	 * @param {object} event
	 */
	record(event) {
		this.#events.set(event.id, { timestamp: Date.now(), ...event });
		if (this.#events.size > this.#maxEvents) this.#events.delete(this.#events.keys().next().value);
	}

	/**
	 * Adds what really happened. `correct` is computed when it is absent and the classes can be compared.
	 *
	 * @param {string} inferenceId
	 * @param {any} outcome
	 * @param {boolean} [correct]
	 */
	feedback(inferenceId, outcome, correct) {
		const event = this.#events.get(inferenceId);
		if (!event) {
			throw Object.assign(new Error(`there is no prediction "${inferenceId}"`), { code: 'INFERENCE_NOT_FOUND' });
		}
		const prediction = JSON.stringify(plain(event.outputs ?? {}));
		event.actualOutcome = outcome;
		event.feedbackTimestamp = Date.now();
		event.correct = correct ?? isCorrect(prediction, event.confidence, JSON.stringify(outcome));
		return event;
	}

	/**
	 * Events, newest first.
	 *
	 * @param {{modelId?: string, version?: string, digest?: string, userId?: string, sessionId?: string, startTime?: number, endTime?: number, limit?: number}} [filter]
	 */
	events({ modelId, version, digest, userId, sessionId, startTime = 0, endTime = Infinity, limit = 100 } = {}) {
		const wanted = { modelId, modelVersion: version, digest, userId, sessionId };
		return [...this.#events.values()]
			.reverse()
			.filter((event) => event.timestamp >= startTime && event.timestamp <= endTime)
			.filter((event) =>
				Object.entries(wanted).every(([field, value]) => value === undefined || event[field] === value)
			)
			.slice(0, limit);
	}

	/**
	 * Count, error rate, latency quantiles, confidence and accuracy of a model, also by version. A version counts with the
	 * bytes that ran last under its name; what ran before is in `previous`.
	 *
	 * @param {string} modelId
	 * @param {{version?: string, digest?: string, startTime?: number, endTime?: number}} [filter]
	 */
	metrics(modelId, { version, digest, startTime, endTime } = {}) {
		if (typeof modelId !== 'string') throw new TypeError('metrics takes the modelId of a model');
		const accumulator = new MetricsAccumulator();
		const current = {};
		for (const event of this.events({ modelId, version, digest, startTime, endTime, limit: Infinity })) {
			// The newest come first.
			if (event.digest !== undefined) current[event.modelVersion] ??= event.digest;
			measure(accumulator, event, event.digest);
		}
		return JSON.parse(accumulator.toJson(modelId, startTime, endTime, current));
	}
}

/** Outputs as JSON can carry them. */
function plain(value) {
	if (value instanceof Tensor) return plain(value.toArray());
	if (value instanceof Map) return Object.fromEntries(value);
	if (Array.isArray(value)) return value.map(plain);
	if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
	if (value !== null && typeof value === 'object') {
		return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
	}
	return value;
}
