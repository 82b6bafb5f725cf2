// The options of the engine that all threads of a process share: the one table of them. Harper's options, the Node.js API, its
// declarations and the documentation follow from it; src/engine/options.rs is what Rust reads, and a test compares both.
import { availableParallelism } from 'node:os';
import { MAX_TIMEOUT_MS } from '../binding.js';
import { EXECUTION_PROVIDERS } from './execution-providers.js';
import { MAX_COUNT, oneOf, text, whole } from './option-kinds.js';

const MiB = 2 ** 20;
const MAX_THREADS = 1024;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** When a change counts. */
export const EFFECT = {
	atOnce: 'at once',
	nextLoad: 'at the next load',
	firstLoad: 'at the first load of the process',
	firstTime: 'once in the process',
};

/**
 * @typedef {import('./option-kinds.js').Kind & {default: any, inWords?: string, effect: string,
 *   only?: 'node', meaning: string, inNode?: string}} Option
 *   `inWords`: a default that depends on the machine; `only`: where it is known, when not everywhere; `meaning` and `inNode`,
 *   which only the Node.js API adds, in Markdown
 */

/** @type {Record<string, Option>} */
export const ENGINE_OPTIONS = {
	engine: {
		...oneOf('auto', 'onnxruntime', 'tract'),
		default: 'auto',
		effect: EFFECT.nextLoad,
		meaning:
			'Which engine runs models; `auto`: ONNX Runtime where its library can be loaded, tract otherwise; see [engines](configuration.md#engines).',
	},
	executionProviders: {
		...EXECUTION_PROVIDERS,
		default: ['cpu'],
		effect: EFFECT.nextLoad,
		meaning:
			'What computes inside ONNX Runtime, the preferred one first; see [execution providers](configuration.md#execution-providers). In the variable the names are separated by commas.',
		inNode:
			'One that cannot be used gives way to the next; without `cpu` at the end, `ENGINE_UNAVAILABLE` when none can.',
	},
	cacheMaxModels: {
		...whole(1, MAX_COUNT),
		default: 10,
		effect: EFFECT.atOnce,
		meaning: 'Sessions that stay loaded in the process. Least recently used ones go first.',
		inNode: 'Those that a `Model` holds may go too: its next run loads them again from the same files.',
	},
	cacheMaxBytes: {
		...whole(0),
		default: 1024 * MiB,
		effect: EFFECT.atOnce,
		meaning: 'Bytes of weights that stay loaded. One session is always kept, however large.',
	},
	intraOpThreads: {
		...whole(1, MAX_THREADS),
		default: availableParallelism(),
		inWords: 'the processors',
		effect: EFFECT.firstLoad,
		meaning: 'Threads that share the work within one operator, for all sessions together.',
	},
	runThreads: {
		...whole(1, MAX_THREADS),
		default: availableParallelism(),
		inWords: 'the processors',
		effect: EFFECT.atOnce,
		meaning: 'Runs that are under way at the same time.',
	},
	maxQueueSize: {
		...whole(1, MAX_COUNT),
		default: 1024,
		effect: EFFECT.atOnce,
		meaning: 'Runs of one model that may wait for a thread; beyond, `QUEUE_FULL`.',
	},
	maxBatchSize: {
		...whole(1, 32_768),
		default: 64,
		effect: EFFECT.atOnce,
		meaning: 'Rows of different requests that may run together; 1 turns batching off.',
	},
	maxQueueDelayMs: {
		...whole(0, 60_000),
		default: 0,
		effect: EFFECT.atOnce,
		meaning:
			'Milliseconds that a request may wait for others while its model is busy. A model that is idle never waits.',
	},
	maxConcurrentBatches: {
		...whole(1, 1024),
		default: 1,
		effect: EFFECT.atOnce,
		meaning: 'Batches of one model that run side by side.',
	},
	timeoutMs: {
		...whole(1, MAX_TIMEOUT_MS),
		default: 30_000,
		effect: EFFECT.atOnce,
		meaning:
			'Deadline of a request in milliseconds, unless it says otherwise: of its run, of its waiting, and in Harper of the load of a cold model.',
	},
	loadTimeoutMs: {
		...whole(1, MAX_TIMEOUT_MS),
		default: 120_000,
		effect: EFFECT.nextLoad,
		meaning:
			'Milliseconds that the load of a model, or the check of an upload, may take; see [slow loads](operations.md#slow-loads).',
	},
	maxRunBytes: {
		...whole(MiB),
		default: 1024 * MiB,
		effect: EFFECT.firstLoad,
		meaning: 'Bytes that all runs together may allocate inside ONNX Runtime at one time.',
	},
	idleUnloadMs: {
		...whole(0, MAX_TIMER_MS),
		default: 0,
		effect: EFFECT.atOnce,
		meaning:
			'A model that nobody has used for so many milliseconds leaves memory; the next request loads it again. 0: it stays.',
		inNode:
			'It is loaded again from the same files. One that was loaded from bytes stays as long as a `Model` holds it.',
	},
	libraryPath: {
		...text,
		default: null,
		inWords: '`ORT_DYLIB_PATH`, else the library beside the addon',
		effect: EFFECT.firstLoad,
		only: 'node',
		meaning: 'The ONNX Runtime library; see [ONNX Runtime](configuration.md#onnx-runtime).',
	},
	journalDirectory: {
		...text,
		default: null,
		inWords: 'none',
		effect: EFFECT.firstTime,
		only: 'node',
		meaning:
			'A folder for the [journal](node-api.md#a-model-that-ends-the-process) of loads and runs: a model that was under way at two crashes of programs that use the folder is `MODEL_QUARANTINED` from then on.',
	},
};

/**
 * The environment variable of an option of Harper's.
 *
 * @param {string} name `cacheMaxModels` gives `EDGE_AI_CACHE_MAX_MODELS`
 */
export const variableOf = (name) => `EDGE_AI_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
