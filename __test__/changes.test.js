// Changes in time: what detectors see in the predictions of a version, through a Monitor and by GET /monitoring/changes.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { InferenceEngine, ModelRegistry, Monitor, PageHinkley } from '../index.js';
import { root, startHarper } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';

const DOUBLE = 11;
const RETENTION_MS = 7_200_000;

const identity = onnxModel({
	nodes: [['Identity', ['x'], ['y']]],
	inputs: [['x', DOUBLE, ['n']]],
	outputs: [['y', DOUBLE, ['n']]],
});

const corpus = process.env.EDGE_AI_CORPUS ?? join(root, '../shared/corpus');
const path = join(corpus, 'stats/online.json');
const skip = !existsSync(path) && 'skipped: no corpus';
const cases = skip ? [] : JSON.parse(readFileSync(path, 'utf8')).cases;

const registry = new ModelRegistry();
before(() => registry.register({ modelId: 'm', version: 'v1', file: identity }));

/** A model that answers with what it is given, watched. */
function watched(options) {
	const monitor = new Monitor(options);
	const engine = new InferenceEngine({ registry, monitor });
	const predict = (x, more) => engine.predict('m', { x: Float64Array.of(x) }, more);
	const changes = (filter) => monitor.changes('m', filter).changes;
	return { monitor, predict, changes };
}

describe('a Monitor', () => {
	for (const { name, stream_bits, stream = Array.from(stream_bits, Number), expected } of cases) {
		const isDefault = ({ parameters: { delta, clock, grace_period } }) =>
			delta === 0.002 && clock === 32 && grace_period === 10;
		const { detections } = expected.find((one) => one.detector === 'ADWIN' && isDefault(one));
		const indexes = detections.map(({ index }) => index);

		test(`detects in the outputs what river does: ${name}`, async () => {
			const { predict, changes } = watched();
			const found = [];
			for (const [index, value] of stream.entries()) {
				await predict(value);
				if (changes().length > found.length) found.push(index);
			}
			assert.deepEqual(found, indexes);
			assert.ok(changes().every(({ signal, detector }) => signal === 'output.y' && detector === 'adwin'));
		});

		test(`finds a scale for Page-Hinkley: ${name}`, async () => {
			const { predict, changes } = watched({ changeDetection: 'page-hinkley' });
			const found = [];
			for (const [index, value] of stream.entries()) {
				await predict(value);
				if (changes().length > found.length) found.push(index);
			}
			assert.deepEqual(found, standardised(stream));
		});

		if (stream_bits === undefined) continue;
		test(`detects in the errors that feedback tells of what river does: ${name}`, async () => {
			const { monitor, predict, changes } = watched();
			const found = [];
			for (const [index, error] of stream.entries()) {
				const { inferenceId } = await predict(0.5);
				monitor.feedback(inferenceId, 0, error === 0);
				// What is changed later is no further prediction.
				monitor.feedback(inferenceId, 0, error !== 0);
				if (changes().length > found.length) found.push(index);
			}
			assert.deepEqual(found, indexes);
			assert.ok(changes().every(({ signal }) => signal === 'correctness'));
		});
	}

	test('tells of a change with what was on both sides, newest first', async () => {
		const { predict, changes, monitor } = watched({ changeDetection: 'both' });
		const started = Date.now();
		for (let at = 0; at < 600; at += 1) await predict(Math.floor(at / 200) + (at % 10) / 100);
		const all = changes();
		assert.ok(all.every(({ timestamp }) => timestamp >= started && timestamp <= Date.now()));
		for (const detector of ['adwin', 'page-hinkley']) {
			const [second, first, ...none] = all.filter((change) => change.detector === detector);
			assert.deepEqual([none, first.version, first.signal, first.skipped], [[], 'v1', 'output.y', 0]);
			assert.ok(first.before.mean < 0.2 && first.after.mean > 0.5, JSON.stringify(first));
			assert.ok(second.before.mean < 1.3 && second.after.mean > 1.5, JSON.stringify(second));
			assert.ok(first.before.count > 90 && first.after.count > 0);
		}
		assert.equal(changes({ version: 'v1', digest: registry.find('m').digest }).length, all.length);
		assert.deepEqual([changes({ version: 'v2' }), monitor.changes('other').changes], [[], []]);
		assert.throws(() => monitor.changes(3), /takes the modelId/);
		assert.throws(() => monitor.changes('m', { from: 1 }), /does not take "from"/);
	});

	test('watches what is recorded, with the detectors that it is told', async () => {
		const off = watched({ changeDetection: 'off', profile: 'off' });
		const unrecorded = watched();
		const unprofiled = watched({ profile: 'off' });
		for (let at = 0; at < 400; at += 1) {
			await off.predict(at < 200 ? 0 : 1);
			await unrecorded.predict(at < 200 ? 0 : 1, { record: false });
			await unprofiled.predict(at < 200 ? 0 : 1);
		}
		assert.deepEqual([off.changes(), unrecorded.changes()], [[], []]);
		assert.deepEqual([unprofiled.changes().length, unprofiled.monitor.profile('m').profiles], [1, []]);
		assert.throws(() => new Monitor({ changeDetection: 'on' }), /one of off, adwin, page-hinkley, both/);
	});
});

