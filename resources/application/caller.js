// On whose behalf an application calls: a user of Harper, or the component itself. Nothing is taken for granted.
import { isAbortSignal } from '../../library/abort-signal.js';
import { checkOptions } from '../../library/options.js';
import { oneOf } from '../../library/option-kinds.js';
import { COMPONENT } from '../http/access.js';
import { userOf } from '../harper.js';
import { keptTrace } from '../serving/trace.js';

const isObject = (value) => value !== null && typeof value === 'object';

/** Each says who calls, and exactly one is given. */
const WAYS = {
	context: {
		expected: 'the context of a request, as this.getContext() gives it in a resource',
		check: isObject,
		userOf,
	},
	user: {
		expected: 'a user of Harper, as server.getUser(name, null) gives it',
		check: (value) => value === null || (isObject(value) && isObject(value.role)),
		userOf: (user) => user ?? undefined,
	},
	as: { ...oneOf('component'), userOf: () => COMPONENT },
};

const isAbsentOrText = (value) => value === undefined || typeof value === 'string';
const TRACE = { traceparent: { expected: 'the text of a header traceparent', check: isAbsentOrText } };
const SIGNAL = { signal: { expected: 'an AbortSignal: pass new AbortController().signal', check: isAbortSignal } };

/**
 * @typedef {object} Caller
 * @property {object | undefined} user Harper's user; none for an anonymous caller
 * @property {AbortSignal} [signal] what ends the call
 * @property {string} [traceparent] the trace that it is part of, as the events of the user may keep it
 * @property {import('./outside.js').CallersContext} [asCaller] where code of the caller's own runs
 */

/**
 * Reads the options of a call.
 *
 * @param {string} call its name, for messages
 * @param {any} given
 * @param {{mayAbort?: boolean, mayTrace?: boolean}} [how] whether the call takes a signal, and a trace
 * @returns {Caller}
 * @throws {TypeError} unless they say on whose behalf it is
 */
export function callerOf(call, given, { mayAbort = false, mayTrace = false } = {}) {
	const ways = Object.keys(WAYS).filter((name) => isObject(given) && Object.hasOwn(given, name));
	if (ways.length !== 1) {
		const received = ways.length === 0 ? 'none of them' : ways.join(' and ');
		throw new TypeError(
			`${call} must know on whose behalf it acts: pass { context: this.getContext() } for the caller of a resource, { user } for a user of Harper, or { as: 'component' } for the component's own rights; received ${received}`
		);
	}
	const options = checkOptions(call, given, { ...WAYS, ...(mayAbort ? SIGNAL : {}), ...(mayTrace ? TRACE : {}) });
	const [way] = ways;
	// A user that is undefined is nobody, and has the rights of nobody.
	const user = options[way] === undefined && way === 'user' ? undefined : userBy(way, options[way]);
	return { user, signal: options.signal, traceparent: keptTrace(options.traceparent, user) };
}

function userBy(way, value) {
	if (value === undefined) throw new TypeError(`${way} must be ${WAYS[way].expected}, received undefined`);
	return WAYS[way].userOf(value);
}
