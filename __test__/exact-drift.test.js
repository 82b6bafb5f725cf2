// GET /monitoring/drift?exact=true: events of one time or version beside those of another, against drift() over the same values.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { drift } from '../index.js';
import { native } from '../native.js';
import { timeOf } from '../resources/monitoring/record.js';
import { root, startHarper } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { randomFrom } from './support/random.js';
import { until } from './support/until.js';

const corpus = join(process.env.EDGE_AI_CORPUS ?? join(root, '../shared/corpus'), 'stats');
const skip = !existsSync(corpus) && 'skipped: no corpus';

const DOUBLE = 11;
const STRING = 8;
const ROWS = 60;
const range = (count, valueAt) => Array.from({ length: count }, (_, at) => valueAt(at));
const number = (value) => (value === undefined ? undefined : Number(value));
const near = (found, expected) =>
	Object.is(found, expected) || Math.abs(found - expected) <= 1e-6 * Math.abs(expected) + 1e-15;

/** A model that answers with its inputs, given as [name, type, shape]. */
const identity = (inputs) =>
	onnxModel({
		nodes: inputs.map(([name]) => ['Identity', [name], [`${name} again`]]),
		inputs,
		outputs: inputs.map(([name, ...rest]) => [`${name} again`, ...rest]),
	});

let harper;
before(async () => {
	harper = await startHarper({ threads: 1, options: { recordFeatures: 'full' } });
});
after(() => harper?.dispose());

async function upload(modelId, version, inputs, inputSchema) {
	const fields = { modelId, version, ...(inputSchema && { inputSchema: JSON.stringify(inputSchema) }) };
	const { status, body } = await harper.upload(fields, [{ name: 'model.onnx', content: identity(inputs) }]);
	assert.equal(status, 201, JSON.stringify(body));
}

/** Predicts, and says when that was; no other prediction is of the same millisecond. */
async function predict(modelId, version, features) {
	const { status, body } = await harper.predict({ modelId, version, features });
	assert.equal(status, 200, JSON.stringify(body));
	const time = timeOf(body.inferenceId);
	await until('the next millisecond', () => Date.now() > time);
	return time;
}

async function ask(modelId, version, more, how) {
	const query = new URLSearchParams({ modelId, version, exact: true, ...more });
	return harper.get(`/monitoring/drift?${query}`, how);
}

async function report(...given) {
	const { status, body } = await ask(...given);
	assert.equal(status, 200, JSON.stringify(body));
	return { ...body, of: (name) => body.columns.find((column) => column.name === name) };
}

/** What the answer says of a column is what drift() says of its values. */
function assertSame(found, expected, name) {
	const { method, why, verdict, threshold, kind } = expected;
	assert.deepEqual(
		[found.method, found.verdict, found.threshold, found.kind],
		[method, verdict, threshold, kind],
		name
	);
	if (why !== undefined) assert.equal(found.why, why, name);
	for (const field of ['statistic', 'pValue', 'distance', 'adjustedPValue', 'degreesOfFreedom']) {
		assert.ok(
			near(number(found[field]), expected[field]),
			`${name}, ${method}: ${field} is ${found[field]}, expected ${expected[field]}`
		);
	}
	assert.equal(found.bounds, undefined, name);
}

