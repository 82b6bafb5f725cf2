// The roles that the component brings: reading; predicting and feedback; everything. They read the tables, and write through the
// routes only. Harper's own way to bring roles writes them anew at each start, over a role of the application with that name.
import { ROUTES_DATABASE } from './access.js';
import { DATABASE } from '../storage/tables.js';
import { databases } from '../harper.js';

const TABLES = ['Model', 'InferenceEvent', 'MonitoringRule', 'Alert', 'RetrainingRequest', 'Feature', 'Job'];
/** A role is written as if it had been made so long ago that, between nodes, every other one of that name wins. */
const LONG_AGO = 1;

const grant = (...actions) => ({
	...Object.fromEntries(['read', 'insert', 'update', 'delete'].map((action) => [action, actions.includes(action)])),
	attribute_permissions: [],
});

/**
 * The permission of a role.
 *
 * @param {Record<string, string[]>} writes what it may do through the routes, by table
 */
const permission = (writes) => ({
	super_user: false,
	[DATABASE]: { tables: Object.fromEntries(TABLES.map((table) => [table, grant('read')])) },
	[ROUTES_DATABASE]: {
		tables: Object.fromEntries(Object.entries(writes).map(([table, actions]) => [table, grant(...actions)])),
	},
});

export const ROLES = {
	edge_ai_viewer: permission({}),
	edge_ai_predictor: permission({ InferenceEvent: ['insert', 'update'] }),
	edge_ai_operator: permission({
		Model: ['insert', 'update', 'delete'],
		InferenceEvent: ['insert', 'update', 'delete'],
		MonitoringRule: ['insert', 'update', 'delete'],
		Alert: ['update'],
		RetrainingRequest: ['insert', 'update'],
		// The URLs of many receivers are secrets, so only who writes webhooks reads them.
		Webhook: ['read', 'insert', 'update', 'delete'],
		Feature: ['insert', 'update', 'delete'],
		Job: ['delete'],
	}),
};

/** Makes the roles that are not there. A role that is there stays as it is, whatever it says. */
export async function makeRoles() {
	const roles = databases().system.hdb_role;
	const names = new Set();
	for await (const { role } of roles.search({})) names.add(role);
	for (const [role, content] of Object.entries(ROLES)) {
		if (!names.has(role)) await roles.put({ id: role, role, permission: content }, { timestamp: LONG_AGO });
	}
}
