// Models in Node.js code, without Harper.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
	configureEngine,
	createId,
	engineStatus,
	evictSession,
	inspectModel,
	meantFiles,
	meterHandle,
	openJournal,
	openSession,
	releaseQuarantined,
	runSession,
	Session,
} from '../binding.js';
import { copied } from './copied.js';
import { within } from './deadline.js';
import { EdgeAiError } from './edge-ai-error.js';
import { isFailedRun } from './events.js';
import { isUint8Array, isUrl } from './kinds.js';
import { columnsOf, meterOf } from './meter.js';
import { profilerOf } from './monitor.js';
import { checkOptions, CONSTRUCTOR_OPTIONS, LOAD_OPTIONS, PREDICT_OPTIONS, RUN_OPTIONS } from './options.js';
import { toInput } from './tensor.js';
import { classNames, forbidsBatching } from './versions.js';

Symbol.dispose ??= Symbol.for('nodejs.dispose');

/** Runs a model for a meter, and for a user and a monitor: set by the class, which alone reaches its session. */
let runFor;

/** A loaded model. All threads of the process share one session of it. */
export class Model {
	#session;
	#inputs;
	#outputs;
	#meter;

	static {
		runFor = (model, features, options, meter, recorded) =>
			model.#run(features, options, meter ?? model.#ownMeter, recorded);
	}

	constructor(session) {
		if (!(session instanceof Session)) throw new TypeError('a Model comes from engine.load(), not from new Model()');
		this.#session = session;
		this.digest = session.digest;
		this.engine = session.engine;
		this.executionProvider = session.executionProvider;
		this.framework = session.framework;
		this.signature = JSON.parse(session.signature);
		this.#inputs = new Map(this.signature.inputs.map(({ name, dtype }, index) => [name, { dtype, index }]));
		this.#outputs = this.signature.outputs.map(({ name }) => name);
	}

	/**
	 * Runs the model.
	 *
	 * @param {Record<string, any>} features values by the name of the input
	 * @param {{outputs?: string[], timeoutMs?: number, priority?: number, batching?: boolean, receipt?: boolean, signal?: AbortSignal}} [options]
	 */
	predict(features, options = {}) {
		return this.#run(features, options, this.#ownMeter);
	}

	/** Who counts what is run without a registry. */
	get #ownMeter() {
		return (this.#meter ??= meterHandle(this.digest, versionOf(this), this.digest));
	}

	async #run(features, options, meter, { profiler, userId } = {}) {
		const session = this.#session;
		if (!session) throw new EdgeAiError('CLOSED', 'the model is disposed; load it again');
		if (features === null || typeof features !== 'object' || Array.isArray(features) || ArrayBuffer.isView(features)) {
			const names = this.signature.inputs.map(({ name }) => name);
			throw new TypeError(`features must be an object of values by input name, such as { ${names[0]}: [...] }`);
		}
		const run = checkOptions('predict', options, RUN_OPTIONS);
		const names = Object.keys(features);
		// A model with one input takes it under any name.
		const only = names.length === 1 && this.#inputs.size === 1 ? [...this.#inputs.keys()][0] : undefined;
		const inputs = names.map((name) => toInput(only ?? name, features[name], this.#inputs.get(only ?? name)));
		const { batching = true, ...limits } = run;
		const outputs = limits.outputs?.length ? limits.outputs : this.#outputs;
		return runSession(session, inputs, outputs, { ...limits, alone: !batching, userId }, meter, profiler);
	}

	/** Lets go of the session; other users of the same model are not disturbed. */
	dispose() {
		this.#session = undefined;
	}

	[Symbol.dispose]() {
		this.dispose();
	}
}

/** The engine of this process: loads, caches and runs models. */
export class InferenceEngine {
	#registry;
	#monitor;
	#models = new Map();