describe('drift value by value', () => {
	const SHAPE = [
		['x', FLOAT, ['n', 2]],
		['word', STRING, ['n', 1]],
		['image', FLOAT, ['n', 2, 2]],
	];
	const SCHEMA = { inputs: [{ name: 'x', columns: ['age', 'income'] }] };
	const sideOf = (seed, shift, words) => {
		const random = randomFrom(seed);
		const x = range(ROWS, () => [20 + 50 * random() + shift, Math.exp(3 * random())].map(Math.fround));
		const image = range(ROWS, () => range(2, () => range(2, () => Math.fround(random() + shift))));
		return { x, word: range(ROWS, (at) => [words[at % words.length]]), image };
	};
	const REFERENCE = sideOf(1, 0, ['a', 'b', 'a']);
	const CURRENT = sideOf(2, 15, ['a', 'b', 'c']);
	const columnsOf = ({ x, word, image }) => ({
		age: x.map(([age]) => age),
		income: x.map(([, income]) => income),
		word: word.flat(),
		image: image.map((rows) => rows.flat()),
	});
	const SIDES = [columnsOf(REFERENCE), columnsOf(CURRENT)];
	const OF_V1 = { referenceVersion: 'v1' };
	const times = {};

	before(async () => {
		for (const [version, features] of Object.entries({ v1: REFERENCE, v2: CURRENT })) {
			await upload('m', version, SHAPE, SCHEMA);
			// Rows come in predictions of one, and of many.
			const parts = [range(1, () => 0), range(ROWS - 1, (at) => at + 1)];
			for (const places of parts) {
				const part = Object.entries(features).map(([name, rows]) => [name, places.map((at) => rows[at])]);
				times[version] = await predict('m', version, Object.fromEntries(part));
			}
		}
	});

	test('is that of the columns, in the form of profiles', async () => {
		const found = await report('m', 'v2', OF_V1);
		const expected = await drift(...SIDES);
		assert.equal(found.exact, true);
		assert.deepEqual(
			[found.reference.version, found.reference.rows, found.reference.events, found.current.rows],
			['v1', ROWS, 2, ROWS]
		);
		assert.deepEqual(
			found.columns.map(({ name }) => name),
			[
				'age',
				'image',
				'income',
				...['image again', 'word again', 'x again[0]', 'x again[1]'].map((o) => `output.${o}`),
				'word',
			]
		);
		for (const column of expected.columns) assertSame(found.of(column.name), column, column.name);
		assertSame(found.of('output.x again[0]'), expected.columns[0], 'output');
		const [age] = expected.columns;
		assert.deepEqual(found.of('age').histogram, age.histogram);
		assert.deepEqual(found.of('age').reference, age.reference);
		assert.deepEqual([found.verdict, found.uncertainColumns], ['drift', 0]);
		assert.deepEqual(found.of('word').quality.unseen, { categories: 1, share: 1 / 3, names: ['c'], isExact: true });
		const above = SIDES[1].age.filter((value) => value > Math.max(...SIDES[0].age)).length / ROWS;
		assert.deepEqual(found.of('age').quality.outOfRange, { below: 0, above, error: 0 });
		const profiles = await harper.get('/monitoring/drift?modelId=m&version=v2&referenceVersion=v1');
		assert.equal(profiles.body.exact, undefined);
		assert.deepEqual(
			profiles.body.columns.map(({ name }) => name),
			found.columns.map(({ name }) => name)
		);
	});

	test('by every method, of all columns or of one, and corrected', async () => {
		for (const method of native.driftMethods()) {
			const found = await report('m', 'v2', { ...OF_V1, method });
			let fitting = 0;
			for (const name of Object.keys(SIDES[0])) {
				const of = (side) => ({ [name]: side[name] });
				const asked = await drift(of(SIDES[0]), of(SIDES[1]), { method }).catch((error) => {
					assert.equal(error.code, 'INVALID_REQUEST');
				});
				if (asked) fitting += 1;
				const [expected] = (asked ?? (await drift(of(SIDES[0]), of(SIDES[1])))).columns;
				assertSame(found.of(name), expected, name);
			}
			assert.ok(fitting > 0 || ['z', 'fisher_exact'].includes(method), method);
		}
		const methods = JSON.stringify({ age: 'psi' });
		const one = await report('m', 'v2', { ...OF_V1, method: methods, correction: 'benjamini_hochberg' });
		assert.deepEqual([one.of('age').method, one.of('income').method], ['psi', 'ks']);
		assert.ok(one.of('income').adjustedPValue >= one.of('income').pValue);
	});

	test('an infinite statistic is told, of events and of profiles', async () => {
		for (const exact of ['true', 'false']) {
			const { word } = Object.fromEntries(
				(await report('m', 'v2', { ...OF_V1, method: 'chisquare', exact })).columns.map((column) => [
					column.name,
					column,
				])
			);
			assert.deepEqual([word.statistic, word.pValue, word.verdict], ['Infinity', 0, 'drift'], exact);
		}
	});

	test('of times, to the millisecond', async () => {
		const second = await predict('m', 'v1', CURRENT);
		const found = await report('m', 'v1', { from: second, to: second, referenceTo: times.v1 });
		assert.deepEqual([found.current.from, found.current.to, found.current.rows], [second, second, ROWS]);
		const expected = await drift(...SIDES);
		assertSame(found.of('age'), expected.columns[0], 'age');
		assert.equal((await harper.get(`/monitoring/events?modelId=m&version=v1`)).body.count, 3);
	});

	test('of a stored reference as long as its events are there', async () => {
		const hour = times.v2 - (times.v2 % 3_600_000);
		const made = await harper.request(
			'POST',
			`/monitoring/reference?modelId=m&version=v2&name=now&from=${hour}&to=${times.v2}`
		);
		assert.equal(made.status, 201, JSON.stringify(made.body));
		const found = await report('m', 'v2', { reference: 'now' });
		assert.deepEqual(
			[found.reference.name, found.reference.rows, found.reference.incomplete],
			['now', ROWS, undefined]
		);
		assert.equal(found.of('age').pValue, 1);
		await predict('m', 'v2', CURRENT);
		assert.equal((await report('m', 'v2', { reference: 'now' })).reference.incomplete, true);
	});

	test('what is asked for wrongly is told', async () => {
		const uploaded = await harper.request(
			'POST',
			'/monitoring/reference?modelId=m&version=v1&name=training&format=json',
			{
				body: JSON.stringify([
					{
						age: 1,
						income: 2,
						word: 'a',
						image: [
							[1, 2],
							[3, 4],
						],
					},
				]),
			}
		);
		assert.equal(uploaded.status, 201, JSON.stringify(uploaded.body));
		for (const [version, more, message] of [
			['v1', { reference: 'training' }, /"training", which is of uploaded data, a profile is kept; name the events by/],
			['v2', {}, /first predictions of version "v2", and/],
			['v2', { ...OF_V1, exact: 'yes' }, /exact must be true or false/],
			['v2', { ...OF_V1, method: 'kz' }, /there is no drift method "kz"/],
			['v2', { ...OF_V1, method: '{"agee":"ks"}' }, /no column "agee"; did you mean "age"/],
			['v2', { ...OF_V1, method: '{"word":"ks"}' }, /ks compares numbers, and these are categories/],
			['v2', { ...OF_V1, to: 1_000_000 }, /current: no prediction of this time is stored/],
			['v2', { referenceVersion: 'v9' }, /reference: no prediction of this time is stored/],
		]) {
			const { status, body } = await ask('m', version, more);
			assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST'], JSON.stringify([more, body]));
			assert.match(body.error, message);
		}
	});

	test('predictions whose features are not kept are counted, and so are those of other bytes', async () => {
		await upload('kept', 'v1', [['x', FLOAT, ['n', 1]]]);
		const rows = range(ROWS, (at) => [at]);
		await predict('kept', 'v1', { x: rows });
		await harper.restart({ recordFeatures: 'none' });
		const second = await predict('kept', 'v1', { x: rows });
		await harper.restart({ recordFeatures: 'full' });
		const found = await report('kept', 'v1', { referenceTo: second });
		assert.deepEqual([found.reference.rows, found.reference.events, found.reference.withoutFeatures], [2 * ROWS, 2, 1]);
		assert.deepEqual([found.of('x').reference.count, found.of('output.x again').reference.count], [ROWS, 2 * ROWS]);
		const removed = await harper.request('DELETE', '/model/kept/v1');
		assert.equal(removed.status, 200, JSON.stringify(removed.body));
		await upload('kept', 'v1', [['x', FLOAT, ['m', 1]]]);
		await predict('kept', 'v1', { x: [[1]] });
		const later = await report('kept', 'v1', { referenceVersion: 'v1' });
		assert.deepEqual([later.current.rows, later.current.leftOut], [1, 2]);
	});

	test('what is too much is refused with what is not', async () => {
		await upload('many', 'v1', [['x', FLOAT, ['n', 1]]]);
		const first = await predict('many', 'v1', { x: range(60_000, () => [1]) });
		const second = await predict('many', 'v1', { x: range(60_000, () => [2]) });
		const { status, body } = await ask('many', 'v1', { referenceTo: second });
		assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST'], JSON.stringify(body));
		assert.match(body.error, /reference: exact compares at most 100000 rows a side/);
		assert.match(body.error, new RegExp(`from ${second} on they are fewer; narrow referenceFrom and referenceTo`));
		const found = await report('many', 'v1', { referenceTo: first, from: second });
		assert.deepEqual([found.reference.rows, found.current.rows], [60_000, 60_000]);
	});

	test('columns are compared that the caller may read', async () => {
		const rights = { read: true, insert: false, update: false, delete: false };
		const attributes = ['modelId', 'modelVersion', 'timestamp', 'featuresIn'].map((name) => ({
			...{ attribute_name: name, read: true, insert: false, update: false },
		}));
		const tables = { InferenceEvent: { ...rights, attribute_permissions: attributes } };
		await harper.addRole('features', { edge_ai: { tables } });
		const { columns } = await report('m', 'v2', OF_V1, { user: 'features' });
		assert.deepEqual(
			columns.map(({ name }) => name),
			['age', 'image', 'income', 'word']
		);
	});
});

