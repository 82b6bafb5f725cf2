// Two real Harpers that replicate with each other over loopback, and what lies between them.
import { createServer, connect } from 'node:net';
import { freePort } from './free-port.js';
import { ADMIN, credentials, startHarper } from './harper.js';
import { until } from './until.js';

const ADDRESSES = ['127.0.0.2', '127.0.0.3'];

/** Harper waits longer and longer before it connects again. */
const CONNECT_MS = 90_000;
/** In rare cases one of two nodes stays without the other for good, so two new ones are started. */
const ATTEMPTS = 3;

/**
 * Starts two nodes.
 *
 * @param {object} [how] as for `startHarper`, for both
 * @param {object[]} [each] the same, for each
 * @returns {Promise<Cluster>}
 */
export async function startCluster(how = {}, each = [{}, {}]) {
	for (let attempt = 1; ; attempt += 1) {
		const started = await Promise.allSettled(
			ADDRESSES.map((address, at) => startNode(address, { ...how, ...each[at] }))
		);
		const cluster = new Cluster(started.flatMap(({ value }) => value ?? []));
		try {
			const failed = started.find(({ reason }) => reason);
			if (failed) throw failed.reason;
			await cluster.join();
			return cluster;
		} catch (error) {
			await cluster.dispose();
			if (attempt === ATTEMPTS) throw error;
			console.error('two nodes are started again:', error);
		}
	}
}

async function startNode(address, how) {
	const port = await freePort();
	const link = await Link.to(address, port);
	const harper = await startHarper({
		...how,
		// Each node has keys of its own.
		isInstalled: false,
		address: `${address}:${await freePort()}`,
		variables: {
			OPERATIONSAPI_NETWORK_PORT: `${address}:${await freePort()}`,
			REPLICATION_HOSTNAME: address,
			// What others connect to leads through the link.
			REPLICATION_URL: link.url,
			REPLICATION_SECUREPORT: `${address}:${port}`,
			...how.variables,
		},
	});
	return { address, harper, link };
}

class Cluster {
	#nodes;

	constructor(nodes) {
		this.#nodes = nodes;
	}

	/** The two Harpers. */
	get harpers() {
		return this.#nodes.map(({ harper }) => harper);
	}

	get addresses() {
		return this.#nodes.map(({ address }) => address);
	}

	async join() {
		await this.#addNode();
		await this.#connected();
	}

	#addNode() {
		const [a, b] = this.#nodes;
		return b.harper.operation({
			operation: 'add_node',
			hostname: a.address,
			url: a.link.url,
			verify_tls: false,
			authorization: credentials(ADMIN).authorization,
		});
	}

	async #connected() {
		try {
			await until('both nodes are connected', () => this.#areConnected(), CONNECT_MS);
		} catch (error) {
			throw new Error(JSON.stringify(await this.#states()), { cause: error });
		}
	}

	#states() {
		return Promise.all(this.harpers.map((harper) => harper.operation({ operation: 'cluster_status' })));
	}

	async #areConnected() {
		return (await this.#states()).every(({ connections }) =>
			connections.some(({ database_sockets: sockets = [] }) =>
				sockets.some(({ database, connected }) => database === 'edge_ai' && connected)
			)
		);
	}

	/** From now on nothing gets from one node to the other. */
	cut() {
		for (const { link } of this.#nodes) link.cut();
	}

	/** From now on it does again, once the nodes have found each other. One that gave up is told anew, as by an operator. */
	async heal() {
		for (const { link } of this.#nodes) link.heal();
		await this.#connected().catch(() => this.join());
	}

	/** Of what one node sends to the other, `bytesPerSecond` get through. */
	slow(bytesPerSecond) {
		for (const { link } of this.#nodes) link.slow(bytesPerSecond);
	}

	async dispose() {
		await Promise.all(this.#nodes.map(({ harper }) => harper.dispose()));
		for (const { link } of this.#nodes) link.close();
	}
}

const TICK_MS = 10;

/** What others connect to in place of a port: it passes everything on, until it is cut or slowed down. */
class Link {
	#server;
	#sockets = new Set();
	#isCut = false;
	#bytesPerSecond = Infinity;

	static async to(address, port) {
		const link = new Link();
		link.#server = createServer((from) => link.#pass(from, connect(port, address)));
		await new Promise((resolve, reject) => link.#server.once('error', reject).listen(0, address, resolve));
		link.#server.unref();
		link.url = `wss://${address}:${link.#server.address().port}`;
		return link;
	}

	#pass(from, to) {
		const end = () => {
			for (const socket of [from, to]) {
				this.#sockets.delete(socket);
				socket.destroy();
			}
		};
		for (const [socket, other] of [
			[from, to],
			[to, from],
		]) {
			this.#sockets.add(socket);
			socket.on('error', end).on('close', end);
			socket.on('data', (chunk) => {
				other.write(chunk);
				this.#hold(socket, chunk.length);
			});
		}
		if (this.#isCut) end();
	}

	#hold(socket, byteLength) {
		const ms = (byteLength / this.#bytesPerSecond) * 1000;
		if (ms < TICK_MS) return;
		socket.pause();
		setTimeout(() => socket.resume(), ms).unref();
	}

	cut() {
		this.#isCut = true;
		for (const socket of this.#sockets) socket.destroy();
	}

	heal() {
		this.#isCut = false;
	}

	slow(bytesPerSecond) {
		this.#bytesPerSecond = bytesPerSecond;
	}

	close() {
		this.cut();
		this.#server.close();
	}
}
