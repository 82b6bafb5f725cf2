// Drift in the Node.js API: kinds of columns, verdicts, refusals, and the reference values of the corpus.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { drift, EdgeAiError } from '../index.js';
import { native } from '../native.js';
import { root } from './support/harper.js';

const corpus = join(process.env.EDGE_AI_CORPUS ?? join(root, '../shared/corpus'), 'stats');
const skip = !existsSync(corpus) && 'skipped: no corpus';

const range = (count, valueAt) => Array.from({ length: count }, (_, at) => valueAt(at));
const low = range(100, (at) => at / 10);
const high = range(100, (at) => at / 10 + 5);

describe('a data set', () => {
	test('is judged by its columns', async () => {
		const colours = range(100, (at) => ['red', 'green', 'blue'][at % 3]);
		const reference = { shifted: low, same: low, colour: colours };
		const report = await drift(reference, { shifted: high, same: [...low].reverse(), colour: colours });
		assert.deepEqual(
			report.columns.map(({ name, kind, method, verdict }) => [name, kind, method, verdict]),
			[
				['shifted', 'number', 'ks', 'drift'],
				['same', 'number', 'ks', 'ok'],
				['colour', 'category', 'chisquare', 'ok'],
			]
		);
		const { verdict, driftedColumns, insufficientColumns, driftedShare } = report;
		assert.deepEqual([verdict, driftedColumns, insufficientColumns, driftedShare], ['ok', 1, 0, 1 / 3]);
		const { statistic, location, pValue, threshold, why, histogram, ...shifted } = report.columns[0];
		assert.equal(statistic, 0.5);
		assert.equal(location, 4.9);
		assert.ok(pValue > 0 && pValue < 1e-10);
		assert.equal(threshold, 0.05);
		assert.equal(why, 'numbers with more than 5 distinct values, at most 1000 reference rows');
		assert.deepEqual(shifted.reference, { count: 100, missing: 0, infinite: 0, distinct: 100 });
		assert.equal(histogram.edges.length, histogram.reference.length + 1);
		assert.equal(
			histogram.reference.reduce((sum, count) => sum + count),
			100
		);
		assert.deepEqual(report.columns[2].histogram, {
			categories: ['red', 'blue', 'green'],
			reference: [34, 33, 33],
			current: [34, 33, 33],
		});
	});

	test('compares vectors as a whole', async () => {
		const signs = (flip) => range(60, (at) => (at % 2 === 0 ? [1, flip] : Float32Array.of(-1, -flip)));
		const other = await drift(signs(1), [...signs(-1), null, [NaN, 1], [Infinity, 1]]);
		assert.deepEqual(
			[other.kind, other.method, other.verdict, other.why],
			['vector', 'empirical_mmd', 'drift', 'vectors']
		);
		assert.deepEqual(other.current, { count: 60, missing: 2, infinite: 1, distinct: 2 });
		assert.equal(other.histogram, null);
		assert.equal((await drift(signs(1), signs(1))).verdict, 'ok');
		assert.equal(
			(await drift({ v: [null, null] }, { v: signs(1) }, { kind: { v: 'vector' } })).columns[0].reason,
			'reference has no value'
		);
		const many = range(1100, (at) => [at, 1]);
		assert.match((await drift(many, many)).reason, /more than 2000 different values; compare a sample/);
	});

	test('has kinds of columns by their values', async () => {
		const columns = {
			floats: Float32Array.from({ length: 40 }, (_, at) => at % 3),
			few: range(40, (at) => at % 3),
			many: range(40, (at) => at),
			integers: Int32Array.from({ length: 40 }, (_, at) => at % 2),
			big: BigInt64Array.from({ length: 40 }, (_, at) => BigInt(at)),
			flags: range(40, (at) => at % 2 === 0),
			words: range(40, (at) => `word ${at}`),
			names: range(40, (at) => `name ${at % 20}`),
			nothing: range(40, () => null),
		};
		const { columns: found, verdict } = await drift(columns, columns);
		const kinds = Object.fromEntries(found.map(({ name, kind }) => [name, kind]));
		assert.deepEqual(kinds, {
			floats: 'number',
			few: 'category',
			many: 'number',
			integers: 'category',
			big: 'number',
			flags: 'category',
			words: 'text',
			names: 'category',
			nothing: 'number',
		});
		assert.equal(verdict, 'ok');
		const nothing = found.at(-1);
		assert.deepEqual([nothing.verdict, nothing.reason], ['insufficient', 'reference has no value']);
		assert.equal(nothing.reference.missing, 40);
		assert.equal(nothing.histogram, null);
		const asked = await drift(columns, columns, {
			kind: { words: 'category', few: 'number' },
			method: { words: 'psi' },
		});
		assert.deepEqual(
			asked.columns.filter(({ name }) => ['few', 'words'].includes(name)).map(({ kind, verdict }) => [kind, verdict]),
			[
				['number', 'ok'],
				['category', 'ok'],
			]
		);
	});

	test('may be corrected for its many tests', async () => {
		const names = range(20, (at) => `column ${at}`);
		const of = (values) => Object.fromEntries(names.map((name) => [name, values]));
		const plain = await drift(of(low), of(range(100, (at) => at / 10 + 1)));
		const corrected = await drift(of(low), of(range(100, (at) => at / 10 + 1)), { correction: 'bonferroni' });
		const [{ pValue }] = plain.columns;
		assert.equal(corrected.columns[0].pValue, pValue);
		assert.equal(corrected.columns[0].adjustedPValue, Math.min(1, 20 * pValue));
		assert.equal(plain.columns[0].adjustedPValue, undefined);
	});
});

