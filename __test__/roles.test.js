// The roles that the component brings, beside those of an application, and what they allow outside the routes.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startHarper } from './support/harper.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const NAMES = ['edge_ai_viewer', 'edge_ai_predictor', 'edge_ai_operator'];

const grant = (read, insert, update, remove) => ({ read, insert, update, delete: remove, attribute_permissions: [] });
const READ = grant(true, false, false, false);
/** As an earlier release made them. */
const EARLIER = {
	viewer: { Model: READ, InferenceEvent: READ, Feature: READ, Job: READ },
	predictor: { Model: READ, InferenceEvent: grant(true, true, true, false), Feature: READ, Job: READ },
	operator: {
		Model: grant(true, true, true, true),
		InferenceEvent: grant(true, true, true, true),
		Feature: grant(true, true, true, true),
		Job: grant(true, false, false, true),
	},
};

let harper;
before(async () => {
	harper = await startHarper();
	const { status } = await harper.upload({ modelId: 'iris', version: 'v1' }, ['examples/iris/model.onnx']);
	assert.equal(status, 201);
	await harper.request('PUT', '/features/e', { body: { features: { a: 1 } } });
});
after(() => harper?.dispose());

const roles = async () => {
	const found = await harper.operation({ operation: 'list_roles' });
	return new Map(found.map(({ role, permission }) => [role, permission]));
};

const predict = (user) => harper.predict({ modelId: 'iris', features: { float_input: SETOSA } }, { user });

describe('a fresh installation', () => {
	test('has the roles, each once', async () => {
		const found = await harper.operation({ operation: 'list_roles' });
		const own = found.filter(({ role }) => role.startsWith('edge_ai')).map(({ role }) => role);
		assert.deepEqual(own.toSorted(), NAMES.toSorted());
		assert.ok(!found.some(({ role }) => Object.hasOwn(EARLIER, role)), 'names that an application may use are its own');
	});

	test('a role is as any other: it can be changed, and stays changed', async () => {
		const name = 'edge_ai_viewer';
		const permission = { super_user: false, edge_ai: { tables: { Model: READ } } };
		await harper.operation({ operation: 'alter_role', id: name, role: name, permission });
		await harper.restart();
		assert.deepEqual((await roles()).get(name), permission);
	});
});

