// HTTP as bytes on a socket, for requests that no client library sends.
import { once } from 'node:events';
import { connect } from 'node:net';
import { URL } from 'node:url';

const TIMEOUT_MS = 30_000;

/** A connection on which requests are written as they come and answers are read in order. */
export class RawConnection {
	#socket;
	#received = Buffer.alloc(0);
	#hasEnded = false;
	#arrived = () => {};

	/** @param {string} base such as `http://127.0.0.1:9926` */
	static async to(base) {
		const { hostname, port } = new URL(base);
		const socket = connect(Number(port), hostname);
		await once(socket, 'connect');
		return new RawConnection(socket);
	}

	constructor(socket) {
		this.#socket = socket;
		const end = () => {
			this.#hasEnded = true;
			this.#arrived();
		};
		// A reset is an end too: what came before it was read.
		socket.on('error', end).on('close', end).on('end', end);
		socket.on('data', (bytes) => {
			this.#received = Buffer.concat([this.#received, bytes]);
			this.#arrived();
		});
	}

	/**
	 * @param {string} method
	 * @param {string} path
	 * @param {Record<string, string | number>} headers
	 * @param {Buffer | string} [body] its length is added unless the headers say how it ends
	 */
	send(method, path, headers, body = '') {
		const given = Object.keys(headers).map((name) => name.toLowerCase());
		const ends = given.includes('content-length') || given.includes('transfer-encoding');
		const all = ends || method === 'GET' ? headers : { ...headers, 'content-length': Buffer.byteLength(body) };
		const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
		const host = given.includes('host') ? '' : 'host: localhost\r\n';
		this.write(`${method} ${path} HTTP/1.1\r\n${host}${lines.join('')}\r\n`);
		this.write(body);
	}

	write(bytes) {
		if (bytes.length > 0 && !this.#socket.destroyed) this.#socket.write(bytes);
	}

	/** The next answer; undefined when the connection ended before it was whole. */
	async answer() {
		const deadline = AbortSignal.timeout(TIMEOUT_MS);
		for (;;) {
			const found = this.#takeAnswer();
			if (found) return found;
			if (this.#hasEnded) return undefined;
			await this.#until(deadline);
		}
	}

	/** Resolves when the server has closed the connection. */
	async closed() {
		const deadline = AbortSignal.timeout(TIMEOUT_MS);
		while (!this.#hasEnded) await this.#until(deadline);
	}

	#until(deadline) {
		return new Promise((resolve, reject) => {
			this.#arrived = resolve;
			deadline.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true });
		});
	}

	#takeAnswer() {
		const text = this.#received.toString('latin1');
		const end = text.indexOf('\r\n\r\n');
		if (end === -1) return undefined;
		const [line, ...lines] = text.slice(0, end).split('\r\n');
		const headers = Object.fromEntries(
			lines.map((header) => [header.slice(0, header.indexOf(':')).toLowerCase(), header.slice(header.indexOf(':') + 2)])
		);
		const status = Number(line.split(' ')[1]);
		const isChunked = headers['transfer-encoding'] === 'chunked';
		const body = isChunked ? chunked(text, end + 4) : sized(text, end + 4, Number(headers['content-length'] ?? 0));
		if (!body) return undefined;
		this.#received = this.#received.subarray(body.end);
		const isJson = headers['content-type']?.startsWith('application/json') && body.text !== '';
		return { status, headers, body: isJson ? JSON.parse(Buffer.from(body.text, 'latin1').toString()) : body.text };
	}

	close() {
		this.#socket.destroy();
	}
}

function sized(text, from, length) {
	return text.length < from + length ? undefined : { text: text.slice(from, from + length), end: from + length };
}

function chunked(text, from) {
	let body = '';
	for (let at = from; ;) {
		const lineEnd = text.indexOf('\r\n', at);
		if (lineEnd === -1) return undefined;
		const size = Number.parseInt(text.slice(at, lineEnd), 16);
		const end = lineEnd + 2 + size + 2;
		if (text.length < end) return undefined;
		if (size === 0) return { text: body, end };
		body += text.slice(lineEnd + 2, lineEnd + 2 + size);
		at = end;
	}
}
