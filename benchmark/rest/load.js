// The callers, in a process of their own: keep-alive connections that send the same bytes again as soon as they are answered.
// Sockets and no HTTP client, because what the callers cost is taken from the server on a small machine.
import assert from 'node:assert/strict';
import { connect } from 'node:net';

process.on('message', async (load) => process.send(await measure(load)));

/**
 * @param {{host: string, port: number, path: string, body: string, connections: number, warmUpMs: number, durationMs: number}} load
 * @returns {Promise<{perSecond: number, p99Ms: number}>}
 */
async function measure({ host, port, path, body, connections, warmUpMs, durationMs }) {
	const head = `POST ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Type: application/json\r\n`;
	const bytes = Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
	const from = performance.now() + warmUpMs;
	const to = from + durationMs;
	const times = [];
	const caller = async () => {
		const socket = connect(port, host).setNoDelay();
		try {
			await call(socket, bytes, from, to, times);
		} finally {
			socket.destroy();
		}
	};
	await Promise.all(Array.from({ length: connections }, caller));
	times.sort((a, b) => a - b);
	return { perSecond: (times.length / durationMs) * 1000, p99Ms: times[Math.ceil(0.99 * times.length) - 1] };
}

/** Calls again and again, and notes what began and ended in the measured time. */
function call(socket, bytes, from, to, times) {
	return new Promise((resolve, reject) => {
		let startedAt;
		let received = '';
		const send = () => {
			received = '';
			startedAt = performance.now();
			socket.write(bytes);
		};
		socket.setEncoding('latin1');
		socket.once('error', reject);
		socket.once('close', () => reject(new Error('the server closed a connection')));
		socket.once('connect', send);
		socket.on('data', (chunk) => {
			received += chunk;
			if (!isComplete(received)) return;
			const now = performance.now();
			if (startedAt >= from && now <= to) times.push(now - startedAt);
			if (now < to) send();
			else resolve();
		});
	});
}

function isComplete(answer) {
	const end = answer.indexOf('\r\n\r\n');
	if (end === -1) return false;
	assert.ok(answer.startsWith('HTTP/1.1 200 '), answer);
	const [, length] = /\r\ncontent-length: (\d+)\r\n/i.exec(answer) ?? [];
	if (length === undefined) return answer.endsWith('0\r\n\r\n');
	return answer.length >= end + 4 + Number(length);
}
