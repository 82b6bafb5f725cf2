// Metrics that are stored in parts: as bytes, merged, with what feedback changed later.
import assert from 'node:assert/strict';
import test from 'node:test';
import { MetricsAccumulator } from '../binding.js';
import { measure, measureFeedback } from '../library/events.js';

const DIGEST = 'ab'.repeat(32);
const event = (fields) => ({
	modelVersion: 'v1',
	timestamp: 1000,
	latencyMs: 1.5,
	confidence: [0.25, 0.75],
	...fields,
});

function accumulated(...additions) {
	const accumulator = new MetricsAccumulator();
	for (const add of additions) add(accumulator);
	return accumulator;
}

const merged = (...parts) => accumulated(...parts.map((part) => (accumulator) => accumulator.merge(part.toBytes())));

test('what feedback changed, merged with the event before it, is the event after it', () => {
	const before = event();
	const first = event({ actualOutcome: '1', correct: false, regression: null, feedbackTimestamp: 1 });
	const regression = { count: 3, mae: 0.1, rmse: 0.2, bias: -0.1 };
	const second = event({ actualOutcome: '2', correct: true, regression, feedbackTimestamp: 2 });
	const whole = accumulated((metrics) => measure(metrics, second, DIGEST));
	const parts = [
		accumulated((metrics) => measureFeedback(metrics, first, second, DIGEST)),
		accumulated((metrics) => measureFeedback(metrics, before, first, DIGEST)),
		accumulated((metrics) => measure(metrics, before, DIGEST)),
	];
	for (const found of [merged(...parts), merged(...parts.toReversed())]) {
		assert.deepEqual(found.toBytes(), whole.toBytes());
		assert.equal(found.toJson('m'), whole.toJson('m'));
	}
	assert.ok(whole.toBytes().length < 300);
	const nothing = accumulated((metrics) => measureFeedback(metrics, second, { ...second }, DIGEST));
	assert.deepEqual(nothing.toBytes(), new MetricsAccumulator().toBytes());
});

test('a part of what was stored is merged', () => {
	const stored = accumulated(
		(metrics) => measure(metrics, event(), DIGEST),
		(metrics) => measure(metrics, event()),
		(metrics) => measure(metrics, event({ modelVersion: 'v2' }), DIGEST)
	).toBytes();
	const counted = (...of) => {
		const { versions } = JSON.parse(accumulated((metrics) => metrics.merge(stored, ...of)).toJson('m'));
		return versions.map(({ version, previous }) => [version, 1 + previous.length]);
	};
	assert.deepEqual(counted(), [
		['v1', 2],
		['v2', 1],
	]);
	assert.deepEqual(counted('v1'), [['v1', 2]]);
	assert.deepEqual(counted('v1', ''), [['v1', 1]]);
	assert.deepEqual(counted(undefined, DIGEST), [
		['v1', 1],
		['v2', 1],
	]);
});

test('what is wanted of segments is merged', () => {
	const eu = event({ segment: 'eu' });
	const other = event({ segment: 'us', isOtherSegment: true, modelVersion: 'v2' });
	const stored = accumulated(
		(metrics) => measure(metrics, eu, DIGEST),
		(metrics) => measure(metrics, other, DIGEST),
		(metrics) => measureFeedback(metrics, eu, { ...eu, actualOutcome: '1', correct: true }, DIGEST)
	).toBytes();
	const told = (add, bySegment) => JSON.parse(accumulated(add).toJson('m', undefined, undefined, {}, bySegment));
	const all = told((metrics) => metrics.merge(stored), true);
	assert.deepEqual([all.count, all.segments.length, all.otherSegments.count], [2, 1, 1]);
	assert.deepEqual([all.segments[0].segment, all.segments[0].count, all.segments[0].accuracy], ['eu', 1, 1]);
	const total = told((metrics) => metrics.mergeTotal(stored, 'v1'), true);
	assert.deepEqual([total.count, total.segments, total.otherSegments], [1, [], null]);
	const one = told((metrics) => metrics.mergeSegment(stored, 'eu'), false);
	assert.deepEqual([one.count, one.accuracy, one.segments], [1, 1, undefined]);
	assert.equal(told((metrics) => metrics.mergeSegment(stored, 'eu', 'v2'), false).count, 0);
});

test('numbers are measured of predictions without a confidence', () => {
	const outputsOf = (fields) =>
		JSON.parse(accumulated((metrics) => measure(metrics, event(fields))).toJson('m')).outputs;
	const prediction = '{"y":[[1.5],[-2]]}';
	assert.deepEqual(outputsOf({ prediction }), {});
	const { y } = outputsOf({ prediction, confidence: [null, null] });
	assert.deepEqual([y.count, y.mean, y.min, y.max], [2, -0.25, -2, 1.5]);
	assert.deepEqual(outputsOf({ prediction: `{"y":[1${',1'.repeat(3000)}]}`, confidence: null }), {});
});

test('bytes of another release and damaged ones are refused, and nothing of them is merged', () => {
	const bytes = accumulated((metrics) => measure(metrics, event())).toBytes();
	const damaged = (at) => bytes.map((byte, place) => (place === at ? byte ^ 1 : byte));
	const unknown = bytes.with(0, 200);
	const metrics = new MetricsAccumulator();
	assert.throws(() => metrics.mergeTotal(unknown), { code: 'NOT_SUPPORTED' });
	assert.throws(() => metrics.mergeSegment(damaged(9), 'eu'), { code: 'INVALID_REQUEST' });
	assert.throws(() => metrics.merge(unknown), { code: 'NOT_SUPPORTED', message: /format/ });
	assert.throws(() => metrics.merge(damaged(bytes.length - 1)), { code: 'INVALID_REQUEST', message: /damaged/ });
	assert.throws(() => metrics.merge(new Uint8Array()), { code: 'INVALID_REQUEST' });
	assert.deepEqual(metrics.toBytes(), new MetricsAccumulator().toBytes());
});
