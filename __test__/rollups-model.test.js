// Rollups against a recount: whatever is committed, fails, is compacted, expires and is told by whatever clock, what is read is what the
// events that were ever committed measure, to the byte. Harper's tables are in memory here.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { MetricsAccumulator } from '../binding.js';
import { compared, measure } from '../library/events.js';
import { MemoryHarper } from './support/memory-tables.js';
import { randomFrom } from './support/random.js';

const TABLES = ['Model', 'InferenceEvent', 'Segment', 'Rollup', 'RollupDelta', 'RollupProgress', 'Lease'];
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const NOON = Date.UTC(2026, 5, 15, 12);

const rootPath = mkdtempSync(join(tmpdir(), 'rollups-model-'));
after(() => rmSync(rootPath, { recursive: true, force: true }));

/** Segments of a model that are told apart. */
const TOLD_APART = 50;
const VERSIONS = ['v1', 'v2'];
/** What outcomes say of predictions of classes and of numbers. */
const QUALITIES = [
	null,
	compared('{"p":[0.2,0.5,0.3]}', 0.5, '1').quality,
	compared('{"p":[[0.2,0.5,0.3],[0.9,0.1,0]]}', [0.5, 0.9], '[2,0]').quality,
	compared('{"p":[0.75]}', 0.75, '"bad"', { labels: ['bad', 'good'] }).quality,
	compared('{"y":[1.5]}', null, '0.1', { outputs: '{"outputs":[{"name":"y","dtype":"float64"}]}' }).quality,
];
const DIGESTS = ['0', 'f'].map((digit) => digit.repeat(64));

/** A node with its tables, and what was ever committed on it. */
class Node {
	#random;
	#made = 0;
	#judged = 0;
	/** By model, the segments that were named first. */
	#named = new Map();
	/** Of its own: a thread remembers which segments of a model are told apart. */
	models;
	/** By id: the event as it was last committed. */
	committed = new Map();
	now = NOON;

	static async begin(seed, { events, compaction, harper, ...modules }, name) {
		const node = new Node();
		node.models = [`a-${name}-${seed}`, `b-${name}-${seed}`];
		Object.assign(node, { events, compaction, harper, ...modules });
		node.#random = randomFrom(seed);
		return node;
	}

