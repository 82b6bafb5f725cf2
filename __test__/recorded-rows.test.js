// Recorded predictions compared value by value, as the addon does it for GET /monitoring/drift?exact=true: against drift() over the same
// values, and with the reference values of the corpus.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { compareRecorded, RecordedRows } from '../binding.js';
import { drift } from '../index.js';
import { native } from '../native.js';
import { root } from './support/harper.js';

const corpus = join(process.env.EDGE_AI_CORPUS ?? join(root, '../shared/corpus'), 'stats');
const skip = !existsSync(corpus) && 'skipped: no corpus';

const ALL = { minRows: 1, driftShare: 0.5, features: true, outputs: true };
const number = (value) => (value === undefined ? undefined : Number(value));
const near = (found, expected) =>
	Object.is(found, expected) || Math.abs(found - expected) <= 1e-6 * Math.abs(expected) + 1e-15;
const written = (value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value);

/** The rows of one prediction whose inputs are columns, given as [name, dtype, values]. */
function rowsOf(columns) {
	const rows = new RecordedRows(256);
	const inputs = columns.map(([name, dtype], at) => ({ name, dtype, shape: [`n${at}`, 1] }));
	const model = rows.addModel(JSON.stringify({ inputs }), '{"outputs":[]}');
	const features = columns.map(([name, , values]) => [name, values.map((value) => [written(value)])]);
	rows.add(model, JSON.stringify(Object.fromEntries(features)), '{}');
	assert.deepEqual([rows.leftOut, rows.withoutFeatures], [0, 0]);
	return rows;
}

function assertSame(found, expected, name) {
	const { method, verdict, threshold, kind } = expected;
	assert.deepEqual(
		[found.method, found.verdict, found.threshold, found.kind],
		[method, verdict, threshold, kind],
		name
	);
	for (const field of ['statistic', 'pValue', 'distance', 'degreesOfFreedom']) {
		assert.ok(
			near(number(found[field]), expected[field]),
			`${name}, ${method}: ${field} is ${found[field]}, expected ${expected[field]}`
		);
	}
	assert.equal(found.bounds, undefined, name);
}

test('numbers, categories and vectors are compared as drift() does, in the form of profiles', async () => {
	const numbers = Array.from({ length: 60 }, (_, at) => at / 7);
	const moved = numbers.map((value) => value + 3);
	const words = numbers.map((_, at) => ['a', 'b'][at % 2]);
	const others = numbers.map((_, at) => ['a', 'c'][at % 2]);
	const of = (x, word) => rowsOf([['x', 'float64', x], ['word', 'string', word]]); // prettier-ignore
	for (const method of native.driftMethods()) {
		const found = await compareRecorded(of(numbers, words), of(moved, others), { ...ALL, method });
		const sides = { x: [numbers, moved], word: [words, others] };
		for (const column of found.columns) {
			const options = { kind: column.kind, minRows: 1 };
			const [before, now] = sides[column.name];
			const asked = await drift(before, now, { ...options, method }).catch((error) => {
				assert.equal(error.code, 'INVALID_REQUEST');
			});
			assertSame(column, asked ?? (await drift(before, now, options)), column.name);
		}
	}
	const { columns, ...report } = await compareRecorded(of(numbers, words), of(moved, others), ALL);
	assert.deepEqual(report, {
		verdict: 'drift',
		driftedColumns: 2,
		uncertainColumns: 0,
		insufficientColumns: 0,
		driftedShare: 1,
		notInReference: [],
	});
	const [word, x] = columns;
	assert.deepEqual([word.statistic, word.pValue], ['Infinity', 0]);
	assert.deepEqual(word.quality.unseen, { categories: 1, share: 0.5, names: ['c'], isExact: true });
	assert.deepEqual(word.histogram, { categories: ['a', 'b', 'c'], reference: [30, 30, 0], current: [30, 0, 30] });
	assert.deepEqual(x.quality.outOfRange, { below: 0, above: 21 / 60, error: 0 });
	assert.deepEqual(x.reference, { count: 60, missing: 0, infinite: 0, distinct: 60 });
});

test('what is asked for wrongly is told', async () => {
	const of = () => rowsOf([['word', 'string', ['a', 'b']]]);
	const refused = (how, message) =>
		assert.rejects(compareRecorded(of(), of(), { ...ALL, ...how }), { code: 'INVALID_REQUEST', message });
	await refused({ method: 'kz' }, /there is no drift method "kz"/);
	await refused({ methodOf: { words: 'psi' } }, /no column "words"; did you mean "word"/);
	await refused({ methodOf: { word: 'ks' } }, /ks compares numbers, and these are categories/);
	assert.throws(() => new RecordedRows(1).addModel('{}', '{}'), { code: 'INVALID_REQUEST' });
});

describe('the corpus', { skip }, () => {
	const casesOf = (file) => (skip ? [] : JSON.parse(readFileSync(join(corpus, file), 'utf8')).cases);
	const cases = ['drift.json', 'drift-more.json'].flatMap((file) =>
		casesOf(file)
			.filter(({ reference, kind }) => Array.isArray(reference) && ['numeric', 'categorical'].includes(kind))
			.map(({ reference, current, ...one }) => {
				const isNumeric = one.kind === 'numeric';
				const read = (values) =>
					isNumeric ? values.map(Number) : values.filter((value) => value !== null).map(String);
				return { ...one, reference: read(reference), current: read(current), isNumeric, column: `${file} ${one.name}` };
			})
	);
	const sideOf = (side) => rowsOf(cases.map((one) => [one.column, one.isNumeric ? 'float64' : 'string', one[side]]));
	const report = async (more) => {
		const { columns } = await compareRecorded(sideOf('reference'), sideOf('current'), { ...ALL, ...more });
		return new Map(columns.map((column) => [column.name, column]));
	};

	test('has the method and the score of Evidently', async () => {
		assert.ok(cases.length > 60);
		const columns = await report();
		let compared = 0;
		for (const { column: name, expected, isNumeric } of cases) {
			const found = columns.get(name);
			assert.equal(found.kind, isNumeric ? 'number' : 'category', name);
			if (!expected.evidently_default) continue;
			const { test: method, score, threshold, drifted } = expected.evidently_default;
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

	for (const method of native.driftMethods()) {
		test(`has what drift() says by ${method}`, async () => {
			const columns = await report({ method });
			let compared = 0;
			for (const { column: name, reference, current, isNumeric } of cases) {
				const options = { method, kind: isNumeric ? 'number' : 'category', minRows: 1 };
				const expected = await drift(reference, current, options).catch((error) => {
					assert.equal(error.code, 'INVALID_REQUEST');
				});
				if (!expected) {
					assert.notEqual(columns.get(name).method, method, name);
					continue;
				}
				assertSame(columns.get(name), expected, name);
				compared += 1;
			}
			assert.ok(compared > 0);
		});
	}
});
