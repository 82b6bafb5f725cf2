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