describe('the corpus as events', { skip }, () => {
	const casesOf = (file) => (skip ? [] : JSON.parse(readFileSync(join(corpus, file), 'utf8')).cases);
	const cases = ['drift.json', 'drift-more.json'].flatMap((file) =>
		casesOf(file)
			.filter(({ reference, kind }) => Array.isArray(reference) && ['numeric', 'categorical'].includes(kind))
			.map(({ reference, current, ...one }) => {
				const isNumeric = one.kind === 'numeric';
				const read = (values) =>
					isNumeric ? values.map(Number) : values.filter((value) => value !== null).map(String);
				const sides = { reference: read(reference), current: read(current) };
				return { ...one, ...sides, isNumeric, column: `${file.replace(/\W/g, '_')}_${one.name.replace(/\W/g, '_')}` };
			})
	);
	const time = {};

	before(async () => {
		const inputs = cases.map(({ column, isNumeric }, at) => [column, isNumeric ? DOUBLE : STRING, [`n${at}`, 1]]);
		await upload('corpus', 'v1', inputs);
		const written = (value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value);
		for (const side of ['reference', 'current']) {
			const features = cases.map((one) => [one.column, one[side].map((value) => [written(value)])]);
			time[side] = await predict('corpus', 'v1', Object.fromEntries(features));
		}
	});

	const of = (more) => report('corpus', 'v1', { referenceTo: time.reference, from: time.current, minRows: 1, ...more });

	test('has the method and the score of Evidently', async () => {
		assert.ok(cases.length > 60);
		const { of: column } = await of();
		let compared = 0;
		for (const { column: name, expected, isNumeric } of cases) {
			const found = column(name);
			assert.equal(found.kind, isNumeric ? 'number' : 'category', name);
			const { test: method, score, threshold, drifted } = expected.evidently_default ?? {};
			if (method === undefined) continue;
			assert.deepEqual([found.method, found.threshold], [method, threshold], name);
			assert.ok(
				near(found.pValue ?? found.distance, score),
				`${name}: ${found.pValue ?? found.distance}, not ${score}`
			);
			assert.equal(found.verdict, drifted ? 'drift' : 'ok', name);
			compared += 1;
		}
		assert.ok(compared > 30);
	});

	/** Rows on both sides beyond which a method that looks at all pairs again and again is not asked. */
	const MAX_PAIRED_ROWS = 300;
	const isPaired = (method) => method === 'empirical_mmd';

	for (const method of native.driftMethods()) {
		test(`has what drift() says by ${method}`, async () => {
			const asked = isPaired(method)
				? cases.filter((one) => one.isNumeric && one.reference.length + one.current.length <= MAX_PAIRED_ROWS)
				: cases;
			const byName = JSON.stringify(Object.fromEntries(asked.map(({ column: name }) => [name, method])));
			const { of: column } = await of({ method: isPaired(method) ? byName : method });
			let compared = 0;
			for (const { column: name, reference, current, isNumeric } of asked) {
				const options = { method, kind: isNumeric ? 'number' : 'category', minRows: 1 };
				const expected = await drift(reference, current, options).catch((error) => {
					assert.equal(error.code, 'INVALID_REQUEST');
				});
				if (!expected) {
					assert.notEqual(column(name).method, method, name);
					continue;
				}
				assertSame(column(name), expected, name);
				compared += 1;
			}
			assert.ok(compared > 0);
		});
	}
});