	/**
	 * @param {object} [options] `registry` and `monitor`; the others set the engine that all threads of the process share
	 */
	constructor(options = {}) {
		const { registry, monitor, journalDirectory, ...engine } = checkOptions(
			'new InferenceEngine',
			options,
			CONSTRUCTOR_OPTIONS
		);
		this.#registry = registry;
		this.#monitor = monitor;
		if (Object.keys(engine).length > 0) configureEngine(engine);
		if (journalDirectory !== undefined) openJournal(journalDirectory);
	}

	/**
	 * Loads a model.
	 *
	 * @param {string | Uint8Array | {name: string, path?: string, bytes?: Uint8Array}[]} source a path, bytes, or several files
	 * @param {{framework?: string, engine?: string, timeoutMs?: number}} [options]
	 * @returns {Promise<Model>}
	 */
	async load(source, options = {}) {
		const { timeoutMs, ...how } = checkOptions('load', options, LOAD_OPTIONS);
		const opened = openSession(filesOf(source), { ...how, beside: true });
		if (timeoutMs === undefined) return new Model(await opened);
		const late = () =>
			new EdgeAiError('DEADLINE_EXCEEDED', `the model was not loaded within ${timeoutMs} ms; its load goes on`);
		return new Model(await within(opened, timeoutMs, late));
	}

	/**
	 * Runs a model and records the run with the monitor, when there is one.
	 *
	 * @param {Model | string | {modelId: string, version?: string}} target a loaded model, or a registered one
	 * @param {Record<string, any>} features
	 * @param {{outputs?: string[], timeoutMs?: number, priority?: number, batching?: boolean, receipt?: boolean, signal?: AbortSignal, userId?: string, sessionId?: string, segment?: string, requestId?: string, record?: boolean}} [options]
	 */
	async predict(target, features, options = {}) {
		const given = checkOptions('predict', options, PREDICT_OPTIONS);
		const { userId, sessionId, segment, requestId, record = true, ...run } = given;
		const startedAt = performance.now();
		const { model, modelId, modelVersion, meter, columns, isAlone, metadata } = await this.#resolve(
			target,
			run.timeoutMs
		);
		if (run.timeoutMs !== undefined) run.timeoutMs = Math.max(0, startedAt + run.timeoutMs - performance.now());
		if (isAlone) run.batching = false;
		const inferenceId = createId();
		const identity = {
			id: inferenceId,
			modelId,
			modelVersion,
			digest: model.digest,
			framework: model.framework,
			userId,
			sessionId,
			segment,
			requestId,
		};
		const monitor = record && modelId !== undefined ? this.#monitor : undefined;
		let copy;
		try {
			const profiler = monitor && profilerOf(monitor, identity, columns);
			const running = runFor(model, features, run, meter, { profiler, userId });
			// The caller may change them during the run.
			if (monitor) copy = copiedBeside(running, features);
			const { run: timing, ...prediction } = await running;
			const { signature } = model;
			const labels = monitor && classNames(signature.labels, metadata);
			monitor?.record({ ...identity, ...prediction, ...timing, features: copy }, { signature, labels });
			return { inferenceId, modelId, modelVersion, ...prediction };
		} catch (error) {
			if (isFailedRun(error)) monitor?.record({ ...identity, features: copy, error });
			throw error;
		}
	}

	/** Engines and versions, the cache, sessions and runs. */
	status() {
		return engineStatus();
	}

	/**
	 * Forgets the crashes of the process at which a model was under way, so that its quarantine ends.
	 *
	 * @param {string} digest
	 * @returns {Promise<boolean>} false when none is known
	 */
	async release(digest) {
		if (typeof digest !== 'string') throw new TypeError('release takes the digest of a model');
		return releaseQuarantined(digest);
	}

