// Evaluates all rules, slot after slot. A slot is a time at which rules look; which one was the last is stored in one transaction with
// what came of it. So a slot that an owner did not finish is evaluated by the next one, at the same time and over the same windows, and
// one that is stored is not evaluated again.
import { labelsFor, Triggers } from '../retraining/triggers.js';
import { EACH, msOf } from '../rules/definition.js';
import { alertKey, OF_RULE } from './record.js';
import { labelCount, samplesAt } from './sampling.js';
import { stateOf, step } from './states.js';

/** Predictions up to a slot are in the tables by then, those of other nodes too where nothing is slow. */
const SETTLE_MS = 2000;
/** When nobody evaluated for longer, the slots before these are left out. */
const MAX_SLOTS_BEHIND = 60;

/**
 * @typedef {object} Store
 * @property {() => Promise<number | undefined>} lastSlot which slot was evaluated last
 * @property {() => Promise<object[]>} rules
 * @property {() => Promise<object[]>} alerts
 * @property {(modelIds: string[]) => Promise<object[]>} requests for retraining of models
 * @property {(slot: {slot: number, last?: number, modelIds: string[]},
 *   decide: (alerts: object[], ids: Set<string>, requests: object[]) => Decision) => Promise<boolean>} commit
 *   stores what is decided on the alerts, the ids of rules and the requests of the models as they are then, and the slot, all or nothing;
 *   false when `last` is not the last one any more
 *
 * @typedef {{put: object[], remove: string[], requests: object[]}} Decision `requests` for retraining are new ones
 */

/**
 * The newest slot that can be evaluated.
 *
 * @param {number} now Unix milliseconds
 * @param {number} intervalMs
 */
export const dueSlot = (now, intervalMs) => Math.floor((now - SETTLE_MS) / intervalMs) * intervalMs;

/**
 * The slots that are to be evaluated. A last one that lies ahead was written by a clock that was wrong, and does not count.
 *
 * @param {number | undefined} last
 * @param {number} due
 * @param {number} intervalMs
 * @returns {number[]}
 */
export function slotsAfter(last, due, intervalMs) {
	const isUnknown = last === undefined || last > due + intervalMs;
	const next = isUnknown ? due : (Math.floor(last / intervalMs) + 1) * intervalMs;
	const first = Math.max(next, due - (MAX_SLOTS_BEHIND - 1) * intervalMs);
	return Array.from({ length: Math.max(0, (due - first) / intervalMs + 1) }, (_, at) => first + at * intervalMs);
}

/**
 * Evaluates what is due.
 *
 * @param {object} how
 * @param {Store} how.store
 * @param {number} how.now Unix milliseconds
 * @param {number} how.intervalMs
 * @param {AbortSignal} how.signal
 * @param {(source: object, parameters: object) => Promise<object>} [how.read]
 * @param {import('./past-figures.js').PastFigures} [how.past] what is known of past windows
 */
export async function evaluateDue({ store, now, intervalMs, ...how }) {
	let last = await store.lastSlot();
	for (const slot of slotsAfter(last, dueSlot(now, intervalMs), intervalMs)) {
		if (how.signal.aborted || !(await evaluateSlot({ store, slot, last, ...how }))) return;
		last = slot;
	}
}

async function evaluateSlot({ store, slot, last, signal, ...how }) {
	const rules = await store.rules();
	// What is made or changed after a slot has not looked then.
	const looking = rules.filter(({ enabled, createdAt = 0 }) => enabled && createdAt <= slot);
	const watched = looking.some(({ version }) => version === EACH) ? await versionsUnderWay(store) : new Map();
	const versionsWatched = ({ id }) => watched.get(id) ?? [];
	const samples = await samplesAt(looking, slot, { versionsWatched, signal, ...how });
	const modelIds = [...new Set(looking.filter(({ retrain }) => retrain).map(({ modelId }) => modelId))];
	const labels = modelIds.length > 0 ? await labelsAt(slot, samples, await store.requests(modelIds), how) : new Map();
	if (signal.aborted) return false;
	return store.commit({ slot, last, modelIds }, (alerts, ids, requests) => {
		// A rule that was deleted meanwhile raises nothing.
		const isThere = ({ id }) => ids.has(id);
		return decide(
			slot,
			rules.filter(isThere),
			samples.filter(({ rule }) => isThere(rule)),
			alerts,
			new Triggers(requests, labels)
		);
	});
}

/** The labels that there are for requests that may be made. */
function labelsAt(slot, samples, requests, { read }) {
	const holding = samples.filter(({ sample }) => sample.sees === 'holds').map(({ rule }) => rule);
	return labelsFor(holding, requests, ({ modelId, since }) => labelCount(modelId, { from: since, to: slot - 1 }, read));
}

/** By rule, the versions whose alerts are under way. */
async function versionsUnderWay(store) {
	const versions = new Map();
	for (const alert of await store.alerts()) {
		const { rule, version, firedAt } = alert;
		const state = stateOf(alert);
		// A version that is retired has no data any more: unless it had fired, nobody waits for that.
		const isOver = ['inactive', 'resolved'].includes(state) || (state === 'noData' && firedAt === undefined);
		if (version === undefined || isOver) continue;
		if (!versions.has(rule)) versions.set(rule, []);
		versions.get(rule).push(version);
	}
	return versions;
}

/**
 * What becomes of the alerts.
 *
 * @param {number} slot
 * @param {object[]} rules all of them
 * @param {Awaited<ReturnType<typeof samplesAt>>} samples
 * @param {object[]} alerts all records
 * @param {Triggers} [triggers]
 * @returns {Decision}
 */
export function decide(slot, rules, samples, alerts, triggers = new Triggers([], new Map())) {
	const decision = { put: [], remove: [], requests: triggers.made };
	const before = new Map(alerts.map((alert) => [alert.id, alert]));
	const take = (rule, alert, version, sample) => {
		const next = step(alert, sample, timesOf(rule), slot);
		const record = described(next, rule, version);
		const retraining = triggers.take(rule, record, sample, slot);
		if (retraining === undefined) delete record.retraining;
		else record.retraining = retraining;
		const isWorthIt = alert.id !== undefined || record.state !== 'inactive';
		if (isWorthIt && !isSame(record, alert)) decision.put.push(record);
	};
	for (const { rule, version, sample } of samples) {
		const id = alertKey(rule.id, version);
		const alert = before.get(id) ?? {};
		before.delete(id);
		take(rule, alert, version, sample);
	}
	const known = new Map(rules.map((rule) => [rule.id, rule]));
	for (const [id, alert] of before) {
		const rule = known.get(alert.rule);
		if (!rule) decision.remove.push(id);
		else if (rule.enabled === false || (rule.createdAt ?? 0) <= slot) {
			take(rule, alert, alert.version, { sees: 'off' });
		}
	}
	return decision;
}

/** Whether two records are the same; lists are compared as such, because they are never changed in place. */
function isSame(a, b) {
	const names = new Set([...Object.keys(a), ...Object.keys(b)]);
	return [...names].every((name) => a[name] === b[name]);
}

const timesOf = (rule) => ({
	forMs: msOf(rule.for),
	keepFiringForMs: msOf(rule.keepFiringFor),
	cooldownMs: msOf(rule.cooldown),
});

/** A record with what it has of its rule, without what is absent. */
function described(alert, rule, version) {
	const ofRule = Object.fromEntries(OF_RULE.map((name) => [name, rule[name]]));
	const record = { ...alert, ...ofRule, id: alertKey(rule.id, version), rule: rule.id, version };
	return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
