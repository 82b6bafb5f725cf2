// The states of a request for retraining, and what people and programs do to one. No clock and no table.
//
// pending -> approved or rejected; approved -> running -> completed or failed. Training that is short need not say that it runs.

/** @typedef {'pending' | 'approved' | 'rejected' | 'running' | 'completed' | 'failed'} State */

export const STATES = ['pending', 'approved', 'rejected', 'running', 'completed', 'failed'];

/** Of a model at most one request is in one of these. */
const OPEN = ['pending', 'approved', 'running'];
/** In which an uploaded version may answer a request. */
const AWAITED = ['approved', 'running'];

export const APPROVALS = ['manual', 'automatic'];

const ACTIONS = {
	approve: { from: ['pending'], to: 'approved' },
	reject: { from: ['pending', 'approved'], to: 'rejected' },
	start: { from: ['approved'], to: 'running' },
	complete: { from: AWAITED, to: 'completed' },
	fail: { from: AWAITED, to: 'failed' },
};

/** Whether something is still to come of a request. */
export const isOpen = ({ state }) => OPEN.includes(state);

/**
 * The state that a new request has.
 *
 * @param {'manual' | 'automatic'} approval
 * @returns {State}
 */
export const firstState = (approval) => (approval === 'automatic' ? 'approved' : 'pending');

/**
 * What somebody does to a request.
 *
 * @param {{state: State, changes: object[], createdAt: number}} request
 * @param {keyof typeof ACTIONS} name
 * @param {{who: string, comment?: string, version?: string}} given `version` answers the request
 * @param {number} now Unix milliseconds
 * @returns {object | undefined} the attributes that it writes; nothing when the request is in a state that has no such action
 */
export function act({ state, changes, createdAt }, name, { who, comment, version }, now) {
	const { from, to } = ACTIONS[name];
	if (!from.includes(state)) return undefined;
	// Never before what it is about, whatever the clocks of the nodes say.
	const time = Math.max(now, changes.at(-1)?.time ?? createdAt);
	const change = { time, state: to, who, comment };
	const told = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
	return { state: to, changes: [...changes, told], ...(version !== undefined && { answeredBy: version }) };
}

/** In which states something can be done. */
export const statesFor = (name) => ACTIONS[name].from;
