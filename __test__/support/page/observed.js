// What the page has to show: models, a day of predictions, drift, feedback, alerts, a job, and names that are up to no good.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../harper.js';
import { postJob } from '../jobs.js';
import { FLOAT, onnxModel } from '../onnx.js';
import { randomFrom } from '../random.js';
import { until } from '../until.js';

const HOUR_MS = 3_600_000;
const PAST_HOURS = 24;
const EVENTS_PER_HOUR = 40;
/** Hours ago of a time in which nobody asked: charts have a gap there. */
const QUIET_HOURS = [9, 10];
const LIVE_ROWS = 400;

/** The flowers have these columns. */
export const FEATURES = ['sepal length (cm)', 'sepal width (cm)', 'petal length (cm)', 'petal width (cm)'];
/** What would run if any text of callers became markup. */
export const HOSTILE = '<img src=x onerror="document.title=\'hacked\'">';
/** As long as an id may be. */
export const LONG_ID = `long-${'x'.repeat(122)}e`;

/** Means and deviations of Fisher's three species. */
const SPECIES = [
	[
		[5.01, 0.35],
		[3.43, 0.38],
		[1.46, 0.17],
		[0.25, 0.11],
	],
	[
		[5.94, 0.52],
		[2.77, 0.31],
		[4.26, 0.47],
		[1.33, 0.2],
	],
	[
		[6.59, 0.64],
		[2.97, 0.32],
		[5.55, 0.55],
		[2.03, 0.27],
	],
];

/** How much of a shift each column has: sepals are longer, petals a little wider. */
const SHIFTS = [1, 0, 0, 0.25];

function flowers(seed, count, longer = 0) {
	const random = randomFrom(seed);
	const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
	return Array.from({ length: count }, () => {
		const species = Math.floor(3 * random());
		const row = SPECIES[species].map(([mean, deviation], at) =>
			Number((mean + deviation * normal() + longer * SHIFTS[at]).toFixed(1))
		);
		return { row, species };
	});
}

const ok = ({ status, body }, wanted = [200, 201, 202]) => {
	assert.ok(wanted.includes(status), `${status} ${JSON.stringify(body)}`);
	return body;
};

/**
 * Fills a server that was started with the component of `past.js` and `ruleInterval: 1`.
 *
 * @param {Awaited<ReturnType<typeof import('../harper.js').startHarper>>} harper
 * @param {{hostile?: boolean}} [how] whether with names and values that no user means well
 */
export async function observe(harper, { hostile = true } = {}) {
	await uploadFlowers(harper);
	await ruleOnDrift(harper);
	await recordPast(harper);
	await predictFlowers(harper);
	await judgeOrders(harper);
	await failOnce(harper);
	await runJob(harper);
	if (hostile) await addHostile(harper);
	await until('the alert of drift fires', async () => {
		const { body } = await harper.get('/monitoring/alerts?rule=iris-drift&state=firing');
		return body.count === 1;
	});
}

async function uploadFlowers(harper) {
	const metadata = JSON.stringify(JSON.parse(readFileSync(join(root, 'examples/iris/metadata.json'), 'utf8')));
	const inputSchema = JSON.stringify({ inputs: [{ name: 'float_input', columns: FEATURES }] });
	for (const [version, stage] of Object.entries({ '1.0.0': 'production', '1.1.0': 'staging' })) {
		ok(await harper.upload({ modelId: 'iris', version, stage, metadata, inputSchema }, ['examples/iris/model.onnx']));
		const lines = flowers(1, 600).map(({ row }) => row.join());
		const csv = [FEATURES.map((name) => JSON.stringify(name)).join(), ...lines].join('\n');
		const path = `/monitoring/reference?modelId=iris&version=${version}&name=training&format=csv`;
		ok(await harper.request('POST', path, { body: csv, headers: { 'content-type': 'text/csv' } }));
	}
}

async function ruleOnDrift(harper) {
	const rules = [
		{
			id: 'iris-drift',
			version: '1.1.0',
			measure: 'drift.distance',
			column: FEATURES[0],
			method: 'wasserstein',
			reference: 'training',
			threshold: 0.1,
			severity: 'critical',
		},
		{
			id: 'iris-unsure',
			measure: 'avgConfidence',
			comparison: 'below',
			threshold: 0.5,
			window: '1h',
			minSamples: 1000,
		},
		{ id: 'iris-slow', measure: 'p95Latency', threshold: 0.8, window: '1d', severity: 'info' },
	];
	for (const rule of rules) {
		ok(await harper.request('POST', '/monitoring/rules', { body: { modelId: 'iris', ...rule } }));
	}
}

const hex = (value, digits) => value.toString(16).padStart(digits, '0');
const eventId = (time, at) => `${hex(time, 12).replace(/^.{8}/, '$&-')}-7000-8000-${hex(at, 12)}`;

