// Short forms of JSON Schema, as OpenAPI 3.1 has it.
import { TYPES } from '../http/formats.js';

/** A schema of `components`; see schemas/all.js. */
export const ref = (name) => ({ $ref: `#/components/schemas/${name}` });

export const text = { type: 'string' };
export const flag = { type: 'boolean' };
export const number = { type: 'number' };
export const count = { type: 'integer', minimum: 0 };
/** Any value. */
export const any = {};
export const listOf = (items) => ({ type: 'array', items });
export const mapOf = (values) => ({ type: 'object', additionalProperties: values });
export const oneOf = (values) => ({ enum: values });
export const eitherOf = (...schemas) => ({ anyOf: schemas });
export const nullOr = (schema) => ({ anyOf: [schema, { type: 'null' }] });
export const within = (minimum, maximum) => ({ type: 'number', minimum, maximum });
export const wholeWithin = (minimum, maximum) => ({ type: 'integer', minimum, maximum });

/** A schema with what it means. */
export const said = (description, schema) => ({ ...schema, description });

/**
 * An object of an answer, which may come to have more fields.
 *
 * @param {Record<string, object>} properties
 * @param {string[]} [optional] those that may be absent
 */
export const object = (properties, optional = []) => ({
	type: 'object',
	properties,
	required: Object.keys(properties).filter((name) => !optional.includes(name)),
});

/**
 * An object of a request, which may have no other fields; null is absence.
 *
 * @param {Record<string, object>} properties
 * @param {string[]} [required]
 */
export const given = (properties, required = []) => ({
	type: 'object',
	properties: Object.fromEntries(
		Object.entries(properties).map(([name, schema]) => [name, required.includes(name) ? schema : orNull(schema)])
	),
	required,
	additionalProperties: false,
});

function orNull({ description, ...schema }) {
	if (Object.keys(schema).length === 0) return { description };
	return description === undefined ? nullOr(schema) : said(description, nullOr(schema));
}

export const time = said('Unix milliseconds', number);
export const moment = said('Unix seconds, Unix milliseconds or ISO 8601', text);
export const digest = { type: 'string', pattern: '^[0-9a-f]{64}$', description: 'SHA-256' };
/** What `checkIdentifier` accepts. */
export const identifier = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' };

export const confidence = said(
	'Largest probability of the row; a list for a batch.',
	nullOr(eitherOf(number, listOf(nullOr(number))))
);

/**
 * A parameter of a query.
 *
 * @param {string} description
 * @param {object} [schema]
 * @param {{required?: boolean, example?: any}} [more]
 */
export const parameter = (description, schema = text, more = {}) => ({ description, schema, ...more });

/**
 * Bodies of JSON.
 *
 * @param {object} schema
 * @param {any} [example]
 */
export const json = (schema, example) => ({
	'application/json': example === undefined ? { schema } : { schema, example },
});

/**
 * The same in every format that stands for JSON.
 *
 * @param {object} schema
 * @param {any} [example] of JSON
 */
export const inEveryFormat = (schema, example) => ({
	...Object.fromEntries(TYPES.map((type) => [type, { schema }])),
	...json(schema, example),
});
