// The tables of the application, by the names that a caller gives.
import { nearestName } from '../../binding.js';
import { ROUTES_DATABASE } from '../http/access.js';
import { ApiError } from '../errors.js';
import { databases } from '../harper.js';
import { shown } from '../http/query.js';
import { DATABASE } from '../storage/tables.js';

const DEFAULT_DATABASE = 'data';

/**
 * A table of the application: any but Harper's own and those of this component.
 *
 * @param {'source' | 'target'} field
 * @param {{database?: string, table: string}} names
 * @returns {any} Harper's table
 */
export function applicationTable(field, { database = DEFAULT_DATABASE, table }) {
	for (const [part, value] of Object.entries({ database, table })) {
		if (typeof value !== 'string' || value === '') {
			throw new ApiError('INVALID_REQUEST', `${field}.${part} must be a name, received ${shown(value)}`);
		}
	}
	if (['system', DATABASE, ROUTES_DATABASE].includes(database)) {
		throw new ApiError(
			'INVALID_REQUEST',
			`${field}.database must be one of the application, received ${shown(database)}`
		);
	}
	const all = databases();
	const found = Object.hasOwn(all, database) && Object.hasOwn(all[database], table);
	if (!found) throw new ApiError('TABLE_NOT_FOUND', `${field}: there is no table ${shown(`${database}.${table}`)}`);
	return all[database][table];
}

/**
 * Throws unless a table can have an attribute that holds a plain value.
 *
 * @param {string} field for the message
 * @param {any} table
 * @param {unknown} name
 */
export function checkAttribute(field, table, name) {
	if (typeof name !== 'string' || name === '') {
		throw new ApiError('INVALID_REQUEST', `${field} must be the name of an attribute, received ${shown(name)}`);
	}
	const attribute = table.attributes.find((known) => known.name === name);
	if (attribute?.type === 'Blob' || attribute?.relationship || attribute?.computed) {
		throw new ApiError('INVALID_REQUEST', `${field}: the attribute ${shown(name)} holds no plain value`);
	}
	// Tables without a schema take any attribute.
	if (attribute || !table.schemaDefined) return;
	const names = table.attributes.map((known) => known.name);
	const nearest = nearestName(name, names);
	const hint = nearest ? `did you mean "${nearest}"?` : `its attributes are ${names.join(', ')}`;
	throw new ApiError('INVALID_REQUEST', `${field}: ${table.tableName} has no attribute ${shown(name)}; ${hint}`);
}
