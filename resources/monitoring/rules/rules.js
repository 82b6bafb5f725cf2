// What callers do with rules: list, read, write, delete.
import { acquireLock } from '../../../binding.js';
import { ApiError } from '../../errors.js';
import { transaction } from '../../harper.js';
import { authorize, authorizeAttributes, requireVisible, visibleTo } from '../../http/access.js';
import { canBeKey, shown } from '../../http/query.js';
import { contextAfter } from '../../storage/after.js';
import { commit } from '../../storage/disk.js';
import { table } from '../../storage/tables.js';
import { alertKeysOf, ALERTS } from '../alerts/record.js';
import { CONFIG } from './declared.js';
import { checkMethod, readRule } from './definition.js';
import { allRules, ruleIds, ruleOf, SHOWN } from './record.js';
import { askedBy, attributesToldBy } from './sources.js';

const MAX_RULES = 1000;
/** For a request that is made, and for one that is approved. */
const NEEDED = { manual: ['insert'], automatic: ['insert', 'update'] };

/**
 * All rules.
 *
 * @param {object | undefined} user Harper's user
 */
export async function listRules(user) {
	const rules = [];
	for await (const rule of allRules()) rules.push(describe(rule, user));
	return { rules, count: rules.length };
}

/** A rule as its caller may see it. */
export const readRuleOf = async ({ id }, user) => describe(await find(id), user);

/**
 * Makes a rule.
 *
 * @param {object} given see `RULE_FIELDS`
 * @param {object} user Harper's user
 */
export const createRule = (given, user) =>
	write(given, user, (before) => {
		if (before) throw new ApiError('RULE_EXISTS', `there is a rule ${shown(before.id)} already; PUT replaces it`);
	});

/**
 * Makes a rule, or replaces the one that is there.
 *
 * @param {{id: string}} named
 * @param {object} given the same, with the same id or none
 * @param {object} user Harper's user
 * @returns {Promise<{rule: object, isNew: boolean}>}
 */
export async function putRule({ id }, given, user) {
	if (given.id !== undefined && given.id !== id) {
		throw new ApiError('INVALID_REQUEST', `id must be that of the path, ${shown(id)}, received ${shown(given.id)}`);
	}
	let isNew;
	const rule = await write({ ...given, id }, user, (before) => (isNew = !before));
	return { rule, isNew };
}

async function write(given, user, check) {
	const rule = readRule(given);
	// Whoever makes a rule is told by its alerts what they are made of.
	requireVisible(user, 'InferenceEvent', [...askedBy(rule), ...attributesToldBy(rule)]);
	// What a rule does by itself, its maker must be allowed to do.
	if (rule.retrain) authorizeRetraining(user, NEEDED[rule.retrain.approval]);
	await checkMethod(rule);
	const lock = await acquireLock(ALERTS);
	try {
		const before = await ruleOf(rule.id);
		refuseDeclared(before);
		check(before);
		const record = writtenBy(user, rule, before);
		authorizeAttributes(user, 'MonitoringRule', before ? 'update' : 'insert', Object.keys(record));
		if (!before) await checkNumber();
		const rules = table('MonitoringRule');
		const context = await contextAfter([[rules, rule.id]]);
		await commit(JSON.stringify(record).length, () => transaction(context, () => rules.put(record, context)));
		return describe(record, user);
	} finally {
		lock.release();
	}
}

function authorizeRetraining(user, actions) {
	authorize(user, { RetrainingRequest: actions });
	for (const action of actions) authorizeAttributes(user, 'RetrainingRequest', action, ['state', 'changes']);
}

function writtenBy({ username }, rule, before) {
	const now = Date.now();
	const { createdAt = now, createdBy = username } = before ?? {};
	return { ...rule, createdAt, createdBy, updatedAt: now, updatedBy: username };
}

async function checkNumber() {
	const { size } = await ruleIds();
	if (size < MAX_RULES) return;
	throw new ApiError('INVALID_REQUEST', `there are ${size} rules, and at most ${MAX_RULES}: delete one first`);
}

/**
 * Deletes a rule and its alerts.
 *
 * @param {{id: unknown}} given
 * @param {object | undefined} user Harper's user
 */
export async function deleteRule({ id }, user) {
	const lock = await acquireLock(ALERTS);
	try {
		const rule = await find(id);
		refuseDeclared(rule);
		const [rules, alerts] = [table('MonitoringRule'), table('Alert')];
		const keys = await alertKeysOf(rule.id);
		const context = await contextAfter([[rules, rule.id], ...keys.map((key) => [alerts, key])]);
		const remove = async () => {
			await rules.delete(rule.id, context);
			for (const key of keys) await alerts.delete(key, context);
		};
		await commit(0, () => transaction(context, remove), 'deletion');
		return describe(rule, user);
	} finally {
		lock.release();
	}
}

/** What is declared is changed where it is. */
function refuseDeclared(rule) {
	if (rule?.source !== CONFIG) return;
	throw new ApiError('RULE_DECLARED', `the rule ${shown(rule.id)} is declared in config.yaml: change it there`);
}

async function find(id) {
	const rule = typeof id === 'string' && canBeKey(id) ? await ruleOf(id) : undefined;
	if (!rule) throw new ApiError('RULE_NOT_FOUND', `there is no rule ${shown(id)}`);
	return rule;
}

/** A rule as a user may see it. */
function describe(rule, user) {
	const isVisible = visibleTo(user, 'MonitoringRule');
	const isShown = (name) => ['id', 'source'].includes(name) || isVisible(name);
	const shownFields = SHOWN.filter((name) => rule[name] !== undefined && isShown(name));
	return Object.fromEntries(shownFields.map((name) => [name, rule[name]]));
}
