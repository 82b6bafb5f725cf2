// What happens to alerts, as webhooks are told of it.
import { listOf } from './record.js';
import { stateOf } from './states.js';

const SOURCE = '/monitoring/alerts';

/** What somebody does, and what the alert is then. */
const KIND_OF = { acknowledge: 'alert.acknowledged', silence: 'alert.silenced', resolve: 'alert.resolved' };

/**
 * What rules have done. While an alert is silenced only its end is told.
 *
 * @param {object[]} records as they are to be
 * @param {Map<string, object>} before by id, as they were
 * @param {number} slot when, in Unix milliseconds
 * @returns {import('../webhooks/outbox.js').Event[]}
 */
export function eventsOfRules(records, before, slot) {
	const changed = records.filter(({ id, state, silencedUntil }) => {
		const isTold = state === 'resolved' || !(silencedUntil > slot);
		return isTold && state !== stateForRules(before.get(id));
	});
	return changed.map((record) => {
		const changes = listOf(record.changes).slice(-1);
		return eventOf(`alert.${stateOf(record)}`, slot, { ...record, changes, actions: [] });
	});
}

/** The state of an alert as rules go on from it: what somebody ended is resolved, and what is acknowledged fires. */
function stateForRules(alert) {
	const state = alert && stateOf(alert);
	return state === 'acknowledged' ? 'firing' : state;
}

/**
 * What somebody has done.
 *
 * @param {object} alert as it is then
 * @param {keyof typeof KIND_OF} name
 * @returns {import('../webhooks/outbox.js').Event}
 */
export function eventOfAction(alert, name) {
	const actions = listOf(alert.actions).slice(-1);
	return eventOf(KIND_OF[name], actions[0].time, { ...alert, changes: [], actions });
}

const eventOf = (kind, time, alert) => {
	const { id: subject, modelId, severity } = alert;
	return { kind, time, source: SOURCE, subject, modelId, severity, data: alert };
};
