// The component's options: the application's config.yaml first, then the environment, then defaults; all checked.
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { configureEngine } from '../binding.js';
import { EXECUTION_PROVIDERS } from '../library/execution-providers.js';
import { beginJournal } from './quarantine.js';

const count = (least, most = Number.MAX_SAFE_INTEGER) => ({
	expected:
		most === Number.MAX_SAFE_INTEGER
			? `a whole number of at least ${least}`
			: `a whole number from ${least} to ${most}`,
	read: (text) => (/^\d+$/.test(text) ? Number(text) : undefined),
	check: (value) => Number.isSafeInteger(value) && value >= least && value <= most,
});
const flag = {
	expected: 'true or false',
	read: (text) => ({ true: true, false: false })[text],
	check: (value) => typeof value === 'boolean',
};
const oneOf = (...names) => ({
	expected: `one of ${names.join(', ')}`,
	read: (text) => text,
	check: (value) => names.includes(value),
});
const text = {
	expected: 'a text',
	read: (value) => value,
	check: (value) => typeof value === 'string' && value !== '',
};

const MiB = 2 ** 20;

/** Every option: what it may be, and its default. */
export const SCHEMA = {
	engine: { ...oneOf('auto', 'onnxruntime', 'tract'), default: 'auto' },
	executionProviders: {
		...EXECUTION_PROVIDERS,
		read: (text) => text.split(',').map((name) => name.trim()),
		default: ['cpu'],
	},
	cacheMaxModels: { ...count(1), default: 10 },
	cacheMaxBytes: { ...count(0), default: 1024 * MiB },
	cacheDirectory: { ...text, default: undefined },
	intraOpThreads: { ...count(1, 1024), default: availableParallelism() },
	runThreads: { ...count(1, 1024), default: availableParallelism() },
	maxQueueSize: { ...count(1), default: 1024 },
	maxBatchSize: { ...count(1, 32_768), default: 64 },
	maxQueueDelayMs: { ...count(0, 60_000), default: 0 },
	maxConcurrentBatches: { ...count(1, 1024), default: 1 },
	timeoutMs: { ...count(1, 3_600_000), default: 30_000 },
	loadTimeoutMs: { ...count(1, 3_600_000), default: 120_000 },
	maxRunBytes: { ...count(MiB), default: 1024 * MiB },
	idleUnloadMs: { ...count(0, 2_147_483_647), default: 0 },
	preload: { ...oneOf('none', 'production'), default: 'none' },
	maxUploadBytes: { ...count(1), default: 2048 * MiB },
	maxBodyBytes: { ...count(1), default: 64 * MiB },
	recordFeatures: { ...oneOf('summary', 'full', 'none'), default: 'summary' },
	eventDurability: { ...oneOf('required', 'best-effort'), default: 'required' },
	replicateEvents: { ...flag, default: true },
	eventRetention: { ...count(0), default: 0 },
	anonymousPredict: { ...flag, default: false },
};

/**
 * Reads options.
 *
 * @param {Record<string, any>} given the application's options
 * @param {Record<string, string | undefined>} environment
 * @returns {Record<string, any>}
 * @throws {Error} that names the option, what was expected and what was received
 */
export function readOptions(given = {}, environment = process.env) {
	const own = Object.entries(given).filter(([name]) => name !== 'package');
	for (const [name] of own) {
		if (!Object.hasOwn(SCHEMA, name)) {
			throw new Error(`edge-ai has no option "${name}"; its options are ${Object.keys(SCHEMA).join(', ')}`);
		}
	}
	return Object.fromEntries(
		Object.entries(SCHEMA).map(([name, rule]) => {
			const variable = variableOf(name);
			let value = given[name];
			let source = `option ${name}`;
			if (value === undefined && environment[variable] !== undefined && environment[variable] !== '') {
				source = variable;
				value = rule.read(environment[variable]) ?? environment[variable];
			}
			if (value === undefined) return [name, rule.default];
			if (!rule.check(value)) {
				throw new Error(`${source} must be ${rule.expected}, received ${JSON.stringify(value)}`);
			}
			return [name, value];
		})
	);
}

/** `cacheMaxModels` -> `EDGE_AI_CACHE_MAX_MODELS` */
export const variableOf = (name) => `EDGE_AI_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`;

let current;

/**
 * Takes over the application's options, for this thread and for the engine that all threads share.
 *
 * @param {Record<string, any>} [given]
 */
export function configure(given) {
	const read = readOptions(given);
	configureEngine({
		engine: read.engine,
		executionProviders: read.executionProviders,
		cacheMaxModels: read.cacheMaxModels,
		cacheMaxBytes: read.cacheMaxBytes,
		intraOpThreads: read.intraOpThreads,
		runThreads: read.runThreads,
		maxQueueSize: read.maxQueueSize,
		maxBatchSize: read.maxBatchSize,
		maxQueueDelayMs: read.maxQueueDelayMs,
		maxConcurrentBatches: read.maxConcurrentBatches,
		timeoutMs: read.timeoutMs,
		loadTimeoutMs: read.loadTimeoutMs,
		maxRunBytes: read.maxRunBytes,
		idleUnloadMs: read.idleUnloadMs,
	});
	// Not in the cache's folder, which may be removed. Outside Harper there is nothing to look after.
	if (globalThis.server) beginJournal(join(rootPath(), 'edge-ai-journal'));
	current = read;
}

/** The options in force. */
export function options() {
	if (!current) configure();
	return current;
}

/** Where model files lie unpacked for the engine. */
export function cacheDirectory() {
	return options().cacheDirectory ?? join(rootPath(), 'edge-ai-cache');
}

/** Where Harper keeps its data. */
export const rootPath = () => globalThis.server?.config?.rootPath ?? process.env.ROOTPATH ?? process.cwd();
