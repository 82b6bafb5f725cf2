// Debian's `prometheus` has promtool, which checks what Prometheus would collect.
import { spawnSync } from 'node:child_process';

/** Whether promtool is here. */
export const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

/**
 * What promtool finds wrong with metrics, and all that it cannot read.
 *
 * @param {string} text in Prometheus' text format 0.0.4, the one that promtool reads
 * @returns {string} empty when all is well
 */
export function promtoolFaults(text) {
	const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
	return status === 0 ? '' : `${stdout}${stderr}` || `it ended with ${status}`;
}
