// Triton's model repository: what is registered, and what of it is in memory.
import { evictSession, quarantineOf } from '../../../binding.js';
import { requireVisible } from '../../http/access.js';
import { ApiError } from '../../errors.js';
import { readOptionalObject } from '../../http/body.js';
import { latest, versionsOf } from '../../registry/models.js';
import { identifier, shown } from '../../http/query.js';
import { modelRecords } from '../../registry/record.js';
import { options } from '../../options.js';
import { deadlineOf } from '../../http/deadline.js';
import { sessionFor } from '../../registry/sessions.js';

/** `POST /v2/repository/index`; everything registered is ready but for what is quarantined, which `{"ready": true}` leaves out. */
export async function index({ stream, user }) {
	requireVisible(user, 'Model', ['modelId', 'version']);
	const { ready } = await readOptionalObject(stream);
	const models = [];
	for await (const { modelId: name, version, digest } of modelRecords()) {
		const quarantined = quarantineOf(digest);
		if (!quarantined) models.push({ name, version, state: 'READY', reason: '' });
		else if (ready !== true) models.push({ name, version, state: 'UNAVAILABLE', reason: quarantined.message });
	}
	return { body: models };
}

/** `POST /v2/repository/models/:modelId/load`: the latest version, into memory. */
export async function load({ params, stream }) {
	const { parameters } = await readOptionalObject(stream);
	const [given] = Object.keys(parameters ?? {});
	if (given !== undefined) {
		throw new ApiError(
			'NOT_SUPPORTED',
			`load takes no parameter ${shown(given)}: models come from POST /model/upload and have no configuration of their own`
		);
	}
	const model = await latest(identifier('model', params.modelId));
	await sessionFor(model, { deadline: deadlineOf(options().loadTimeoutMs) });
	return { body: {} };
}

/** `POST /v2/repository/models/:modelId/unload`: all versions, out of memory; the next request loads its own again. */
export async function unload({ params, stream }) {
	await readOptionalObject(stream);
	const versions = await versionsOf(identifier('model', params.modelId));
	if (versions.length === 0) throw new ApiError('MODEL_NOT_FOUND', `there is no model "${params.modelId}"`);
	for (const { digest } of versions) evictSession(digest);
	return { body: {} };
}
