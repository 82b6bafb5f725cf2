// Records of the table MonitoringRule.
import { ApiError } from '../../errors.js';
import { copyOf } from '../../harper.js';
import { table } from '../../storage/tables.js';
import { readRule, RULE_FIELDS } from './definition.js';

/** Who wrote a rule, and when. */
const WRITTEN = ['createdAt', 'createdBy', 'updatedAt', 'updatedBy'];

/** The attributes of a rule, in the order of answers. */
export const SHOWN = [...RULE_FIELDS, ...WRITTEN];

/**
 * @param {object} record
 * @returns {object | undefined} nothing for what no route has written
 */
export function ruleFrom(record) {
	const given = Object.fromEntries(RULE_FIELDS.map((name) => [name, record[name]]));
	if (Array.isArray(given.threshold)) given.threshold = copyOf(given.threshold);
	if (given.retrain) given.retrain = copyOf(given.retrain);
	try {
		const rule = readRule(given);
		const written = WRITTEN.filter((name) => record[name] != null).map((name) => [name, record[name]]);
		return { ...rule, ...Object.fromEntries(written) };
	} catch (error) {
		// As identifiers do, which Rust checks.
		if (error instanceof ApiError || error.code === 'INVALID_REQUEST') return undefined;
		throw error;
	}
}

/** All rules, in the order of their names. */
export async function* allRules() {
	for await (const record of table('MonitoringRule').search({})) {
		const rule = ruleFrom(record);
		if (rule) yield rule;
	}
}

/** The ids of all there are, also of what no route has written. */
export async function ruleIds() {
	const ids = new Set();
	for await (const { id } of table('MonitoringRule').search({ select: ['id'] })) ids.add(id);
	return ids;
}

/**
 * @param {unknown} id
 * @returns {Promise<object | undefined>}
 */
export async function ruleOf(id) {
	const record = await table('MonitoringRule').get(id);
	return record ? ruleFrom(record) : undefined;
}
