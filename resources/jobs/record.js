// Records of the tables Job and JobStep, checked when they are read: roles may allow writing to the tables themselves, and what
// they hold says what is read and written here.
import { isDigest } from '../registry/record.js';

export const STATES = ['running', 'completed', 'failed', 'cancelled'];

const isText = (value) => typeof value === 'string';
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const isAbsent = (value) => value === undefined || value === null;
const isNames = (value) => isText(value) || (Array.isArray(value) && value.every(isText));

const isCondition = (condition) =>
	isObject(condition) &&
	(condition.conditions === undefined
		? isText(condition.attribute) && isText(condition.comparator)
		: ['and', 'or'].includes(condition.operator) && areConditions(condition.conditions));
const areConditions = (conditions) => Array.isArray(conditions) && conditions.every(isCondition);

const isSource = (source) =>
	isObject(source) &&
	isText(source.database) &&
	isText(source.table) &&
	areConditions(source.conditions) &&
	isObject(source.fields) &&
	Object.values(source.fields).every(isNames);

const isTarget = (target) =>
	isObject(target) &&
	isText(target.database) &&
	isText(target.table) &&
	isObject(target.fields) &&
	Object.values(target.fields).every(isText);

const RULES = {
	id: isText,
	state: (value) => STATES.includes(value),
	modelId: isText,
	modelVersion: isText,
	digest: (value) => isAbsent(value) || isDigest(value),
	source: isSource,
	target: isTarget,
	record: (value) => typeof value === 'boolean',
	segment: (value) => isAbsent(value) || isText(value),
	timeoutMs: (value) => isAbsent(value) || Number.isFinite(value),
	userId: isText,
	total: (value) => isAbsent(value) || isCount(value),
	processed: isCount,
	written: isCount,
	failed: isCount,
	errors: Array.isArray,
	createdAt: Number.isFinite,
	traceparent: (value) => isAbsent(value) || isText(value),
};

/** The attributes that an answer shows, in its order. */
export const SHOWN = [
	'id',
	'state',
	'modelId',
	'modelVersion',
	'source',
	'target',
	'record',
	'segment',
	'timeoutMs',
	'userId',
	'total',
	'processed',
	'written',
	'failed',
	'errors',
	'error',
	'createdAt',
	'finishedAt',
];

/** Whether a plain record of the table Job is as the routes and workers write it. */
export const isJob = (job) => Object.entries(RULES).every(([field, isRight]) => isRight(job[field]));

/** What a step says of a job; everything else of the job is not a step's business. */
const PROGRESS = ['total', 'processed', 'written', 'failed', 'errors', 'checkpoint'];

/**
 * Whether a record of the table JobStep is one that a worker of this job stores.
 *
 * @param {{writes: string, progress: string}} step
 * @param {object} job
 */
export function isStep(step, job) {
	const [writes, progress] = [parsed(step.writes), parsed(step.progress)];
	const isWrite = (write) =>
		!isAbsent(write?.id) &&
		isObject(write.fields) &&
		Object.keys(write.fields).every((name) => Object.hasOwn(job.target.fields, name));
	return (
		Array.isArray(writes) &&
		writes.every(isWrite) &&
		isObject(progress) &&
		Object.keys(progress).every((name) => PROGRESS.includes(name)) &&
		(isAbsent(progress.total) || isCount(progress.total)) &&
		isCount(progress.processed) &&
		(isAbsent(progress.written) || isCount(progress.written)) &&
		isCount(progress.failed) &&
		Array.isArray(progress.errors)
	);
}

function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
