// The trace that a prediction is part of.
import { allowedTo } from '../http/access.js';
import { traceparentOf } from '../http/trace-context.js';

/**
 * What the event of a caller's prediction keeps of a trace.
 *
 * @param {string | undefined} traceparent as the caller tells it; a malformed one is ignored
 * @param {object | undefined} user Harper's user
 * @returns {string | undefined} nothing for a role that may not write the attribute
 */
export function keptTrace(traceparent, user) {
	const known = traceparentOf({ traceparent });
	if (known === undefined) return undefined;
	return allowedTo(user, 'InferenceEvent', 'insert')('traceparent') ? known : undefined;
}

/**
 * What the event of a prediction keeps of the trace. The header may have been added on the way to us: a role that may not write
 * the attribute is no reason to refuse the caller, its event goes without.
 *
 * @param {{stream: {headers: object}, user?: object}} call
 * @returns {string | undefined}
 */
export const traceOf = ({ stream, user }) => keptTrace(stream.headers.traceparent, user);
