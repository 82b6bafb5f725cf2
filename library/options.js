// Options of calls, checked before they reach Rust: a misspelt or impossible one is a TypeError that says what would do.
import { nearestName } from '../binding.js';
import { isAbortSignal } from './abort-signal.js';
import { EXECUTION_PROVIDERS } from './execution-providers.js';

const MiB = 2 ** 20;
const MAX_TIMEOUT_MS = 3_600_000;
const MAX_IDLE_MS = 2 ** 31 - 1;

const whole = (least, most = Number.MAX_SAFE_INTEGER) => ({
	expected: `a whole number from ${least} to ${most}`,
	check: (value) => Number.isSafeInteger(value) && value >= least && value <= most,
});
const oneOf = (...names) => ({
	expected: names.map((name) => `'${name}'`).join(' or '),
	check: (value) => names.includes(value),
});
const text = { expected: 'a string', check: (value) => typeof value === 'string' };
const flag = { expected: 'true or false', check: (value) => typeof value === 'boolean' };

const engine = oneOf('auto', 'onnxruntime', 'tract');
const framework = oneOf('onnx', 'tensorflow');

/** Options of the engine that all threads share. */
export const ENGINE_OPTIONS = {
	engine,
	executionProviders: EXECUTION_PROVIDERS,
	cacheMaxModels: whole(1, 2 ** 32 - 1),
	cacheMaxBytes: whole(0),
	intraOpThreads: whole(1, 1024),
	runThreads: whole(1, 1024),
	maxQueueSize: whole(1, 2 ** 32 - 1),
	maxBatchSize: whole(1, 32_768),
	maxQueueDelayMs: whole(0, 60_000),
	maxConcurrentBatches: whole(1, 1024),
	timeoutMs: whole(1, MAX_TIMEOUT_MS),
	loadTimeoutMs: whole(1, MAX_TIMEOUT_MS),
	maxRunBytes: whole(MiB),
	idleUnloadMs: whole(0, MAX_IDLE_MS),
	libraryPath: text,
	journalDirectory: text,
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
	priority: whole(-100, 100),
	batching: flag,
	signal: {
		expected: 'an AbortSignal: pass new AbortController().signal',
		check: isAbortSignal,
	},
};

export const PREDICT_OPTIONS = { ...RUN_OPTIONS, userId: text, sessionId: text, requestId: text, record: flag };

export const MODEL_FIELDS = {
	modelId: text,
	version: text,
	file: { expected: 'a path, bytes or an array of files', check: (value) => value !== null },
	framework,
	stage: oneOf('development', 'staging', 'production'),
	metadata: { expected: 'any value', check: () => true },
	inputSchema: text,
	outputSchema: text,
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

function shown(value) {
	if (typeof value === 'string') return JSON.stringify(value.slice(0, 64));
	if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
		return `[${value.slice(0, 8).map(shown).join(', ')}]`;
	}
	if (value === null || ['number', 'boolean', 'bigint'].includes(typeof value)) return String(value);
	return `a value of type ${typeof value === 'object' ? (value.constructor?.name ?? 'object') : typeof value}`;
}
