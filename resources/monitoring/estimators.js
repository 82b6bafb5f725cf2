// /monitoring/estimator: what estimates the quality of a version without labels, fitted to its events whose truth is known.
import { setImmediate as turn } from 'node:timers/promises';
import {
	createId,
	describeEstimator,
	fitLabelled,
	installedEstimators,
	installEstimator,
	LabelledPredictions,
} from '../../binding.js';
import { worthOf } from '../../library/rows.js';
import { ApiError } from '../errors.js';
import { authorizeAttributes } from '../http/access.js';
import { limited } from '../http/limited.js';
import { identifier, moment, numberIn, shown } from '../http/query.js';
import { log } from '../harper.js';
import { isDigest, modelAt } from '../registry/record.js';
import { deleteAfter, putAfter } from '../storage/after.js';
import { commit } from '../storage/disk.js';
import { table } from '../storage/tables.js';
import { eventsOf } from './events.js';
import { makerOf } from './feedback.js';

/** What an estimator is fitted by, and what one is named by. */
export const FIT_FIELDS = ['modelId', 'version', 'from', 'to', 'chunkRows', 'businessValue'];
export const NAME_FIELDS = ['modelId', 'version'];

/** Of a thread at once: each holds rows of many events. */
const MAX_FITS = 2;
/** The newest events that are looked at; not all of them have an outcome. */
const MAX_EVENTS = 500_000;
/** After so many other requests get their turn. */
const EVENTS_PER_TURN = 200;
/** The attributes of events that an estimator is fitted to, or tells of. */
const READ = [
	'modelId',
	'modelVersion',
	'digest',
	'timestamp',
	'featuresIn',
	'prediction',
	'confidence',
	'actualOutcome',
];

const keyOf = ({ modelId, version, digest }) => `${modelId}|${version}|${digest}`;

/**
 * Fits an estimator to the events of a version that have an outcome, the newest first. It replaces the one that there is.
 *
 * @param {Record<string, unknown>} given of {@link FIT_FIELDS}, as texts
 * @param {object | undefined} user Harper's user
 */
export const fitEstimator = limited(MAX_FITS, async (given, user) => {
	const [startTime, endTime] = [moment('from', given.from), moment('to', given.to)];
	if (startTime > endTime) throw new ApiError('INVALID_REQUEST', 'from must not be after to');
	const chunkRows = numberIn('chunkRows', given.chunkRows, { least: 1, most: 2 ** 31 });
	if (chunkRows !== undefined && !Number.isInteger(chunkRows)) {
		throw new ApiError('INVALID_REQUEST', `chunkRows must be a whole number, received ${shown(given.chunkRows)}`);
	}
	const businessValue = given.businessValue === undefined ? undefined : worthOf(parsed(given.businessValue));
	authorizeAttributes(user, 'InferenceEvent', 'read', READ);
	const { modelId, version, digest } = await versionOf(given);
	const labelled = new LabelledPredictions();
	const { outputs, labels } = (await makerOf({ modelId, modelVersion: version, digest })) ?? {};
	let [seen, used] = [0, { from: Infinity, to: -Infinity }];
	for await (const event of eventsOf({ modelId, version, digest, startTime, endTime })) {
		seen += 1;
		if (seen > MAX_EVENTS) break;
		if (seen % EVENTS_PER_TURN === 0) await turn();
		const { prediction, actualOutcome, featuresIn, confidence, timestamp } = event;
		if (prediction === undefined || actualOutcome === undefined) continue;
		const confidentRows = Array.isArray(confidence) ? confidence.length : confidence == null ? undefined : 0;
		if (!labelled.add(prediction, actualOutcome, featuresIn, { outputs, labels, confidentRows })) break;
		used = { from: Math.min(used.from, timestamp), to: Math.max(used.to, timestamp) };
	}
	const { leftOut } = labelled;
	const estimator = await fitLabelled(labelled, { chunkRows, businessValue });
	const row = await storeEstimator({ modelId, version, digest, estimator, ...used });
	return { modelId, version, digest, ...described(row), leftOut };
});

/** What a text says in JSON; the text itself where it says nothing. */
function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

/**
 * Has a version estimated by a new estimator.
 *
 * @param {{modelId: string, version: string, digest: string, estimator: Uint8Array, from?: number, to?: number}} fitted times of
 *   the predictions, in Unix milliseconds
 * @returns {Promise<object>} its row
 */
export async function storeEstimator(fitted) {
	const row = { ...fitted, estimatorId: createId(), fittedAt: Date.now() };
	await commit(row.estimator.length, () => putAfter(table('Estimator'), { id: keyOf(row), ...row }));
	install(row);
	return row;
}

/**
 * Removes the estimator of a version: nothing is estimated from then on.
 *
 * @param {Record<string, unknown>} given of {@link NAME_FIELDS}
 */
export async function removeEstimator(given) {
	const { modelId, version, digest } = await versionOf(given);
	const id = keyOf({ modelId, version, digest });
	const isThere = Boolean(await table('Estimator').get(id));
	if (isThere) await deleteAfter(table('Estimator'), id);
	installEstimator(modelId, version, digest, '');
	return { success: true, modelId, version, removed: isThere };
}

async function versionOf(given) {
	const [modelId, version] = [identifier('modelId', given.modelId), identifier('version', given.version)];
	const record = await modelAt(modelId, version);
	if (record) return record;
	throw new ApiError('MODEL_NOT_FOUND', `there is no version ${shown(version)} of a model ${shown(modelId)}`);
}

/**
 * The estimator of a version, if it has one.
 *
 * @param {{modelId: string, version: string, digest: string}} of
 * @returns {Promise<{estimatorId: string, estimator: Uint8Array, described: object} | undefined>} the row, and what it is
 */
export async function estimatorOf(of) {
	return rowFrom(await table('Estimator').get(keyOf(of)));
}

const described = ({ estimator, fittedAt, from, to }) => ({
	...JSON.parse(describeEstimator(estimator)),
	fittedAt,
	from,
	to,
});

/** A row that this component wrote, and that this release reads. */
function rowFrom(record) {
	const isSound =
		record?.estimator instanceof Uint8Array &&
		isDigest(record.digest) &&
		record.id === keyOf(record) &&
		typeof record.estimatorId === 'string' &&
		typeof record.fittedAt === 'number';
	if (!isSound) return undefined;
	const { modelId, version, digest, estimatorId, estimator } = record;
	try {
		return { modelId, version, digest, estimatorId, estimator, described: described(record) };
	} catch (error) {
		log.error(`edge-ai: the estimator "${record.id}" is left out`, error);
		return undefined;
	}
}

const install = ({ modelId, version, digest, estimatorId, estimator }) =>
	installEstimator(modelId, version, digest, estimatorId, estimator);

/** Has this process estimate by what the table holds: other nodes write there, too. */
export async function watchEstimators() {
	const installed = new Map(installedEstimators().map((each) => [keyOf(each), each]));
	for await (const { id, estimatorId } of table('Estimator').search({ select: ['id', 'estimatorId'] })) {
		const known = installed.get(id);
		installed.delete(id);
		if (known?.id === estimatorId) continue;
		const row = rowFrom(await table('Estimator').get(id));
		if (row) install(row);
	}
	for (const { modelId, version, digest } of installed.values()) installEstimator(modelId, version, digest, '');
}
