// Detectors of change in a stream: equal to river on the corpus.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Adwin, EdgeAiError, PageHinkley } from '../index.js';
import { root } from './support/harper.js';

const corpus = process.env.EDGE_AI_CORPUS ?? join(root, '../shared/corpus');
const path = join(corpus, 'stats/online.json');
const skip = !existsSync(path) && 'skipped: no corpus';
const cases = skip ? [] : JSON.parse(readFileSync(path, 'utf8')).cases;

function assertNear(found, expected, what) {
	const isNear = Math.abs(found - expected) <= 1e-9 * Math.abs(expected) + 1e-14;
	assert.ok(isNear, `${what}: ${found}, expected ${expected}`);
}

/** As river names them. */
const BY_NAME = {
	ADWIN: ({ delta, clock, max_buckets, min_window_length, grace_period }) =>
		new Adwin({
			delta,
			clock,
			maxBuckets: max_buckets,
			minWindowLength: min_window_length,
			gracePeriod: grace_period,
		}),
	PageHinkley: ({ min_instances, ...options }) => new PageHinkley({ minInstances: min_instances, ...options }),
};

describe('the streams of the corpus', { skip }, () => {
	test('are 7, each through 9 detectors', () => {
		assert.deepEqual(
			cases.map(({ expected }) => expected.length),
			Array(7).fill(9)
		);
	});

	for (const { name, stream_bits, stream = Array.from(stream_bits, Number), expected } of cases) {
		for (const { detector: kind, parameters, detections, snapshots = [] } of expected) {
			test(`${name}: ${kind} ${JSON.stringify(parameters)}`, () => {
				const detector = BY_NAME[kind](parameters);
				const found = [];
				for (const [index, value] of stream.entries()) {
					if (detector.update(value)) found.push({ index, width: detector.width, mean: detector.mean });
					const snapshot = snapshots.find(({ after }) => after === index + 1);
					if (!snapshot) continue;
					assert.equal(detector.width, snapshot.width);
					assertNear(detector.mean, snapshot.estimation, 'mean');
					assertNear(detector.total, snapshot.total, 'total');
					// river's is the sum of the squares.
					assertNear(detector.variance * detector.width, snapshot.variance, 'variance');
				}
				assert.deepEqual(
					found.map(({ index }) => index),
					detections.map((detection) => detection.index ?? detection)
				);
				if (kind !== 'ADWIN') return;
				for (const [at, { width, estimation }] of detections.entries()) {
					assert.equal(found[at].width, width);
					assertNear(found[at].mean, estimation, 'mean');
				}
			});
		}
	}
});

for (const [Detector, options] of [
	[Adwin, { clock: 1 }],
	[PageHinkley, { threshold: 3 }],
]) {
	describe(Detector.name, () => {
		test('detects a step, and starts over', () => {
			const detector = new Detector(options);
			const stream = [...Array(100).fill(0), ...Array(100).fill(1)];
			const detections = stream.flatMap((value, at) => (detector.update(value) ? at : []));
			assert.equal(detections.length, 1);
			assert.ok(detections[0] > 100 && detections[0] < 120, `at ${detections[0]}`);
			assert.equal(detector.mean, 1);
		});

		test('has no mean without values', () => {
			const { mean } = new Detector();
			assert.equal(mean, null);
		});

		test('refuses what is no value, and goes on', () => {
			const detector = new Detector();
			detector.update(0.5);
			assert.throws(() => detector.update('1'), { name: 'TypeError', message: /update takes a number, received "1"/ });
			for (const value of [NaN, Infinity, 1e200]) {
				assert.throws(
					() => detector.update(value),
					(error) => error instanceof EdgeAiError && error.code === 'INVALID_REQUEST' && /received/.test(error.message)
				);
			}
			assert.equal(detector.mean, 0.5);
		});
	});
}

test('options are checked by name and by value', () => {
	const wrong = (call, message) => assert.throws(call, { name: 'TypeError', message });
	wrong(() => new Adwin({ deltas: 0.1 }), /did you mean "delta"/);
	wrong(() => new Adwin({ delta: 0 }), /delta must be a number above 0 and below 1, received 0/);
	wrong(() => new Adwin({ clock: 0 }), /clock must be a whole number/);
	wrong(() => new PageHinkley({ threshold: Infinity }), /threshold must be a finite number above 0/);
	wrong(() => new PageHinkley({ alpha: 1.5 }), /alpha must be a number above 0 and up to 1/);
	wrong(() => new PageHinkley({ mode: 'sideways' }), /one of up, down, both/);
});
