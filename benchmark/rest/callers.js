// What the process of the callers measures of servers, side by side, and how it is printed.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { median } from '../measures.js';

const WARM_UP_MS = 300;

/**
 * @typedef {{port: number, path: string, body: string}} Side what is called, on this machine
 * @typedef {{perSecond: number, p99Ms: number}} Measured
 */

export class Callers {
	#process = fork(new URL('load.js', import.meta.url));

	/**
	 * @param {Side} side
	 * @param {number} connections
	 * @param {number} durationMs
	 * @returns {Promise<Measured>}
	 */
	async measure({ port, path, body }, connections, durationMs) {
		const settled = new AbortController();
		const next = (event) => once(this.#process, event, { signal: settled.signal });
		const ended = next('exit').then(() => {
			throw new Error(`${path} was not answered with 200 each time`);
		});
		this.#process.send({ host: '127.0.0.1', port, path, body, connections, warmUpMs: WARM_UP_MS, durationMs });
		try {
			const [result] = await Promise.race([next('message'), ended]);
			return result;
		} finally {
			settled.abort();
		}
	}

	/**
	 * The medians of each side, measured in turn, each round in the other order.
	 *
	 * @template {string} Name
	 * @param {Record<Name, Side>} sides
	 * @param {number} connections
	 * @param {number} rounds
	 * @param {number} durationMs of each measurement
	 * @returns {Promise<Record<Name, Measured>>}
	 */
	async inTurn(sides, connections, rounds, durationMs) {
		const names = Object.keys(sides);
		const results = Object.fromEntries(names.map((name) => [name, []]));
		for (let round = 0; round < rounds; round += 1) {
			for (const name of round % 2 === 1 ? names.toReversed() : names) {
				results[name].push(await this.measure(sides[name], connections, durationMs));
			}
		}
		const medianOf = (name, key) => median(results[name].map((result) => result[key]));
		return Object.fromEntries(
			names.map((name) => [name, { perSecond: medianOf(name, 'perSecond'), p99Ms: medianOf(name, 'p99Ms') }])
		);
	}

	stop() {
		if (this.#process.connected) this.#process.disconnect();
	}
}

/**
 * A row of the table: a ratio for each number of connections, or `-` where a side answered nothing in the time.
 *
 * @param {string} name
 * @param {Record<string, Measured>[]} measured
 * @param {(sides: Record<string, Measured>) => number} ratioOf
 */
export function printRow(name, measured, ratioOf) {
	const cells = measured.map(ratioOf).map((ratio) => (Number.isFinite(ratio) ? ratio.toFixed(2) : '-').padStart(10));
	console.log(`${name.padEnd(44)}${cells.join('')}`);
}
