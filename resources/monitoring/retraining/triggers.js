// When an alert that fires makes a request for retraining, and for what it waits otherwise. No clock and no table: the requests and
// labels that there are, and the time, give what is made.
import { requestKey } from './record.js';
import { firstState, isOpen } from './states.js';

const DAY_MS = 86_400_000;

/** The time of the last request, by model. */
function lastOf(requests) {
	const last = new Map();
	for (const { modelId, createdAt } of requests) last.set(modelId, Math.max(createdAt, last.get(modelId) ?? 0));
	return last;
}

/**
 * How many predictions with feedback there are since the last request of each model that needs some.
 *
 * @param {{retrain?: object, modelId: string}[]} rules those whose condition holds
 * @param {object[]} requests of their models
 * @param {(range: {modelId: string, since: number}) => Promise<{count: number} | {reason: string}>} read
 * @returns {Promise<Labels>}
 *
 * @typedef {Map<string, {since: number, count?: number, reason?: string}>} Labels by model
 */
export async function labelsFor(rules, requests, read) {
	const last = lastOf(requests);
	const labels = new Map();
	for (const { retrain, modelId } of rules) {
		if (!retrain?.minNewLabels || labels.has(modelId)) continue;
		const since = last.get(modelId) ?? 0;
		labels.set(modelId, { since, ...(await read({ modelId, since })) });
	}
	return labels;
}

/** What alerts ask for in one slot. */
export class Triggers {
	/** The requests that are made. */
	made = [];
	#last;
	#open;
	#labels;

	/**
	 * @param {object[]} requests all of the models that rules with `retrain` are of
	 * @param {Labels} labels
	 */
	constructor(requests, labels) {
		this.#last = lastOf(requests);
		this.#open = new Map(requests.filter(isOpen).map(({ modelId, id }) => [modelId, id]));
		this.#labels = labels;
	}

	/**
	 * What an alert is to have as its `retraining`. Each time that it fires it makes one request at most.
	 *
	 * @param {object} rule
	 * @param {object} alert as it is to be
	 * @param {import('../alerts/states.js').Sample} sample
	 * @param {number} slot Unix milliseconds
	 * @returns {{request: string} | {waits: string} | undefined}
	 */
	take(rule, alert, { sees, evidence }, slot) {
		const { retraining } = alert;
		if (alert.firedAt === undefined || retraining?.request !== undefined) return retraining;
		if (!rule.retrain) return undefined;
		if (alert.state !== 'firing' || sees !== 'holds') return retraining;
		const waits = this.#waitsFor(rule, slot);
		// What stays the same is not written.
		if (waits !== undefined) return retraining?.waits === waits ? retraining : { waits };
		const request = requestOf(rule, alert, evidence, slot);
		this.made.push(request);
		this.#last.set(rule.modelId, slot);
		if (isOpen(request)) this.#open.set(rule.modelId, request.id);
		return { request: request.id };
	}

	#waitsFor({ modelId, retrain: { minDaysBetween, minNewLabels } }, slot) {
		const open = this.#open.get(modelId);
		if (open !== undefined) return `the request ${open} of this model is still open`;
		const last = this.#last.get(modelId);
		if (last !== undefined && slot - last < minDaysBetween * DAY_MS) {
			return `the last request of this model was made at ${timeOf(last)}, and minDaysBetween is ${minDaysBetween}`;
		}
		if (minNewLabels === 0) return undefined;
		const { since, count = 0, reason } = this.#labels.get(modelId) ?? {};
		if (reason !== undefined) return `the labels could not be counted: ${reason}`;
		// Somebody has made a request since they were counted.
		const isCounted = since === (last ?? 0);
		if (isCounted && count >= minNewLabels) return undefined;
		const begin = last === undefined ? '' : ` since ${timeOf(last)}`;
		return `fewer than ${minNewLabels} predictions${begin} have feedback`;
	}
}

const timeOf = (ms) => new Date(ms).toJSON();

function requestOf(rule, alert, evidence, slot) {
	const { approval } = rule.retrain;
	const state = firstState(approval);
	const { rule: name, modelId, version, measure, column } = alert;
	const request = {
		...{ id: requestKey(slot, alert.id), modelId, version, rule: name, alert: alert.id, measure, column },
		...{ reason: reasonOf(rule, evidence), evidence, approval, state, createdAt: slot },
		changes: [{ time: slot, state }],
	};
	return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
}

function reasonOf({ measure, column, comparison, window }, { value, threshold }) {
	const of = column === undefined ? measure : `${measure} of ${column}`;
	const bound = Array.isArray(threshold) ? threshold.join(' to ') : threshold;
	return `${of} was ${value} in ${window}, which is ${comparison} ${bound}`;
}
