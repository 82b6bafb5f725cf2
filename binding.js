// The native functions as promises. One channel per JavaScript thread brings the outcomes of work on other threads.
import { native, libraryPath } from './native.js';

const { Channel, PredictRequest, Session } = native;

/** What waits for an outcome, by number. */
const waiting = new Map();
let lastId = 0;

const channel = new Channel(() => {
	const settled = channel.take();
	for (let at = 0; at < settled.length; at += 3) {
		const entry = waiting.get(settled[at]);
		if (!entry) continue;
		waiting.delete(settled[at]);
		if (settled[at + 1]) entry.reject(settled[at + 1]);
		else entry.resolve(settled[at + 2]);
	}
	if (waiting.size === 0) keepAlive.unref();
});

// The channel does not keep the event loop alive; this timer does, while something is awaited.
const keepAlive = setInterval(() => {}, 2 ** 30);
keepAlive.unref();

/** Calls `start(channel, id)` and gives a promise for the outcome of that number. */
function answered(start) {
	const id = nextId();
	start(channel, id);
	return expect(id);
}

function nextId() {
	lastId = (lastId + 1) >>> 0;
	return lastId;
}

function expect(id) {
	if (waiting.size === 0) keepAlive.ref();
	return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

/** Runs that this thread waits for. */
let runs = 0;

/**
 * A run that may have been answered at once. Aborting rejects with the signal's reason and stops the run.
 *
 * @param {(channel: object, id: number, crowded: boolean) => any} start
 * @param {AbortSignal} [signal]
 */
async function run(start, signal) {
	signal?.throwIfAborted();
	const id = nextId();
	runs += 1;
	try {
		const outcome = start(channel, id, runs > 1);
		// An answer at once also counts until its caller had a turn: whoever starts many in a row starts a crowd.
		if (outcome) return await outcome;
		return await (signal ? abortable(id, signal) : expect(id));
	} finally {
		runs -= 1;
	}
}

async function abortable(id, signal) {
	const abort = () => {
		waiting.get(id)?.reject(signal.reason);
		waiting.delete(id);
		channel.cancel(id);
		if (waiting.size === 0) keepAlive.unref();
	};
	const answer = expect(id);
	signal.addEventListener('abort', abort, { once: true });
	try {
		return await answer;
	} finally {
		signal.removeEventListener('abort', abort);
	}
}

const toFile = ({ name, path, bytes }) => ({ name, content: path ?? bytes });

/**
 * Sets options of the one engine of this process; fields that are absent keep their values.
 *
 * @param {object} options
 */
export function configureEngine(options) {
	native.configureEngine({ libraryPath, ...options });
}
configureEngine({});

export const { engineStatus, evictSession, cachedSession } = native;
export const { createId, checkIdentifier, nearestName, compareOutcome, MetricsAccumulator } = native;

/**
 * SHA-256 of a model's files, in hexadecimal.
 *
 * @param {{name: string, path?: string, bytes?: Uint8Array}[]} files
 * @returns {Promise<string>}
 */
export function digestModel(files) {
	return answered((channel, id) => native.digestModel(channel, id, files.map(toFile)));
}

/**
 * Detects, checks and once loads a model, without keeping it.
 *
 * @param {{name: string, path?: string, bytes?: Uint8Array}[]} files
 * @param {{framework?: string, engine?: string, inputSchema?: string, outputSchema?: string, weightsDirectory?: string}} [options]
 * @returns {Promise<object>} framework, engine, digest, size, files, inputSchema, outputSchema, labels
 */
export function inspectModel(files, { inputSchema, outputSchema, ...options } = {}) {
	const stated = { inputSchema, outputSchema };
	return answered((channel, id) => native.inspectModel(channel, id, files.map(toFile), options, stated));
}

/**
 * The ONNX model that a TensorFlow.js model is translated to.
 *
 * @param {{name: string, path?: string, bytes?: Uint8Array}[]} files
 * @returns {Promise<Uint8Array>}
 */
export function translateModel(files) {
	return answered((channel, id) => native.translateModel(channel, id, files.map(toFile)));
}

/**
 * The session of a digest: cached, or loaded once however many ask.
 *
 * @param {string} digest
 * @param {{name: string, path?: string, bytes?: Uint8Array}[]} files
 * @param {{framework?: string, engine?: string, beside?: boolean, weightsDirectory?: string}} [options]
 * @returns {Promise<object>}
 */
export function loadSession(digest, files, options = {}) {
	return answered((channel, id) => native.loadSession(channel, id, digest, files.map(toFile), options));
}

/**
 * Runs a request body on a session.
 *
 * @param {object} session
 * @param {object} request a `PredictRequest`
 * @param {{timeoutMs?: number, signal?: AbortSignal}} [options]
 * @returns {Promise<{prediction: string, confidence: string, latencyMs: number}>} prediction and confidence as JSON text
 */
export function predictJson(session, request, { timeoutMs, signal } = {}) {
	return run((channel, id, crowded) => session.predictJson(channel, id, request, crowded, timeoutMs), signal);
}

/**
 * Runs the inputs of a message on a session.
 *
 * @param {object} session
 * @param {Uint8Array} inputs as library/message.js writes them
 * @param {{outputs?: string[], timeoutMs?: number, priority?: number, signal?: AbortSignal}} [options]
 * @returns {Promise<ArrayBuffer>} a message of outputs
 */
export function runSession(session, inputs, { outputs, timeoutMs, priority, signal } = {}) {
	const limits = outputs || timeoutMs !== undefined || priority ? { outputs, timeoutMs, priority } : undefined;
	return run((channel, id, crowded) => session.run(channel, id, inputs, crowded, limits), signal);
}

/**
 * A mutex of the whole process by name; who asks first gets it first. It is released by `release()`, and when its thread
 * ends.
 *
 * @param {string} name
 * @returns {Promise<{release: () => void}>}
 */
export async function acquireLock(name) {
	return answered((channel, id) => native.acquireLock(channel, id, name));
}

export { PredictRequest, Session };