describe('a column', () => {
	test('alone is judged alone', async () => {
		const found = await drift(low, high, { method: 'wasserstein', threshold: 2 });
		assert.ok(Math.abs(found.statistic - 5) < 1e-12);
		assert.deepEqual([found.verdict, found.threshold, found.why], ['ok', 2, 'asked for']);
		assert.ok(!('name' in found) && !('pValue' in found));
	});

	test('with too few values is never ok', async () => {
		const few = await drift([1.5, 2, 3], [1.5, 2, 3]);
		assert.deepEqual([few.verdict, few.reason], ['insufficient', 'a side has 3 values, fewer than 30']);
		assert.equal((await drift([1.5, 2, 3], [1.5, 2, 3], { minRows: 3 })).verdict, 'ok');
		assert.equal((await drift([], [])).verdict, 'insufficient');
		const empty = await drift(
			low,
			range(50, () => NaN)
		);
		assert.deepEqual(
			[empty.verdict, empty.reason, empty.current.missing],
			['insufficient', 'current has no value', 50]
		);
	});

	test('may have an infinite statistic', async () => {
		const seen = range(60, (at) => (at % 2 ? 'a' : 'b'));
		const found = await drift(seen, [...seen.slice(1), 'c'], { method: 'chisquare' });
		assert.deepEqual([found.statistic, found.pValue, found.verdict], [Infinity, 0, 'drift']);
		const fair = await drift(seen, [...seen.slice(1), 'c'], { method: 'chisquare_two_sample' });
		assert.equal(fair.verdict, 'ok');
	});

	test('of a million categories is bounded', async () => {
		const many = range(1_000_000, (at) => at);
		const found = await drift(many, many, { kind: 'category' });
		assert.equal(found.histogram.categories.length, 50);
		assert.deepEqual(found.histogram.others, { categories: 999_950, reference: 999_950, current: 999_950 });
		assert.deepEqual([found.method, found.distance], ['jensenshannon', 0]);
	});
});