	async #resolve(target, timeoutMs) {
		if (target instanceof Model) {
			return { model: target, modelId: target.digest, modelVersion: versionOf(target) };
		}
		const { modelId, version } = typeof target === 'string' ? { modelId: target } : (target ?? {});
		if (typeof modelId !== 'string') {
			throw new TypeError('predict takes a Model from engine.load(), a modelId, or { modelId, version }');
		}
		if (!this.#registry) {
			throw new TypeError('predict by modelId needs new InferenceEngine({ registry: new ModelRegistry() })');
		}
		const found = this.#registry.find(modelId, version);
		let model = this.#models.get(found.digest);
		if (!model) {
			model = await this.load(found.files, { framework: found.framework, timeoutMs });
			if (model.digest !== found.digest) {
				throw new EdgeAiError('INVALID_MODEL', `the files of model "${found.id}" have changed since it was registered`);
			}
			this.#models.set(found.digest, model);
		}
		const { version: modelVersion, metadata } = found;
		const [meter, columns] = [meterOf(found), () => columnsOf(found)];
		return { model, modelId, modelVersion, meter, columns, isAlone: forbidsBatching(metadata), metadata };
	}

	/** Forgets the models that this engine resolved. Their sessions stay in the cache of the process while there is room. */
	dispose() {
		this.#models.clear();
	}

	[Symbol.dispose]() {
		this.dispose();
	}
}

/** What a model that no registry names has as its version; its name is its digest. */
const versionOf = ({ digest }) => digest.slice(0, 12);

/** A copy of features that a run has read. What no event holds no model takes either: then the run fails too, and nobody waits for it. */
function copiedBeside(running, features) {
	try {
		return copied(features).value;
	} catch (error) {
		running.catch(() => {});
		throw error;
	}
}

/**
 * Drops the sessions of a digest from the cache of the process.
 *
 * @param {string} digest
 */
export const evict = (digest) => evictSession(digest);

/**
 * What a model is, after it was loaded once.
 *
 * @param {string | Uint8Array | {name: string, path?: string, bytes?: Uint8Array}[]} source
 * @param {{framework?: string, engine?: string, inputSchema?: string, outputSchema?: string}} [options]
 */
export const inspect = (source, options) => inspectModel(filesOf(source), options);

/**
 * A source as a list of named files. Bytes are copied, because their owner may change them, and not by a method of theirs: that of
 * a Buffer gives a view.
 */
export function filesOf(source) {
	if (typeof source === 'string') return [{ name: basename(source), path: source }, ...filesBeside(source)];
	if (isUrl(source)) return filesOf(fileURLToPath(source));
	if (isUint8Array(source)) return [{ name: 'model', bytes: new Uint8Array(source) }];
	if (Array.isArray(source) && source.length > 0) {
		return Array.from(source, (file) => {
			const { name, path, bytes } = file ?? {};
			const isContent = path === undefined ? isUint8Array(bytes) : bytes === undefined && typeof path === 'string';
			if (typeof name !== 'string' || !isContent) {
				throw new TypeError('each file of a model must be { name, path } or { name, bytes }');
			}
			return path === undefined ? { name, bytes: new Uint8Array(bytes) } : { name, path };
		});
	}
	throw new TypeError('a model is a path, a Uint8Array of its bytes, or an array of { name, path } or { name, bytes }');
}

/** What belongs to a TensorFlow.js model on disk: the shards that it names, and the labels of Teachable Machine or ml5. */
function filesBeside(path) {
	if (!path.toLowerCase().endsWith('.json')) return [];
	let shards;
	try {
		const { weightsManifest = [] } = JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
		shards = weightsManifest.flatMap(({ paths }) => paths);
	} catch {
		// What is wrong with the file is said when it is loaded.
		return [];
	}
	const files = shards.map((shard) => ({ name: shard, path: shardAt(dirname(path), shard) }));
	const told = ['metadata.json', 'model_meta.json'].map((name) => ({ name, path: join(dirname(path), name) }));
	return [...files, ...told.filter((file) => existsSync(file.path))];
}

/** Where a shard is: at its path, or under a name in the folder that can mean the same. */
function shardAt(folder, shard) {
	const exact = join(folder, shard);
	if (existsSync(exact)) return exact;
	const names = readdirSync(folder);
	const [at] = meantFiles(names, shard);
	return at === undefined ? exact : join(folder, names[at]);
}
