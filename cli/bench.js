// How long runs of a model take.
import { MetricsAccumulator } from '../binding.js';
import { measure as measureEvent } from '../library/events.js';
import { featuresFrom } from './input.js';
import { countOf, open, runnerOf, timeoutOf } from './session.js';
import { zerosFor } from './zeros.js';

const WARM_UP_MS = 500;

/** Times in memory that does not grow with their number: quantiles within 1 %. */
class Times {
	#accumulator = new MetricsAccumulator();

	add(ms) {
		measureEvent(this.#accumulator, { modelVersion: '', timestamp: 0, latencyMs: ms });
	}

	read() {
		const { count, p50Latency, p90Latency, p99Latency } = JSON.parse(this.#accumulator.toJson('', 0, 0, {}));
		const [p50, p90, p99] = [p50Latency, p90Latency, p99Latency].map(rounded);
		return { count, times: { p50, p90, p99 } };
	}
}

const rounded = (value) => Number(value.toPrecision(3));

/** Runs for some time, so many at once, and gives the times of each run: alone, and with the JSON around it. */
async function measure(predict, concurrency, durationMs) {
	const [runs, calls] = [new Times(), new Times()];
	const started = performance.now();
	const caller = async () => {
		do {
			const calledAt = performance.now();
			const { latencyMs } = await predict();
			calls.add(performance.now() - calledAt);
			runs.add(latencyMs);
		} while (performance.now() < started + durationMs);
	};
	await Promise.all(Array.from({ length: concurrency }, caller));
	const { count, times } = runs.read();
	return {
		count,
		perSecond: rounded(count / ((performance.now() - started) / 1000)),
		runMs: times,
		callMs: calls.read().times,
	};
}

/**
 * @param {[string]} args
 * @param {{input?: string[], seconds?: string, concurrency?: string, timeout?: string, framework?: string, engine?: string}} options
 */
export async function run([file], { input, seconds, concurrency, timeout, ...how }) {
	const duration = countOf('seconds', seconds, { least: 1, most: 3600, otherwise: 3 });
	const callers = countOf('concurrency', concurrency, { least: 1, most: 1024, otherwise: 1 });
	const timeoutMs = timeoutOf(timeout);
	const { session, signature } = await open(file, how);
	const features = input ? featuresFrom(input, signature.inputs) : zerosFor(signature.inputs);
	const predict = runnerOf(session, features, { timeoutMs });
	await measure(predict, callers, WARM_UP_MS);
	const measured = await measure(predict, callers, duration * 1000);
	const json = {
		engine: session.engine,
		executionProvider: session.executionProvider,
		concurrency: callers,
		runs: measured.count,
		runsPerSecond: measured.perSecond,
		runMs: measured.runMs,
		callMs: measured.callMs,
	};
	const line = (name, times) =>
		`${name.padEnd(10)}${Object.entries(times)
			.map(([quantile, ms]) => `${quantile} ${ms} ms`)
			.join('   ')}`;
	const text = [
		`${json.runs} runs with ${json.engine} on ${json.executionProvider}, ${callers} at once: ${json.runsPerSecond} a second`,
		line('run', json.runMs),
		line('with JSON', json.callMs),
	].join('\n');
	return { json, text };
}
