// Which version a request means that names none: that of a stage, or the default of its model.
import { DEFAULT_VERSIONS, defaultVersionIn } from '../../library/versions.js';
import { ApiError } from '../errors.js';
import { requireVisible } from '../http/access.js';
import { identifier } from '../http/query.js';
import { options } from '../options.js';
import { versionKey } from '../storage/tables.js';
import { metadataOf } from './metadata.js';
import { find, stage as checkedStage, versionsOf } from './models.js';
import { knownModel } from './record-cache.js';

const [LATEST, PRODUCTION] = DEFAULT_VERSIONS;

/**
 * The record of a version: the one that is named, the one of a stage that was uploaded last, or the model's default.
 *
 * @param {{modelId: string, version?: unknown, stage?: unknown}} name
 * @param {object | undefined} user Harper's user, who must be allowed to read stages where one is named
 * @returns {Promise<object> | object} see `knownModel`
 */
export function modelFor({ modelId, version, stage }, user) {
	if (stage != null) {
		if (version != null) {
			throw new ApiError('INVALID_REQUEST', 'version and stage cannot both be given: the stage stands for a version');
		}
		checkedStage(stage);
		requireVisible(user, 'Model', ['stage']);
		// No identifier has such a character.
		return knownModel(`${modelId}@${stage}`, () => newestIn(modelId, stage));
	}
	if (version != null) {
		return knownModel(versionKey(modelId, identifier('version', version)), () => find(modelId, version));
	}
	const { defaultVersion } = options();
	return knownModel(defaultVersion === LATEST ? modelId : `${modelId}@`, () => byDefault(modelId, defaultVersion));
}

async function newestIn(modelId, stage) {
	const record = (await existing(modelId)).findLast((version) => version.stage === stage);
	if (record) return record;
	throw new ApiError('MODEL_NOT_FOUND', `there is no version of a model "${modelId}" in the stage ${stage}`);
}

/** The version uploaded last whose metadata say so decides for its model, otherwise the option. */
async function byDefault(modelId, otherwise) {
	const versions = await existing(modelId);
	const ofModel = versions.map((record) => defaultVersionIn(metadataOf(record))).findLast(Boolean);
	if ((ofModel ?? otherwise) !== PRODUCTION) return versions.at(-1);
	const record = versions.findLast(({ stage }) => stage === PRODUCTION);
	if (record) return record;
	throw new ApiError(
		'MODEL_NOT_FOUND',
		`the model "${modelId}" has no version in production, which is its default (defaultVersion); name a version or a stage, or move a version to production`
	);
}

async function existing(modelId) {
	const versions = await versionsOf(modelId);
	if (versions.length > 0) return versions;
	throw new ApiError('MODEL_NOT_FOUND', `there is no model "${modelId}"`);
}
