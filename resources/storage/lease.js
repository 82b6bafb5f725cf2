// One owner in the whole cluster: who has the lease of a name works on it, and nobody else does.
//
// Each node writes a claim of its own, under its own key, and renews it by counting a beat; so no two nodes ever write the same
// record. A claim is alive as long as this node sees it change, on a clock of its own that never goes back: no time of another
// node is compared, and no clock that is set counts. Who has been silent for the time of a lease is taken over from. The owner
// stops by itself before that time is over, so while messages get through there is never a second one.
//
// When nothing gets through, each side may have an owner. As soon as they hear of each other the claim with the larger token
// wins, of two with the same one that of the node whose name sorts first, on every node. Tokens only grow: what is written under a
// lease carries its token, and a smaller one is out of date.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../errors.js';

const LEASE_MS = 10_000;
/** After this time the claims of others that took the same lease at the same moment are here. */
const SETTLE_MS = 1000;
/** How often an owner should renew. */
export const RENEWAL_MS = 1000;

const CLOCK = { now: () => performance.now(), sleep };

/** The leases as this thread sees them. */
export class Leases {
	#store;
	#node;
	#process;
	#isAlone;
	#clock;
	/** By name and by claim: what it looked like, and since when it has. */
	#seen = new Map();

	/**
	 * @param {object} how
	 * @param {{read: (name: string) => Promise<object[]>, put: (claim: object) => Promise<unknown>,
	 *   remove: (claim: object) => Promise<unknown>}} how.store of claims, which all nodes see sooner or later
	 * @param {string} how.node the name of this node
	 * @param {string} how.process what tells this process from earlier ones of the node
	 * @param {() => boolean} how.isAlone whether no other node is known
	 * @param {typeof CLOCK} [how.clock] one that never goes back, in milliseconds
	 */
	constructor({ store, node, process, isAlone, clock = CLOCK }) {
		this.#store = store;
		this.#node = node;
		this.#process = process;
		this.#isAlone = isAlone;
		this.#clock = clock;
	}

	/**
	 * Whether nobody seems to own a lease. To learn that somebody is silent, one has to look again and again.
	 *
	 * @param {string} name
	 */
	async isFree(name) {
		return this.#ownerIn(await this.#look(name)) === undefined;
	}

	/** Whether another node owns a lease, as far as this one has heard. */
	async isElsewhere(name) {
		const owner = this.#ownerIn(await this.#look(name));
		return owner !== undefined && owner.node !== this.#node;
	}

	/**
	 * Takes a lease. Of the threads of this process only one may try at a time.
	 *
	 * @param {string} name
	 * @returns {Promise<Lease | undefined>} nothing when another node has it
	 */
	async take(name) {
		const claims = await this.#look(name);
		const owner = this.#ownerIn(claims);
		if (owner && owner.node !== this.#node) return undefined;
		const lease = new Lease(this.#access(), this.#claim(name, claims));
		await lease.begin();
		if (!owner && !this.#isAlone()) {
			await this.#clock.sleep(SETTLE_MS);
			if (!(await lease.renew())) {
				await lease.release();
				return undefined;
			}
		}
		for (const claim of claims) {
			if (claim.node !== this.#node && !this.#isAlive(claim)) await this.#store.remove(claim);
		}
		return lease;
	}

	/**
	 * The first claim to a lease that nobody can know of yet, to be stored together with what it is about.
	 *
	 * @param {string} name
	 * @returns {object}
	 */
	first(name) {
		return this.#claim(name, []);
	}

	/** Removes all that is known of a name, when it is never used again. */
	async forget(name) {
		for (const claim of await this.#store.read(name)) await this.#store.remove(claim);
		this.#seen.delete(name);
	}

	#claim(name, claims) {
		const token = 1 + claims.reduce((largest, claim) => Math.max(largest, claim.token), 0);
		return { id: `${name}|${this.#node}`, name, node: this.#node, process: this.#process, token, beat: 0, free: false };
	}

	/** What a lease may use of this. */
	#access() {
		return {
			store: this.#store,
			clock: this.#clock,
			/** The claim of another node that goes before one of this node. */
			rivalOf: async (own) => {
				const others = (await this.#look(own.name)).filter(({ node }) => node !== this.#node);
				const rival = this.#ownerIn(others);
				return rival && goesBefore(rival, own) ? rival : undefined;
			},
		};
	}

	#ownerIn(claims) {
		return claims
			.filter((claim) => this.#isAlive(claim))
			.reduce((best, claim) => (best && goesBefore(best, claim) ? best : claim), undefined);
	}

	#isAlive(claim) {
		if (claim.free || (claim.node === this.#node && claim.process !== this.#process)) return false;
		const { at } = this.#seen.get(claim.name)?.get(claim.id) ?? { at: -Infinity };
		return this.#clock.now() - at < LEASE_MS;
	}

	async #look(name) {
		const claims = await this.#store.read(name);
		const now = this.#clock.now();
		const before = this.#seen.get(name);
		const seen = new Map();
		for (const { id, process, token, beat, free } of claims) {
			const mark = `${process} ${token} ${beat} ${free}`;
			const last = before?.get(id);
			seen.set(id, last?.mark === mark ? last : { mark, at: now });
		}
		if (seen.size > 0) this.#seen.set(name, seen);
		else this.#seen.delete(name);
		return claims;
	}
}

/** Whether of two claims to a lease the first one wins. */
const goesBefore = (a, b) => a.token > b.token || (a.token === b.token && a.node < b.node);

/** A lease that this process has. */
class Lease {
	#access;
	#claim;
	#renewedAt;
	#isLost = false;

	constructor(access, claim) {
		this.#access = access;
		this.#claim = claim;
	}

	/** It grows with every owner. */
	get token() {
		return this.#claim.token;
	}

	get node() {
		return this.#claim.node;
	}

	/** Stores the claim. */
	async begin() {
		this.#renewedAt = this.#access.clock.now();
		await this.#access.store.put(this.#claim);
	}

	/** Whether it is still this process's, as far as that can be known without asking. */
	isHeld() {
		return !this.#isLost && this.#access.clock.now() - this.#renewedAt < LEASE_MS;
	}

	/**
	 * Tells the others that its owner lives; every {@link RENEWAL_MS}.
	 *
	 * @returns {Promise<boolean>} false when it is lost
	 */
	async renew() {
		const { clock, store } = this.#access;
		const now = clock.now();
		if (!(await this.#isMine())) return false;
		this.#claim = { ...this.#claim, beat: this.#claim.beat + 1 };
		await store.put(this.#claim);
		this.#renewedAt = now;
		return true;
	}

	/**
	 * To be called before what only the owner may write.
	 *
	 * @throws {ApiError} CLOSED when it is lost
	 */
	async check() {
		if (!(await this.#isMine())) throw new ApiError('CLOSED', 'another node has taken this over');
	}

	async #isMine() {
		if (this.isHeld() && !(await this.#access.rivalOf(this.#claim))) return true;
		this.#isLost = true;
		return false;
	}

	/** Gives it back, so that others need not wait. */
	async release() {
		this.#isLost = true;
		this.#claim = { ...this.#claim, free: true };
		await this.#access.store.put(this.#claim);
	}
}
