// The component's tables. Harper makes them after this module is loaded, so they are looked up when they are used.

/** The component's own database. */
export const DATABASE = 'edge_ai';

/**
 * @param {'Model' | 'ModelFile' | 'InferenceEvent' | 'Feature' | 'Job' | 'JobStep' | 'JobLease' | 'JobCancellation'} name
 * @returns {any} Harper's table
 */
export const table = (name) => globalThis.databases[DATABASE][name];

/**
 * The id of a model's version.
 *
 * @param {string} modelId
 * @param {string} version
 */
export const versionKey = (modelId, version) => `${modelId}:${version}`;
