// What stands in the tables need not come from the routes: whoever may write a table may write anything.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startHarper } from './support/harper.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const DIGEST = 'a'.repeat(64);
const FILE_ID = '01234567-89ab-4cde-8f01-23456789abcd';

const FORGED = {
	modelId: 'forged',
	version: 'v1',
	framework: 'onnx',
	engine: 'onnxruntime',
	stage: 'production',
	inputSchema: '{"inputs":[{"name":"x","dtype":"float32","shape":[-1,4]}]}',
	outputSchema: '{"outputs":[{"name":"y","dtype":"float32","shape":[-1,1]}]}',
	uploadedAt: 1,
	digest: DIGEST,
	size: 10,
	files: [{ name: 'model.onnx', digest: DIGEST, size: 10, fileId: FILE_ID }],
};

/** Fields as no upload writes them. */
const UNSOUND = [
	{ digest: '../../../precious' },
	{ digest: '..' },
	{ digest: '' },
	{ digest: `${'a'.repeat(63)}/` },
	{ digest: `${DIGEST}\n` },
	{ framework: '"}, {"' },
	{ framework: null },
	{ stage: 'done' },
	{ inputSchema: 'x' },
	{ inputSchema: '{}' },
	{ inputSchema: '{"inputs":[null]}' },
	{ outputSchema: '{"outputs":[{"name":1}]}' },
	{ uploadedAt: 1e300 },
	{ uploadedAt: null },
	{ size: -1 },
	{ files: [] },
	{ files: [null] },
	{ files: [{ ...FORGED.files[0], fileId: '../x' }] },
	{ files: [{ ...FORGED.files[0], digest: '../x' }] },
	{ files: [{ ...FORGED.files[0], name: 7 }] },
	{ files: [{ ...FORGED.files[0], size: 'many' }] },
];

let harper;
before(async () => {
	harper = await startHarper({ threads: 1 });
	const { status } = await harper.upload({ modelId: 'iris', version: 'v1' }, ['examples/iris/model.onnx']);
	assert.equal(status, 201);
});
after(() => harper?.dispose());

const write = (table, ...records) => harper.operation({ operation: 'upsert', database: 'edge_ai', table, records });
const isThere = async (table, id) => {
	const [found] = await harper.operation({
		operation: 'search_by_id',
		database: 'edge_ai',
		table,
		ids: [id],
		get_attributes: ['id'],
	});
	return found !== undefined;
};

describe('records of Model that no upload wrote', () => {
	test('a digest is never a path', async () => {
		const folder = join(harper.rootPath, 'precious');
		mkdirSync(folder);
		writeFileSync(join(folder, 'file'), 'x');
		// From the cache folder and from Harper's root, however deep the cache is.
		for (const [at, up] of ['..', '../..', '../../..', '.'].entries()) {
			const version = `v${at}`;
			await write('Model', { ...FORGED, id: `forged:${version}`, version, digest: `${up}/precious` });
			const { status } = await harper.request('DELETE', `/model/forged/${version}`);
			assert.equal(status, 200);
			assert.equal(await isThere('Model', `forged:${version}`), false, 'the record is gone');
			assert.ok(existsSync(join(folder, 'file')), up);
		}
	});

	for (const fields of UNSOUND) {
		test(`${JSON.stringify(fields).slice(0, 60)} is refused by all that read it, and can be deleted`, async () => {
			const [field] = Object.keys(fields);
			await write('Model', { ...FORGED, ...fields, id: 'forged:v1' });
			const features = { x: SETOSA };
			for (const answer of [
				await harper.get('/model/forged/v1'),
				await harper.get('/model/forged/v1/file'),
				await harper.predict({ modelId: 'forged', version: 'v1', features }),
				await harper.request('PATCH', '/model/forged/v1', { body: { stage: 'staging' } }),
				await harper.upload({ modelId: 'forged', version: 'v1' }, ['examples/iris/model.onnx']),
			]) {
				assert.deepEqual([answer.status, answer.body.code], [422, 'INVALID_MODEL'], JSON.stringify(answer.body));
				assert.match(answer.body.error, new RegExp(`${field} must be`));
			}
			for (const path of ['/model', '/v2/repository/index', '/v2/models/stats']) {
				const { status, body } = await harper.request(path === '/v2/repository/index' ? 'POST' : 'GET', path);
				assert.equal(status, 200, path);
				assert.ok(!JSON.stringify(body).includes('forged'), path);
				assert.ok(JSON.stringify(body).includes('iris'), path);
			}
			assert.equal((await harper.get('/model/versions?modelId=forged')).status, 404);
			assert.equal((await harper.predict({ modelId: 'forged', features })).status, 404);
			assert.equal((await harper.request('DELETE', '/model/forged/v1')).status, 200);
			assert.equal(await isThere('Model', 'forged:v1'), false);
		});
	}

	test('deleting a record leaves the bytes that another one has', async () => {
		const { body } = await harper
			.operation({
				operation: 'search_by_id',
				database: 'edge_ai',
				table: 'Model',
				ids: ['iris:v1'],
				get_attributes: ['*'],
			})
			.then(([record]) => ({ body: record }));
		await write('Model', { ...FORGED, id: 'forged:v1', files: body.files });
		assert.equal((await harper.request('DELETE', '/model/forged/v1')).status, 200);
		assert.equal((await harper.get('/model/iris/v1/file')).body.length, body.size);
	});
});

