// The trace that a prediction is part of.
import { allowedTo } from '../http/access.js';
import { traceparentOf } from '../http/trace-context.js';

/**
 * What the event of a prediction keeps of the trace. The header may have been added on the way to us: a role that may not write
 * the attribute is no reason to refuse the caller, its event goes without.
 *
 * @param {import('../http/router.js').Call} call
 * @returns {string | undefined}
 */
export function traceOf({ stream, user }) {
	const traceparent = traceparentOf(stream.headers);
	if (traceparent === undefined) return undefined;
	return allowedTo(user, 'InferenceEvent', 'insert')('traceparent') ? traceparent : undefined;
}
