// GET /metrics: what Prometheus and those who read its formats collect of this process.
import { exposed } from '../../library/exposition.js';
import { requireVisible, visibleTo } from '../http/access.js';
import { acceptedFormat } from '../http/formats.js';

/** The first is for who names none. */
const FORMATS = [
	{ name: 'openmetrics', type: 'application/openmetrics-text', pattern: /^application\/openmetrics-text$/ },
	{ name: 'text', type: 'text/plain', pattern: /^text\/plain$/ },
];
/** What the metrics tell of events. */
const TOLD = ['modelId', 'modelVersion', 'latencyMs', 'error'];

/**
 * The metrics of this process.
 *
 * @param {string | undefined} accept the formats that the caller takes
 * @param {object | undefined} user Harper's user
 * @returns {{contentType: string, text: string}}
 */
export function metricsFor(accept, user) {
	requireVisible(user, 'InferenceEvent', TOLD);
	const isVisible = visibleTo(user, 'InferenceEvent');
	const shown = { features: isVisible('featuresIn'), outputs: isVisible('prediction') };
	return exposed(acceptedFormat(accept, FORMATS), shown);
}
