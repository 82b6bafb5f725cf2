// W3C Trace Context (https://www.w3.org/TR/trace-context/): the header by which callers tell which trace a request is part of.

/** Versions after 00 may have more behind a further dash. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

/**
 * The trace of a request. Of a version that is not known only what every version has is taken, in the form of version 00.
 *
 * @param {{traceparent?: string}} headers
 * @returns {string | undefined} `00-<trace>-<parent>-<flags>`; nothing without the header, and for a malformed one, which the
 *   standard wants ignored
 */
export function traceparentOf({ traceparent }) {
	if (traceparent === undefined) return undefined;
	const [, version, trace, parent, flags, more] = TRACEPARENT.exec(traceparent) ?? [];
	if (version === undefined || version === 'ff' || isZero(trace) || isZero(parent)) return undefined;
	if (version === '00') return more === undefined ? traceparent : undefined;
	return `00-${trace}-${parent}-0${parseInt(flags, 16) & SAMPLED}`;
}

const isZero = (digits) => /^0+$/.test(digits);
