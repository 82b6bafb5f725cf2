// A receiver of webhooks: a real server that answers as a test tells it to.
import { createServer } from 'node:http';
import { until } from './until.js';

/**
 * Starts a receiver on loopback.
 *
 * @param {(response: import('node:http').ServerResponse, received: object[]) => void} [answer] by default 204
 * @returns {Promise<Receiver>}
 */
export async function startReceiver(answer = (response) => response.writeHead(204).end()) {
	const receiver = new Receiver(answer);
	await receiver.listen();
	return receiver;
}

class Receiver {
	/** What came: headers, the path, the body as text, and the CloudEvent in it. */
	received = [];
	answer;
	#server = createServer((request, response) => this.#take(request, response));

	constructor(answer) {
		this.answer = answer;
	}

	listen() {
		return new Promise((resolve, reject) =>
			this.#server.once('error', reject).listen(0, '127.0.0.1', () => resolve(this.port))
		);
	}

	get port() {
		return this.#server.address().port;
	}

	get url() {
		return `http://127.0.0.1:${this.port}/hook`;
	}

	async #take(request, response) {
		const chunks = [];
		for await (const chunk of request) chunks.push(chunk);
		const body = Buffer.concat(chunks).toString();
		this.received.push({ path: request.url, headers: request.headers, body, event: JSON.parse(body) });
		this.answer(response, this.received);
	}

	/** Resolves to the first that came of a kind of event, or to the one that a function names. */
	async hears(wanted, timeoutMs) {
		const isIt = typeof wanted === 'string' ? ({ event }) => event.type === `edge_ai.${wanted}` : wanted;
		await until(`the receiver to hear ${wanted}`, () => this.received.some(isIt), timeoutMs);
		return this.received.find(isIt);
	}

	close() {
		this.#server.closeAllConnections();
		return new Promise((resolve) => this.#server.close(resolve));
	}
}
