// What a model is, and whether it can be asked.
import { quarantineOf } from '../../../binding.js';
import { requireVisible } from '../../http/access.js';
import { latest, modelNames, versionsOf } from '../../registry/models.js';
import { modelFor } from '../../registry/stages.js';
import { identifier } from '../../http/query.js';
import { inputsOf, outputsOf } from './datatypes.js';

/** `GET /v2/models` */
export const list = async ({ user }) => ({ body: { models: await modelNames(user) } });

/**
 * The model that a request names: by its path, and by `?stage=` in place of a version. The version `latest` is the one uploaded last,
 * unless one has that name.
 *
 * @param {{params: {modelId: string, version?: string}, query: URLSearchParams, user: object | undefined}} call
 */
export async function modelOf({ params, query, user }) {
	identifier('model', params.modelId);
	const named = { ...params, stage: query.get('stage') };
	if (params.version !== 'latest' || named.stage !== null) return modelFor(named, user);
	const versions = await versionsOf(params.modelId);
	return versions.find(({ version }) => version === 'latest') ?? latest(params.modelId);
}

/** `GET /v2/models/:modelId[/versions/:version]` */
export async function metadata(call) {
	const { user } = call;
	requireVisible(user, 'Model', ['modelId', 'version', 'inputSchema', 'outputSchema']);
	const model = await modelOf(call);
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
export async function ready(call) {
	const { user } = call;
	requireVisible(user, 'Model', ['modelId']);
	const { modelId, digest } = await modelOf(call);
	const quarantined = quarantineOf(digest);
	if (quarantined) return { status: 503, body: { name: modelId, ready: false, error: quarantined.message } };
	return { body: { name: modelId, ready: true } };
}
