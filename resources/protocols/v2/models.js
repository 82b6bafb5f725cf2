// What a model is, and whether it can be asked.
import { quarantineOf } from '../../../binding.js';
import { requireVisible } from '../../http/access.js';
import { versionsOf } from '../../registry/models.js';
import { modelFor } from '../../serving/inference.js';
import { identifier } from '../../http/query.js';
import { inputsOf, outputsOf } from './datatypes.js';

/**
 * The model that a path names.
 *
 * @param {{modelId: string, version?: string}} params
 */
export const modelOf = ({ modelId, version }) => modelFor(identifier('model', modelId), version);

/** `GET /v2/models/:modelId[/versions/:version]` */
export async function metadata({ params, user }) {
	requireVisible(user, 'Model', ['modelId', 'version', 'inputSchema', 'outputSchema']);
	const model = await modelOf(params);
	const versions = (await versionsOf(model.modelId)).map(({ version }) => version);
	const described = ({ name, datatype, shape }) => ({ name, datatype, shape });
	return {
		body: {
			name: model.modelId,
			versions,
			platform: 'onnx_onnxv1',
			inputs: inputsOf(model).map(described),
			outputs: outputsOf(model).map(described),
		},
	};
}

/** `GET /v2/models/:modelId[/versions/:version]/ready`: what is registered and not quarantined can be asked, and is loaded when it is. */
export async function ready({ params, user }) {
	requireVisible(user, 'Model', ['modelId']);
	const { modelId, digest } = await modelOf(params);
	const quarantined = quarantineOf(digest);
	if (quarantined) return { status: 503, body: { name: modelId, ready: false, error: quarantined.message } };
	return { body: { name: modelId, ready: true } };
}
