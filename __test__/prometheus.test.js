// What the process tells Prometheus, in Node.js and by GET /metrics.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Encoder } from 'cbor-x';
import {
	configureProfiles,
	digestModel,
	gaugeDrift,
	loadSession,
	meterHandle,
	predictJson,
	PredictRequest,
	takeProfiles,
} from '../binding.js';
import { exposition, InferenceEngine, ModelRegistry } from '../index.js';
import { ADMIN, credentials, root, startHarper } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { hasPromtool, promtoolFaults } from './support/promtool.js';
import { until } from './support/until.js';

const fixture = '__test__/fixtures/identity_float.onnx';
const ROW = [0, 1, 2, 3, 4, 5];
const modelPath = join(root, fixture);
const BODY = Buffer.from(JSON.stringify({ modelId: 'm', features: { x: ROW } }));

async function identitySession() {
	const files = [{ name: 'model.onnx', path: modelPath }];
	return loadSession(await digestModel(files), files);
}

const GAUGES = { minRows: 30, driftShare: 0.5 };

/** Profiles of a model that answers with its features: before, and when each column has moved by as much as its place says. */
async function profilesOf(columns, rows = 200) {
	const shape = ['n', columns];
	const content = onnxModel({
		nodes: [['Identity', ['x'], ['y']]],
		inputs: [['x', FLOAT, shape]],
		outputs: [['y', FLOAT, shape]],
	});
	const digest = await digestModel([{ name: 'model.onnx', bytes: content }]);
	const session = await loadSession(digest, [{ name: 'model.onnx', bytes: content }]);
	const meter = meterHandle('profiled', 'v1', digest);
	const profiled = async (shift) => {
		const row = (_, at) => Array.from({ length: columns }, (__, column) => (at % 50) + shift * column);
		const body = { modelId: 'profiled', features: { x: Array.from({ length: rows }, row) } };
		configureProfiles(256, true);
		await predictJson(session, PredictRequest.parse(Buffer.from(JSON.stringify(body))), { meter });
		configureProfiles(0, true);
		return takeProfiles().find(({ modelId }) => modelId === 'profiled').bytes;
	};
	return { before: await profiled(0), now: await profiled(0.5), content, digest };
}

/** The values by name and labels, the bound of a histogram's cell as the last of these and as JavaScript writes it. */
const seriesIn = (text) =>
	new Map(
		text
			.split('\n')
			.filter((line) => line !== '' && !line.startsWith('#'))
			.map((line) => [named(line.slice(0, line.lastIndexOf(' '))), Number(line.slice(line.lastIndexOf(' ') + 1))])
	);

function named(series) {
	const [, bound] = series.match(/\ble="([^"]*)"/) ?? [];
	if (bound === undefined) return series;
	const without = series
		.replace(/,?\ble="[^"]*"/, '')
		.replace('{,', '{')
		.slice(0, -1);
	return `${without},le="${bound === '+Inf' ? bound : Number(bound)}"}`;
}

/** The names of all metrics, as queries name them. */
function namesIn(text) {
	const suffixes = { counter: ['_total'], histogram: ['_bucket', '_sum', '_count'], gauge: [''] };
	const types = [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)];
	return new Set(types.flatMap(([, name, type]) => suffixes[type].map((suffix) => name + suffix)));
}

const grant = (attribute_permissions) => ({
	read: true,
	insert: false,
	update: false,
	delete: false,
	attribute_permissions,
});

const ofVersion = (name, model, version, more = '') => `${name}{model="${model}",version="${version}"${more}}`;