	below(limit) {
		return Math.floor(this.#random() * limit);
	}

	pick(values) {
		return values[this.below(values.length)];
	}

	#event() {
		this.#made += 1;
		// As the id of a job that was made before, too.
		const time = this.now - this.pick([0, 0, 0, this.below(3 * HOUR_MS)]);
		const hex = time.toString(16).padStart(12, '0');
		const id = `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${this.#made.toString(16).padStart(12, '0')}`;
		const [often, seldom] = this.models;
		const modelId = this.pick([often, often, seldom]);
		const [modelVersion, digest] = [this.pick(VERSIONS), this.pick(DIGESTS)];
		// Most are new, so that soon there are more than are told apart.
		const segment = this.pick([undefined, 'eu', 'us', ...Array.from({ length: 6 }, () => `s${this.#made}`)]);
		const made = { id, modelId, modelVersion, digest, framework: 'onnx', ...(segment && { segment }) };
		if (this.below(5) === 0) return { ...made, error: { code: 'RUN_FAILED', message: 'it failed' } };
		const waited = this.#made % 2 === 0 ? {} : { queueMs: (this.#made % 11) / 3, batchRows: 1 + (this.#made % 64) };
		return { ...made, ...waited, latencyMs: this.#random() * 100, ...this.#answer() };
	}

	/** A class with its confidence, or a number. */
	#answer() {
		if (this.below(2) === 0) return { confidence: this.#random(), prediction: '{"label":[1]}' };
		return { prediction: JSON.stringify({ y: [this.#random() - 0.5], z: this.below(9) }) };
	}

	/** An event as it counts: in a segment of its own, or with others. */
	#placed(event) {
		const { modelId, segment } = event;
		if (segment === undefined) return event;
		if (!this.#named.has(modelId)) this.#named.set(modelId, new Set());
		const named = this.#named.get(modelId);
		if (named.size < TOLD_APART) named.add(segment);
		return named.has(segment) ? event : { ...event, isOtherSegment: true };
	}

	/** A segment that is told apart. */
	segmentOf(modelId) {
		return this.pick([...(this.#named.get(modelId) ?? ['none'])]);
	}

	/** Commits some events; a commit that fails is tried again in halves, as the group commit does. */
	async record(events = Array.from({ length: 1 + this.below(8) }, () => this.#event())) {
		const outcome = this.pick([undefined, undefined, undefined, 'fails', 'dies']);
		const stored = await this.segments.withSegments(structuredClone(events));
		events = events.map((event) => this.#placed(event));
		this.harper.outcomes.push(outcome);
		const context = {};
		const failed = await this.harper.globals
			.transaction(context, () => this.events.putEvents(stored, context))
			.then(
				() => false,
				() => true
			);
		assert.equal(failed, outcome !== undefined);
		if (outcome !== 'fails') {
			for (const event of events) this.committed.set(event.id, { ...event, timestamp: timeOf(event.id) });
		} else if (events.length > 1) {
			const middle = events.length >> 1;
			for (const half of [events.slice(0, middle), events.slice(middle)]) await this.record(half);
		}
	}

	/** Gives feedback to an event, which may have some. */
	async judge() {
		if (this.committed.size === 0) return;
		const event = this.pick([...this.committed.values()]);
		const outcome = this.pick([undefined, undefined, 'fails', 'dies']);
		const regression = this.pick([null, { count: 2, mae: this.#random(), rmse: 1 + this.#random(), bias: -0.5 }]);
		const feedback = {
			actualOutcome: '1',
			feedbackTimestamp: this.now,
			correct: this.pick([null, true, false]),
			regression,
			quality: QUALITIES[this.#judged % QUALITIES.length],
		};
		this.#judged += 1;
		this.harper.outcomes.push(outcome);
		const error = await this.events.patchEvent(event.id, async () => feedback).catch((reason) => reason);
		this.harper.outcomes.length = 0;
		if (error?.code === 'INFERENCE_NOT_FOUND' || outcome === 'fails') return;
		this.committed.set(event.id, { ...event, ...feedback });
	}

	async compact() {
		this.harper.outcomes.push(this.pick([undefined, undefined, 'fails', 'dies']));
		const { signal } = new AbortController();
		await this.compaction.compact({ signal }).catch((error) => assert.match(error.message, /by plan/));
		this.harper.outcomes.length = 0;
	}

	/** What is read of a range, or of a segment in it; with `needsTimes` row by row. */
	async read(modelId, from, to, { segment, needsTimes = false } = {}) {
		const sum = new MetricsAccumulator();
		const taker = {
			needsTimes,
			takeMeasures: ({ measures }) =>
				segment === undefined ? sum.merge(measures) : sum.mergeSegment(measures, segment),
			takeEvent: (event) => {
				if (segment === undefined) measure(sum, event, event.digest);
				else if (event.segment === segment) measure(sum, { ...event, segment: undefined }, event.digest);
			},
		};
		const lost = await this.reading.readMeasures({ modelId, from, to }, taker);
		return { bytes: Buffer.from(sum.toBytes()), lost };
	}

	/** What the events of a range measure that were ever committed. */
	recount(modelId, from, to, segment) {
		const sum = new MetricsAccumulator();
		for (const event of this.committed.values()) {
			const time = timeOf(event.id);
			if (event.modelId !== modelId || time < from || time >= to) continue;
			if (segment === undefined) measure(sum, event, event.digest);
			else if (event.segment === segment) measure(sum, { ...event, segment: undefined }, event.digest);
		}
		return Buffer.from(sum.toBytes());
	}
}

const timeOf = (id) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

describe('rollups equal a recount of what was ever committed', () => {
	const { now: realNow } = Date;
	let harper;
	let modules;
	let clocked;
	beforeEach(async () => {
		harper = new MemoryHarper(TABLES, { rootPath });
		Object.assign(globalThis, harper.globals);
		const [events, compaction, reading, earlier, segments, { configure }, { END_MS }] = await Promise.all(
			[
				'monitoring/events.js',
				'monitoring/rollups/compaction.js',
				'monitoring/rollups/reading.js',
				'monitoring/rollups/earlier.js',
				'monitoring/segments.js',
				'options.js',
				'monitoring/rollups/tiers.js',
			].map((path) => import(`../resources/${path}`))
		);
		modules = { harper, events, compaction, reading, earlier, segments, configure, END_MS };
		Date.now = () => clocked?.now ?? realNow();
	});
	afterEach(() => {
		clocked = undefined;
		Date.now = realNow;
		for (const name of Object.keys(harper.globals)) delete globalThis[name];
	});

	async function begin(seed, options, name) {
		modules.configure(options);
		clocked = await Node.begin(seed, modules, name);
		await modules.earlier.countEarlier({ signal: new AbortController().signal });
		return clocked;
	}

	const STEPS = 120;
	for (const seed of [1, 2, 3, 4, 5, 6]) {
		test(`whatever fails and whichever way the clock is set: ${seed}`, async () => {
			const node = await begin(seed, {}, 'clocks');
			for (let step = 0; step < STEPS; step += 1) {
				const act = node.pick(['record', 'record', 'judge', 'judge', 'compact', 'set']);
				if (act === 'set') {
					node.now += node.pick([1, 50, SECOND_MS, MINUTE_MS, HOUR_MS, -SECOND_MS, -HOUR_MS, 2 * DAY_MS, -DAY_MS]);
				} else await node[act]();
				// Those of one model are read together.
				const checks = Array.from({ length: node.pick([1, 1, 2, 5]) }, async () => {
					const modelId = node.pick(node.models);
					const segment = node.pick([undefined, node.segmentOf(modelId)]);
					const from = node.pick([0, node.now - node.below(3 * DAY_MS)]);
					const to = node.pick([modules.END_MS, from + 1 + node.below(3 * DAY_MS)]);
					const needsTimes = node.pick([false, false, true]);
					const { bytes, lost } = await node.read(modelId, from, to, { segment, needsTimes });
					assert.deepEqual(lost, []);
					const message = `step ${step}, ${act}: of ${segment} from ${from} to ${to}`;
					assert.ok(bytes.equals(node.recount(modelId, from, to, segment)), message);
				});
				await Promise.all(checks);
			}
			assert.ok(
				[...node.committed.values()].some(({ isOtherSegment }) => isOtherSegment),
				'more than are told apart'
			);
		});
	}

	for (const seed of [1, 2, 3, 4]) {
		test(`when events and rows expire: ${seed}`, async () => {
			const node = await begin(seed, { eventRetention: 1800, minuteRetention: 3600, hourRetention: 14_400 }, 'expiry');
			let complete = 0;
			for (let step = 0; step < STEPS; step += 1) {
				const act = node.pick(['record', 'record', 'judge', 'compact', 'wait']);
				if (act === 'wait') node.now += node.pick([1, SECOND_MS, 10 * MINUTE_MS, HOUR_MS]);
				else await node[act]();
				const modelId = node.pick(node.models);
				const whole = await node.read(modelId, 0, modules.END_MS);
				assert.ok(whole.bytes.equals(node.recount(modelId, 0, modules.END_MS)), `step ${step}, ${act}`);
				const from = node.now - node.below(DAY_MS);
				const to = from + node.below(DAY_MS);
				const { bytes, lost } = await node.read(modelId, from, to);
				if (lost.length > 0) continue;
				complete += 1;
				assert.ok(bytes.equals(node.recount(modelId, from, to)), `step ${step}, ${act}: from ${from} to ${to}`);
			}
			assert.ok(complete > 0);
		});
	}

	test('windows that end together read each row once', async () => {
		const node = await begin(1, {});
		const end = NOON + 34 * MINUTE_MS;
		const event = { modelId: 'a', modelVersion: 'v1', digest: DIGESTS[0], latencyMs: 1 };
		const events = Array.from({ length: 180 }, (_, at) => {
			const hex = (end - at * MINUTE_MS - 1).toString(16).padStart(12, '0');
			return { ...event, id: `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000` };
		});
		const context = {};
		await harper.globals.transaction(context, () => node.events.putEvents(events, context));
		for (const one of events) node.committed.set(one.id, { ...one, timestamp: timeOf(one.id) });
		node.now = end + DAY_MS;
		await node.compaction.compact({ signal: new AbortController().signal });
		const counts = { searches: 0, rows: 0 };
		const { Rollup } = harper.globals.databases.edge_ai;
		const { search } = Rollup;
		Rollup.search = async function* counted(...given) {
			counts.searches += 1;
			for await (const row of search(...given)) {
				counts.rows += 1;
				yield row;
			}
		};
		const read = async (minutes) => {
			const from = end - minutes * MINUTE_MS;
			const { bytes } = await node.read('a', from, end);
			assert.ok(bytes.equals(node.recount('a', from, end)), `${minutes} minutes`);
		};
		const windows = [5, 10, 15, 30, 60, 90, 120];
		await Promise.all(windows.map(read));
		// Minutes up to whole ten of them where a window begins and at the end, tens of minutes before and after an hour, that hour, and
		// what jobs counted.
		assert.ok(counts.searches <= 10, `${counts.searches} searches`);
		assert.ok(counts.rows <= 60, `${counts.rows} rows`);
		const together = { ...counts };
		for (const minutes of windows) await read(minutes);
		assert.ok(counts.rows - together.rows > 1.5 * together.rows, `${counts.rows} rows with one after the other`);
	});

	test('a row that one read cannot read is no reason for others', async () => {
		const node = await begin(1, {});
		const start = NOON - HOUR_MS;
		const measures = new MetricsAccumulator().toBytes();
		// Of another release.
		measures[0] = 200;
		const id = `a|1m|${String(start).padStart(15, '0')}|one`;
		const context = {};
		const { Rollup } = harper.globals.databases.edge_ai;
		await harper.globals.transaction(context, () =>
			Rollup.put({ id, modelId: 'a', interval: '1m', start, node: 'one', measures }, context)
		);
		const [failed, found] = await Promise.allSettled([
			node.read('a', start, start + 2 * MINUTE_MS),
			node.read('a', start + MINUTE_MS, start + 3 * MINUTE_MS),
		]);
		assert.equal(failed.reason?.code, 'NOT_SUPPORTED');
		assert.ok(found.value.bytes.equals(node.recount('a', 0, 1)));
	});

	const minuteAgo = (at) => {
		const hex = (NOON - MINUTE_MS).toString(16).padStart(12, '0');
		const id = `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-00000000000${at}`;
		return { id, modelId: 'a', modelVersion: 'v1', digest: DIGESTS[0], framework: 'onnx', latencyMs: at };
	};

	test('a thread that was ended amid its commit, beside the one that takes over', async () => {
		const node = await begin(1, {});
		const events = [1, 2, 3].map(minuteAgo);
		const context = {};
		await harper.globals.transaction(context, () => node.events.putEvents(events, context));
		for (const event of events) node.committed.set(event.id, { ...event, timestamp: timeOf(event.id) });
		const { RollupDelta } = harper.globals.databases.edge_ai;
		const { search } = RollupDelta;
		let isFirst = true;
		// The commit of the first one ends when the second one has read what there is to add, and not yet to what.
		RollupDelta.search = async function* between(...given) {
			yield* search(...given);
			if (!isFirst) return;
			isFirst = false;
			await node.compaction.compact({ signal: AbortSignal.abort() });
		};
		await node.compaction.compact({ signal: AbortSignal.abort() });
		const { bytes } = await node.read('a', 0, modules.END_MS);
		assert.ok(bytes.equals(node.recount('a', 0, modules.END_MS)));
	});

	for (const outcome of ['fails', 'dies']) {
		test(`events are there once whose commit ${outcome} and is tried again in halves`, async () => {
			const node = await begin(1, {});
			const events = [1, 2, 3, 4, 5].map(minuteAgo);
			harper.outcomes.push(outcome);
			await Promise.all(events.map((event) => node.events.writeEvent(event)));
			for (const event of events) node.committed.set(event.id, { ...event, timestamp: timeOf(event.id) });
			const { bytes } = await node.read('a', 0, modules.END_MS);
			assert.ok(bytes.equals(node.recount('a', 0, modules.END_MS)));
		});
	}

	test('of a job that another node goes on with: a row counts once', async () => {
		const node = await begin(1, {}, 'job');
		const events = Array.from({ length: 3 }, (_, at) => ({
			...{ id: `019ec9d5-5c00-7000-8000-00000000000${at}`, modelId: 'a', modelVersion: 'v1', digest: DIGESTS[0] },
			latencyMs: at,
		}));
		const context = {};
		await harper.globals.transaction(context, () => node.events.putEvents(events, context, 'job'));
		for (const event of events) node.committed.set(event.id, { ...event, timestamp: timeOf(event.id) });
		const isCountedOnce = async () => {
			const { bytes } = await node.read('a', 0, modules.END_MS);
			assert.ok(bytes.equals(node.recount('a', 0, modules.END_MS)));
		};
		await isCountedOnce();
		await node.compact();
		await isCountedOnce();
		harper.globals.server.hostname = 'two';
		await node.events.storeEventsAgain(events.map(({ id }) => id));
		await isCountedOnce();
		await node.compact();
		await isCountedOnce();
	});
});
