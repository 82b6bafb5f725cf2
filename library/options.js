// Options of calls, checked before they reach Rust: a misspelt or impossible one is a TypeError that says what would do.
import { MAX_PRIORITY, MAX_TIMEOUT_MS, nearestName } from '../binding.js';
import { isAbortSignal } from './abort-signal.js';
import { CHANGE_DETECTION } from './change-detection.js';
import { ENGINE_OPTIONS } from './engine-options.js';
import { isList } from './kinds.js';
import { flag, MAX_COUNT, oneOf, whole } from './option-kinds.js';
import { PROFILE, PROFILE_COLUMNS } from './profile-options.js';
import { shown } from './shown.js';
import { FRAMEWORKS, isBatchingValid, STAGES } from './versions.js';

const text = { expected: 'a string', check: (value) => typeof value === 'string' };
const { engine } = ENGINE_OPTIONS;
const framework = oneOf(...FRAMEWORKS);

/** What one `InferenceEngine` uses, beside the options of the engine that all of them share. */
export const CONSTRUCTOR_OPTIONS = {
	...ENGINE_OPTIONS,
	registry: { expected: 'a ModelRegistry', check: (value) => typeof value?.find === 'function' },
	monitor: { expected: 'a Monitor', check: (value) => typeof value?.record === 'function' },
};

const timeoutMs = {
	expected: `a number of milliseconds from 0 to ${MAX_TIMEOUT_MS}`,
	check: (value) => typeof value === 'number' && value >= 0 && value <= MAX_TIMEOUT_MS,
};

export const LOAD_OPTIONS = { framework, engine, timeoutMs };

