// The routes of /model, but for the upload.
import { readJsonObject } from '../http/body.js';
import { etagOf, unlessKnown } from '../http/conditional.js';
import { readQuery } from '../http/query.js';
import { CHANGEABLE, changeModel, listModels, listVersions, readFile, readModel, removeModel } from './models.js';

/** `GET /model/` */
export async function list({ query, user }) {
	readQuery(query, []);
	return { body: await listModels(user) };
}

/** `GET /model/versions?modelId=` */
export async function versions({ query, user }) {
	return { body: await listVersions(readQuery(query, ['modelId']), user) };
}

/** `GET /model/:modelId` */
export async function versionsOfModel({ params, query, user }) {
	readQuery(query, []);
	return { body: await listVersions(params, user) };
}

/** `GET /model/:modelId/:version` */
export async function get({ params, query, stream, user }) {
	readQuery(query, []);
	const body = await readModel(params, user);
	return unlessKnown(stream.headers, etagOf(body), () => ({ body }));
}

/** `GET /model/:modelId/:version/file`, of several files the one in `?name=` */
export const file = ({ params, query, stream, user }) =>
	fileOf({ ...params, name: readQuery(query, ['name']).name }, stream, user);

/**
 * `GET /model/:modelId/:version/file/:path`: `tf.loadLayersModel` asks for shards beside `model.json`, with the query that their
 * paths or its address have.
 */
export const fileAt = ({ params: { path, ...params }, stream, user }) =>
	fileOf({ ...params, name: path }, stream, user);

async function fileOf(given, { headers }, user) {
	const { entry, content } = await readFile(given, user);
	return unlessKnown(headers, `"${entry.digest}"`, () => ({
		stream: content.stream(),
		headers: {
			'content-type': 'application/octet-stream',
			'content-length': String(entry.size),
			'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(entry.name)}`,
		},
	}));
}

/** `PATCH /model/:modelId/:version` with `{stage?, metadata?}` */
export async function patch({ params, query, stream, user }) {
	readQuery(query, []);
	const how = { asText: ['metadata'] };
	const { metadata: metadataText, ...change } = await readJsonObject(stream, CHANGEABLE, how);
	const body = await changeModel(params, { ...change, metadataText }, user, stream.headers['if-match']);
	return { body, headers: { etag: etagOf(body) } };
}

/** `DELETE /model/:modelId/:version` */
export async function remove({ params, query, stream, user }) {
	readQuery(query, []);
	return { body: await removeModel(params, user, stream.headers['if-match']) };
}
