// Loads the models of production when Harper starts, so that nobody waits for their load.
import { engineStatus, reportPreload } from '../../binding.js';
import { answerOf } from '../errors.js';
import { log } from '../harper.js';
import { eventsOf } from '../monitoring/events.js';
import { options } from '../options.js';
import { modelRecords } from '../registry/record.js';
import { sessionFor } from '../registry/sessions.js';

/** True when every model that is to be there from the start has been tried. */
export const isPreloaded = () => options().preload === 'none' || engineStatus().preload?.done === true;

/** Preloads what the options ask for, once in the process. Failures are logged; see `GET /status`. */
export async function preload() {
	if (!isPreloaded()) await loadAll(await wanted());
}

/** The versions in production, the one that was used or uploaded last first. */
async function wanted() {
	const found = [];
	for await (const record of modelRecords()) {
		if (record.stage !== 'production') continue;
		found.push({ record, usedAt: Math.max(record.uploadedAt, await lastEventAt(record)) });
	}
	return found.sort((a, b) => b.usedAt - a.usedAt).map(({ record }) => record);
}

async function lastEventAt({ modelId, version }) {
	for await (const { timestamp } of eventsOf({ modelId, version })) return timestamp;
	return 0;
}

async function loadAll(records) {
	const progress = { done: false, models: records.length, loaded: 0, skipped: 0, failures: [] };
	reportPreload(progress);
	for (const record of records) {
		if (hasRoomFor(record)) await loadOne(record, progress);
		else progress.skipped += 1;
		reportPreload(progress);
	}
	reportPreload({ ...progress, done: true });
}

async function loadOne(record, progress) {
	const { id, modelId, version } = record;
	try {
		await sessionFor(record, { preload: true });
		progress.loaded += 1;
	} catch (error) {
		log.error(`edge-ai: model ${id} was not preloaded`, error);
		const { body } = answerOf(error);
		progress.failures.push({ modelId, version, code: body.code, error: body.error });
	}
}

/** A model that would push out another one, of those that come first, is left for its first request. */
function hasRoomFor({ digest, size }) {
	const { cache, sessions } = engineStatus();
	if (sessions.some((session) => session.digest === digest) || cache.models === 0) return true;
	return cache.models < cache.maxModels && cache.bytes + size <= cache.maxBytes;
}
