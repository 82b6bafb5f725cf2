// npm run bench:metrics: GET /monitoring/metrics of a model with a million events beside one with ten thousand, over the same thirty
// days, asked by turns, so that what else the machine does slows both alike. Prints ratios only: Harper's licence does not allow to publish its figures.
import { cpus } from 'node:os';
import { startHarper } from '../__test__/support/harper.js';
import { until } from '../__test__/support/until.js';
import { median } from './measures.js';

const EVENTS = { small: 10_000, large: 1_000_000 };
const EVENTS_PER_INSERT = 10_000;
const DAYS = 30;
const DAY_MS = 24 * 60 * 60 * 1000;
const CALLS = 200;
const GOAL_MS = 10;
const GOAL_RATIO = 1.5;
const COUNTING_MS = 30 * 60 * 1000;
const DIGEST = '0'.repeat(64);

const endMs = Date.now() - 60 * 60 * 1000;
const startMs = endMs - DAYS * DAY_MS;

/** What the answers are asked for, as parameters. */
const RANGES = {
	'all events': '',
	'a range within minutes': `&startTime=${startMs + 12_345}&endTime=${endMs - 23_456}`,
};

const harper = await startHarper();
try {
	for (const [modelId, count] of Object.entries(EVENTS)) await insertEvents(modelId, count);
	await countAnew();
	console.log(`${process.version}, ${cpus().length} x ${cpus()[0].model}`);
	console.log(`\nGET /monitoring/metrics, one connection, medians of ${CALLS}.\n`);
	console.log(`${''.padEnd(28)}${`of ${GOAL_MS} ms`.padStart(12)}${'of 10,000 events'.padStart(20)}`);
	for (const [name, parameters] of Object.entries(RANGES)) {
		const [small, large] = await mediansMs(
			['small', 'large'].map((modelId) => `/monitoring/metrics?modelId=${modelId}${parameters}`)
		);
		const ratios = [(large / GOAL_MS).toFixed(2).padStart(12), (large / small).toFixed(2).padStart(20)];
		console.log(`${name.padEnd(28)}${ratios.join('')}`);
	}
	console.log(`\nAsked: 1,000,000 events at most ${GOAL_MS} ms, and at most ${GOAL_RATIO} times what 10,000 cost.`);
} finally {
	await harper.dispose();
}

/** Events of the past, as a release without rollups stored them. */
async function insertEvents(modelId, count) {
	for (let at = 0; at < count; at += EVENTS_PER_INSERT) {
		const records = Array.from({ length: EVENTS_PER_INSERT }, (_, index) =>
			eventOf(modelId, (at + index) / count, at + index)
		);
		await harper.operation({ operation: 'insert', database: 'edge_ai', table: 'InferenceEvent', records });
	}
}

/** An event at a part of the time. */
function eventOf(modelId, part, number) {
	const timestamp = Math.floor(startMs + part * (endMs - startMs));
	const hex = timestamp.toString(16).padStart(12, '0');
	const random = (modelId === 'large' ? 0x800000000000 : 0) + number;
	const id = `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${random.toString(16).padStart(12, '0')}`;
	return {
		...{ id, timestamp, modelId, modelVersion: 'v1', digest: DIGEST, framework: 'onnx' },
		...{ featuresIn: '{"x":[1]}', prediction: '{"label":[1]}' },
		confidence: 0.5 + ((number * 7919) % 5000) / 10_000,
		latencyMs: Math.exp(((number * 104_729) % 10_007) / 2000 - 3),
		...{ modelKey: `${modelId}|${id}`, versionKey: `${modelId}|v1|${id}` },
	};
}

/** Has all events counted as after an upgrade. */
async function countAnew() {
	await harper.operation({
		operation: 'delete',
		database: 'edge_ai',
		table: 'RollupProgress',
		hash_values: ['events'],
	});
	await harper.restart();
	const isCounted = async () =>
		(await harper.rows('RollupProgress', ['isFinished'])).some(({ isFinished }) => isFinished);
	await until('all events are counted', isCounted, COUNTING_MS);
	const areMerged = async () =>
		(await harper.rows('RollupDelta', ['measures'])).every(({ measures }) => measures == null);
	await until('all deltas are merged', areMerged, COUNTING_MS);
}

/** The medians of paths that are asked by turns. */
async function mediansMs(paths) {
	const times = paths.map(() => []);
	for (let call = 0; call < CALLS; call += 1) {
		for (const [at, path] of paths.entries()) {
			const startedAt = performance.now();
			const { status, body } = await harper.get(path);
			if (status !== 200) throw new Error(JSON.stringify(body));
			times[at].push(performance.now() - startedAt);
		}
	}
	return times.map(median);
}
