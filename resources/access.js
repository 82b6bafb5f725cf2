// Who may: Harper's users and roles decide.
import { ApiError } from './errors.js';
import { DATABASE } from './store.js';

/**
 * Throws UNAUTHENTICATED without a user and FORBIDDEN when its role lacks a permission.
 *
 * @param {object | undefined} user Harper's user
 * @param {Record<string, string[]>} needs permissions (`read`, `insert`, `update`, `delete`) by table
 */
export function authorize(user, needs) {
	if (!user) throw new ApiError('UNAUTHENTICATED', 'a user is required: send Basic or Bearer credentials');
	const permission = user.role?.permission ?? {};
	if (permission.super_user) return;
	const tables = permission[DATABASE]?.tables ?? {};
	for (const [table, actions] of Object.entries(needs)) {
		const missing = actions.find((action) => tables[table]?.[action] !== true);
		if (missing) throw forbidden(missing, `${DATABASE}.${table}`);
	}
}

/**
 * Throws like {@link authorize}, for a table of any database.
 *
 * @param {object | undefined} user Harper's user
 * @param {object} target Harper's table
 * @param {string[]} actions
 * @param {string[]} attributes that are read or written
 */
export function authorizeTable(user, target, actions, attributes) {
	if (!user) throw new ApiError('UNAUTHENTICATED', 'a user is required: send Basic or Bearer credentials');
	const permission = user.role?.permission ?? {};
	if (permission.super_user) return;
	const { databaseName, tableName, primaryKey } = target;
	const allowed = permission[databaseName]?.tables?.[tableName];
	const rules = new Map((allowed?.attribute_permissions ?? []).map((rule) => [rule.attribute_name, rule]));
	for (const action of actions) {
		if (allowed?.[action] !== true) throw forbidden(action, `${databaseName}.${tableName}`);
		// Rules for some attributes leave out all others, but for the key.
		const missing = attributes.find(
			(name) => rules.size > 0 && name !== primaryKey && rules.get(name)?.[action] !== true
		);
		if (missing !== undefined) throw forbidden(action, `${databaseName}.${tableName}.${missing}`);
	}
}

const forbidden = (action, what) => new ApiError('FORBIDDEN', `the role must allow "${action}" on ${what}`);
