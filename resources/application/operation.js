// A function that applications call: who calls, what that needs, what it does, and errors that Harper can answer.
import { EdgeAiError } from '../../index.js';
import { STATUS_OF } from '../errors.js';
import { hasHttpServer } from '../harper.js';
import { authorize } from '../http/access.js';
import { readFields } from '../http/query.js';
import { tablesExist } from '../storage/tables.js';
import { callerOf } from './caller.js';
import { CallersContext, generatedOutside, outside } from './outside.js';

/**
 * @typedef {object} Operation
 * @property {string} name
 * @property {Record<string, string[]> | (() => Record<string, string[]> | undefined)} needs as the route has it
 * @property {boolean} [hasRequest] false for what is asked for without one
 * @property {string[]} [fields] of its request; any when absent, because Rust knows them
 * @property {string[]} [nullable] fields for which null is a value
 * @property {boolean} [mayAbort] whether it takes a signal
 * @property {boolean} [mayTrace] whether it takes a trace
 * @property {boolean} [iterates] whether its request has iterables of the caller's
 */

/**
 * A function of a request and of who calls.
 *
 * @param {Operation} described
 * @param {(request: Record<string, any>, caller: import('./caller.js').Caller) => Promise<object | string>} act gives the answer, or
 *   its JSON text
 * @returns {(...given: any[]) => Promise<any>} as the route answers
 */
export const operation = (described, act) =>
	async function (...given) {
		const [request, options] = described.hasRequest === false ? [{}, given[0]] : given;
		const caller = callerOf(described.name, options, described);
		if (described.iterates) caller.asCaller = new CallersContext();
		try {
			const answer = await outside(async () => act(await admit(described, request, caller), caller));
			// Plain objects of its own, as over HTTP: those of Harper have their values behind accessors of a prototype.
			return JSON.parse(typeof answer === 'string' ? answer : JSON.stringify(answer));
		} catch (error) {
			throw withStatus(error);
		}
	};

/**
 * A function that gives one answer after the other; what is wrong with the request rejects the first step.
 *
 * @param {Operation} described
 * @param {(request: Record<string, any>, caller: import('./caller.js').Caller) => AsyncIterable<object>} act
 * @returns {(request: unknown, options: unknown) => AsyncGenerator<object>}
 */
export const stream = (described, act) => (request, options) => {
	const caller = { ...callerOf(described.name, options, described), asCaller: new CallersContext() };
	return generatedOutside(answersOf(described, act, request, caller));
};

async function* answersOf(described, act, request, caller) {
	try {
		yield* act(await admit(described, request, caller), caller);
	} catch (error) {
		throw withStatus(error);
	}
}

/**
 * Lets a caller in who may do it.
 *
 * @param {Operation} described
 * @param {unknown} request
 * @param {import('./caller.js').Caller} caller
 * @returns {Promise<Record<string, any>>} the request, of known fields
 */
async function admit({ name, needs, fields, nullable }, request, { user }) {
	if (!hasHttpServer()) throw new Error(`${name} of harper-edge-ai/harper works inside Harper only`);
	await tablesExist();
	const needed = typeof needs === 'function' ? needs() : needs;
	if (needed) authorize(user, needed);
	return readFields(`the request of ${name}`, request, fields, nullable);
}

/** An error with a code as applications get it: Harper answers one that they do not catch with its status. */
function withStatus(error) {
	const { code, message, details } = error ?? {};
	if (!Object.hasOwn(STATUS_OF, code ?? '')) return error;
	const known = error instanceof EdgeAiError ? error : new EdgeAiError(code, message, details);
	return Object.assign(known, { statusCode: STATUS_OF[code] });
}
