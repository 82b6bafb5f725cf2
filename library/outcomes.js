// Outcomes of work on other threads, as promises. One channel per JavaScript thread brings them.
import { native } from '../native.js';
import { isAborted, leave, listenTo, reasonOf } from './abort-signal.js';
import { fromNative } from './edge-ai-error.js';
import { forEachMessage, memory } from './message.js';

const { Channel } = native;

/**
 * What waits for an outcome, by number. Every number gets exactly one, and then goes to the next. A Map would leave its old
 * tables behind, with all that was in them, until the next large garbage collection.
 */
const waiting = [];
const freeIds = [];
let awaited = 0;

export const channel = new Channel(() => {
	const settled = channel.take();
	// All are read before the first is told: whoever is told may call the engine, which writes to the same memory.
	const outcomes = [];
	forEachMessage((id, at) => outcomes.push(outcomeOf(id, undefined, null, at)));
	for (let at = 0; at < settled.length; at += 3) {
		outcomes.push(outcomeOf(settled[at], settled[at + 1], settled[at + 2], 0));
	}
	for (const { entry, error, value } of outcomes) {
		if (error) entry.reject(error);
		else entry.resolve(value);
	}
}, memory);

function outcomeOf(id, error, outcome, at) {
	const entry = take(id);
	if (error) return { entry, error: fromNative(error) };
	try {
		return { entry, value: entry.read(outcome, at) };
	} catch (unreadable) {
		return { entry, error: unreadable };
	}
}

// The channel does not keep the event loop alive; this timer does, while something is awaited.
const keepAlive = setInterval(() => {}, 2 ** 30);
keepAlive.unref();

const itself = (outcome) => outcome;

/** Calls `start(channel, id)` and gives a promise for the outcome of that number. */
export function answered(start) {
	const id = takeId();
	try {
		start(channel, id);
	} catch (error) {
		freeIds.push(id);
		throw fromNative(error);
	}
	return new Promise((resolve, reject) => expect(id, { read: itself, resolve, reject }));
}

/** A number that is nobody else's until it is given back to `freeIds`, by {@link take} or by who needs it no more. */
const takeId = () => freeIds.pop() ?? waiting.push(undefined) - 1;

function expect(id, entry) {
	if (awaited === 0) keepAlive.ref();
	awaited += 1;
	waiting[id] = entry;
}

/** What waits for the outcome of a number, which is given back. */
export function take(id) {
	const entry = waiting[id];
	waiting[id] = undefined;
	freeIds.push(id);
	awaited -= 1;
	if (awaited === 0) keepAlive.unref();
	return entry;
}

/** Runs that this thread waits for, and runs that were answered at once but whose callers had no turn yet. */
let pending = 0;
let untold = 0;
const turn = Promise.resolve();
const forgetUntold = () => {
	untold = 0;
};

/**
 * A run that may be answered at once. Aborting rejects with the signal's reason and stops the run.
 *
 * @param {(id: number, crowded: boolean) => any} start
 * @param {(outcome: any, at: number) => any} read what the outcome says
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export function run(start, read, signal) {
	if (signal && isAborted(signal)) return Promise.reject(reasonOf(signal));
	let id;
	try {
		id = takeId();
		const outcome = start(id, pending + untold > 0);
		if (outcome == null) {
			return new Promise((resolve, reject) => {
				const pendingRun = new PendingRun(id, read, { resolve, reject, signal });
				expect(id, pendingRun);
				pendingRun.listen();
			});
		}
		freeIds.push(id);
		// Whoever starts many in a row starts a crowd.
		if (untold === 0) turn.then(forgetUntold);
		untold += 1;
		id = undefined;
		return Promise.resolve(read(outcome, 0));
	} catch (error) {
		if (id !== undefined) freeIds.push(id);
		return Promise.reject(fromNative(error));
	}
}

/**
 * Waits for a run that is started with others.
 *
 * @param {(outcome: any, at: number) => any} read
 * @param {{resolve: Function, reject: Function, signal?: AbortSignal}} promise
 */
export function awaitRun(read, promise) {
	const id = takeId();
	const run = new PendingRun(id, read, promise);
	expect(id, run);
	return run;
}

class PendingRun {
	#promise;
	#listens = false;

	constructor(id, read, promise) {
		pending += 1;
		this.id = id;
		this.read = read;
		this.#promise = promise;
	}

	/** Ends the waiting when the signal is aborted. */
	listen() {
		const { signal } = this.#promise;
		if (signal === undefined) return;
		listenTo(signal, this);
		this.#listens = true;
	}

	resolve(value) {
		this.#end();
		this.#promise.resolve(value);
	}

	reject(error) {
		this.#end();
		this.#promise.reject(error);
	}

	/** The signal's. The outcome of the run still comes, and then tells nobody anything. */
	handleEvent() {
		this.#promise.reject(reasonOf(this.#promise.signal));
		channel.cancel(this.id);
	}

	#end() {
		pending -= 1;
		if (this.#listens) leave(this.#promise.signal, this);
	}
}
