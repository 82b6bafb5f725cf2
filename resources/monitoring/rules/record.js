// All rules: records of the table MonitoringRule, and those that are declared.
import { ApiError } from '../../errors.js';
import { copyOf } from '../../harper.js';
import { table } from '../../storage/tables.js';
import { declaredRules } from './declared.js';
import { readRule, RULE_FIELDS } from './definition.js';

/** Who wrote a rule, and when. */
const WRITTEN = ['createdAt', 'createdBy', 'updatedAt', 'updatedBy'];

/** The attributes of a rule, in the order of answers. */
export const SHOWN = [...RULE_FIELDS, 'source', ...WRITTEN];

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

/** All rules, in the order of their names. Of a stored and a declared one of the same name the stored one counts. */
export async function* allRules() {
	const declared = new Map((await declaredRules()).rules);
	const rules = [];
	for await (const record of table('MonitoringRule').search({})) {
		declared.delete(record.id);
		const rule = ruleFrom(record);
		if (rule) rules.push(rule);
	}
	yield* declared.size === 0 ? rules : [...rules, ...declared.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The ids of all there are, also of what no route has written. */
export async function ruleIds() {
	const ids = new Set((await declaredRules()).rules.keys());
	for await (const { id } of table('MonitoringRule').search({ select: ['id'] })) ids.add(id);
	return ids;
}

/**
 * @param {string} id
 * @returns {Promise<object | undefined>}
 */
export async function ruleOf(id) {
	const record = await table('MonitoringRule').get(id);
	return record ? ruleFrom(record) : (await declaredRules()).rules.get(id);
}

/**
 * The declared rules that do not count, and why.
 *
 * @returns {Promise<{declared: number, refused: Array<{rule: string, error: string}>}>}
 */
export async function declaredState() {
	const { rules, refused } = await declaredRules();
	const hidden = [];
	for (const rule of rules.keys()) {
		if (!(await table('MonitoringRule').get(rule))) continue;
		hidden.push({
			rule,
			error: 'a rule of that name is stored, which counts: delete it, or give this one another name',
		});
	}
	return { declared: rules.size - hidden.length, refused: [...refused, ...hidden] };
}