/** A day of single predictions: answers of the model itself, at times that have passed. */
async function recordPast(harper) {
	const random = randomFrom(3);
	const { digest } = ok(await harper.get('/model/iris/1.0.0'));
	const asked = flowers(4, PAST_HOURS * EVENTS_PER_HOUR);
	const features = { float_input: asked.map(({ row }) => row) };
	const { prediction, confidence } = ok(
		await harper.predict({ modelId: 'iris', version: '1.0.0', features, record: false })
	);
	const now = Date.now();
	const events = [];
	const judged = [];
	for (const [at, { row, species }] of asked.entries()) {
		const hoursAgo = PAST_HOURS - Math.floor(at / EVENTS_PER_HOUR);
		if (QUIET_HOURS.includes(hoursAgo)) continue;
		const time = Math.floor(now - hoursAgo * HOUR_MS + random() * HOUR_MS * 0.98);
		const event = {
			id: eventId(time, at),
			modelId: 'iris',
			modelVersion: '1.0.0',
			digest,
			framework: 'onnx',
			userId: `user-${at % 7}`,
			featuresIn: JSON.stringify({ float_input: row }),
		};
		if (at % 67 === 5) {
			events.push({ ...event, error: { code: 'RUN_FAILED', message: 'the run failed' } });
			continue;
		}
		const [label, probability] = [prediction.output_label[at], prediction.output_probability[at]];
		events.push({
			...event,
			prediction: JSON.stringify({ output_label: label, output_probability: probability }),
			confidence: confidence[at],
			latencyMs: 0.2 * Math.exp(random() + (hoursAgo < 4 ? 0.8 : 0)) + (at % 41 === 0 ? 2 : 0),
			queueMs: 0.1 * random(),
			batchRows: 1 + (at % 4),
		});
		if (at % 3 === 0) judged.push([event.id, label === species]);
	}
	events.sort((a, b) => (a.id < b.id ? -1 : 1));
	ok(await harper.request('POST', '/Past', { body: { events, judged } }));
}

/** The flowers of the newer version have longer sepals. Some of the truth is known, and an estimator is fitted to it. */
async function predictFlowers(harper) {
	for (const [version, longer] of Object.entries({ '1.0.0': 0, '1.1.0': 1.1 })) {
		const asked = flowers(version === '1.0.0' ? 5 : 6, LIVE_ROWS, longer);
		const predict = async (part) => {
			const features = { float_input: part.map(({ row }) => row) };
			return ok(await harper.predict({ modelId: 'iris', version, features, userId: 'garden', sessionId: 'walk' }));
		};
		const known = asked.slice(0, LIVE_ROWS / 2);
		const { inferenceId } = await predict(known);
		ok(await harper.feedback({ inferenceId, outcome: known.map(({ species }) => species) }));
		if (version === '1.1.0') ok(await harper.request('POST', `/monitoring/estimator?modelId=iris&version=${version}`));
		await predict(asked.slice(LIVE_ROWS / 2));
	}
}

/** Two classes with names; inputs of one column each. */
async function judgeOrders(harper) {
	ok(
		await harper.upload({ modelId: 'order-risk', version: 'v1', stage: 'production' }, [
			'examples/shop-scoring/model.onnx',
		])
	);
	const random = randomFrom(7);
	for (let at = 0; at < 24; at += 1) {
		const features = { amount: 1000 * random(), items: 1 + Math.floor(8 * random()), accountAgeDays: 900 * random() };
		const { inferenceId, prediction } = ok(await harper.predict({ modelId: 'order-risk', features, userId: 'shop' }));
		const other = prediction.output_label === 'ok' ? 'review' : 'ok';
		ok(await harper.feedback({ inferenceId, outcome: at % 6 === 0 ? other : prediction.output_label }));
	}
}

async function failOnce(harper) {
	const path = '__test__/fixtures/hostile/int64_div_zero.onnx';
	ok(await harper.upload({ modelId: 'division', version: 'v1' }, [path]));
	ok(await harper.predict({ modelId: 'division', features: { a: [1], b: [0] } }), [422]);
}

async function runJob(harper) {
	const at = { database: 'data', table: 'Flower' };
	const attributes = ['id', 'sizes', 'species'].map((name) => ({ name }));
	await harper.operation({ operation: 'create_table', ...at, primary_key: 'id', attributes });
	const records = flowers(8, 50).map(({ row }, id) => ({ id: `f${id}`, sizes: row }));
	await harper.operation({ operation: 'insert', ...at, records });
	const source = { table: 'Flower', fields: { float_input: 'sizes' } };
	const target = { table: 'Flower', fields: { species: 'prediction.output_label' } };
	ok(await postJob(harper, { modelId: 'iris', version: '1.0.0', source, target, record: false }));
}

/** Names of columns, categories, users and ids that try to be markup, or are as long as they may be. */
async function addHostile(harper) {
	const content = onnxModel({
		nodes: [['Relu', ['x'], ['y']]],
		inputs: [['x', FLOAT, ['n', 2]]],
		outputs: [['y', FLOAT, ['n', 2]]],
	});
	const inputSchema = JSON.stringify({ inputs: [{ name: 'x', columns: [HOSTILE, 'w'.repeat(120)] }] });
	const model = { modelId: LONG_ID, inputSchema, metadata: JSON.stringify({ description: HOSTILE }) };
	for (const [version, shift] of Object.entries({ v1: 0, v2: 5 })) {
		ok(await harper.upload({ ...model, version }, [{ name: 'model.onnx', content }]));
		const random = randomFrom(9);
		const x = Array.from({ length: 100 }, () => [random() + shift, random() * 1e9]);
		ok(await harper.predict({ modelId: LONG_ID, version, features: { x }, userId: HOSTILE, sessionId: HOSTILE }));
	}
	const path = '__test__/fixtures/identity_string.onnx';
	for (const [version, texts] of Object.entries({ v1: ['a', 'b'], v2: [HOSTILE, 'b'] })) {
		ok(await harper.upload({ modelId: 'texts', version }, [path]));
		const x = Array.from({ length: 60 }, (_, at) => Array(4).fill(texts[at % 2]));
		ok(await harper.predict({ modelId: 'texts', version, features: { x } }));
	}
}
