// Records of the table Model, checked when they are read. Roles may allow writing to the table itself, and what it holds becomes
// paths, keys and JSON text here.
import { checkIdentifier } from '../../binding.js';
import { FRAMEWORKS, STAGES } from '../../library/versions.js';
import { ApiError } from '../errors.js';
import { log } from '../harper.js';
import { canBeKey, MAX_TIME, shown } from '../http/query.js';
import { table, versionKey } from '../storage/tables.js';

const DIGEST = /^[0-9a-f]{64}$/;
const FILE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Of one model. */
export const MAX_FILES = 1000;

const isText = (value) => typeof value === 'string';
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isAbsent = (value) => value === undefined || value === null;

/** Whether a value is a SHA-256 as it stands in records. */
export const isDigest = (value) => isText(value) && DIGEST.test(value);

const isIdentifier = (value) => {
	try {
		checkIdentifier('name', value);
		return isText(value);
	} catch {
		return false;
	}
};

const isFile = (file) =>
	isText(file?.name) && isDigest(file.digest) && isCount(file.size) && isText(file.fileId) && FILE_ID.test(file.fileId);

const isSize = (value) => typeof value === 'number' || isText(value);

const isInfo = (info) =>
	isText(info?.name) &&
	[info.dtype, info.type].every((value) => isAbsent(value) || isText(value)) &&
	(isAbsent(info.shape) || (Array.isArray(info.shape) && info.shape.every(isSize)));

function hasInfos(text, name) {
	try {
		const infos = JSON.parse(text)[name];
		return Array.isArray(infos) && infos.every(isInfo);
	} catch {
		return false;
	}
}

/** What each field must be, in words and in code. */
const RULES = {
	modelId: ['an identifier', isIdentifier],
	version: ['an identifier', isIdentifier],
	id: ['"modelId:version"', (id, { modelId, version }) => id === versionKey(modelId, version)],
	framework: [`one of ${FRAMEWORKS.join(', ')}`, (value) => FRAMEWORKS.includes(value)],
	engine: ['a text', isText],
	stage: [`one of ${STAGES.join(', ')}`, (value) => STAGES.includes(value)],
	inputSchema: ['JSON text with inputs', (text) => isText(text) && hasInfos(text, 'inputs')],
	outputSchema: ['JSON text with outputs', (text) => isText(text) && hasInfos(text, 'outputs')],
	metadata: ['a text', (value) => isAbsent(value) || isText(value)],
	labels: ['a list of texts', (value) => isAbsent(value) || (Array.isArray(value) && value.every(isText))],
	uploadedAt: ['a time in Unix milliseconds', (value) => Number.isFinite(value) && value >= 0 && value <= MAX_TIME],
	digest: ['64 hexadecimal digits', isDigest],
	size: ['a number of bytes', isCount],
	files: [
		`a list of 1 to ${MAX_FILES} {name, digest, size, fileId}`,
		(files) => Array.isArray(files) && files.length >= 1 && files.length <= MAX_FILES && files.every(isFile),
	],
};

/** The attributes of the table Model. */
export const ATTRIBUTES = Object.keys(RULES);

/** What is wrong with a record, or nothing. */
export function faultOf(record) {
	for (const [field, [expected, isRight]] of Object.entries(RULES)) {
		if (!isRight(record[field], record)) return `${field} must be ${expected}, it is ${shown(record[field])}`;
	}
	return undefined;
}

/**
 * The record of a version as an upload wrote it.
 *
 * @param {string} modelId
 * @param {string} version
 * @returns {Promise<object | undefined>} rejects with INVALID_MODEL when something else wrote it
 */
export async function modelAt(modelId, version) {
	const id = versionKey(modelId, version);
	const record = canBeKey(id) ? await table('Model').get(id) : undefined;
	const fault = record && faultOf(record);
	if (!fault) return record ?? undefined;
	throw new ApiError(
		'INVALID_MODEL',
		`the record of version "${version}" of model "${modelId}" is not what an upload writes: ${fault}; delete it and upload again`
	);
}

/** Which unsound records the log has told of; bounded, because anybody may have written them. */
const told = new Set();
const MAX_TOLD = 1000;

/**
 * All records, or those of a model, that are as an upload wrote them; the others are only told of in the log.
 *
 * @param {string} [modelId]
 * @returns {AsyncGenerator<object>}
 */
export async function* modelRecords(modelId) {
	const conditions = modelId === undefined ? [] : [{ attribute: 'modelId', value: modelId }];
	for await (const record of table('Model').search({ conditions })) {
		const fault = faultOf(record);
		if (fault === undefined) {
			yield record;
		} else if (!told.has(record.id) && told.size < MAX_TOLD) {
			told.add(record.id);
			log.warn(`edge-ai: the record ${shown(record.id)} of Model is not what an upload writes: ${fault}`);
		}
	}
}
