// Who may: Harper's users and roles decide, by table and by attribute.
//
// A role allows the component's tables directly, as any table, or only through the routes: by a permission on the table of the
// same name in the database edge_ai_routes, which holds no rows. With that a role writes events by predicting, but not by
// Harper's operations.
import { ApiError } from '../errors.js';
import { DATABASE } from '../storage/tables.js';

/** The database whose permissions count on the routes only. */
export const ROUTES_DATABASE = 'edge_ai_routes';
const KEY = 'id';

/** The component's own rights, for who asks for them explicitly. Its name is nobody's. */
export const COMPONENT = Object.freeze({ username: '', role: { permission: { super_user: true } } });

/**
 * Throws UNAUTHENTICATED without a user and FORBIDDEN when its role lacks a permission.
 *
 * @param {object | undefined} user Harper's user
 * @param {Record<string, string[]>} needs permissions (`read`, `insert`, `update`, `delete`) by table
 */
export function authorize(user, needs) {
	const missing = lacking(permissionOf(user), needs);
	if (missing) throw forbidden(missing.action, `${DATABASE}.${missing.table}`);
}

/**
 * Whether a caller may do what takes permissions; see {@link authorize}.
 *
 * @param {object | undefined} user Harper's user
 * @param {Record<string, string[]> | undefined} needs none where nobody is asked who they are
 */
export const isAllowed = (user, needs) =>
	needs === undefined || (user !== undefined && lacking(permissionOf(user), needs) === undefined);

/** The first permission that is missing. */
function lacking(permission, needs) {
	if (permission.super_user) return undefined;
	for (const [table, actions] of Object.entries(needs)) {
		const grants = grantsOf(permission, table);
		const action = actions.find((needed) => !grants.some((grant) => grant[needed] === true));
		if (action) return { table, action };
	}
	return undefined;
}

/**
 * Throws like {@link authorize}, for attributes of a table of the component that are read or written.
 *
 * @param {object | undefined} user Harper's user
 * @param {string} table
 * @param {string} action
 * @param {string[]} attributes
 */
export function authorizeAttributes(user, table, action, attributes) {
	const permission = permissionOf(user);
	if (allowsAll(permission, table, action)) return;
	const grants = grantsOf(permission, table);
	const missing = attributes.find((name) => !grants.some((grant) => allows(grant, action, name, KEY)));
	if (missing !== undefined) throw forbidden(action, `${DATABASE}.${table}.${missing}`);
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
	const permission = permissionOf(user);
	if (permission.super_user) return;
	const { databaseName, tableName, primaryKey } = target;
	const grant = permission[databaseName]?.tables?.[tableName];
	for (const action of actions) {
		if (grant?.[action] !== true) throw forbidden(action, `${databaseName}.${tableName}`);
		const missing = attributes.find((name) => !allows(grant, action, name, primaryKey));
		if (missing !== undefined) throw forbidden(action, `${databaseName}.${tableName}.${missing}`);
	}
}

/**
 * Whether a role allows an action for all attributes of a table of the component; most do, and this is quick.
 *
 * @param {object | undefined} user Harper's user
 * @param {string} table
 * @param {string} action
 */
export const isUnrestricted = (user, table, action) => allowsAll(permissionOf(user), table, action);

const allowsAll = (permission, table, action) =>
	permission.super_user === true ||
	grantsOf(permission, table).some((grant) => grant[action] === true && !hasRules(grant));

const always = () => true;

/**
 * What of a table of the component may stand in an answer. Only rules for attributes hide any: that the table itself may be
 * read is the business of the route.
 *
 * @param {object | undefined} user Harper's user; callers without one are only where a route is open
 * @param {string} table
 * @returns {(attribute: string) => boolean}
 */
export const visibleTo = (user, table) => allowedTo(user, table, 'read');

/**
 * The attributes for which rules leave a caller an action; see {@link visibleTo}.
 *
 * @param {object | undefined} user Harper's user
 * @param {string} table
 * @param {string} action
 * @returns {(attribute: string) => boolean}
 */
export function allowedTo(user, table, action) {
	const permission = user?.role?.permission ?? {};
	if (permission.super_user) return always;
	const grants = grantsOf(permission, table);
	if (!grants.some(hasRules)) return always;
	return (attribute) => grants.some((grant) => allows(grant, action, attribute, KEY));
}

/**
 * Throws FORBIDDEN when rules hide what an answer cannot do without; see {@link visibleTo}.
 *
 * @param {object | undefined} user Harper's user
 * @param {string} table
 * @param {string[]} attributes
 */
export function requireVisible(user, table, attributes) {
	const isVisible = visibleTo(user, table);
	const hidden = attributes.find((attribute) => !isVisible(attribute));
	if (hidden !== undefined) throw forbidden('read', `${DATABASE}.${table}.${hidden}`);
}

function permissionOf(user) {
	if (!user) throw new ApiError('UNAUTHENTICATED', 'a user is required: send Basic or Bearer credentials');
	return user.role?.permission ?? {};
}

/** What a role allows on a table of the component: directly, and through the routes. */
const grantsOf = (permission, table) =>
	[permission[DATABASE]?.tables?.[table], permission[ROUTES_DATABASE]?.tables?.[table]].filter(Boolean);

const hasRules = ({ attribute_permissions: rules }) => rules?.length > 0;

/** Rules for some attributes leave out all others, but for the key. */
function allows(grant, action, attribute, key) {
	if (grant[action] !== true) return false;
	if (!hasRules(grant) || attribute === key) return true;
	return grant.attribute_permissions.some((rule) => rule.attribute_name === attribute && rule[action] === true);
}

const forbidden = (action, what) => new ApiError('FORBIDDEN', `the role must allow "${action}" on ${what}`);
