// GET /monitoring/drift: profiles of one version beside those of another, against drift() over the same rows.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { drift } from '../index.js';
import { limited } from '../resources/http/limited.js';
import { startHarper } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { randomFrom } from './support/random.js';

const ROWS = 4000;
/** Sums in another order differ by their rounding. */
const SLACK = 1e-9;

/** Rows of an age that moves and an income that does not. */
function rowsOf(seed, shift) {
	const random = randomFrom(seed);
	return Array.from({ length: ROWS }, () => [20 + 50 * random() + shift, Math.exp(3 * random())]);
}
const REFERENCE = rowsOf(1, 0);
const CURRENT = rowsOf(2, 15);
const columnsOf = (rows) => ({
	age: rows.map(([age]) => Math.fround(age)),
	income: rows.map(([, income]) => Math.fround(income)),
});

let harper;
before(async () => {
	harper = await startHarper();
	const content = onnxModel({
		nodes: [['Relu', ['x'], ['y']]],
		inputs: [['x', FLOAT, ['n', 2]]],
		outputs: [['y', FLOAT, ['n', 2]]],
	});
	const inputSchema = JSON.stringify({ inputs: [{ name: 'x', columns: ['age', 'income'] }] });
	for (const [version, rows] of Object.entries({ v1: REFERENCE, v2: CURRENT })) {
		const uploaded = await harper.upload({ modelId: 'm', version, inputSchema }, [{ name: 'model.onnx', content }]);
		assert.equal(uploaded.status, 201, JSON.stringify(uploaded.body));
		const { status, body } = await harper.predict({ modelId: 'm', version, features: { x: rows } });
		assert.equal(status, 200, JSON.stringify(body));
	}
});
after(() => harper?.dispose());

const ask = (more, how) => harper.get(`/monitoring/drift?modelId=m&version=v2&${more}`, how);

async function report(more = '', how) {
	const { status, body } = await ask(`referenceVersion=v1${more}`, how);
	assert.equal(status, 200, JSON.stringify(body));
	return { ...body, of: (name) => body.columns.find((column) => column.name === name) };
}

