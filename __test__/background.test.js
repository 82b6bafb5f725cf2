// Background work on a clock that a test moves, with locks and leases of the test's own.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { Schedule } from '../resources/background/schedule.js';
import { RENEWAL_MS } from '../resources/storage/lease.js';
import { Clock, settled } from './support/clock.js';

const EVERY_MS = 1000;
const RETRY_MS = 60_000;

/** Named locks of one process. */
class Locks {
	#waiting = new Map();

	tryLock = (name) => {
		if (this.#waiting.has(name)) return null;
		this.#waiting.set(name, []);
		return { release: () => this.#release(name) };
	};

	acquireLock = (name) => this.tryLock(name) ?? new Promise((resolve) => this.#waiting.get(name).push(resolve));

	#release(name) {
		const next = this.#waiting.get(name).shift();
		if (next) next({ release: () => this.#release(name) });
		else this.#waiting.delete(name);
	}
}

/** A lease of each name, for whoever asks first, until the test takes it away or it is given back. */
class ClusterLeases {
	owner;

	of(node) {
		return {
			take: async () => {
				if (this.owner !== undefined && this.owner !== node) return undefined;
				this.owner = node;
				return {
					renew: async () => this.owner === node,
					isHeld: () => this.owner === node,
					release: async () => (this.owner = undefined),
				};
			},
		};
	}
}

let clock;
let locks;
let logged;
let cluster;
beforeEach(() => {
	clock = new Clock();
	locks = new Locks();
	logged = [];
	cluster = new ClusterLeases();
});

const schedule = (how = {}) =>
	new Schedule({
		clock,
		ready: async () => {},
		tryLock: locks.tryLock,
		acquireLock: locks.acquireLock,
		leases: () => cluster.of('here'),
		log: (name, error) => logged.push([name, error.message]),
		...how,
	});

/** An entry that counts its runs. */
function counting(entry = {}) {
	const counted = {
		name: 'work',
		owner: 'thread',
		runs: 0,
		run: async () => {
			counted.runs += 1;
		},
		...entry,
	};
	return counted;
}

describe('work of a thread', () => {
	test('runs at the start, once the tables are there', async () => {
		let ready;
		const work = counting();
		schedule({ ready: () => new Promise((resolve) => (ready = resolve)) }).start([work]);
		await settled();
		assert.equal(work.runs, 0);
		ready();
		await clock.advance(RETRY_MS * 10);
		assert.equal(work.runs, 1);
	});

	test('runs again and again, each time after the last run has ended', async () => {
		let end;
		const work = counting({ everyMs: EVERY_MS });
		work.run = () => {
			work.runs += 1;
			return new Promise((resolve) => (end = resolve));
		};
		schedule().start([work]);
		await clock.advance(10 * EVERY_MS);
		assert.equal(work.runs, 1, 'the first one has not ended');
		end();
		await clock.advance(EVERY_MS - 1);
		assert.equal(work.runs, 1);
		await clock.advance(1);
		assert.equal(work.runs, 2);
	});

	test('is logged when it fails, and runs again', async () => {
		const work = counting({ everyMs: EVERY_MS });
		work.run = async () => {
			work.runs += 1;
			throw new Error(`failure ${work.runs}`);
		};
		schedule().start([work]);
		await clock.advance(2 * EVERY_MS);
		assert.equal(work.runs, 3);
		assert.deepEqual(
			logged,
			[1, 2, 3].map((run) => ['work', `failure ${run}`])
		);
	});

	test('that is done once is tried again after a failure, also one that is thrown at once', async () => {
		const work = counting();
		work.run = () => {
			work.runs += 1;
			if (work.runs === 1) throw new Error('not yet');
		};
		schedule().start([work]);
		await clock.advance(RETRY_MS - 1);
		assert.deepEqual([work.runs, logged], [1, [['work', 'not yet']]]);
		await clock.advance(1);
		assert.equal(work.runs, 2);
		await clock.advance(10 * RETRY_MS);
		assert.equal(work.runs, 2);
	});

	test('goes on beside work that hangs or fails', async () => {
		const good = counting({ name: 'good', everyMs: EVERY_MS });
		const hanging = counting({ name: 'hanging', run: () => new Promise(() => {}) });
		const failing = counting({ name: 'failing', run: () => Promise.reject(new Error('no')) });
		schedule().start([hanging, failing, good]);
		await clock.advance(EVERY_MS);
		assert.equal(good.runs, 2);
	});
});

describe('a change of options', () => {
	test('starts nothing twice', async () => {
		const work = counting({ everyMs: EVERY_MS });
		const started = schedule();
		for (let change = 0; change < 3; change += 1) started.start([work]);
		await settled();
		assert.equal(work.runs, 1);
		await clock.advance(EVERY_MS);
		assert.equal(work.runs, 2);
	});

	test('runs again what depends on them, at once and in its turn', async () => {
		const work = counting({ everyMs: EVERY_MS, onChange: true });
		const started = schedule();
		started.start([work]);
		await clock.advance(EVERY_MS / 2);
		started.start();
		await settled();
		assert.equal(work.runs, 2);
		await clock.advance(EVERY_MS - 1);
		assert.equal(work.runs, 2, 'the time counts from the last run');
		await clock.advance(1);
		assert.equal(work.runs, 3);
	});

	test('during a run leads to one more, after it', async () => {
		const ends = [];
		const work = counting({ onChange: true, run: () => new Promise((resolve) => ends.push(resolve)) });
		const started = schedule();
		started.start([work]);
		await settled();
		for (let change = 0; change < 3; change += 1) started.start([work]);
		await settled();
		assert.equal(ends.length, 1);
		ends[0]();
		await settled();
		assert.equal(ends.length, 2);
		ends[1]();
		await clock.advance(RETRY_MS);
		assert.equal(ends.length, 2);
	});
});

describe('work of a process', () => {
	test('runs in one thread, and in another one when that ends', async () => {
		const [first, second] = [counting, counting].map((make) => make({ owner: 'process', everyMs: EVERY_MS }));
		const threads = [schedule(), schedule()];
		threads[0].start([first]);
		threads[1].start([second]);
		await clock.advance(2 * EVERY_MS);
		assert.deepEqual([first.runs, second.runs], [3, 0]);
		await threads[0].stop();
		await clock.advance(EVERY_MS - 1);
		assert.deepEqual([first.runs, second.runs], [3, 0], 'the process may be ending');
		await clock.advance(1);
		assert.deepEqual([first.runs, second.runs], [3, 1]);
	});

	test('that is done once goes on at once in another thread', async () => {
		const [first, second] = [counting, counting].map((make) => make({ owner: 'process' }));
		const threads = [schedule(), schedule()];
		threads[0].start([first]);
		threads[1].start([second]);
		await settled();
		await threads[0].stop();
		await settled();
		assert.deepEqual([first.runs, second.runs], [1, 1]);
	});

	test('is given back at once by a thread that was stopped while it waited', async () => {
		const threads = [schedule(), schedule(), schedule()];
		const works = threads.map(() => counting({ owner: 'process' }));
		for (const [at, thread] of threads.entries()) thread.start([works[at]]);
		await settled();
		await threads[1].stop();
		await threads[0].stop();
		await settled();
		assert.deepEqual(
			works.map(({ runs }) => runs),
			[1, 0, 1]
		);
	});
});

describe('work of a cluster', () => {
	const entry = () => counting({ owner: 'cluster', everyMs: 10 * RENEWAL_MS });

	test('runs where the lease is, and elsewhere when that is given back', async () => {
		const nodes = ['a', 'b'].map((node) => schedule({ ...new Locks(), leases: () => cluster.of(node) }));
		const works = [entry(), entry()];
		for (const [at, node] of nodes.entries()) {
			node.start([works[at]]);
			await settled();
		}
		await clock.advance(10 * RENEWAL_MS);
		assert.deepEqual([works[0].runs, works[1].runs], [2, 0]);
		await nodes[0].stop();
		assert.equal(cluster.owner, undefined);
		await clock.advance(RENEWAL_MS);
		assert.deepEqual([works[0].runs, works[1].runs, cluster.owner], [2, 1, 'b']);
	});

	test('hears that the lease is lost, and runs again when it is back', async () => {
		const signals = [];
		const work = entry();
		work.run = ({ signal, lease }) => {
			assert.ok(lease.isHeld());
			signals.push(signal);
			return new Promise((resolve) => signal.addEventListener('abort', resolve));
		};
		schedule().start([work]);
		await settled();
		cluster.owner = 'elsewhere';
		await clock.advance(RENEWAL_MS);
		assert.ok(signals[0].aborted);
		await clock.advance(100 * RENEWAL_MS);
		assert.equal(signals.length, 1);
		cluster.owner = undefined;
		await clock.advance(RENEWAL_MS);
		assert.equal(signals.length, 2);
		assert.ok(!signals[1].aborted);
	});

	test('goes on when the lease could not be asked for or renewed once', async () => {
		let failures = 2;
		const work = entry();
		const leases = {
			take: async () => {
				if (failures-- > 0) throw new Error('no storage');
				return { renew: () => Promise.reject(new Error('no storage')), isHeld: () => true, release: async () => {} };
			},
		};
		schedule({ leases: () => leases }).start([work]);
		await clock.advance(2 * RENEWAL_MS);
		assert.equal(work.runs, 1);
		await clock.advance(10 * RENEWAL_MS);
		assert.equal(work.runs, 2, 'a lease that was not renewed once is still held');
		assert.ok(logged.every(([name, message]) => name === 'work' && message === 'no storage'));
	});
});

describe('stopping', () => {
	test('tells the run that is under way, waits for it, and lets none follow', async () => {
		const work = counting({ everyMs: EVERY_MS });
		let end;
		work.run = ({ signal }) => {
			work.runs += 1;
			return new Promise((resolve) => {
				signal.addEventListener('abort', () => (end = resolve));
			});
		};
		const started = schedule();
		started.start([work]);
		await settled();
		let stopped = false;
		const stopping = started.stop().then(() => (stopped = true));
		await settled();
		assert.equal(stopped, false);
		end();
		await stopping;
		started.start([counting(), work]);
		await clock.advance(10 * EVERY_MS);
		assert.equal(work.runs, 1);
		assert.deepEqual(logged, []);
	});

	test('ends work that waits for its next run', async () => {
		const work = counting({ everyMs: EVERY_MS });
		const started = schedule();
		started.start([work]);
		await settled();
		await started.stop();
		await clock.advance(10 * EVERY_MS);
		assert.equal(work.runs, 1);
	});
});