describe('records of other tables that no route wrote', () => {
	test('events', async () => {
		const { body } = await harper.predict({ modelId: 'iris', features: { float_input: SETOSA } });
		const [own] = await harper.operation({
			operation: 'search_by_id',
			database: 'edge_ai',
			table: 'InferenceEvent',
			ids: [body.inferenceId],
			get_attributes: ['*'],
		});
		const id = (at) => `${own.id.slice(0, -4)}000${at}`;
		const forged = [
			{ modelVersion: null },
			{ timestamp: null },
			{ confidence: { a: 1 }, error: 'x', prediction: null },
		].map((fields, at) => ({
			...own,
			id: id(at),
			modelKey: `iris|${id(at)}`,
			versionKey: `iris|v1|${id(at)}`,
			...fields,
		}));
		const noId = { ...own, id: 'x', modelKey: 'iris|z', versionKey: 'iris|v1|z' };
		await write('InferenceEvent', ...forged, noId);
		const { body: page } = await harper.get('/monitoring/events?modelId=iris');
		assert.deepEqual(
			page.events.map((event) => event.id).toSorted(),
			[id(2), own.id].toSorted(),
			'what has no model or time is no event'
		);
		const bent = page.events.find((event) => event.id === id(2));
		for (const field of ['confidence', 'error', 'prediction']) {
			assert.ok(!(field in bent), field);
		}
		const metrics = await harper.get('/monitoring/metrics?modelId=iris');
		assert.deepEqual([metrics.status, metrics.body.count], [200, 1], 'what no prediction wrote counts nothing');
		assert.equal((await harper.feedback({ inferenceId: id(2), outcome: 0 })).status, 200);
		assert.equal((await harper.feedback({ inferenceId: id(0), outcome: 0 })).status, 404);
	});

	test('features', async () => {
		await harper.request('PUT', '/features/e', { body: { features: { a: 1 } } });
		const time = '0000001000000000.000';
		for (const [at, fields] of [
			{ features: 'x' },
			{ features: 'null' },
			{ features: '[1]' },
			{ features: '{"a":2}', created: null },
			{ features: null },
		].entries()) {
			await write('Feature', { id: `e|${time}|${at}`, entityId: 'e', timestamp: 1e12, created: 1e12, ...fields });
		}
		const { status, body } = await harper.get('/features/e?names=a,b');
		assert.deepEqual([status, body.features], [200, { a: 1 }]);
	});

	test('jobs', async () => {
		const id = '01900000-0000-7000-8000-000000000000';
		await write('Job', { id, state: 'completed', userId: 'admin', source: '../x', target: null, createdAt: 1 });
		assert.equal((await harper.get(`/jobs/${id}`)).status, 404);
		assert.deepEqual((await harper.get('/jobs')).body.jobs, []);
	});
});