test('bad input is refused by what is wrong with it', async () => {
	const refused = async (message, ...args) => assert.rejects(drift(...args), { name: 'TypeError', message });
	await refused(/drift takes columns by name, or one array on both sides; received null as reference/, null, {});
	await refused(/received a value of type Array as current|as current/, { a: low }, low);
	await refused(/reference has none/, {}, {});
	await refused(/current has no column "a", which reference has/, { a: low }, { b: low });
	await refused(/reference has no column "b", which current has/, { a: low }, { a: low, b: low });
	await refused(/current: column "b" has 1 rows, column "a" has 100/, { a: low, b: low }, { a: low, b: [1] });
	await refused(/column "a" must be an array or a typed array, received 3/, { a: 3 }, { a: low });
	await refused(/column "a" has values of type number and string/, { a: low }, { a: ['x'] });
	await refused(/row 1 must be a number or null, received "x"/, [1.5, 'x'], [1], { kind: 'number' });
	await refused(/row 0 must be a string, a number, a boolean or null/, [{}], ['x'], { kind: 'category' });
	await refused(/row 1 must be an array of 2 numbers, as many as the first one has, or null/, [[1, 2], [3]], [[1, 2]]);
	await refused(/row 0 must hold numbers, received "x"/, [['x']], [[1]]);
	await refused(/a vector must have at least one number/, [[]], [[]]);
	await assert.rejects(drift([[1]], [[2]], { method: 'ks' }), {
		code: 'INVALID_REQUEST',
		message: /ks does not compare vectors; empirical_mmd does/,
	});
	await refused(/drift does not take "methods"; did you mean "method"\?/, low, low, { methods: 'ks' });
	await refused(/kind must be one of number, category, text, vector/, low, low, { kind: 'numeric' });
	await refused(/threshold must be a number of at least 0/, low, low, { threshold: NaN });
	await refused(/driftShare must be a number above 0/, low, low, { driftShare: 0 });
	await refused(/minRows must be a whole number/, low, low, { minRows: 0 });
	await refused(
		/method: there is no column "ages"; did you mean "age"\?/,
		{ age: low },
		{ age: low },
		{ method: { ages: 'ks' } }
	);

	const invalid = (message, ...args) =>
		assert.rejects(drift(...args), (error) => {
			assert.ok(error instanceof EdgeAiError);
			assert.equal(error.code, 'INVALID_REQUEST');
			assert.match(error.message, message);
			return true;
		});
	await invalid(/there is no drift method "wassersten"; did you mean "wasserstein"\?/, low, low, {
		method: 'wassersten',
	});
	await invalid(/there is no correction "benjamini"; did you mean "benjamini_/, low, low, { correction: 'benjamini' });
	await invalid(/column "a": ks compares numbers/, { a: range(9, () => 'x') }, { a: ['x'] }, { method: 'ks' });
	await invalid(/fisher_exact compares at most 2 categories, and these are 3/, ['a', 'b'], ['c', 'a', 'b'], {
		method: 'fisher_exact',
		kind: 'category',
	});
});

test('the declared methods and corrections are those of the addon', () => {
	const declarations = readFileSync(join(root, 'index.d.ts'), 'utf8');
	const namesIn = (text) => [...text.matchAll(/'(\w+)'/g)].map(([, name]) => name);
	const [, methods] = declarations.match(/type DriftMethod =([^;]*);/);
	assert.deepEqual(namesIn(methods).sort(), native.driftMethods().sort());
	const [, corrections] = declarations.match(/correction\?:([^;]*);/);
	assert.deepEqual(namesIn(corrections).sort(), native.driftCorrections().sort());
	const page = readFileSync(join(root, 'docs/node-api.md'), 'utf8')
		.split('\n## ')
		.find((part) => part.startsWith('`drift`'));
	const documented = [...page.matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name);
	assert.deepEqual(documented.sort(), native.driftMethods().sort());
});

describe('the corpus', { skip }, () => {
	const casesOf = (file) => (skip ? [] : JSON.parse(readFileSync(join(corpus, file), 'utf8')).cases);
	const number = (value) => (typeof value === 'string' ? Number(value) : value);
	const near = (found, expected) => Math.abs(found - expected) <= 1e-6 * Math.abs(expected) + 1e-15;

	test('frames have their kinds, methods and scores by default', async () => {
		const METHODS = { 'K-S p_value': 'ks', 'chi-square p_value': 'chisquare', 'Z-test p_value': 'z' };
		const KINDS = { num: 'number', cat: 'category' };
		const frames = casesOf('drift-more.json').filter(({ kind }) => kind === 'frame');
		assert.ok(frames.length > 0);
		for (const { name, reference, current, expected } of frames) {
			const report = await drift(reference, current);
			assert.equal(report.driftedColumns, expected.drifted_count, name);
			assert.equal(report.driftedShare, expected.drifted_share, name);
			for (const column of report.columns) {
				const { score, method, threshold } = expected.columns[column.name];
				assert.equal(column.kind, KINDS[expected.column_types[column.name]], column.name);
				assert.deepEqual([column.method, column.threshold], [METHODS[method], threshold]);
				assert.ok(near(column.pValue, score), `${name} ${column.name}: ${column.pValue}, expected ${score}`);
			}
		}
	});

	test('columns have the method and the score of Evidently', async () => {
		let compared = 0;
		for (const { name, kind, reference, current, expected } of casesOf('drift-more.json')) {
			if (!Array.isArray(reference)) continue;
			const isNumeric = kind === 'numeric';
			const read = (values) => (isNumeric ? values.map(number) : values);
			const { test: method, score, threshold, drifted } = expected.evidently_default;
			const options = { kind: isNumeric ? 'number' : 'category', minRows: 1 };
			const found = await drift(read(reference), read(current), options);
			assert.deepEqual([found.method, found.threshold], [method, threshold], name);
			const own = found.pValue ?? found.distance;
			assert.ok(near(own, score), `${name}: ${own}, expected ${score}`);
			assert.equal(found.verdict, drifted ? 'drift' : 'ok', name);
			compared += 1;
		}
		assert.ok(compared > 30);
	});
});
