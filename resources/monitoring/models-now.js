// Which model an event was made by, as far as that can be known.
import { modelRecords } from '../registry/record.js';

/** The versions of models as they are now, each model read once. */
export class ModelsNow {
	#models = new Map();

	/**
	 * @param {string} modelId
	 * @returns {Promise<Map<string, {digest: string, uploadedAt: number}>>} by version
	 */
	async versionsOf(modelId) {
		let versions = this.#models.get(modelId);
		if (!versions) {
			versions = new Map();
			for await (const { version, digest, uploadedAt } of modelRecords(modelId)) {
				versions.set(version, { digest, uploadedAt });
			}
			this.#models.set(modelId, versions);
		}
		return versions;
	}

	/**
	 * What ran. Events of earlier releases do not tell; after the upload of the model that is there now, it was that one.
	 *
	 * @param {object} event
	 * @returns {Promise<string | undefined>} SHA-256
	 */
	async digestOf({ digest, modelId, modelVersion, timestamp }) {
		if (digest !== undefined) return digest;
		const model = (await this.versionsOf(modelId)).get(modelVersion);
		return model && timestamp >= model.uploadedAt ? model.digest : undefined;
	}
}
