// Callers that leave before their answer.
import { setMaxListeners } from 'node:events';
import { ApiError } from '../errors.js';

const signals = new WeakMap();

/**
 * The signal that is aborted when the connection of a request closes. Requests of one connection share it, so that it costs a
 * request next to nothing.
 *
 * @param {import('node:http').IncomingMessage} stream
 * @returns {AbortSignal}
 */
export function leavingOf({ socket }) {
	let signal = signals.get(socket);
	if (!signal) {
		const leaving = new AbortController();
		({ signal } = leaving);
		// Every run of the connection listens.
		setMaxListeners(0, signal);
		const leave = () => leaving.abort(new ApiError('CANCELLED', 'the caller disconnected'));
		if (socket.destroyed) leave();
		else socket.once('close', leave);
		signals.set(socket, signal);
	}
	return signal;
}
