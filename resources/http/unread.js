// What was not read of a body when its request is answered. It stands in front of the connection's next request.

/** A connection on which more is left, or for longer, is closed. */
const LIMITS = { bytes: 16 << 20, timeMs: 5000 };

const isWhole = (stream) => stream.readableEnded || (stream.complete && stream.readableLength === 0);

/**
 * Whether a request has a body that was not read to its end.
 *
 * @param {import('node:http').IncomingMessage} stream
 */
export const hasUnread = (stream) => {
	const { 'content-length': length = '0', 'transfer-encoding': encoding } = stream.headers;
	// Requests of HTTP/2 do not share a connection in turn.
	return stream.httpVersionMajor === 1 && (encoding !== undefined || length !== '0') && !isWhole(stream);
};

/** Whether it is known that too much is left. */
export const isTooMuch = ({ headers }) => Number(headers['content-length']) > LIMITS.bytes;

/**
 * Reads what is left of a body and drops it; closes the connection when that is too much or takes too long.
 *
 * @param {import('node:http').IncomingMessage} stream
 * @param {import('node:net').Socket} socket of the request, which a destroyed one has forgotten
 * @param {{bytes: number, timeMs: number}} [limits]
 * @returns {Promise<void>} resolves when the body or the connection has ended
 */
export async function dropUnread(stream, socket, limits = LIMITS) {
	if (isWhole(stream) || socket.destroyed) return;
	const ended = await endOf(stream, limits);
	if (!ended) socket.destroy();
}

function endOf(stream, { bytes, timeMs }) {
	return new Promise((resolve) => {
		let left = bytes;
		const timer = setTimeout(resolve, timeMs, false);
		const settle = (ended) => {
			clearTimeout(timer);
			stream.off('data', count);
			resolve(ended);
		};
		const count = (chunk) => {
			left -= chunk.length;
			if (left < 0) settle(false);
		};
		stream.once('end', () => settle(true));
		stream.once('error', () => settle(false));
		stream.once('close', () => settle(stream.complete));
		stream.on('data', count);
		// Whoever read it may have left it to a decoder that is gone, or still wait for it to be readable.
		stream.unpipe();
		stream.removeAllListeners('readable');
		stream.resume();
		if (stream.destroyed) settle(stream.complete);
	});
}
