// What holds for the versions of models, in memory and in Harper's tables.

export const FRAMEWORKS = ['onnx', 'tensorflow'];
export const STAGES = ['development', 'staging', 'production'];

/**
 * The problem of a version that is to be uploaded and exists: none when it has the same bytes, because versions do not change.
 *
 * @param {{modelId: string, version: string, digest: string}} existing
 * @param {string} digest of what is to be uploaded
 * @returns {{code: 'VERSION_EXISTS', message: string, details: {digest: string}} | undefined}
 */
export function conflictWith({ modelId, version, digest: known }, digest) {
	if (known === digest) return undefined;
	const message = `version "${version}" of model "${modelId}" exists with other bytes; versions do not change`;
	return { code: 'VERSION_EXISTS', message, details: { digest: known } };
}

/**
 * The versions of a model in the order of their upload.
 *
 * @template {{uploadedAt: number}} T
 * @param {T[]} versions
 * @returns {T[]}
 */
export const inUploadOrder = (versions) => versions.toSorted((a, b) => a.uploadedAt - b.uploadedAt);

/**
 * When a version counts as uploaded: after all others of its model, so that the last one is the latest.
 *
 * @param {{uploadedAt: number} | undefined} latest the latest of them, if there is one
 * @returns {number} Unix milliseconds
 */
export const uploadTimeAfter = (latest) => Math.max(Date.now(), (latest?.uploadedAt ?? 0) + 1);

/**
 * Whether metadata forbid that requests for a model run together with others.
 *
 * @param {any} metadata
 */
export const forbidsBatching = (metadata) => metadata?.batching === false;

/**
 * Whether what metadata say of batching, if they do, is a truth: a text would be ignored without a word.
 *
 * @param {any} metadata
 */
export const isBatchingValid = (metadata) => metadata?.batching == null || typeof metadata.batching === 'boolean';

/** What no version can mean: the one uploaded last, or of those in production. */
export const DEFAULT_VERSIONS = ['latest', 'production'];

/**
 * What no version means by the metadata of a version.
 *
 * @param {any} metadata
 * @returns {string | undefined} nothing where they do not say it
 */
export const defaultVersionIn = (metadata) => DEFAULT_VERSIONS.find((name) => name === metadata?.defaultVersion);

/**
 * Whether what metadata say of the default version, if they do, is one of those that there are.
 *
 * @param {any} metadata
 */
export const isDefaultVersionValid = (metadata) =>
	metadata?.defaultVersion == null || DEFAULT_VERSIONS.includes(metadata.defaultVersion);

/** Where metadata name the classes of a model. */
const CLASS_NAMES = ['labels', 'classes', 'classNames', 'class_names', 'id2label'];

/**
 * The names of a model's classes, in the order of their positions: those that came with it, else those of its metadata, which are a
 * list or an object with the positions as keys.
 *
 * @param {string[] | null | undefined} labels
 * @param {any} metadata
 * @returns {string[] | undefined}
 */
export function classNames(labels, metadata) {
	if (labels != null) return labels;
	const named = CLASS_NAMES.map((field) => metadata?.[field]).find(
		(names) => names !== null && typeof names === 'object'
	);
	if (named === undefined) return undefined;
	// The keys that are positions come first, in their order.
	const isWhole = Object.keys(named).every((key, at) => key === String(at));
	const names = Object.values(named);
	return isWhole && names.every(isClassName) ? names.map(String) : undefined;
}

const isClassName = (name) => typeof name === 'string' || Number.isSafeInteger(name) || typeof name === 'boolean';