describe("what the component's roles may do with the tables themselves", () => {
	const tables = {
		Model: 'iris:v1',
		InferenceEvent: undefined,
		Feature: undefined,
		Job: '01900000-0000-7000-8000-000000000000',
	};

	before(async () => {
		await harper.addUser('predictor');
		await harper.addUser('operator');
		tables.InferenceEvent = (await predict('predictor')).body.inferenceId;
		const [{ id }] = await harper.operation({
			operation: 'search_by_value',
			database: 'edge_ai',
			table: 'Feature',
			search_attribute: 'id',
			search_value: 'e|*',
			get_attributes: ['id'],
		});
		tables.Feature = id;
		await harper.operation({
			operation: 'insert',
			database: 'edge_ai',
			table: 'Job',
			records: [{ id: tables.Job, state: 'completed', modelId: 'iris', userId: 'predictor' }],
		});
	});

	for (const user of ['predictor', 'operator']) {
		for (const table of Object.keys(tables)) {
			test(`${user} reads ${table} and cannot write it`, async () => {
				const id = tables[table];
				const at = { database: 'edge_ai', table };
				const read = await harper.operation(
					{ operation: 'search_by_id', ...at, ids: [id], get_attributes: ['id'] },
					user
				);
				assert.deepEqual(read, [{ id }]);
				for (const body of [
					{ operation: 'insert', ...at, records: [{ id: 'new', modelId: 'x' }] },
					{ operation: 'update', ...at, records: [{ id, modelId: 'x' }] },
					{ operation: 'upsert', ...at, records: [{ id, modelId: 'x' }] },
					{ operation: 'delete', ...at, ids: [id] },
					{ operation: 'sql', sql: `UPDATE edge_ai.${table} SET modelId = 'x'` },
					{ operation: 'sql', sql: `DELETE FROM edge_ai.${table}` },
					{ operation: 'sql', sql: `INSERT INTO edge_ai.${table} (id) VALUES ('new')` },
				]) {
					await assert.rejects(harper.operation(body, user), /: 403 /, JSON.stringify(body));
				}
			});
		}

		test(`${user} cannot reach them over REST either`, async () => {
			for (const [method, path] of [
				['PUT', `/edge_ai/Job/${tables.Job}`],
				['PATCH', `/edge_ai/Job/${tables.Job}`],
				['DELETE', `/edge_ai/Job/${tables.Job}`],
				['POST', '/edge_ai/Job/'],
			]) {
				const { status } = await harper.request(method, path, { user, body: { state: 'running' } });
				assert.ok(status === 403 || status === 401, `${method} ${path}: ${status}`);
			}
		});
	}

	test('what they do through the routes works', async () => {
		const { body } = await predict('predictor');
		assert.equal(
			(await harper.feedback({ inferenceId: body.inferenceId, outcome: 0 }, { user: 'predictor' })).status,
			200
		);
		const user = 'operator';
		const fields = { modelId: 'own', version: 'v1' };
		assert.equal((await harper.upload(fields, ['examples/iris/model.onnx'], { user })).status, 201);
		const put = await harper.request('PUT', '/features/own', { user, body: { features: { a: 1 } } });
		assert.equal(put.status, 200);
		assert.equal((await harper.request('DELETE', '/model/own/v1', { user })).status, 200);
		assert.equal(
			(await harper.request('DELETE', `/jobs/${tables.Job}`, { user })).status,
			404,
			'no route made that job'
		);
	});
});

describe('an application with roles of its own', () => {
	const own = { super_user: false, edge_ai: { tables: { Feature: READ } } };

	test('keeps them, whatever their names', async () => {
		const names = ['viewer', 'operator', 'edge_ai_predictor'];
		await harper.operation({ operation: 'drop_user', username: 'predictor' });
		await harper.operation({ operation: 'drop_role', id: 'edge_ai_predictor' });
		for (const role of names) await harper.operation({ operation: 'add_role', role, permission: own });
		await harper.restart();
		const found = await roles();
		for (const name of names) assert.deepEqual(found.get(name), own, name);
		for (const name of names.slice(0, 2)) await harper.operation({ operation: 'drop_role', id: name });
	});
});

describe('an upgrade', () => {
	test('leaves the roles of earlier releases as they were, and they still give what they gave', async () => {
		for (const [role, tables] of Object.entries(EARLIER)) {
			const permission = { super_user: false, edge_ai: { tables } };
			await harper.operation({ operation: 'add_role', role, permission });
			await harper.addUser(`old_${role}`, role);
		}
		await harper.restart();
		const found = await roles();
		for (const [role, tables] of Object.entries(EARLIER)) assert.deepEqual(found.get(role).edge_ai, { tables }, role);

		const statuses = async (user) => {
			const files = ['examples/iris/model.onnx'];
			const features = { body: { features: { a: 1 } }, user };
			return [
				(await harper.get('/model/iris/v1', { user })).status,
				(await predict(user)).status,
				(await harper.upload({ modelId: 'again', version: 'v1' }, files, { user })).status,
				(await harper.request('PUT', '/features/again', features)).status,
				(await harper.request('DELETE', '/model/again/v1', { user })).status,
			];
		};
		assert.deepEqual(await statuses('old_viewer'), [200, 403, 403, 403, 403]);
		assert.deepEqual(await statuses('old_predictor'), [200, 200, 403, 403, 403]);
		assert.deepEqual(await statuses('old_operator'), [200, 200, 201, 200, 200]);
	});
});
