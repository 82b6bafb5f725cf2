// When background work runs, and who does it: each thread, one thread of the process, or one of the whole cluster.
import { setMaxListeners } from 'node:events';
import { RENEWAL_MS } from '../storage/lease.js';

/** What is done once is tried again after so long when it fails. */
const RETRY_MS = 60_000;
/**
 * What is done again and again waits for so long, or for its own interval, when it was taken over from another thread: most often that
 * one has ended because the whole process ends.
 */
const TAKE_OVER_MS = 60_000;

/** Timers that do not keep the process alive. */
const CLOCK = {
	setTimeout: (act, ms) => setTimeout(act, ms).unref(),
	clearTimeout: (timer) => clearTimeout(timer),
};

/**
 * @typedef {object} Entry Work that runs at the start, and again as it says. Its runs never overlap; one that fails is logged.
 * @property {string} name also of its lock and its lease
 * @property {'thread' | 'process' | 'cluster'} owner who does it: each thread; one thread of the process, which is one node; or one
 *   thread of one node of the cluster. When the owner ends, another one goes on.
 * @property {number} [everyMs] from the end of a run to the next one
 * @property {boolean} [onChange] whether it also runs when the options have changed
 * @property {(held: {signal: AbortSignal, lease?: object}) => unknown} run what it does; `signal` says that the work is to stop or is
 *   somebody else's now, `lease` is that of the cluster
 */

/** The background work of a thread. */
export class Schedule {
	#how;
	#works = new Map();
	#stopping = new AbortController();

	/**
	 * @param {object} how
	 * @param {() => Promise<unknown>} how.ready resolves when work can begin
	 * @param {(name: string) => {release: () => void} | null} how.tryLock a lock of the process, if it is free
	 * @param {(name: string) => Promise<{release: () => void}>} how.acquireLock the same, as soon as it is
	 * @param {() => {take: (name: string) => Promise<object | undefined>}} how.leases those of the cluster
	 * @param {(name: string, error: Error) => void} how.log
	 * @param {typeof CLOCK} [how.clock]
	 */
	constructor({ clock = CLOCK, ...how }) {
		this.#how = { clock, ...how };
		setMaxListeners(0, this.#stopping.signal);
	}

	/**
	 * Starts what is not started yet, and runs again what depends on options: to be called whenever they have changed.
	 *
	 * @param {Entry[]} [entries]
	 */
	start(entries = []) {
		if (this.#stopping.signal.aborted) return;
		for (const work of this.#works.values()) work.optionsChanged();
		for (const entry of entries) {
			if (this.#works.has(entry.name)) continue;
			this.#works.set(entry.name, new Work(entry, this.#how, this.#stopping.signal));
		}
	}

	/** Lets no more runs begin; resolves when those under way have ended and others may go on. */
	async stop() {
		this.#stopping.abort();
		await Promise.all([...this.#works.values()].map((work) => work.isIdle()));
	}
}

/** One entry in one thread. */
class Work {
	#entry;
	#how;
	#stopping;
	#owning = Promise.resolve();
	/** Whether the options have changed since the last run began. */
	#isOutdated = false;
	#wake = () => {};

	constructor(entry, how, stopping) {
		this.#entry = entry;
		this.#how = how;
		this.#stopping = stopping;
		this.#keep().catch((error) => how.log(entry.name, error));
	}

	optionsChanged() {
		if (!this.#entry.onChange) return;
		this.#isOutdated = true;
		this.#wake();
	}

	/** Resolves when nothing is owned and runs. */
	isIdle() {
		return this.#owning;
	}

	async #keep() {
		const { name, owner, everyMs } = this.#entry;
		const { ready, tryLock, acquireLock } = this.#how;
		await ready();
		if (owner === 'thread') return this.#own();
		const lockName = `background:${name}`;
		const free = tryLock(lockName);
		const lock = free ?? (await acquireLock(lockName));
		try {
			if (!free && everyMs !== undefined) await this.#sleep(Math.min(everyMs, TAKE_OVER_MS), this.#stopping);
			return await this.#own();
		} finally {
			lock.release();
		}
	}

	async #own() {
		if (this.#stopping.aborted) return;
		const isShared = this.#entry.owner === 'cluster';
		this.#owning = isShared ? this.#keepInCluster() : this.#keepRunning(this.#stopping);
		await this.#owning;
	}

	/** Runs whenever the lease is this process's. */
	async #keepInCluster() {
		while (!this.#stopping.aborted) {
			const lease = await this.#tried(() => this.#how.leases().take(`background:${this.#entry.name}`));
			if (lease) await this.#keepWithLease(lease);
			else await this.#sleep(RENEWAL_MS, this.#stopping);
		}
	}

	async #keepWithLease(lease) {
		const held = new AbortController();
		const end = () => held.abort();
		this.#stopping.addEventListener('abort', end);
		const renewing = this.#renew(lease, held);
		await this.#keepRunning(held.signal, lease);
		await renewing;
		this.#stopping.removeEventListener('abort', end);
		if (lease.isHeld()) await this.#tried(() => lease.release());
	}

	async #renew(lease, held) {
		while (!held.signal.aborted) {
			await this.#sleep(RENEWAL_MS, held.signal);
			if (held.signal.aborted) return;
			await this.#tried(() => lease.renew());
			if (!lease.isHeld()) held.abort();
		}
	}

	/** Runs as often as the entry says. */
	async #keepRunning(signal, lease) {
		const { everyMs, run } = this.#entry;
		while (!signal.aborted) {
			this.#isOutdated = false;
			let isDone = false;
			await this.#tried(async () => {
				await run({ signal, lease });
				isDone = true;
			});
			if (!this.#isOutdated) await this.#sleep(everyMs ?? (isDone ? undefined : RETRY_MS), signal, true);
		}
	}

	/** Resolves after a time, if one is given, when the signal says so, and, if it may be woken, when the options have changed. */
	async #sleep(ms, signal, isWakeable = false) {
		if (signal.aborted) return;
		const { clock } = this.#how;
		let timer;
		let wake;
		await new Promise((resolve) => {
			wake = resolve;
			if (ms !== undefined) timer = clock.setTimeout(resolve, ms);
			signal.addEventListener('abort', resolve);
			if (isWakeable) this.#wake = resolve;
		});
		signal.removeEventListener('abort', wake);
		if (timer !== undefined) clock.clearTimeout(timer);
	}

	/** Resolves to nothing, and logs why, when it fails. */
	async #tried(act) {
		try {
			return await act();
		} catch (error) {
			this.#how.log(this.#entry.name, error);
			return undefined;
		}
	}
}
