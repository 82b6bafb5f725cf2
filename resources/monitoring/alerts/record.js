// Records of the table Alert, one for each rule, or for each version of a rule that is one for each version; checked when they are read:
// roles may allow writing to the table itself.
import { copyOf } from '../../harper.js';
import { table } from '../../storage/tables.js';
import { SEVERITIES } from '../rules/definition.js';
import { measureNamed } from '../rules/sources.js';
import { BY_HAND, MACHINE, STATES } from './states.js';

/** Who writes alerts, rules or requests for retraining on this node holds this lock of the process. */
export const ALERTS = 'alerts';

const isText = (value) => typeof value === 'string';
const isTime = (value) => Number.isFinite(value) && value >= 0;
const isAbsentOr = (isRight) => (value) => value === undefined || isRight(value);
const isMeasure = (name) => isText(name) && measureNamed(name) !== undefined;

const RULES = {
	id: isText,
	rule: isText,
	modelId: isText,
	version: isAbsentOr(isText),
	segment: isAbsentOr(isText),
	measure: isMeasure,
	column: isAbsentOr(isText),
	severity: (value) => SEVERITIES.includes(value),
	state: (value) => STATES.includes(value) && value !== 'acknowledged',
	since: isTime,
	activeSince: isAbsentOr(isTime),
	firedAt: isAbsentOr(isTime),
	clearedAt: isAbsentOr(isTime),
	resolvedAt: isAbsentOr(isTime),
	changes: Array.isArray,
	retraining: isAbsentOr((value) => isText(value.request) !== isText(value.waits)),
	acknowledgedAt: isAbsentOr(isTime),
	silencedUntil: isAbsentOr(isTime),
	endedAt: isAbsentOr(isTime),
	actions: isAbsentOr(Array.isArray),
};

/** What an alert has of its rule. */
export const OF_RULE = ['rule', 'modelId', 'version', 'segment', 'measure', 'column', 'severity'];
const FIELDS = ['id', ...OF_RULE, ...MACHINE, ...BY_HAND];

/**
 * The id of an alert.
 *
 * @param {string} rule
 * @param {string} [version]
 */
export const alertKey = (rule, version) => (version === undefined ? rule : `${rule}:${version}`);

/**
 * An alert as an object of its own. Its lists are Harper's: there are many alerts, and most of them stay as they are.
 *
 * @param {object} record
 * @returns {object | undefined} without what is absent; nothing for what this component has not written
 */
export function alertFrom(record) {
	const alert = {};
	for (const name of FIELDS) {
		const value = record[name];
		if (value !== undefined && value !== null) alert[name] = value;
	}
	const isSound =
		Object.entries(RULES).every(([field, isRight]) => isRight(alert[field])) &&
		(alert.id === alert.rule || alert.id.startsWith(`${alert.rule}:`)) &&
		(!measureNamed(alert.measure).isOfColumn || alert.column !== undefined);
	return isSound ? alert : undefined;
}

/**
 * Alerts in the order of their ids.
 *
 * @param {string} [after] only those behind this id
 */
export async function* allAlerts(after) {
	// Every character of an id sorts between these.
	const range = { attribute: 'id', comparator: 'between', value: [after ?? '!', '~'] };
	for await (const record of table('Alert').search({ conditions: [range] })) {
		const alert = record.id === after ? undefined : alertFrom(record);
		if (alert) yield alert;
	}
}

/** A list of an alert, as far as this component has written it. */
export const listOf = (list = []) => copyOf(list).filter((one) => isTime(one?.time));

/** The ids of what there is for a rule. */
export async function alertKeysOf(rule) {
	const keys = [];
	const ranges = [
		[rule, rule],
		[`${rule}:`, `${rule}:~`],
	];
	for (const value of ranges) {
		const conditions = [{ attribute: 'id', comparator: 'between', value }];
		for await (const { id } of table('Alert').search({ conditions, select: ['id'] })) keys.push(id);
	}
	return keys;
}
