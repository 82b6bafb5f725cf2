// What callers do with alerts: list, read, acknowledge, silence, resolve.
import { acquireLock } from '../../../binding.js';
import { ApiError } from '../../errors.js';
import { copyOf } from '../../harper.js';
import { authorizeAttributes, requireVisible, visibleTo } from '../../http/access.js';
import { canBeKey, identifier, moment, shown } from '../../http/query.js';
import { changing } from '../../storage/after.js';
import { commit } from '../../storage/disk.js';
import { table } from '../../storage/tables.js';
import { readLimit } from '../metrics.js';
import { askedBy, attributesToldBy } from '../rules/sources.js';
import { readComment } from './comment.js';
import { outboxEntries, putEntries } from '../webhooks/outbox.js';
import { eventOfAction } from './happenings.js';
import { alertFrom, ALERTS, allAlerts, listOf, OF_RULE } from './record.js';
import { act, stateOf, STATES, statesFor } from './states.js';

/** What alerts are filtered by. */
export const FILTER_FIELDS = ['state', 'modelId', 'rule'];
export const ALERT_FIELDS = [...FILTER_FIELDS, 'limit', 'cursor'];
/** What somebody says who does something to an alert. */
export const ACTION_FIELDS = { acknowledge: ['comment'], silence: ['comment', 'until'], resolve: ['comment'] };

/** The attributes of an answer, in its order. */
const SHOWN = [
	...['id', ...OF_RULE, 'state', 'since', 'firedAt', 'resolvedAt'],
	...['acknowledgedAt', 'silencedUntil', 'value', 'threshold', 'retraining', 'changes'],
];

/**
 * What alerts are asked for by; whoever filters by an attribute must be allowed to read it.
 *
 * @param {Record<string, unknown>} given of {@link FILTER_FIELDS}
 * @param {object | undefined} user Harper's user
 * @returns {(alert: object) => boolean} whether an alert is asked for, and the user may know of it
 */
export function alertFilter({ state, modelId, rule }, user) {
	if (state !== undefined && !STATES.includes(state)) {
		throw new ApiError('INVALID_REQUEST', `state must be one of ${STATES.join(', ')}, received ${shown(state)}`);
	}
	if (modelId !== undefined) identifier('modelId', modelId);
	if (rule !== undefined) identifier('rule', rule);
	const wanted = Object.entries({ modelId, rule }).filter(([, value]) => value !== undefined);
	const filtered = [...wanted.map(([name]) => name), ...(state === undefined ? [] : ['state'])];
	requireVisible(user, 'Alert', filtered);
	const mayKnow = knownTo(user);
	return (alert) =>
		(state === undefined || stateOf(alert) === state) &&
		wanted.every(([name, value]) => alert[name] === value) &&
		mayKnow(alert);
}

/**
 * An alert tells of events: it is only for who may read what it tells of.
 *
 * @param {object | undefined} user Harper's user
 * @returns {(alert: object) => boolean}
 */
export function knownTo(user) {
	const isVisible = visibleTo(user, 'InferenceEvent');
	const toldBy = (alert) => [...askedBy(alert), ...attributesToldBy(alert)];
	return (alert) => toldBy(alert).every(isVisible);
}

/**
 * A page of alerts, in the order of their ids.
 *
 * @param {Record<string, unknown>} given of {@link ALERT_FIELDS}; the limit may be a text
 * @param {object | undefined} user Harper's user
 */
export async function listAlerts({ limit: givenLimit, cursor, ...given }, user) {
	const limit = readLimit(givenLimit);
	if (cursor !== undefined && !canBeKey(cursor)) {
		throw new ApiError('INVALID_REQUEST', `cursor must come from an earlier answer, received ${shown(cursor)}`);
	}
	const isWanted = alertFilter(given, user);
	const page = [];
	for await (const alert of allAlerts(cursor)) {
		if (!isWanted(alert)) continue;
		if (page.length === limit) return { alerts: page, count: page.length, cursor: page.at(-1).id };
		page.push(describe(alert, user));
	}
	return { alerts: page, count: page.length };
}

/** An alert as its caller may see it. */
export const readAlert = async ({ id }, user) => describe(await find(id, user), user);

/**
 * Does something to an alert.
 *
 * @param {'acknowledge' | 'silence' | 'resolve'} name
 * @param {{id: unknown}} named
 * @param {Record<string, unknown>} given of {@link ACTION_FIELDS}
 * @param {object} user Harper's user, who is named
 */
export async function actOnAlert(name, { id }, { comment: givenComment, until: givenUntil }, user) {
	const comment = readComment(givenComment);
	if (name === 'silence' && givenUntil === undefined) {
		throw new ApiError('INVALID_REQUEST', 'until is required: when the silence ends');
	}
	const until = moment('until', givenUntil);
	const lock = await acquireLock(ALERTS);
	try {
		const alert = await find(id, user);
		const { actions } = alert;
		const written = act(
			{ ...alert, actions: listOf(actions) },
			name,
			{ who: user.username, comment, until },
			Date.now()
		);
		if (!written) {
			const [states, state] = [statesFor(name).join(', '), stateOf(alert)];
			throw new ApiError('INVALID_REQUEST', `${name} is for an alert that is ${states}; this one is ${state}`);
		}
		authorizeAttributes(user, 'Alert', 'update', Object.keys(written));
		await store(alert, written, name);
		return describe({ ...alert, ...written }, user);
	} finally {
		lock.release();
	}
}

async function store(alert, written, name) {
	const alerts = table('Alert');
	const entries = await outboxEntries([eventOfAction({ ...alert, ...written }, name)]);
	const write = async (context) => {
		await alerts.patch(alert.id, written, context);
		await putEntries(entries, context);
	};
	await commit(JSON.stringify([written, entries]).length, () => changing([[alerts, alert.id]], write));
}

async function find(id, user) {
	const record = typeof id === 'string' && canBeKey(id) ? await table('Alert').get(id) : undefined;
	const alert = record && alertFrom(record);
	if (!alert || !knownTo(user)(alert)) throw new ApiError('ALERT_NOT_FOUND', `there is no alert ${shown(id)}`);
	return alert;
}

/**
 * An alert as a user may see it: what rules and people did is one list, in its order.
 *
 * @param {object} alert
 * @param {object | undefined} user Harper's user
 */
export function describe(alert, user) {
	const isVisible = visibleTo(user, 'Alert');
	const changes = [...listOf(alert.changes), ...(isVisible('actions') ? listOf(alert.actions) : [])];
	const whole = {
		...alert,
		state: stateOf(alert),
		acknowledgedAt: stateOf(alert) === 'acknowledged' ? alert.acknowledgedAt : undefined,
		silencedUntil: alert.silencedUntil > Date.now() ? alert.silencedUntil : undefined,
		retraining: alert.retraining && copyOf(alert.retraining),
		changes: changes.toSorted((a, b) => a.time - b.time),
	};
	const told = SHOWN.filter((name) => whole[name] !== undefined && (name === 'id' || isVisible(name)));
	return Object.fromEntries(told.map((name) => [name, whole[name]]));
}
