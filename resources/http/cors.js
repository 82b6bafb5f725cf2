// What browsers tell the pages of origins that Harper's CORS lets in, beside what Harper says itself.

/** Request headers that our routes read. Browsers send these only when a preflight allows them. */
const REQUEST_HEADERS = [
	'Accept',
	'Authorization',
	'Content-Type',
	'Content-Encoding',
	'If-Match',
	'If-None-Match',
	'Inference-Header-Content-Length',
	'Traceparent',
];
/** Response headers that our routes set. A page can read these only when they are named. */
const RESPONSE_HEADERS = [
	'Allow',
	'Content-Disposition',
	'Content-Length',
	'ETag',
	'Inference-Header-Content-Length',
	'Inference-Id',
	'Location',
	'Retry-After',
	'Traceparent',
];
const PREFLIGHT_SECONDS = 600;

/**
 * Adds to an answer what a page of an allowed origin needs.
 *
 * @param {object} request Harper's
 * @param {{headers?: {get: Function, set: Function, append?: Function}}} response
 */
export function addForPages(request, { status, headers }) {
	if (!headers?.set) return;
	// Asked for Basic credentials, a browser asks its user before the page gets the answer.
	if (status === 401) headers.set('WWW-Authenticate', 'Bearer');
	// Whether it may be read depends on who asks; a cache has to know.
	headers.append('Vary', 'Origin');
	if (request.method === 'OPTIONS' && headers.get('Access-Control-Allow-Headers')) {
		headers.set('Access-Control-Allow-Headers', REQUEST_HEADERS.join(', '));
		headers.set('Access-Control-Max-Age', String(PREFLIGHT_SECONDS));
	} else headers.set('Access-Control-Expose-Headers', RESPONSE_HEADERS.join(', '));
}