describe('exposition()', () => {
	let registry;
	let engine;

	before(async () => {
		registry = new ModelRegistry();
		engine = new InferenceEngine({ registry });
		await registry.register({ modelId: 'identity', version: 'v1', file: modelPath });
	});

	test('counts predictions and errors of a version, and what they took', async () => {
		for (let at = 0; at < 5; at += 1) await engine.predict('identity', { x: [at, 1, 2, 3, 4, 5] });
		await assert.rejects(engine.predict('identity', { x: [1] }), { code: 'INVALID_INPUT' });
		const { contentType, text } = exposition();
		assert.equal(contentType, 'application/openmetrics-text; version=1.0.0; charset=utf-8');
		assert.ok(text.endsWith('\n# EOF\n'));
		const series = seriesIn(text);
		const of = (name, more) => series.get(ofVersion(name, 'identity', 'v1', more));
		assert.equal(of('edge_ai_predictions_total'), 5);
		assert.equal(of('edge_ai_prediction_errors_total', ',code="INVALID_INPUT"'), 1);
		assert.equal(of('edge_ai_prediction_input_bytes_total'), 5 * 6 * 4);
		assert.equal(of('edge_ai_prediction_output_bytes_total'), 5 * 6 * 4);
		for (const name of ['run_duration_seconds', 'queue_duration_seconds', 'batch_rows']) {
			assert.equal(of(`edge_ai_prediction_${name}_count`), 5, name);
			assert.equal(of(`edge_ai_prediction_${name}_bucket`, ',le="+Inf"'), 5, name);
		}
		const threeRows = Array(3).fill([1, 1, 2, 3, 4, 5]);
		await engine.predict('identity', { x: threeRows });
		await engine.predict('identity', { x: threeRows }, { batching: false });
		const rows = seriesIn(exposition().text).get(ofVersion('edge_ai_prediction_batch_rows_sum', 'identity', 'v1'));
		assert.equal(rows, 5 + 2 * threeRows.length);
		const seconds = of('edge_ai_prediction_run_duration_seconds_sum');
		assert.ok(seconds > 0 && seconds < 60, `${seconds}`);
		assert.ok(series.get('edge_ai_sessions') >= 1);
		assert.ok(series.get('process_cpu_seconds_total') > 0);
		assert.ok(series.get('process_resident_memory_bytes') > 2 ** 20);
		assert.ok(Math.abs(series.get('process_start_time_seconds') - Date.now() / 1000) < 3600);
	});

	test('counts a loaded model by its digest', async () => {
		const model = await engine.load(modelPath);
		await model.predict({ x: ROW });
		await engine.predict(model, { x: ROW });
		const name = ofVersion('edge_ai_predictions_total', model.digest, model.digest.slice(0, 12));
		assert.equal(seriesIn(exposition().text).get(name), 2);
	});

	test('is what promtool finds right, whatever the names', { skip: hasPromtool ? false : 'no promtool' }, async () => {
		const session = await identitySession();
		const meter = meterHandle('quote " slash \\ brace } \n# TYPE x counter\nx 1', 'é\r\0', session.digest);
		await predictJson(session, PredictRequest.parse(BODY), { meter });
		const { contentType, text } = exposition({ format: 'text' });
		assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8');
		assert.equal(promtoolFaults(text), '');
		const name =
			'edge_ai_predictions_total{model="quote \\" slash \\\\ brace } \\n# TYPE x counter\\nx 1",version="é\r\0"}';
		assert.ok(text.split('\n').includes(`${name} 1`));
	});

	test('says the same in both formats', () => {
		const names = (format) =>
			[...seriesIn(exposition({ format }).text).keys()].filter((name) => /^edge_ai/.test(name)).sort();
		assert.deepEqual(names('text'), names('openmetrics'));
		assert.throws(() => exposition({ format: 'json' }), /format must be/);
	});

	test('has the columns of a version that drifted most', async () => {
		const { before: was, now } = await profilesOf(60);
		assert.equal(await gaugeDrift({ modelId: 'drifting', version: 'v1' }, was, now, GAUGES), 'drift');
		const lines = exposition().text.split('\n');
		const scores = lines
			.filter((line) => line.startsWith('edge_ai_drift_score{model="drifting"'))
			.map((line) => [line.match(/feature="([^"]*)"/)[1], Number(line.split(' ').at(-1))]);
		// Each column moves by as much as its place says.
		assert.equal(scores.length, 50);
		assert.deepEqual([scores[0][0], scores[1][0]].sort(), ['output.y[59]', 'x[59]']);
		assert.ok(scores.every(([, score], at) => at === 0 || score <= scores[at - 1][1]));
		assert.ok(scores[0][1] > 1);
		const ratio = seriesIn(exposition().text).get(ofVersion('edge_ai_drifted_columns_ratio', 'drifting', 'v1'));
		assert.ok(ratio > 0.5 && ratio < 1, `${ratio}`);
		// Nothing is known of other columns, and too few rows say nothing new.
		const few = await profilesOf(60, 10);
		assert.equal(await gaugeDrift({ modelId: 'drifting', version: 'v1' }, was, few.now, GAUGES), 'insufficient');
		assert.ok(exposition().text.includes('edge_ai_drift_score{model="drifting"'));
		await assert.rejects(gaugeDrift({ modelId: 'drifting', version: 'v1' }, was, Buffer.from('no profile'), GAUGES), {
			code: 'INVALID_REQUEST',
		});
	});

	test('is cheap with a hundred models', async (t) => {
		const session = await identitySession();
		const { before: was, now } = await profilesOf(25);
		for (let at = 0; at < 100; at += 1) await gaugeDrift({ modelId: `model-${at}`, version: 'v1' }, was, now, GAUGES);
		for (let at = 0; at < 100; at += 1) {
			const meter = meterHandle(`model-${at}`, 'v1', session.digest);
			await predictJson(session, PredictRequest.parse(BODY), { meter });
		}
		const times = [];
		for (let round = 0; round < 30; round += 1) {
			const begun = performance.now();
			exposition();
			times.push(performance.now() - begun);
		}
		// The shortest: the others may have waited for whoever else uses the machine.
		const shortest = Math.min(...times);
		t.diagnostic(`${shortest.toFixed(2)} ms for 100 models`);
		assert.equal(seriesIn(exposition().text).get(ofVersion('edge_ai_predictions_total', 'model-99', 'v1')), 1);
		assert.ok(shortest < 5, `${shortest} ms`);
	});

	test('has every metric of the dashboard in examples/grafana', () => {
		const dashboard = JSON.parse(readFileSync(join(root, 'examples/grafana/edge-ai.json'), 'utf8'));
		const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
		assert.ok(queries.length >= 10);
		const asked = new Set(queries.flatMap((query) => query.match(/\b(?:edge_ai|process)_\w+/g)));
		const known = namesIn(exposition().text);
		assert.deepEqual(
			[...asked].filter((name) => !known.has(name)),
			[]
		);
	});
});

describe('GET /metrics', () => {
	let harper;

	before(async () => {
		harper = await startHarper({ threads: 2, options: { routePrefix: '/ai' } });
		const uploaded = await harper.upload({ modelId: 'identity', version: 'v1' }, [fixture]);
		assert.equal(uploaded.status, 201, uploaded.text);
		await harper.addRole('reader', { edge_ai: { tables: { InferenceEvent: grant([]) } } });
	});

	after(() => harper?.dispose());

	test('counts the predictions of all protocols and threads once, on whichever thread it is asked', async () => {
		const features = { x: [ROW] };
		const answers = await harper.onEveryThread('POST', '/ai/predict', { body: { modelId: 'identity', features } });
		const v2 = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 6], data: ROW }] };
		answers.push(await harper.request('POST', '/ai/v2/models/identity/infer', { body: v2 }));
		answers.push(
			await harper.request('POST', '/ai/v1/models/identity:predict', { body: { instances: [ROW] } }),
			await harper.request('POST', '/ai/predict/batch?modelId=identity', {
				headers: { 'content-type': 'application/x-ndjson' },
				body: `${JSON.stringify(features)}\n`,
			})
		);
		for (const { status, text, body } of answers) assert.equal(status, 200, text ?? `${body}`);
		const refused = await harper.predict({ modelId: 'identity', features: { y: 'no number' } });
		assert.equal(refused.status, 422);
		for (const { status, headers, body } of await harper.onEveryThread('GET', '/ai/metrics')) {
			assert.equal(status, 200);
			assert.equal(headers.get('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8');
			const series = seriesIn(body.toString());
			assert.equal(series.get(ofVersion('edge_ai_predictions_total', 'identity', 'v1')), answers.length);
			const code = ',code="INVALID_INPUT"';
			assert.equal(series.get(ofVersion('edge_ai_prediction_errors_total', 'identity', 'v1', code)), 1);
		}
	});

	test('is in the format that is asked for', async () => {
		const accept = async (value) => {
			const { headers } = await harper.get('/ai/metrics', { headers: { accept: value } });
			return headers.get('content-type').split(';')[0];
		};
		assert.equal(await accept('text/plain;version=0.0.4;q=0.5,*/*;q=0.1'), 'text/plain');
		const prometheus =
			'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
		assert.equal(await accept(prometheus), 'application/openmetrics-text');
		assert.equal(await accept('text/*'), 'text/plain');
		assert.equal(await accept('image/png'), 'application/openmetrics-text');
	});

	test('tells how far a version is today from its first predictions', async () => {
		const { before: profile, content, digest } = await profilesOf(2);
		const uploaded = await harper.upload({ modelId: 'moved', version: 'v1' }, [{ name: 'model.onnx', content }]);
		assert.deepEqual([uploaded.status, uploaded.body.digest], [201, digest]);
		// As another node has stored them.
		const first = {
			id: `moved|v1|first|${digest}|other`,
			...{ modelId: 'moved', version: 'v1', name: 'first', digest, node: 'other', source: 'predictions' },
			...{ rows: 200, columns: [], createdAt: 1, from: 1, to: 1, isComplete: true, profile },
		};
		const operation = { operation: 'insert', database: 'edge_ai', table: 'Reference', records: [first] };
		const inserted = await fetch(harper.operations, {
			method: 'POST',
			headers: { ...credentials(ADMIN), 'content-type': 'application/cbor' },
			body: new Encoder({ useRecords: false }).encode(operation),
		});
		assert.equal(inserted.status, 200, await inserted.clone().text());
		const x = Array.from({ length: 200 }, (_, at) => [at % 50, 40 + (at % 50)]);
		const { status } = await harper.request('POST', '/ai/predict', { body: { modelId: 'moved', features: { x } } });
		assert.equal(status, 200);
		const seriesFor = async (user) => seriesIn((await harper.get('/ai/metrics', { user })).body.toString());
		const score = (feature) => ofVersion('edge_ai_drift_score', 'moved', 'v1', `,feature="${feature}"`);
		const ratio = ofVersion('edge_ai_drifted_columns_ratio', 'moved', 'v1');
		await until('today is compared', async () => (await seriesFor(ADMIN)).has(score('x[1]')));
		const series = await seriesFor(ADMIN);
		assert.equal(series.get(score('x[0]')), 0);
		assert.ok(series.get(score('output.y[1]')) > 1);
		assert.equal(series.get(ratio), 0.5);
		const told = ['modelId', 'modelVersion', 'latencyMs', 'error', 'prediction'];
		const rules = told.map((attribute_name) => ({ attribute_name, read: true, insert: false, update: false }));
		await harper.addRole('no_features', { edge_ai: { tables: { InferenceEvent: grant(rules) } } });
		const shown = await seriesFor('no_features');
		assert.deepEqual(
			[score('output.y[1]'), score('x[1]'), ratio].map((name) => shown.has(name)),
			[true, false, false]
		);
	});

	test('is for who may read all that it tells of events', async () => {
		const rules = [{ attribute_name: 'modelId', read: true, insert: false, update: false }];
		await harper.addRole('partial', { edge_ai: { tables: { InferenceEvent: grant(rules) } } });
		assert.equal((await harper.get('/ai/metrics', { user: null })).status, 401);
		assert.equal((await harper.get('/ai/metrics', { user: 'reader' })).status, 200);
		const { status, body } = await harper.get('/ai/metrics', { user: 'partial' });
		assert.deepEqual([status, body.code], [403, 'FORBIDDEN']);
		assert.equal((await harper.get('/ai/metrics?name=x')).status, 400);
	});
});
