// What other nodes do with models: their changes count here at once, and what they delete or replace leaves memory and the cache.
import { modelChanged, untilSettled } from './record-cache.js';
import { forgetUnused } from './sessions.js';
import { table } from '../storage/tables.js';
import { conflictOf, conflicts } from './uploads.js';
import { log } from '../harper.js';

/** Watches the models from now on. */
export async function watchModels() {
	const models = await table('Model').subscribe({ omitCurrent: true });
	const uploads = await table('ModelUpload').subscribe({ omitCurrent: true });
	const digests = new Map();
	for await (const { id, digest } of table('Model').search({ select: ['id', 'digest'] })) digests.set(id, digest);
	for (const conflict of await conflicts()) tell(conflict);
	follow(models, (change) => noteChange(digests, change));
	follow(uploads, async ({ id }) => {
		const conflict = await conflictOf(id);
		if (conflict) tell(conflict);
	});
}

async function follow(changes, act) {
	for await (const change of changes) {
		try {
			await act(change);
		} catch (error) {
			log.error('edge-ai: a change of a model from elsewhere', error);
		}
	}
}

async function noteChange(digests, { id }) {
	modelChanged();
	// What is read from now on is no older than the change.
	await untilSettled();
	const last = digests.get(id);
	const digest = (await table('Model').get(id))?.digest;
	if (digest === undefined) digests.delete(id);
	else digests.set(id, digest);
	if (last !== undefined && last !== digest) await forgetUnused(last);
}

function tell({ modelId, version, digest, lost }) {
	const others = lost.map((upload) => `${upload.digest} (node ${upload.node})`).join(', ');
	log.warn(
		`edge-ai: different bytes were uploaded as version ${version} of model ${modelId} on several nodes; it has ${digest}, lost are ${others}`
	);
}
