// /features: what is known of entities.
import { readJsonTexts } from '../http/body.js';
import { readQuery } from '../http/query.js';
import { authorizeWriting, getFeaturesText, putFeatures } from './features.js';

/** `PUT /features/:entityId` with `{features, timestamp?}` */
export async function put({ params, query, stream, user }) {
	readQuery(query, []);
	authorizeWriting(user);
	const { fields, texts } = await readJsonTexts(stream, ['features', 'timestamp']);
	return { body: await putFeatures({ ...params, ...fields, text: texts.get('features') }, user) };
}

/** `GET /features/:entityId?names=a,b&asOf=` */
export async function get({ params, query, user }) {
	const { names, asOf } = readQuery(query, ['names', 'asOf']);
	const wanted = { ...params, names: names?.split(',').filter(Boolean), asOf };
	const { entityId, text, timestamp } = await getFeaturesText(wanted, user);
	const fields = Object.entries({ entityId: JSON.stringify(entityId), features: text, timestamp });
	const given = fields.filter(([, value]) => value !== undefined).map(([name, value]) => `"${name}":${value}`);
	return { json: `{${given}}` };
}
