// /monitoring/rules: what alerts are raised by.
import { readJsonObject } from '../../http/body.js';
import { readQuery } from '../../http/query.js';
import { RULE_FIELDS } from './definition.js';
import { createRule, deleteRule, listRules, putRule, readRuleOf } from './rules.js';

/** `GET /monitoring/rules` */
export async function list({ query, user }) {
	readQuery(query, []);
	return { body: await listRules(user) };
}

/** `POST /monitoring/rules` with a rule */
export async function create({ query, stream, user, prefix }) {
	readQuery(query, []);
	const rule = await createRule(await readJsonObject(stream, RULE_FIELDS), user);
	return { status: 201, headers: { location: `${prefix}/monitoring/rules/${rule.id}` }, body: rule };
}

/** `GET /monitoring/rules/:rule` */
export async function get({ params, query, user }) {
	readQuery(query, []);
	return { body: await readRuleOf({ id: params.rule }, user) };
}

/** `PUT /monitoring/rules/:rule` with a rule */
export async function put({ params, query, stream, user }) {
	readQuery(query, []);
	const { rule, isNew } = await putRule({ id: params.rule }, await readJsonObject(stream, RULE_FIELDS), user);
	return { status: isNew ? 201 : 200, body: rule };
}

/** `DELETE /monitoring/rules/:rule`: its alerts go with it */
export async function remove({ params, query, user }) {
	readQuery(query, []);
	return { body: await deleteRule({ id: params.rule }, user) };
}
