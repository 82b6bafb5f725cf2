// The states of an alert: what becomes of one when its rule has looked, and when somebody has taken notice of it. No clock and no
// table: what was, what is seen and the time give what is.
//
// inactive -> pending (the condition holds) -> firing (it has for the time of `for`) -> resolved (it has not for `keepFiringFor`), as in
// Prometheus. `noData` is neither: what was firing goes on from there when there are data again, and what was pending begins anew.
//
// Rules write one part of a record and people the other, because two nodes may write at the same moment: of one attribute the later
// write stays. `current` puts them together.

/** @typedef {'inactive' | 'pending' | 'firing' | 'acknowledged' | 'resolved' | 'noData'} State */

export const STATES = ['inactive', 'pending', 'firing', 'acknowledged', 'resolved', 'noData'];

/** The latest changes that are kept, and as many of what people did. */
const MAX_CHANGES = 50;

/** What only rules write, beside the description of the alert. */
export const MACHINE = [
	'state',
	'since',
	'activeSince',
	'firedAt',
	'clearedAt',
	'resolvedAt',
	'value',
	'threshold',
	'changes',
	'retraining',
];

/** What only people write. */
export const BY_HAND = ['acknowledgedAt', 'silencedUntil', 'endedAt', 'actions'];

/**
 * @typedef {object} Sample What a rule saw.
 * @property {'holds' | 'clear' | 'noData' | 'off'} sees whether its condition holds; `off` when the rule does not look any more
 * @property {object} [evidence] the numbers, the time they are of, and the query that shows them
 */

/** The state of a record, with what people did since it was written. */
export function stateOf({ state = 'inactive', since = 0, firedAt, endedAt, acknowledgedAt }) {
	if (endedAt !== undefined && endedAt >= since && state !== 'inactive') return 'resolved';
	const isNoticed = firedAt !== undefined && acknowledgedAt >= firedAt;
	return state === 'firing' && isNoticed ? 'acknowledged' : state;
}

/**
 * A record with what people did since it was written, as the next step goes on from.
 *
 * @param {object} alert
 */
function current(alert) {
	if (stateOf(alert) !== 'resolved' || alert.state === 'resolved') return { state: 'inactive', since: 0, ...alert };
	return { ...ended(alert), state: 'resolved', since: alert.endedAt, resolvedAt: alert.endedAt };
}

/** Without what is only of an alert that is under way. */
const ended = (alert) => ({
	...alert,
	activeSince: undefined,
	firedAt: undefined,
	clearedAt: undefined,
	retraining: undefined,
});

/**
 * The next state.
 *
 * @param {object} alert the record; an empty object when there is none
 * @param {Sample} sample
 * @param {{forMs: number, keepFiringForMs: number, cooldownMs: number}} rule
 * @param {number} now Unix milliseconds
 * @returns {object} the record as it is to be
 */
export function step(alert, sample, rule, now) {
	// Somebody ended it after what is seen here.
	if (alert.endedAt > now) return alert;
	const before = current(alert);
	const after = next(before, sample.sees, rule, now);
	if (after.state === before.state) return { ...before, ...after };
	const { evidence } = sample;
	const change = { time: now, state: after.state, ...(evidence && { evidence }) };
	const changes = [...(before.changes ?? []), change].slice(-MAX_CHANGES);
	const told = evidence ? { value: evidence.value, threshold: evidence.threshold } : {};
	return { ...before, ...after, ...told, since: now, changes };
}

function next(before, sees, rule, now) {
	if (sees === 'noData') return { ...before, state: 'noData', activeSince: undefined, clearedAt: undefined };
	if (sees === 'off') return before.firedAt === undefined ? idle(before) : resolved(before, now);
	if (before.firedAt !== undefined) return whileFiring(before, sees, rule, now);
	if (sees === 'clear') return idle(before);
	const activeSince = before.activeSince ?? now;
	const hasCooled = before.resolvedAt === undefined || now - before.resolvedAt >= rule.cooldownMs;
	if (hasCooled && now - activeSince >= rule.forMs) {
		return { ...before, state: 'firing', activeSince, firedAt: now };
	}
	return { ...before, state: 'pending', activeSince };
}

function whileFiring(before, sees, { keepFiringForMs }, now) {
	if (sees === 'holds') return { ...before, state: 'firing', clearedAt: undefined };
	const clearedAt = before.clearedAt ?? now;
	if (now - clearedAt >= keepFiringForMs) return resolved(before, now);
	return { ...before, state: 'firing', clearedAt };
}

const resolved = (before, now) => ({ ...ended(before), state: 'resolved', resolvedAt: now });

/** What has ended stays resolved; what never fired is inactive. */
const idle = (before) => ({ ...ended(before), state: before.state === 'resolved' ? 'resolved' : 'inactive' });

/** What people can do to an alert in which states: the message of a refusal, and what it writes. */
const ACTIONS = {
	acknowledge: {
		states: ['firing', 'acknowledged'],
		attribute: 'acknowledgedAt',
		valueOf: (_given, now) => now,
	},
	silence: {
		states: STATES,
		attribute: 'silencedUntil',
		valueOf: ({ until }) => until,
	},
	resolve: {
		states: ['pending', 'firing', 'acknowledged', 'noData'],
		attribute: 'endedAt',
		valueOf: (_given, now) => now,
	},
};

/**
 * What somebody does to an alert.
 *
 * @param {object} alert the record
 * @param {keyof typeof ACTIONS} name
 * @param {{who: string, comment?: string, until?: number}} given `until` of a silence, in Unix milliseconds
 * @param {number} now Unix milliseconds
 * @returns {object | undefined} the attributes that it writes; nothing when the alert is in a state that has no such action
 */
export function act(alert, name, { who, comment, until }, now) {
	const { states, attribute, valueOf } = ACTIONS[name];
	if (!states.includes(stateOf(alert))) return undefined;
	// Never before what it is about, whatever the clocks of the nodes say.
	const time = Math.max(now, alert.since ?? 0);
	const action = { time, action: name, who, comment, until };
	const told = Object.fromEntries(Object.entries(action).filter(([, value]) => value !== undefined));
	return { [attribute]: valueOf({ until }, time), actions: [...(alert.actions ?? []), told].slice(-MAX_CHANGES) };
}

/** In which states something can be done. */
export const statesFor = (name) => ACTIONS[name].states;
