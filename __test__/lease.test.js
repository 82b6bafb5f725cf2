// Leases among nodes that see each other's claims late, not at all, or again after a while; the clocks are the tests'.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Leases } from '../resources/storage/lease.js';
import { Clock } from './support/clock.js';

/** Nodes with a copy of the claims each, which are exchanged while they are connected. */
class World {
	clock = new Clock();
	#copies = new Map();
	#isConnected = true;

	/** A node whose clock, which never goes back, started at another time. */
	node(name, { process = 'first', origin = 0 } = {}) {
		if (!this.#copies.has(name)) this.#copies.set(name, new Map());
		return new Leases({
			store: this.#store(name),
			node: name,
			process,
			isAlone: () => this.#copies.size === 1,
			clock: { now: () => this.clock.now() + origin, sleep: this.clock.sleep },
		});
	}

	#store(own) {
		const write = (claim, change) => {
			for (const [name, copy] of this.#copies) {
				if (name === own || this.#isConnected) change(copy);
			}
		};
		return {
			read: async (name) => [...this.#copies.get(own).values()].filter((claim) => claim.name === name),
			put: async (claim) => write(claim, (copy) => copy.set(claim.id, claim)),
			remove: async (claim) => write(claim, (copy) => copy.delete(claim.id)),
		};
	}

	cut() {
		this.#isConnected = false;
	}

	/** Connects again; every node gets what the owner of each claim has. */
	heal() {
		this.#isConnected = true;
		const newest = new Map();
		for (const [name, copy] of this.#copies) {
			for (const claim of copy.values()) if (claim.node === name || !newest.has(claim.id)) newest.set(claim.id, claim);
		}
		for (const copy of this.#copies.values()) for (const [id, claim] of newest) copy.set(id, claim);
	}

	/** Lets time pass in which the leases are renewed, and others look at what they might take. */
	async pass(seconds, { renewing = [], looking = [] } = {}) {
		for (let second = 0; second < seconds; second += 1) {
			await this.clock.advance(1000);
			for (const lease of renewing) await lease.renew();
			for (const leases of looking) await leases.isFree('job');
		}
	}

	/** Takes a lease, with the time that it takes. */
	async take(leases) {
		const taking = leases.take('job');
		await this.clock.advance(2000);
		return taking;
	}
}

describe('a lease', () => {
	test('belongs to one node as long as it is renewed', async () => {
		const world = new World();
		const [a, b] = [world.node('a'), world.node('b', { origin: 5_000_000 })];
		const lease = await world.take(a);
		assert.equal(lease.token, 1);
		await world.pass(60, { renewing: [lease], looking: [b] });
		assert.equal(lease.isHeld(), true);
		assert.equal(await world.take(b), undefined);
		assert.deepEqual(
			[await b.isFree('job'), await b.isElsewhere('job'), await a.isElsewhere('job')],
			[false, true, false]
		);
	});

	test('is taken over from an owner that is silent, never before that one has stopped by itself', async () => {
		const world = new World();
		const [a, b] = [world.node('a'), world.node('b', { origin: -900_000 })];
		const lease = await world.take(a);
		let next;
		for (let second = 0; !next; second += 1) {
			assert.ok(second < 30, 'nobody took it over');
			await world.clock.advance(1000);
			if (await b.isFree('job')) {
				assert.equal(lease.isHeld(), false);
				next = await world.take(b);
			}
		}
		assert.equal(next.token, 2);
		assert.equal(await lease.renew(), false);
		await assert.rejects(lease.check(), { code: 'CLOSED' });
		await next.check();
	});

	test('is not taken from an owner that somebody sees for the first time', async () => {
		const world = new World();
		world.node('b');
		const lease = await world.take(world.node('a'));
		await world.pass(100, { renewing: [lease] });
		assert.equal(await world.take(world.node('b', { process: 'second' })), undefined);
	});

	test('of two who take it at the same time belongs to one', async () => {
		const world = new World();
		const [a, b] = [world.node('a'), world.node('b')];
		const both = [b.take('job'), a.take('job')];
		await world.clock.advance(2000);
		const [ofB, ofA] = await Promise.all(both);
		assert.equal(ofB, undefined);
		assert.equal(ofA.isHeld(), true);
		await world.pass(30, { renewing: [ofA], looking: [b] });
		assert.equal(await b.isFree('job'), false);
	});

	test('that two sides had, when nothing got through, belongs to the later owner', async () => {
		const world = new World();
		const [a, b] = [world.node('a'), world.node('b')];
		const first = await world.take(a);
		await b.isFree('job');
		world.cut();
		await world.pass(15, { renewing: [first], looking: [b] });
		const second = await world.take(b);
		await world.pass(20, { renewing: [first, second], looking: [a] });
		assert.deepEqual([first.isHeld(), second.isHeld()], [true, true]);
		world.heal();
		await world.pass(1, { renewing: [first, second] });
		assert.deepEqual([first.isHeld(), second.isHeld()], [false, true]);
		await world.pass(30, { renewing: [second], looking: [a] });
		assert.equal(await world.take(a), undefined);
	});

	test('that two sides took, when nothing got through, belongs to the same one on every node', async () => {
		const world = new World();
		const [a, b] = [world.node('a'), world.node('b')];
		world.cut();
		const [ofB, ofA] = [await world.take(b), await world.take(a)];
		assert.equal(ofA.token, ofB.token);
		world.heal();
		await world.pass(1, { renewing: [ofB, ofA] });
		assert.deepEqual([ofA.isHeld(), ofB.isHeld()], [true, false]);
	});

	test('of a process that is gone is free at once for the next one of its node, with a larger token', async () => {
		const world = new World();
		const lease = await world.take(world.node('a'));
		world.node('b');
		const again = await world.take(world.node('a', { process: 'second' }));
		assert.deepEqual([lease.token, again.token], [1, 2]);
	});

	test('of an owner that stood still is lost, also when nobody took it', async () => {
		const world = new World();
		const a = world.node('a');
		const lease = await world.take(a);
		await world.clock.advance(11_000);
		assert.equal(await lease.renew(), false);
		assert.equal((await world.take(a)).token, 2);
	});

	test('that is given back is free at once, and its token is not used again', async () => {
		const world = new World();
		const [a, b] = [world.node('a'), world.node('b')];
		const lease = await world.take(a);
		await lease.release();
		assert.equal(await b.isFree('job'), true);
		assert.equal((await world.take(b)).token, 2);
		await b.forget('job');
		assert.equal((await world.take(a)).token, 1);
	});
});
