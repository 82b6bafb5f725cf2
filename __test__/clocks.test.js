// Records whose time is minutes ahead of the clock: another node wrote them whose clock is, or this one was set back. Harper drops
// a change that seems to be older without a word.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startHarper } from './support/harper.js';
import { postJob } from './support/jobs.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { until } from './support/until.js';

const AHEAD_MS = 600_000;
const SETOSA = { float_input: [5.1, 3.5, 1.4, 0.2] };
const ROWS = 4000;
const RELU = onnxModel({
	nodes: [['Relu', ['x'], ['y']]],
	inputs: [['x', FLOAT, ['rows', 1]]],
	outputs: [['y', FLOAT, ['rows', 1]]],
});

/** A component that writes the records of a table again, as a clock would that is ahead. */
const AHEAD = `
export class ahead extends Resource {
	static loadAsInstance = false;
	allowCreate() { return true; }
	async post(_target, { database, table, deleted }) {
		const Table = databases[database][table];
		const keys = deleted ?? [];
		const context = { timestamp: Date.now() + ${AHEAD_MS} };
		if (!deleted) for await (const record of Table.search({})) keys.push(record[Table.primaryKey]);
		await transaction(context, async () => {
			for (const key of keys) {
				if (deleted) await Table.delete(key, context);
				else await Table.patch(key, {}, context);
			}
		});
		return keys.length;
	}
}
`;

let harper;
before(async () => {
	harper = await startHarper();
	const folder = join(harper.rootPath, 'components', 'ahead');
	await mkdir(folder, { recursive: true });
	await writeFile(join(folder, 'config.yaml'), 'rest: true\njsResource:\n  files: resources.js\n');
	await writeFile(join(folder, 'resources.js'), AHEAD);
	await harper.restart();
});
after(() => harper?.dispose());

async function ahead(table, { database = 'edge_ai', deleted } = {}) {
	const { status, body } = await harper.request('POST', '/ahead/', { body: { database, table, deleted } });
	assert.ok(status < 300, JSON.stringify(body));
}

const upload = async (modelId, file = 'examples/iris/model.onnx') => {
	const { status, body } = await harper.upload({ modelId, version: 'v1' }, [file]);
	assert.equal(status, 201, JSON.stringify(body));
};
const modelOf = async (modelId) => harper.get(`/model/${modelId}/v1`);

describe('what is said after a record of later', () => {
	test('of a model holds: changing, deleting, uploading it again', async () => {
		await upload('model');
		await ahead('Model');
		const change = { body: { stage: 'production' } };
		assert.equal((await harper.request('PATCH', '/model/model/v1', change)).status, 200);
		assert.equal((await modelOf('model')).body.stage, 'production');
		await ahead('Model');
		assert.equal((await harper.request('DELETE', '/model/model/v1')).status, 200);
		assert.equal((await modelOf('model')).status, 404);
		await ahead('Model', { deleted: ['model:v1'] });
		await upload('model', '__test__/fixtures/identity_float.onnx');
		assert.equal((await modelOf('model')).status, 200);
	});

	test('of an event holds: feedback', async () => {
		await upload('event');
		const { inferenceId } = (await harper.predict({ modelId: 'event', features: SETOSA })).body;
		await ahead('InferenceEvent');
		assert.equal((await harper.feedback({ inferenceId, outcome: { class: 0 } })).status, 200);
		const { events } = (await harper.get(`/monitoring/events?inferenceId=${inferenceId}`)).body;
		assert.equal(events[0].correct, true);
	});

	test('of a job and its rows holds: it goes on, and writes its results', async () => {
		await upload('job', { name: 'model.onnx', content: RELU });
		const attributes = ['id', 'x', 'y'].map((name) => ({ name }));
		const table = 'Numbers';
		await harper.operation({ operation: 'create_table', database: 'data', table, primary_key: 'id', attributes });
		const records = Array.from({ length: ROWS }, (_, at) => ({ id: `k${at}`, x: at }));
		await harper.operation({ operation: 'insert', database: 'data', table, records });
		await ahead(table, { database: 'data' });
		const body = { modelId: 'job', source: { table }, target: { table, fields: { y: 'prediction.y' } } };
		const { id } = (await postJob(harper, body)).body;
		for (const name of ['Job', 'Lease', 'JobStep']) await ahead(name);
		const jobOf = async () => (await harper.get(`/jobs/${id}`)).body;
		await until('the end of the job', async () => (await jobOf()).state !== 'running', 120_000);
		const { state, processed, written } = await jobOf();
		assert.deepEqual([state, processed, written], ['completed', ROWS, ROWS]);
		const rows = await harper.operation({
			operation: 'search_by_id',
			database: 'data',
			table,
			ids: records.map((record) => record.id),
			get_attributes: ['x', 'y'],
		});
		assert.equal(rows.length, ROWS);
		for (const { x, y } of rows) assert.deepEqual(y, [x]);
		await ahead('Job');
		assert.equal((await harper.request('DELETE', `/jobs/${id}?erase=true`)).status, 200);
		assert.equal((await harper.get(`/jobs/${id}`)).status, 404);
	});
});
