// The metrics of the process for Prometheus.
import { exposition as expositionOf } from '../binding.js';
import { checkOptions, EXPOSITION_OPTIONS } from './options.js';

/** The media types of the formats. */
const CONTENT_TYPE_OF = {
	openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
	text: 'text/plain; version=0.0.4; charset=utf-8',
};

/**
 * What the process has counted since it started, on all threads.
 *
 * @param {{format?: 'openmetrics' | 'text'}} [options] OpenMetrics, or Prometheus' older text format
 * @returns {{contentType: string, text: string}}
 */
export function exposition(options = {}) {
	const { format = 'openmetrics' } = checkOptions('exposition', options, EXPOSITION_OPTIONS);
	return exposed(format, { features: true, outputs: true });
}

/**
 * The same, with the drift of features and outputs or without it.
 *
 * @param {'openmetrics' | 'text'} format
 * @param {{features: boolean, outputs: boolean}} shown
 * @returns {{contentType: string, text: string}}
 */
export function exposed(format, shown) {
	const { user, system } = process.cpuUsage();
	const used = {
		cpuSeconds: (user + system) / 1e6,
		residentBytes: process.memoryUsage.rss(),
		started: Date.now() / 1000 - process.uptime(),
	};
	const text = expositionOf(format, used, shown);
	return { contentType: CONTENT_TYPE_OF[format], text };
}
