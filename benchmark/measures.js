// What is measured of something with `run(input)`.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const IN_FLIGHT = 64;

export function median(values) {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median time of one call after another, in microseconds. */
export async function latencyUs({ run }, input, calls) {
	const times = new Float64Array(calls);
	for (let at = 0; at < calls; at += 1) {
		const started = performance.now();
		await run(input);
		times[at] = (performance.now() - started) * 1000;
	}
	return median(times);
}

/** Calls per second with 64 in flight. */
export async function throughput({ run }, input, durationMs) {
	let calls = 0;
	const started = performance.now();
	const caller = async () => {
		for (; performance.now() < started + durationMs; calls += 1) await run(input);
	};
	await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
	return (calls / (performance.now() - started)) * 1000;
}

/** The time of a call every five milliseconds, however long those before take: 99 of 100 take at most so many milliseconds. */
export async function steadyP99Ms({ run }, input, calls) {
	const everyMs = 5;
	const started = performance.now();
	const times = await Promise.all(
		Array.from({ length: calls }, async (_, at) => {
			await sleep(at * everyMs);
			// A late start counts as well: the event loop was busy.
			const dueMs = started + at * everyMs;
			await run(input);
			return performance.now() - dueMs;
		})
	);
	return times.sort((a, b) => a - b)[Math.floor(calls * 0.99)];
}

/** Does something while each side has 64 calls in flight. */
export async function underLoad(sides, input, act) {
	let over = false;
	const caller = async ({ run }) => {
		while (!over) await run(input);
	};
	const callers = sides.flatMap((side) => Array.from({ length: IN_FLIGHT }, () => caller(side)));
	await sleep(500);
	try {
		return await act();
	} finally {
		over = true;
		await Promise.all(callers);
	}
}

/** The longest time that the event loop stood still during runs one after another, in milliseconds. */
export async function longestPauseMs({ run }, input, runs) {
	const delay = monitorEventLoopDelay({ resolution: 1 });
	delay.enable();
	// The first tick has nothing to be measured from, and the last one comes after the run.
	await sleep(20);
	for (let count = 0; count < runs; count += 1) await run(input);
	await sleep(20);
	delay.disable();
	return delay.max / 1e6;
}
