// Where claims to leases are: a table that is replicated. Each record is written by one node only.
import { processId } from '../../binding.js';
import { nodeName, table } from './tables.js';
import { deleteAfter, putAfter } from './after.js';
import { hasOtherNodes } from './cluster.js';
import { commit } from './disk.js';
import { Leases } from './lease.js';

const FIELDS = {
	id: 'string',
	name: 'string',
	node: 'string',
	process: 'string',
	token: 'number',
	beat: 'number',
	free: 'boolean',
};
const isClaim = (claim) => Object.entries(FIELDS).every(([field, type]) => typeof claim[field] === type);

const store = {
	async read(name) {
		const claims = [];
		// "~" sorts after every character of a node's name.
		const conditions = [{ attribute: 'id', comparator: 'between', value: [`${name}|`, `${name}|~`] }];
		for await (const record of table('Lease').search({ conditions })) {
			const claim = Object.fromEntries(Object.keys(FIELDS).map((field) => [field, record[field]]));
			if (isClaim(claim)) claims.push(claim);
		}
		return claims;
	},
	put: (claim) => commit(0, () => putAfter(table('Lease'), claim)),
	remove: ({ id }) => deleteAfter(table('Lease'), id),
};

let made;

/** The leases of this node, as this thread sees them. */
export function leases() {
	made ??= new Leases({ store, node: nodeName(), process: processId(), isAlone: () => !hasOtherNodes() });
	return made;
}
