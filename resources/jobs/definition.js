// What a job is to do: checked before it is stored, so that what can be wrong is said at once.
import { PredictRequest } from '../../binding.js';
import { authorize, authorizeTable } from '../http/access.js';
import { ApiError } from '../errors.js';
import { authorizeRecording } from '../serving/inference.js';
import { identifier, present, shown, unknownName } from '../http/query.js';
import { signatureOf } from '../registry/signature.js';
import { modelFor } from '../registry/stages.js';
import { templateOf } from '../serving/rows/run.js';
import { tryConditions } from './source.js';
import { applicationTable, checkAttribute } from './tables.js';

export const FIELDS = ['modelId', 'version', 'stage', 'source', 'target', 'record', 'segment', 'timeoutMs'];
/** What a field of the target may be given, beside `prediction.<output>`. */
export const RESULTS = ['inferenceId', 'prediction', 'confidence', 'modelId', 'modelVersion', 'latencyMs', 'error'];
const PREDICTION = 'prediction.';
const MAX_CONDITIONS = 100;

/**
 * @param {object} body
 * @returns {Promise<object>} modelId, modelVersion, digest, source, target, record, segment and timeoutMs, complete
 */
export async function readDefinition(given, user) {
	const { modelId, version, stage, record = true, segment, timeoutMs } = given;
	identifier('modelId', modelId);
	PredictRequest.parse(templateOf({ modelId, version, stage, record, segment, timeoutMs }));
	const source = present(object('source', given.source, ['database', 'table', 'conditions', 'fields']));
	const target = present(object('target', given.target, ['database', 'table', 'fields']));
	const tables = { source: applicationTable('source', source), target: applicationTable('target', target) };
	// Rights first: what is in a table is the business of those who may read it.
	authorizeTable(user, tables.source, ['read'], []);
	authorizeTable(user, tables.target, ['insert', 'update'], []);

	const model = await modelFor({ modelId, version, stage }, user);
	const conditions = readConditions(source.conditions ?? [], tables.source);
	const definition = {
		modelId,
		modelVersion: model.version,
		digest: model.digest,
		source: {
			database: tables.source.databaseName,
			table: tables.source.tableName,
			conditions,
			fields: readSourceFields(source.fields, tables.source, signatureOf(model).inputs),
		},
		target: {
			database: tables.target.databaseName,
			table: tables.target.tableName,
			fields: readTargetFields(target.fields, tables.target, signatureOf(model).outputs),
		},
		record,
		segment,
		timeoutMs,
	};
	authorizeJob(definition, user);
	await tryConditions(definition.source);
	return definition;
}

/**
 * Throws unless a user may do what a job does.
 *
 * @param {object} job
 * @param {object | undefined} user
 */
export function authorizeJob({ source, target, record, segment }, user) {
	authorize(user, { InferenceEvent: ['insert', 'update'] });
	authorizeRecording(user, { record, segment });
	const read = [...attributesOf(source.conditions), ...Object.values(source.fields).flat()];
	authorizeTable(user, applicationTable('source', source), ['read'], read);
	authorizeTable(user, applicationTable('target', target), ['insert', 'update'], Object.keys(target.fields));
}

function object(field, value, known) {
	if (value === null || typeof value !== 'object' || Array.isArray(value)) {
		throw new ApiError('INVALID_REQUEST', `${field} must be an object, received ${shown(value)}`);
	}
	for (const name of Object.keys(value)) {
		if (known && !known.includes(name)) {
			throw unknownName(
				'field',
				`${field}.${name}`,
				known.map((one) => `${field}.${one}`)
			);
		}
	}
	return value;
}

const attributesOf = (conditions) =>
	conditions.flatMap((condition) =>
		condition.conditions ? attributesOf(condition.conditions) : [condition.attribute]
	);

