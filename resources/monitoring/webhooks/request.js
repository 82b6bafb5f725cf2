// One request to a receiver: to a checked address, within a time, and of its answer only the status counts.
import { lookup } from 'node:dns';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { isIP } from 'node:net';
import { hostOf, mayReach } from '../../../library/addresses.js';

export const TIMEOUT_MS = 10_000;
/** So much of an answer is read, for a receiver that would take a closed connection for a failure. */
export const MAX_ANSWER_BYTES = 65_536;
const MAX_HEADER_BYTES = 16_384;

/**
 * Posts a body.
 *
 * @param {string} target URL
 * @param {{headers: Record<string, string>, body: string}} message
 * @param {object} how
 * @param {NonNullable<ReturnType<import('../../../library/addresses.js').readAllowed>>} how.allowed
 * @param {AbortSignal} how.signal ends it
 * @param {number} [how.timeoutMs]
 * @param {typeof lookup} [how.resolve] finds the addresses of a name
 * @returns {Promise<number>} the status; redirects are not followed
 * @throws {Error} when there is no answer; its message may be shown
 */
export async function post(target, { headers, body }, { allowed, signal, timeoutMs = TIMEOUT_MS, resolve = lookup }) {
	const url = new URL(target);
	const host = hostOf(url);
	if (isIP(host) !== 0 && !mayReach(host, host, allowed)) throw notAllowed(host);
	const request = (url.protocol === 'https:' ? https : http).request(url, {
		method: 'POST',
		headers: { ...headers, 'content-length': Buffer.byteLength(body) },
		agent: false,
		maxHeaderSize: MAX_HEADER_BYTES,
		lookup: checked(host, allowed, resolve),
		signal,
	});
	const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
	try {
		request.end(body);
		const [response] = await Promise.race([once(request, 'response'), refusedUpgrade(request)]);
		// What fails from here on ends the reading of the answer.
		request.on('error', () => {});
		await readSome(response);
		return response.statusCode;
	} catch (error) {
		throw signal.aborted ? error : new Error(reasonOf(error));
	} finally {
		clearTimeout(timer);
	}
}

/** An answer 101, which nobody asked for: unheard it would close the request without a word. */
async function refusedUpgrade(request) {
	const [{ statusCode }, socket] = await once(request, 'upgrade');
	socket.destroy();
	throw new Error(`answered ${statusCode}, an upgrade`);
}

/** The status is known; what else the answer has, or that it breaks off, decides nothing. */
async function readSome(response) {
	let size = 0;
	try {
		for await (const chunk of response) {
			size += chunk.length;
			if (size > MAX_ANSWER_BYTES) return;
		}
	} catch {
		response.destroy();
	}
}

/** Codes such as ECONNREFUSED, as the messages with them may name addresses of a network. */
const reasonOf = ({ code, message }) => code ?? message;

const notAllowed = (host) =>
	new Error(`${host} has no address that is public, and the option webhookAllow does not name it`);

/** Finds the addresses of a name and leaves out those that are not reached: what is connected to is what was checked. */
function checked(host, allowed, resolve) {
	return (name, options, answer) =>
		resolve(name, { ...options, all: true }, (error, found) => {
			if (error) return answer(error);
			const addresses = found.filter(({ address }) => mayReach(host, address, allowed));
			if (addresses.length === 0) return answer(notAllowed(host));
			return options.all ? answer(null, addresses) : answer(null, addresses[0].address, addresses[0].family);
		});
}
