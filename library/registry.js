// A registry of models in memory, for tests and scripts; in Harper the tables are the registry.
import { checkIdentifier, digestModel } from '../binding.js';
import { EdgeAiError } from './edge-ai-error.js';
import { filesOf, inspect } from './engine.js';
import { checkOptions, MODEL_FIELDS } from './options.js';
import { shown } from './shown.js';
import { conflictWith, inUploadOrder, uploadTimeAfter } from './versions.js';

function checkName(call, field, value) {
	if (typeof value !== 'string') throw new TypeError(`${call} takes a ${field}, a string; received ${shown(value)}`);
}

/** Versions of models by name; versions do not change. */
export class ModelRegistry {
	#versions = new Map();

	/**
	 * Registers a version. The same bytes again give the same record; other bytes are `VERSION_EXISTS`.
	 *
	 * @param {{modelId: string, version: string, file: any, framework?: string, stage?: string, metadata?: any,
	 *   inputSchema?: string, outputSchema?: string}} model
	 */
	async register(model) {
		const given = checkOptions('register', model, MODEL_FIELDS);
		const { modelId, version, file, framework, stage = 'development', metadata, inputSchema, outputSchema } = given;
		for (const [field, value] of Object.entries({ modelId, version })) {
			if (value === undefined) throw new TypeError(`register needs ${field}, a string`);
			checkIdentifier(field, value);
		}
		const files = filesOf(file);
		const digest = await digestModel(files);
		const existing = this.#existing(modelId, version, digest);
		if (existing) return existing;
		const inspected = await inspect(files, { framework, inputSchema, outputSchema });
		// Files may have changed since they were digested above.
		const winner = this.#existing(modelId, version, inspected.digest);
		if (winner) return winner;
		const record = { modelId, version, stage, metadata, files, ...inspected };
		record.id = `${modelId}:${version}`;
		record.uploadedAt = uploadTimeAfter(this.#of(modelId).at(-1));
		record.files = files;
		this.#versions.set(record.id, Object.freeze(record));
		return record;
	}

	#existing(modelId, version, digest) {
		const existing = this.#versions.get(`${modelId}:${version}`);
		const conflict = existing && conflictWith(existing, digest);
		if (conflict) throw new EdgeAiError(conflict.code, conflict.message, conflict.details);
		return existing;
	}

	/**
	 * A version, or the one registered last.
	 *
	 * @param {string} modelId
	 * @param {string} [version]
	 */
	find(modelId, version) {
		checkName('find', 'modelId', modelId);
		if (version !== undefined) checkName('find', 'version', version);
		const found = version === undefined ? this.#of(modelId).at(-1) : this.#versions.get(`${modelId}:${version}`);
		if (!found) {
			const which = version === undefined ? '' : `version "${version}" of a `;
			throw new EdgeAiError('MODEL_NOT_FOUND', `there is no ${which}model "${modelId}"`);
		}
		return found;
	}

	/**
	 * The versions of a model in the order of registration.
	 *
	 * @param {string} modelId
	 */
	versions(modelId) {
		checkName('versions', 'modelId', modelId);
		return this.#of(modelId);
	}

	/** The names of all models. */
	list() {
		return [...new Set([...this.#versions.values()].map((record) => record.modelId))];
	}

	/**
	 * Removes a version.
	 *
	 * @param {string} modelId
	 * @param {string} version
	 */
	delete(modelId, version) {
		checkName('delete', 'modelId', modelId);
		checkName('delete', 'version', version);
		this.find(modelId, version);
		this.#versions.delete(`${modelId}:${version}`);
	}

	#of(modelId) {
		return inUploadOrder([...this.#versions.values()].filter((record) => record.modelId === modelId));
	}
}
