// The component's tables. Harper makes them after this module is loaded, so they are looked up when they are used.

import { setTimeout as sleep } from 'node:timers/promises';
import { databases, hostname, log } from '../harper.js';

/** The component's own database. */
export const DATABASE = 'edge_ai';
const TABLES = [
	'Model',
	'ModelUpload',
	'ModelFile',
	'UploadProgress',
	'InferenceEvent',
	'Segment',
	'Rollup',
	'RollupDelta',
	'RollupProgress',
	'Profile',
	'Change',
	'ResourceUse',
	'Reference',
	'MonitoringRule',
	'Alert',
	'Webhook',
	'WebhookSecret',
	'WebhookDelivery',
	'RuleProgress',
	'RetrainingRequest',
	'Estimator',
	'Estimate',
	'LabelDraw',
	'Feature',
	'Job',
	'JobStep',
	'Lease',
	'JobCancellation',
];

/**
 * @param {TABLES[number]} name
 * @returns {any} Harper's table
 */
export const table = (name) => databases()[DATABASE][name];

const LOOK_INTERVAL_MS = 50;

/** Resolves when the tables are there; does not keep the process alive. */
export async function tablesExist() {
	const isThere = (name) => databases()[DATABASE]?.[name];
	while (!TABLES.every(isThere)) await sleep(LOOK_INTERVAL_MS, undefined, { ref: false });
}

/** The name of this node in its cluster. */
export const nodeName = () => hostname() ?? 'localhost';

/**
 * Does what may fail without harm, because it is done again later: after a commit an error would say that nothing happened.
 *
 * @param {string} problem what the log says then
 * @param {() => Promise<unknown>} act
 */
export async function tried(problem, act) {
	try {
		await act();
	} catch (error) {
		log.error(`edge-ai: ${problem}`, error);
	}
}

/**
 * The id of a model's version.
 *
 * @param {string} modelId
 * @param {string} version
 */
export const versionKey = (modelId, version) => `${modelId}:${version}`;