/** The detections of Page-Hinkley over values in standard deviations from the mean of the first hundred, or more that are alike. */
function standardised(stream) {
	const detections = [];
	let [first, scale, detector] = [[], undefined, undefined];
	for (const [index, value] of stream.entries()) {
		if (!scale) {
			first.push(value);
			const mean = first.reduce((sum, one) => sum + one, 0) / first.length;
			const deviation = Math.sqrt(first.reduce((sum, one) => sum + (one - mean) ** 2, 0) / first.length);
			if (first.length < 100 || deviation < 1e-12) continue;
			scale = { mean, deviation };
			detector = new PageHinkley({ minInstances: 30, delta: 0.25, threshold: 50, alpha: 0.9999 });
		} else if (detector.update(Math.max(-10, Math.min(10, (value - scale.mean) / scale.deviation)))) {
			detections.push(index);
			[first, scale] = [[], undefined];
		}
	}
	return detections;
}

describe('GET /monitoring/changes', () => {
	let harper;
	const ask = (more = '', how) => harper.get(`/monitoring/changes?modelId=sure${more}`, how);

	async function predict(count, [x, version], correct) {
		const predictOne = async () => {
			const { status, body } = await harper.predict({ modelId: 'sure', version, features: { x } });
			assert.equal(status, 200, JSON.stringify(body));
			if (correct === undefined) return;
			const feedback = { inferenceId: body.inferenceId, outcome: 0, correct };
			const answer = await harper.request('POST', '/feedback', { body: feedback });
			assert.equal(answer.status, 200);
		};
		for (let at = 0; at < count; at += 40) await Promise.all(Array.from({ length: 40 }, predictOne));
	}

	before(async () => {
		harper = await startHarper({ options: { profileRetention: RETENTION_MS / 1000 } });
		const content = onnxModel({
			nodes: [['Softmax', ['x'], ['y']]],
			inputs: [['x', FLOAT, ['n', 2]]],
			outputs: [['y', FLOAT, ['n', 2]]],
		});
		for (const version of ['v1', 'v2']) {
			const { status, body } = await harper.upload({ modelId: 'sure', version }, [{ name: 'model.onnx', content }]);
			assert.equal(status, 201, JSON.stringify(body));
		}
		await predict(200, [[0, 6], 'v1'], true);
		await predict(200, [[0, 0.2], 'v1'], false);
		await predict(200, [[0, 1], 'v2']);
		await predict(200, [[5, 0], 'v2']);
		// What is not stored yet is stored when the process ends.
		await harper.restart();
	});
	after(() => harper?.dispose());

	test('has the changes of the signals of a version, on all threads and over a restart', async () => {
		const { status, body } = await ask('&version=v1');
		assert.equal(status, 200, JSON.stringify(body));
		const { modelId, changes } = body;
		assert.equal(modelId, 'sure');
		const signals = changes.map(({ signal }) => signal).sort();
		assert.deepEqual(signals, ['confidence', 'correctness', 'output.y[0]', 'output.y[1]']);
		const { before: was, after: is, ...change } = changes.find(({ signal }) => signal === 'confidence');
		assert.deepEqual([change.version, change.detector, change.skipped], ['v1', 'adwin', 0]);
		assert.ok(was.mean > 0.95 && is.mean < 0.8 && was.count > 150, JSON.stringify([was, is]));
		const errors = changes.find(({ signal }) => signal === 'correctness');
		assert.ok(errors.before.mean < 0.1 && errors.after.mean > 0.7, JSON.stringify(errors));
		const times = changes.map(({ timestamp }) => timestamp);
		assert.deepEqual(
			times,
			times.toSorted((one, other) => other - one)
		);
		const rows = await harper.rows('Change', ['timestamp', 'expiresAt', 'version']);
		assert.ok(rows.length >= 7 && rows.every(({ timestamp, expiresAt }) => expiresAt === timestamp + RETENTION_MS));
	});

	test('is asked for by version, time and number', async () => {
		const { changes } = (await ask()).body;
		const of = async (more) => (await ask(more)).body.changes;
		assert.deepEqual(new Set(changes.map(({ version }) => version)), new Set(['v1', 'v2']));
		assert.deepEqual(await of('&limit=2'), changes.slice(0, 2));
		const [{ timestamp: last }] = changes;
		assert.deepEqual(
			await of(`&from=${last}`),
			changes.filter(({ timestamp }) => timestamp >= last)
		);
		assert.deepEqual(
			await of(`&to=${last - 1}`),
			changes.filter(({ timestamp }) => timestamp < last)
		);
		assert.deepEqual([await of('&version=v3'), await of('&to=2001-01-01')], [[], []]);
		for (const query of [
			'',
			'modelId=sure&from=2026-01-02&to=2026-01-01',
			'modelId=sure&limit=0',
			'modelId=sure&x=1',
		]) {
			const { status, body } = await harper.get(`/monitoring/changes?${query}`);
			assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST'], query);
		}
	});

	test('shows the signals of what a role may read, and nothing that others put into the table', async () => {
		const needed = ['modelId', 'modelVersion', 'timestamp'];
		const grant = (names) => ({
			...{ read: true, insert: false, update: false, delete: false },
			attribute_permissions: names.map((attribute_name) => ({
				...{ attribute_name, read: true, insert: false, update: false, delete: false },
			})),
		});
		const seenBy = async (role, names) => {
			await harper.addRole(role, { edge_ai: { tables: { InferenceEvent: grant(names) } } });
			const { status, body } = await ask('&version=v1', { user: role });
			return status === 200 ? [body.changes.map(({ signal }) => signal).sort(), 'digest' in body.changes[0]] : status;
		};
		assert.deepEqual(await seenBy('sees_confidence', [...needed, 'confidence']), [['confidence'], false]);
		assert.deepEqual(await seenBy('sees_correct', [...needed, 'correct', 'digest']), [['correctness'], true]);
		const outputs = ['output.y[0]', 'output.y[1]'];
		assert.deepEqual(await seenBy('sees_prediction', [...needed, 'prediction']), [outputs, false]);
		assert.equal(await seenBy('sees_none', [...needed, 'latencyMs']), 403);
		assert.equal(await seenBy('sees_no_version', ['modelId', 'timestamp', 'confidence']), 403);

		const { changes } = (await ask()).body;
		const id = 'sure|018cc251-f400-7000-8000-000000000000';
		await harper.operation({
			operation: 'insert',
			database: 'edge_ai',
			table: 'Change',
			records: [{ ...changes[0], id, modelId: 'sure', timestamp: 1_704_067_200_000, before: { count: 'many' } }],
		});
		assert.deepEqual((await ask()).body.changes, changes);
	});
});