function readConditions(conditions, table) {
	if (!Array.isArray(conditions) || conditions.length > MAX_CONDITIONS) {
		throw new ApiError(
			'INVALID_REQUEST',
			`source.conditions must be a list of at most ${MAX_CONDITIONS}, received ${shown(conditions)}`
		);
	}
	return conditions.map((condition) => {
		const known = ['attribute', 'comparator', 'value', 'operator', 'conditions'];
		const given = present(object('source.conditions', condition, known), ['value']);
		const { attribute, comparator = 'equals', value, operator } = given;
		if (given.conditions !== undefined) {
			if (operator !== 'and' && operator !== 'or') {
				throw new ApiError(
					'INVALID_REQUEST',
					`source.conditions: operator must be and or or, received ${shown(operator)}`
				);
			}
			return { operator, conditions: readConditions(given.conditions, table) };
		}
		checkAttribute('source.conditions', table, attribute);
		return { attribute, comparator, value };
	});
}

/** By input the attribute, or the attributes that together are its values. */
function readSourceFields(fields, table, inputs) {
	const names = inputs.map(({ name }) => name);
	if (fields === undefined) {
		const attributes = new Set(table.attributes.map(({ name }) => name));
		const same = names.filter((name) => attributes.has(name) || !table.schemaDefined);
		if (same.length === 0) {
			throw new ApiError(
				'INVALID_REQUEST',
				`source.fields is required: ${table.tableName} has no attribute with the name of an input (${names.join(', ')})`
			);
		}
		return Object.fromEntries(same.map((name) => [name, name]));
	}
	for (const [input, attributes] of Object.entries(object('source.fields', fields))) {
		if (!names.includes(input)) {
			throw new ApiError(
				'INVALID_REQUEST',
				`source.fields: ${shown(input)} is no input of the model; its inputs are ${names.join(', ')}`
			);
		}
		for (const attribute of [attributes].flat()) checkAttribute(`source.fields.${input}`, table, attribute);
	}
	return fields;
}

function readTargetFields(fields, table, outputs) {
	if (Object.keys(object('target.fields', fields)).length === 0) {
		throw new ApiError('INVALID_REQUEST', 'target.fields must name at least one attribute');
	}
	// Harper deletes the blob of a record that is written again.
	const blob = table.attributes.find(({ type }) => type === 'Blob');
	if (blob) {
		throw new ApiError(
			'INVALID_REQUEST',
			`target: ${table.tableName} has a blob (${blob.name}); write to another table`
		);
	}
	const known = [...RESULTS, ...outputs.map(({ name }) => PREDICTION + name)];
	for (const [attribute, result] of Object.entries(fields)) {
		checkAttribute('target.fields', table, attribute);
		if (attribute === table.primaryKey) {
			throw new ApiError(
				'INVALID_REQUEST',
				`target.fields: ${shown(attribute)} is the key, which is that of the source`
			);
		}
		if (!known.includes(result)) {
			throw new ApiError(
				'INVALID_REQUEST',
				`target.fields.${attribute} must be one of ${known.join(', ')}, received ${shown(result)}`
			);
		}
	}
	return fields;
}

/**
 * What a row's result gives the fields of the target; nothing for a failure that has no field.
 *
 * @param {Record<string, string>} fields
 * @param {{result?: object, error?: Error}} outcome
 * @param {object} job
 * @returns {Record<string, any> | undefined}
 */
export function fieldsFor(fields, { result, error }, { modelId, modelVersion }) {
	if (error) {
		const failed = Object.entries(fields).filter(([, name]) => name === 'error');
		const value = { code: error.code, error: error.message };
		return failed.length === 0 ? undefined : Object.fromEntries(failed.map(([attribute]) => [attribute, value]));
	}
	const prediction = JSON.parse(result.prediction);
	const { inferenceId, latencyMs } = result;
	const confidence = JSON.parse(result.confidence);
	const values = { inferenceId, prediction, confidence, modelId, modelVersion, latencyMs, error: null };
	const valueOf = (name) => (name.startsWith(PREDICTION) ? prediction[name.slice(PREDICTION.length)] : values[name]);
	return Object.fromEntries(Object.entries(fields).map(([attribute, name]) => [attribute, valueOf(name)]));
}