describe('drift from profiles', () => {
	test('finds the column that moved, with bounds that hold for all rows', async () => {
		const found = await report();
		assert.deepEqual(
			found.columns.map(({ name, verdict }) => [name, verdict]),
			[
				['age', 'drift'],
				['income', 'ok'],
				['output.y[0]', 'drift'],
				['output.y[1]', 'ok'],
			]
		);
		assert.deepEqual([found.verdict, found.driftedShare], ['drift', 0.5]);
		assert.deepEqual([found.reference.version, found.reference.rows, found.current.version], ['v1', ROWS, 'v2']);
		const isWithin = ([low, high], value) => low - SLACK * value <= value && value <= high + SLACK * value;
		const exact = await drift(columnsOf(REFERENCE), columnsOf(CURRENT));
		for (const { name, method, why, statistic, distance } of exact.columns) {
			const own = found.of(name);
			assert.deepEqual([own.method, own.why], [method, why], name);
			assert.ok(isWithin(own.bounds.statistic, statistic), `${name}: ${statistic} in ${own.bounds.statistic}`);
			assert.ok(isWithin(own.bounds.distance, distance), `${name}: ${distance} in ${own.bounds.distance}`);
		}
		const { reference, current, histogram, quality } = found.of('age');
		assert.deepEqual(
			[reference.count, current.count, histogram.edges.length - 1],
			[ROWS, ROWS, histogram.current.length]
		);
		assert.ok(Math.abs(quality.outOfRange.above - 15 / 50) < 0.03, JSON.stringify(quality));
		assert.deepEqual(quality.constant, { reference: false, current: false });
	});

	test('by any method, of all columns or of one, and corrected', async () => {
		const { columns } = await report('&method=ks');
		assert.ok(columns.every(({ method, why }) => method === 'ks' && why === 'asked for'));
		const methods = encodeURIComponent(JSON.stringify({ age: 'psi' }));
		const one = await report(`&method=${methods}`);
		assert.deepEqual([one.of('age').method, one.of('income').method], ['psi', 'wasserstein']);
		const corrected = await report('&method=ks&correction=benjamini_hochberg');
		assert.ok(corrected.columns.every(({ adjustedPValue }) => adjustedPValue >= 0));
		const strict = await report('&minRows=5000');
		assert.deepEqual([strict.verdict, strict.insufficientColumns], ['insufficient', 4]);
	});

	test('nothing is judged that is certain of neither', async () => {
		const own = (await report()).of('income');
		const { verdict, bounds } = (await report(`&threshold=${own.distance}`)).of('income');
		assert.ok(bounds.distance[0] < own.distance && own.distance < bounds.distance[1]);
		assert.equal(verdict, 'uncertain');
	});

	test('what is asked for wrongly is told', async () => {
		for (const [more, message] of [
			['', /the first predictions of version "v2", and \d+ of 10000 rows are stored yet/],
			['referenceVersion=v1&method=kz', /there is no drift method "kz"; it is one of ks/],
			['referenceVersion=v1&method={"agee":"ks"}', /no column "agee"; did you mean "age"/],
			['referenceVersion=v1&method={"age":1}', /method must be the name/],
			['referenceVersion=v1&method={', /method must be the name/],
			['referenceVersion=v1&correction=none', /correction/],
			['referenceVersion=v1&threshold=x', /threshold must be a number of at least 0/],
			['referenceVersion=v1&driftShare=2', /driftShare must be a number from 0 to 1/],
			['referenceVersion=v3', /reference: no prediction was profiled/],
			['referenceVersion=', /referenceVersion is required/],
			['referenceTo=soon', /referenceTo must be a time/],
			['referenceTo=2020-01-01', /reference: no prediction was profiled/],
			['referenceFrom=2000000000&referenceTo=1000000000', /referenceFrom must not be after referenceTo/],
			['referenceVersion=v1&to=1000000000', /current: no prediction was profiled/],
			['referenceVersion=v1&column=age', /unknown parameter "column"/],
		]) {
			const { status, body } = await ask(more);
			assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST'], more);
			assert.match(body.error, message, more);
		}
	});

	test('more than a thread takes at once are refused', async () => {
		let end;
		const one = limited(1, (ends) => ends);
		const first = one(new Promise((resolve) => (end = resolve)));
		await assert.rejects(one(), { code: 'QUEUE_FULL' });
		end('ended');
		assert.equal(await first, 'ended');
		await assert.rejects(one(Promise.reject(new Error('it failed'))), /it failed/);
		assert.equal(await one(Promise.resolve('next')), 'next');

		const answers = await Promise.all(Array.from({ length: 100 }, () => ask('referenceVersion=v1')));
		for (const { status, body } of answers) {
			assert.ok(status === 200 || body.code === 'QUEUE_FULL', JSON.stringify(body));
		}
		assert.equal((await report()).verdict, 'drift');
	});

	test('a reference of another signature is refused', async () => {
		const content = onnxModel({
			nodes: [['Relu', ['z'], ['w']]],
			inputs: [['z', FLOAT, ['n', 1]]],
			outputs: [['w', FLOAT, ['n', 1]]],
		});
		await harper.upload({ modelId: 'm', version: 'other' }, [{ name: 'model.onnx', content }]);
		await harper.predict({ modelId: 'm', version: 'other', features: { z: [[1]] } });
		const { status, body } = await ask('referenceVersion=other');
		assert.deepEqual([status, body.code], [422, 'SCHEMA_MISMATCH'], JSON.stringify(body));
	});

	test('columns are compared that the caller may read', async () => {
		const rights = { read: true, insert: false, update: false, delete: false };
		const attributes = ['modelId', 'modelVersion', 'timestamp', 'featuresIn'].map((name) => ({
			...{ attribute_name: name, read: true, insert: false, update: false },
		}));
		const tables = { InferenceEvent: { ...rights, attribute_permissions: attributes } };
		await harper.addRole('features', { edge_ai: { tables } });
		const { columns } = await report('', { user: 'features' });
		assert.deepEqual(
			columns.map(({ name }) => name),
			['age', 'income']
		);
	});
});