export const RUN_OPTIONS = {
	outputs: {
		expected: 'an array of names of outputs',
		copy: (value) => (Array.isArray(value) ? Array.from(value) : value),
		check: (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
	},
	timeoutMs,
	priority: whole(-MAX_PRIORITY, MAX_PRIORITY),
	batching: flag,
	receipt: flag,
	signal: {
		expected: 'an AbortSignal: pass new AbortController().signal',
		check: isAbortSignal,
	},
};

const segment = {
	expected: 'a string that is not empty, without control characters',
	// eslint-disable-next-line no-control-regex -- these are what is looked for
	check: (value) => typeof value === 'string' && value !== '' && !/[\x00-\x1f\x7f]/.test(value),
};

export const PREDICT_OPTIONS = {
	...RUN_OPTIONS,
	userId: text,
	sessionId: text,
	segment,
	requestId: text,
	record: flag,
};

export const EXPOSITION_OPTIONS = { format: oneOf('openmetrics', 'text') };

/** A time of an event. */
export const moment = {
	expected: 'a number of Unix milliseconds',
	check: (value) => typeof value === 'number' && !Number.isNaN(value),
};

const RANGE = { version: text, digest: text, segment: text, startTime: moment, endTime: moment };

export const METRICS_FILTER = { ...RANGE, by: oneOf('version', 'segment') };

export const EVENT_FILTER = {
	...RANGE,
	modelId: text,
	userId: text,
	sessionId: text,
	limit: {
		expected: 'a whole number of at least 0, or Infinity',
		check: (value) => value === Infinity || (Number.isSafeInteger(value) && value >= 0),
	},
};

export const MONITOR_OPTIONS = {
	maxEvents: whole(1),
	maxBytes: whole(1024),
	profile: PROFILE,
	profileColumns: PROFILE_COLUMNS,
	changeDetection: CHANGE_DETECTION,
};

export const PROFILE_FILTER = { version: text, digest: text };

/** An option of drift: one value for all columns, or an object of values by column. */
const byColumn = (expected, check) => ({
	expected: `${expected}, or an object of that by column`,
	copy: (value) => (isByColumn(value) ? { ...value } : value),
	check: (value) => (isByColumn(value) ? Object.values(value).every(check) : check(value)),
});

/** Whether the value of such an option says something for each column. */
export const isByColumn = (value) => value !== null && typeof value === 'object';

const KINDS = ['number', 'category', 'text', 'vector'];

export const DRIFT_OPTIONS = {
	method: byColumn('the name of a method', (value) => typeof value === 'string'),
	threshold: byColumn('a number of at least 0', (value) => Number.isFinite(value) && value >= 0),
	kind: byColumn(`one of ${KINDS.join(', ')}`, (value) => KINDS.includes(value)),
	correction: text,
	minRows: whole(1),
	driftShare: {
		expected: 'a number above 0 and at most 1',
		check: (value) => typeof value === 'number' && value > 0 && value <= 1,
	},
};

export const REFERENCE_OPTIONS = { label: text };

export const PROFILE_DRIFT_OPTIONS = {
	version: text,
	referenceVersion: text,
	reference: text,
	method: DRIFT_OPTIONS.method,
	threshold: { expected: 'a number of at least 0', check: (value) => Number.isFinite(value) && value >= 0 },
	correction: text,
	minRows: DRIFT_OPTIONS.minRows,
	driftShare: DRIFT_OPTIONS.driftShare,
};

export const MODEL_FIELDS = {
	modelId: text,
	version: text,
	file: { expected: 'a path, bytes or an array of files', check: (value) => value !== null },
	framework,
	stage: oneOf(...STAGES),
	metadata: { expected: 'any value, but for its batching, which must be true or false', check: isBatchingValid },
	inputSchema: text,
	outputSchema: text,
};

const list = {
	expected: 'an array or a typed array',
	copy: (value) => (isList(value) ? Array.from(value) : value),
	check: Array.isArray,
};

const table = {
	expected: 'an array of rows, or of numbers',
	copy: (value) => (isList(value) ? Array.from(value, list.copy) : value),
	check: Array.isArray,
};

export const REGRESSION_ROWS = { truth: list, predicted: list, weights: list };

export const LABEL_DRAW = { scores: list, size: whole(1, MAX_COUNT), seed: whole(0, MAX_COUNT) };

export const LABELLED_ROWS = { probabilities: list, correct: list, errors: list };

export const CLASSIFICATION_ROWS = {
	...REGRESSION_ROWS,
	classes: list,
	probabilities: table,
	scores: table,
	bins: whole(1, 1000),
	businessValue: table,
	binning: oneOf('equalWidth', 'equalMass'),
};

export const CBPE_REFERENCE = {
	truth: list,
	predicted: list,
	classes: list,
	probabilities: table,
	chunkRows: whole(1, MAX_COUNT),
	calibrate: {
		expected: 'true, false, or an array of them with one for each class',
		copy: list.copy,
		check: (value) => flag.check(value) || (Array.isArray(value) && value.every(flag.check)),
	},
	businessValue: table,
};

export const ESTIMATOR_OPTIONS = { version: text, digest: text, chunkRows: whole(1, MAX_COUNT), businessValue: table };

export const CBPE_ROWS = { predicted: list, probabilities: table };

export const DLE_REFERENCE = { truth: list, predicted: list, features: table, chunkRows: whole(1, MAX_COUNT) };

export const DLE_ROWS = {
	predicted: list,
	features: table,
	losses: { expected: 'an object of lists', check: isByColumn },
};

/** Losses of rows, by the measure that is their mean; in the order of the addon. */
export const LOSSES = { mae: list, mape: list, mse: list, msle: list };

/** A number between two bounds, of which the upper one may be included. */
const between = (least, most, includesMost) => ({
	expected: `a number above ${least} and ${includesMost ? 'up to' : 'below'} ${most}`,
	check: (value) => typeof value === 'number' && value > least && (value < most || (includesMost && value === most)),
});

export const ADWIN_OPTIONS = {
	delta: between(0, 1, false),
	clock: whole(1, MAX_COUNT),
	maxBuckets: whole(1, 1000),
	minWindowLength: whole(1, MAX_COUNT),
	gracePeriod: whole(0, MAX_COUNT),
};

export const PAGE_HINKLEY_OPTIONS = {
	minInstances: whole(1, MAX_COUNT),
	delta: {
		expected: 'a finite number of at least 0',
		check: (value) => Number.isFinite(value) && value >= 0,
	},
	threshold: {
		expected: 'a finite number above 0',
		check: (value) => Number.isFinite(value) && value > 0,
	},
	alpha: between(0, 1, true),
	mode: oneOf('up', 'down', 'both'),
};

/**
 * Checks options and gives them as a plain object of its own. Each is asked for once: behind a getter or a proxy the next answer
 * may be another, or may call the engine.
 *
 * @param {string} call what takes the options, for the message
 * @param {any} given
 * @param {Record<string, {expected: string, check: (value: any) => boolean, copy?: (value: any) => any}>} rules `copy` is for
 *   values that are more than one
 * @returns {Record<string, any>}
 * @throws {TypeError} for an unknown name or a value that does not fit
 */
export function checkOptions(call, given, rules) {
	if (given === null || typeof given !== 'object' || Array.isArray(given)) {
		throw new TypeError(`${call} takes an object of ${Object.keys(rules).join(', ')}`);
	}
	const options = {};
	for (const [name, value] of Object.entries(given)) {
		if (!Object.hasOwn(rules, name)) {
			const nearest = nearestName(name, Object.keys(rules));
			const hint = nearest ? `did you mean "${nearest}"?` : `it takes ${Object.keys(rules).join(', ')}`;
			throw new TypeError(`${call} does not take "${name}"; ${hint}`);
		}
		if (value === undefined) continue;
		const { expected, check, copy } = rules[name];
		const option = copy ? copy(value) : value;
		if (!check(option)) throw new TypeError(`${name} must be ${expected}, received ${shown(option)}`);
		options[name] = option;
	}
	return options;
}
