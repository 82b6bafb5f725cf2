// Jobs over tables, against a real Harper.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN, credentials, startHarper } from './support/harper.js';
import { postJob } from './support/jobs.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { until } from './support/until.js';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const UNKNOWN_ID = '01900000-0000-7000-8000-000000000000';
const JOB_TIMEOUT_MS = 120_000;

/** y = max(x, 0) for rows of one number: each result tells its row. */
const RELU = onnxModel({
	nodes: [['Relu', ['x'], ['y']]],
	inputs: [['x', FLOAT, ['rows', 1]]],
	outputs: [['y', FLOAT, ['rows', 1]]],
});

const PREDICT = { read: true, insert: true, update: true, delete: false, attribute_permissions: [] };
const READ = { read: true, insert: false, update: false, delete: false, attribute_permissions: [] };
const WRITE = { read: false, insert: true, update: true, delete: false, attribute_permissions: [] };
const NONE = { read: false, insert: false, update: false, delete: false, attribute_permissions: [] };

let harper;
before(async () => {
	harper = await startHarper();
	for (const [modelId, file] of [
		['relu', { name: 'model.onnx', content: RELU }],
		['iris', 'examples/iris/model.onnx'],
		['loop', '__test__/fixtures/hostile/endless_loop.onnx'],
	]) {
		const { status, body } = await harper.upload({ modelId, version: 'v1' }, [file]);
		assert.equal(status, 201, JSON.stringify(body));
	}
	await fill('Numbers', 3000);
});
after(() => harper?.dispose());

const operation = (body) => harper.operation({ database: 'data', ...body });
/** What the rows of these tests may have. */
const ATTRIBUTES = 'id x parity other a b c d y by sure model version species problem'.split(' ');
const makeTable = (table) =>
	operation({
		operation: 'create_table',
		table,
		primary_key: 'id',
		attributes: ATTRIBUTES.map((name) => ({ name })),
	});
const keyOf = (at) => `k${String(at).padStart(6, '0')}`;

/** Makes a table whose rows have x = 0, 1, 2 ... */
async function fill(table, count, rowOf = (at) => ({ id: keyOf(at), x: at, parity: at % 2 ? 'odd' : 'even' })) {
	await makeTable(table);
	const records = Array.from({ length: count }, (_, at) => rowOf(at));
	for (let at = 0; at < count; at += 5000) {
		await operation({ operation: 'insert', table, records: records.slice(at, at + 5000) });
	}
}

/** The rows of a table by key. */
async function rowsOf(table) {
	const rows = await operation({
		operation: 'search_by_conditions',
		table,
		conditions: [{ search_attribute: 'id', search_type: 'greater_than', search_value: '' }],
		get_attributes: ['*'],
	});
	return new Map(rows.map((row) => [row.id, row]));
}

/** How often each key of a table was written, from Harper's audit log. */
async function writesOf(table) {
	const log = await harper.operation({ operation: 'read_audit_log', schema: 'data', table });
	const counts = new Map();
	for (const key of log.flatMap(({ hash_values: keys }) => keys)) counts.set(key, (counts.get(key) ?? 0) + 1);
	return counts;
}

const post = (body, how) => harper.request('POST', '/jobs/predict', { body, ...how });
const get = async (id) => (await harper.get(`/jobs/${id}`)).body;

/** A job over Numbers into a new table. */
const definition = (table, change) => ({
	modelId: 'relu',
	source: { table: 'Numbers', conditions: [] },
	target: { table, fields: { y: 'prediction.y', by: 'inferenceId' } },
	...change,
});

async function start(body, how) {
	const answer = await postJob(harper, body, how);
	assert.equal(answer.status, 202, JSON.stringify(answer.body));
	assert.equal(answer.headers.get('location'), `/jobs/${answer.body.id}`);
	return answer.body.id;
}

/** The job when it has ended. */
async function ended(id) {
	let job;
	const isOver = async () => (job = await get(id)).state !== 'running';
	await until('the end of the job', isOver, JOB_TIMEOUT_MS);
	return job;
}

async function completed(id) {
	const job = await ended(id);
	assert.equal(job.state, 'completed', JSON.stringify(job));
	return job;
}

describe('a job', () => {
	test('writes what the model says of each row, under its key, once', async () => {
		await makeTable('All');
		const fields = {
			y: 'prediction.y',
			by: 'inferenceId',
			sure: 'confidence',
			model: 'modelId',
			version: 'modelVersion',
		};
		const id = await start(definition('All', { version: 'v1', target: { table: 'All', fields } }));
		assert.match(id, UUID_V7);
		const { createdAt, finishedAt, ...job } = await completed(id);
		assert.ok(createdAt <= finishedAt);
		assert.deepEqual(job, {
			id,
			state: 'completed',
			modelId: 'relu',
			modelVersion: 'v1',
			source: { database: 'data', table: 'Numbers', conditions: [], fields: { x: 'x' } },
			target: { database: 'data', table: 'All', fields },
			record: true,
			userId: ADMIN,
			total: 3000,
			processed: 3000,
			written: 3000,
			failed: 0,
			errors: [],
		});
		const rows = await rowsOf('All');
		assert.equal(rows.size, 3000);
		for (let at = 0; at < 3000; at += 1) {
			const { y, by, sure, model, version } = rows.get(keyOf(at));
			assert.deepEqual([y, sure, model, version], [[at], null, 'relu', 'v1']);
			assert.match(by, UUID_V7);
		}
		assert.deepEqual(new Set((await writesOf('All')).values()), new Set([1]));
		const { body } = await harper.get('/monitoring/metrics?modelId=relu');
		assert.equal(body.count, 3000);
		const feedback = await harper.feedback({ inferenceId: rows.get(keyOf(7)).by, outcome: 7 });
		assert.equal(feedback.status, 200, 'its predictions are events');
	});

	test('takes the rows that meet its conditions', async () => {
		await makeTable('Some');
		const conditions = [
			{ attribute: 'parity', value: 'odd' },
			{
				operator: 'or',
				conditions: [
					{ attribute: 'x', comparator: 'less_than', value: 10 },
					{ attribute: 'x', comparator: 'between', value: [2000, 2005] },
				],
			},
		];
		const { processed } = await completed(
			await start(definition('Some', { source: { table: 'Numbers', conditions }, record: false }))
		);
		const expected = [1, 3, 5, 7, 9, 2001, 2003, 2005];
		assert.equal(processed, expected.length);
		assert.deepEqual([...(await rowsOf('Some')).keys()].sort(), expected.map(keyOf));
	});

	test('over no rows is done at once', async () => {
		await fill('Empty', 0);
		await makeTable('Nothing');
		const { processed } = await completed(await start(definition('Nothing', { source: { table: 'Empty' } })));
		assert.equal(processed, 0);
	});

	test('has an order for numbers as keys too, and writes into its own source', async () => {
		await fill('Keys', 600, (at) => ({ id: at * 7 - 1000, x: at, other: 'kept' }));
		const source = { database: 'data', table: 'Keys' };
		await completed(
			await start(definition('Keys', { source, target: { table: 'Keys', fields: { y: 'prediction.y' } } }))
		);
		const log = await writesOf('Keys');
		const { 0: row } = await operation({
			operation: 'search_by_id',
			table: 'Keys',
			ids: [599 * 7 - 1000],
			get_attributes: ['*'],
		});
		assert.deepEqual([row.x, row.y, row.other], [599, [599], 'kept']);
		assert.deepEqual(new Set(log.values()), new Set([2]), 'one insert and one result');
	});

	test('puts several attributes into one input', async () => {
		const flowers = [
			[5.1, 3.5, 1.4, 0.2],
			[6.7, 2.5, 5.8, 1.8],
		];
		await fill('Flowers', 2, (at) => ({
			id: `f${at}`,
			a: flowers[at][0],
			b: flowers[at][1],
			c: flowers[at][2],
			d: flowers[at][3],
		}));
		await makeTable('Species');
		await completed(
			await start({
				modelId: 'iris',
				source: { table: 'Flowers', fields: { float_input: ['a', 'b', 'c', 'd'] } },
				target: { table: 'Species', fields: { species: 'prediction.output_label', sure: 'confidence' } },
			})
		);
		const rows = await rowsOf('Species');
		assert.deepEqual([rows.get('f0').species, rows.get('f1').species], [0, 2]);
		assert.ok(rows.get('f0').sure > 0.9);
	});

	test('reads texts as cells of CSV are read', async () => {
		const spelled = { a: ' +1 ', b: '007', c: '.5', d: 'NA', e: 'True', f: 'abc' };
		const rows = Object.entries(spelled);
		await fill('Spelled', rows.length, (at) => ({ id: rows[at][0], x: rows[at][1] }));
		await makeTable('Read');
		const fields = { y: 'prediction.y', problem: 'error' };
		const job = await completed(
			await start({ modelId: 'relu', source: { table: 'Spelled' }, target: { table: 'Read', fields } })
		);
		assert.deepEqual([job.processed, job.failed], [6, 1]);
		const read = await rowsOf('Read');
		assert.deepEqual(
			rows.map(([id]) => read.get(id).y?.[0] ?? read.get(id).problem.code),
			[1, 7, 0.5, 'NaN', 1, 'INVALID_INPUT']
		);
	});

	test('counts bad rows, shows the first ones and writes their errors where it is told to', async () => {
		await fill('Mixed', 40, (at) => ({ id: keyOf(at), x: at % 2 ? 'odd' : at }));
		await makeTable('Marked');
		const fields = { y: 'prediction.y', problem: 'error' };
		const job = await completed(
			await start({ modelId: 'relu', source: { table: 'Mixed' }, target: { table: 'Marked', fields } })
		);
		assert.deepEqual([job.processed, job.written, job.failed, job.errors.length], [40, 40, 20, 10]);
		assert.deepEqual([job.errors[0].id, job.errors[0].code], [keyOf(1), 'INVALID_INPUT']);
		const rows = await rowsOf('Marked');
		assert.deepEqual([rows.get(keyOf(0)).y, rows.get(keyOf(0)).problem], [[0], null]);
		assert.deepEqual([rows.get(keyOf(1)).y ?? null, rows.get(keyOf(1)).problem.code], [null, 'INVALID_INPUT']);

		await makeTable('Unmarked');
		const without = await completed(
			await start({
				modelId: 'relu',
				source: { table: 'Mixed' },
				target: { table: 'Unmarked', fields: { y: 'prediction.y' } },
			})
		);
		assert.deepEqual([without.written, without.failed, (await rowsOf('Unmarked')).size], [20, 20, 20]);
	});

	test('tells its progress to subscribers', async () => {
		await makeTable('Followed');
		const id = await start(definition('Followed', { record: false }));
		const leaving = new AbortController();
		const response = await fetch(`${harper.base}/jobs/${id}`, {
			headers: { accept: 'text/event-stream', ...credentials(ADMIN) },
			signal: leaving.signal,
		});
		assert.equal(response.status, 200);
		let text = '';
		for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
			text += chunk;
			if (text.includes('"completed"')) break;
		}
		leaving.abort();
		assert.ok(text.includes('"processed":3000'), text);
	});

	test('does not expire with events, and stays in the list until it is deleted', async () => {
		await makeTable('Listed');
		const ids = [];
		for (let at = 0; at < 3; at += 1) ids.push(await start(definition('Listed', { source: { table: 'Empty' } })));
		for (const id of ids) await completed(id);
		const page = (await harper.get('/jobs?limit=2&state=completed')).body;
		assert.deepEqual(
			page.jobs.map(({ id }) => id),
			[ids[2], ids[1]]
		);
		const next = (await harper.get(`/jobs?limit=2&state=completed&cursor=${page.cursor}`)).body;
		assert.equal(next.jobs[0].id, ids[0]);
		assert.equal((await harper.request('DELETE', `/jobs/${ids[0]}?erase=true`)).status, 200);
		assert.equal((await harper.get(`/jobs/${ids[0]}`)).status, 404);
	});
});

describe('cancelling', () => {
	test('stops a job for good, whenever and on whichever thread', async () => {
		await fill('Many', 30_000);
		for (let round = 0; round < 6; round += 1) {
			const target = `Cancelled${round}`;
			await makeTable(target);
			await makeTable(`After${round}`);
			const id = await start(definition(target, { source: { table: 'Many' } }));
			await until('progress', async () => (await get(id)).processed > 0);
			// At another place of the step each time.
			await sleep(round * 23);
			const headers = { connection: 'close' };
			const { status, body } = await harper.request('DELETE', `/jobs/${id}`, { headers });
			assert.deepEqual([status, body.state], [200, 'cancelled']);
			assert.ok(body.processed < 30_000, `${body.processed} rows`);
			const { size } = await rowsOf(target);
			assert.equal(size, body.written);
			// What would still write would do so while another job runs from its start to its end.
			await completed(await start(definition(`After${round}`)));
			assert.equal((await rowsOf(target)).size, size);
			const again = await harper.request('DELETE', `/jobs/${id}`);
			assert.deepEqual([again.status, again.body.state], [200, 'cancelled']);
			assert.equal((await get(id)).state, 'cancelled');
		}
	});

	test('comes before erasing', async () => {
		await makeTable('Erased');
		const id = await start(definition('Erased', { source: { table: 'Many' } }));
		for (const [erase, problem] of [
			['true', /running/],
			['yes', /true or false/],
		]) {
			const refused = await harper.request('DELETE', `/jobs/${id}?erase=${erase}`);
			assert.deepEqual([refused.status, refused.body.code], [400, 'INVALID_REQUEST']);
			assert.match(refused.body.error, problem);
		}
		assert.equal((await harper.request('DELETE', `/jobs/${id}`)).body.state, 'cancelled');
		assert.equal((await harper.request('DELETE', `/jobs/${id}?erase=true`)).status, 200);
		assert.equal((await harper.request('DELETE', `/jobs/${id}`)).status, 404);
	});

	test('holds when the process dies before the job has stopped', async () => {
		await makeTable('Unstopped');
		const id = await start(definition('Unstopped', { source: { table: 'Many' } }));
		await until('progress', async () => (await get(id)).processed > 0);
		const cancelled = { operation: 'insert', database: 'edge_ai', table: 'JobCancellation', records: [{ id }] };
		await harper.operation(cancelled);
		await harper.kill();
		await harper.start();
		assert.equal((await ended(id)).state, 'cancelled');
	});

	test('stops runs that take long', async () => {
		await fill('Long', 5);
		await makeTable('Never');
		const id = await start({
			modelId: 'loop',
			source: { table: 'Long' },
			target: { table: 'Never', fields: { y: 'prediction' } },
			timeoutMs: 60_000,
		});
		const running = async () => (await harper.get('/status')).body.running;
		await until('a run', async () => (await running()) > 0);
		const { body } = await harper.request('DELETE', `/jobs/${id}`);
		assert.equal(body.state, 'cancelled');
		await until('no run', async () => (await running()) === 0);
	});
});

describe('how many rows a job has', () => {
	const total = async (change) => {
		const id = await start({
			modelId: 'loop',
			target: { table: 'Counted', fields: { y: 'prediction' } },
			// So that it is seen while it runs.
			timeoutMs: 200,
			...change,
		});
		let job;
		await until('the total of a job that runs', async () => (job = await get(id)).total !== undefined, JOB_TIMEOUT_MS);
		await harper.request('DELETE', `/jobs/${id}`);
		return job;
	};
	before(() => makeTable('Counted'));

	test('is known while it runs, as soon as the rows are counted', async () => {
		const job = await total({ source: { table: 'Numbers', fields: { x: 'x' } } });
		assert.equal(job.state, 'running');
		assert.equal(job.total, 3000);
		assert.ok(job.processed < 3000, JSON.stringify(job));
	});

	test('counts those that meet the conditions', async () => {
		const conditions = [{ attribute: 'parity', value: 'odd' }];
		const job = await total({ source: { table: 'Numbers', conditions, fields: { x: 'x' } } });
		assert.equal(job.total, 1500);
	});

	test('is none of none', async () => {
		const conditions = [{ attribute: 'parity', value: 'neither' }];
		const { id } = await completed(await start(definition('Counted', { source: { table: 'Numbers', conditions } })));
		assert.equal((await get(id)).total, 0);
	});
});

/** So many that a job takes some seconds. */
const ROWS = 10_000;

describe('a crash', () => {
	test('does not end a job: every row is written once, and is one event', async () => {
		await fill('Source', ROWS);
		await makeTable('Target');
		await harper.upload({ modelId: 'crash', version: 'v1' }, [{ name: 'model.onnx', content: RELU }]);
		const id = await start(definition('Target', { modelId: 'crash', source: { table: 'Source' } }));
		let last = 0;
		for (let crash = 0; crash < 4; crash += 1) {
			await until('progress', async () => (await get(id)).processed > last, JOB_TIMEOUT_MS);
			// At another place of the step each time.
			await sleep(crash * 37);
			const job = await get(id);
			assert.equal(job.state, 'running', `crash ${crash} comes too late`);
			last = job.processed;
			await harper.kill();
			await harper.start();
		}
		const job = await completed(id);
		assert.deepEqual([job.processed, job.written, job.failed], [ROWS, ROWS, 0]);

		const rows = await rowsOf('Target');
		assert.equal(rows.size, ROWS);
		for (let at = 0; at < ROWS; at += 1) assert.deepEqual(rows.get(keyOf(at)).y, [at]);
		assert.deepEqual(new Set((await writesOf('Target')).values()), new Set([1]), 'written once');
		const { body } = await harper.get('/monitoring/metrics?modelId=crash');
		assert.equal(body.count, ROWS, 'one event for each row');
		const sample = rows.get(keyOf(ROWS - 1)).by;
		assert.equal((await harper.feedback({ inferenceId: sample, outcome: 1 })).status, 200);
	});

	/** A job and its step as a process that is gone left them. */
	async function abandoned(table, { userId = ADMIN, step }) {
		const id = `01a00000-0000-7000-8000-${table.toLowerCase().padStart(12, '0')}`;
		const job = {
			...definition(table),
			id,
			state: 'running',
			modelVersion: 'v1',
			source: { database: 'data', table: 'Numbers', conditions: [], fields: { x: 'x' } },
			record: false,
			userId,
			processed: 0,
			written: 0,
			failed: 0,
			errors: [],
			createdAt: Date.now(),
		};
		job.target = { database: 'data', table, fields: { y: 'prediction.y' } };
		const database = 'edge_ai';
		if (step) await harper.operation({ operation: 'insert', database, table: 'JobStep', records: [{ id, ...step }] });
		await harper.operation({ operation: 'insert', database, table: 'Job', records: [job] });
		return id;
	}

	test('between a step and its writing leaves a step that is finished with its own values', async () => {
		await makeTable('Half');
		const done = { id: keyOf(0), fields: { y: ['written before the crash'] } };
		const open = { id: keyOf(1), fields: { y: ['still to be written'] } };
		await operation({ operation: 'insert', table: 'Half', records: [{ id: done.id, ...done.fields }] });
		const id = await abandoned('Half', {
			step: {
				writes: JSON.stringify([done, open]),
				progress: JSON.stringify({ processed: 2, failed: 0, errors: [], checkpoint: keyOf(1) }),
			},
		});
		const job = await completed(id);
		assert.deepEqual([job.processed, job.written], [3000, 3000]);
		const rows = await rowsOf('Half');
		assert.deepEqual(
			[rows.get(keyOf(0)).y, rows.get(keyOf(1)).y, rows.get(keyOf(2)).y],
			[done.fields.y, open.fields.y, [2]]
		);
		assert.deepEqual(new Set((await writesOf('Half')).values()), new Set([1]));
	});

	test('leaves a job that has the rights of its user, and no more', async () => {
		await addRole('poor', { InferenceEvent: PREDICT }, { Numbers: READ });
		await makeTable('Forbidden');
		const job = await ended(await abandoned('Forbidden', { userId: 'poor' }));
		assert.deepEqual([job.state, job.error.code], ['failed', 'FORBIDDEN']);
		const unknown = await ended(await abandoned('Forbidden2', { userId: 'nobody' }));
		assert.deepEqual([unknown.state, unknown.error.code], ['failed', 'FORBIDDEN']);
		assert.equal((await rowsOf('Forbidden')).size, 0);
	});
});

async function addRole(role, own, data) {
	const tables = (given) => ({ tables: { ...given } });
	await harper.operation({
		operation: 'add_role',
		role,
		permission: { super_user: false, edge_ai: tables(own), data: tables(data) },
	});
	await harper.addUser(role);
}

describe('access', () => {
	before(async () => {
		await makeTable('Results');
		const own = { InferenceEvent: PREDICT, Job: READ };
		const onlyX = {
			...READ,
			attribute_permissions: [{ attribute_name: 'x', read: true, insert: false, update: false }],
		};
		await addRole('worker', own, { Numbers: READ, Many: READ, Results: WRITE });
		await addRole('colleague', own, { Numbers: READ, Results: WRITE });
		await addRole('chief', { ...own, Job: { ...READ, delete: true } }, { Numbers: READ, Results: WRITE });
		await addRole('unpredicting', { InferenceEvent: READ, Job: READ }, { Numbers: READ, Results: WRITE });
		await addRole('unreading', own, { Numbers: NONE, Results: WRITE });
		await addRole('unwriting', own, { Numbers: READ, Results: READ });
		await addRole('halfwriting', own, { Numbers: READ, Results: { ...WRITE, update: false } });
		await addRole('narrow', own, { Numbers: onlyX, Results: WRITE });
	});

	for (const [user, said] of [
		['unpredicting', /"insert" on edge_ai\.InferenceEvent/],
		['unreading', /"read" on data\.Numbers/],
		['unwriting', /"insert" on data\.Results/],
		['halfwriting', /"update" on data\.Results/],
	]) {
		test(`is refused to the ${user}`, async () => {
			const { status, body } = await post(definition('Results'), { user });
			assert.deepEqual([status, body.code], [403, 'FORBIDDEN'], JSON.stringify(body));
			assert.match(body.error, said);
		});
	}

	test('is that of the attributes too', async () => {
		await completed(await start(definition('Results', { record: false }), { user: 'narrow' }));
		for (const source of [
			{ table: 'Numbers', conditions: [{ attribute: 'parity', value: 'odd' }] },
			{ table: 'Numbers', conditions: [{ operator: 'or', conditions: [{ attribute: 'parity', value: 'odd' }] }] },
			{ table: 'Numbers', fields: { x: 'parity' } },
			{ table: 'Numbers', fields: { x: ['parity'] } },
		]) {
			const { status, body } = await post(definition('Results', { source }), { user: 'narrow' });
			assert.deepEqual([status, body.code], [403, 'FORBIDDEN'], JSON.stringify(source));
			assert.match(body.error, /"read" on data\.Numbers\.parity/);
		}
	});

	test('is refused without a user', async () => {
		for (const [method, path, body] of [
			['POST', '/jobs/predict', definition('Results')],
			['GET', '/jobs'],
			['GET', `/jobs/${UNKNOWN_ID}`],
			['DELETE', `/jobs/${UNKNOWN_ID}`],
		]) {
			const answer = await harper.request(method, path, { body, user: null });
			assert.deepEqual([answer.status, answer.body.code], [401, 'UNAUTHENTICATED'], path);
		}
		const { status } = await harper.get('/edge_ai/Job/', { user: null });
		assert.ok([401, 403].includes(status), `${status}`);
	});

	test('to the jobs of others is to see them, not to cancel them', async () => {
		const id = await start(definition('Results', { source: { table: 'Many' } }), { user: 'worker' });
		assert.equal((await harper.get(`/jobs/${id}`, { user: 'colleague' })).status, 200);
		const refused = await harper.request('DELETE', `/jobs/${id}`, { user: 'colleague' });
		assert.deepEqual([refused.status, refused.body.code], [403, 'FORBIDDEN']);
		assert.equal((await harper.request('DELETE', `/jobs/${id}`, { user: 'worker' })).body.state, 'cancelled');
		assert.equal((await harper.request('DELETE', `/jobs/${id}`, { user: 'chief' })).status, 200);
	});

	test('to the exported table is reading', async () => {
		const headers = { 'content-type': 'application/json' };
		const body = JSON.stringify({ ...definition('Results'), id: UNKNOWN_ID, state: 'running', userId: ADMIN });
		for (const user of ['worker', 'chief']) {
			assert.equal((await harper.get('/edge_ai/Job/', { user })).status, 200);
			for (const method of ['PUT', 'PATCH']) {
				const { status } = await harper.request(method, `/edge_ai/Job/${UNKNOWN_ID}`, { body, headers, user });
				assert.equal(status, 403, `${user} ${method}`);
			}
			assert.equal((await harper.request('POST', '/edge_ai/Job/', { body, headers, user })).status, 403);
		}
		assert.equal((await harper.get(`/jobs/${UNKNOWN_ID}`)).status, 404);
		for (const table of ['JobStep', 'Lease', 'JobCancellation']) {
			assert.equal((await harper.get(`/edge_ai/${table}/`)).status, 404);
		}
	});
});

describe('refused are', () => {
	const valid = () => definition('Results');
	const source = (change) => ({ source: { table: 'Numbers', ...change } });
	const target = (change) => ({ target: { table: 'Results', fields: { y: 'prediction.y' }, ...change } });

	for (const [what, change, status, code, said] of [
		['no model', { modelId: undefined }, 400, 'INVALID_REQUEST', /modelId/],
		['an unknown model', { modelId: 'nobody' }, 404, 'MODEL_NOT_FOUND', /nobody/],
		['an unknown version', { version: 'v9' }, 404, 'MODEL_NOT_FOUND', /v9/],
		['an unknown field', { sources: {} }, 400, 'INVALID_REQUEST', /"sources".*"source"/],
		['record that is no boolean', { record: 1 }, 400, 'INVALID_REQUEST', /record.*1/],
		['no source', { source: undefined }, 400, 'INVALID_REQUEST', /source must be an object/],
		['no target', { target: [] }, 400, 'INVALID_REQUEST', /target must be an object/],
		['a source without a table', source({ table: undefined }), 400, 'INVALID_REQUEST', /source\.table/],
		['an unknown field of the source', source({ where: [] }), 400, 'INVALID_REQUEST', /"source\.where"/],
		['an unknown table', source({ table: 'Nowhere' }), 404, 'TABLE_NOT_FOUND', /source.*data\.Nowhere/],
		['an unknown database', target({ database: 'nowhere' }), 404, 'TABLE_NOT_FOUND', /target.*nowhere\.Results/],
		['a name of every object', source({ table: 'constructor' }), 404, 'TABLE_NOT_FOUND', /constructor/],
		[
			"Harper's own tables",
			source({ database: 'system', table: 'hdb_user' }),
			400,
			'INVALID_REQUEST',
			/source\.database/,
		],
		[
			"this component's tables",
			target({ database: 'edge_ai', table: 'Model' }),
			400,
			'INVALID_REQUEST',
			/target\.database/,
		],
		['conditions that are no list', source({ conditions: {} }), 400, 'INVALID_REQUEST', /source\.conditions/],
		['a condition without an attribute', source({ conditions: [{ value: 1 }] }), 400, 'INVALID_REQUEST', /attribute/],
		[
			'an unknown comparator',
			source({ conditions: [{ attribute: 'x', comparator: 'is', value: 1 }] }),
			400,
			'INVALID_REQUEST',
			/source\.conditions.*"is"/,
		],
		[
			'an unknown operator',
			source({ conditions: [{ operator: 'xor', conditions: [] }] }),
			400,
			'INVALID_REQUEST',
			/"xor"/,
		],
		[
			'an attribute of another table',
			source({ conditions: [{ attribute: ['a', 'b'], value: 1 }] }),
			400,
			'INVALID_REQUEST',
			/attribute/,
		],
		['an unknown input', source({ fields: { z: 'x' } }), 400, 'INVALID_REQUEST', /"z".*x/],
		['no fields of the target', target({ fields: {} }), 400, 'INVALID_REQUEST', /target\.fields/],
		[
			'an unknown result',
			target({ fields: { y: 'prediction.z' } }),
			400,
			'INVALID_REQUEST',
			/target\.fields\.y.*prediction\.y.*"prediction\.z"/,
		],
		[
			'an unknown attribute of the target',
			target({ fields: { speces: 'prediction.y' } }),
			400,
			'INVALID_REQUEST',
			/"speces".*"species"/,
		],
		[
			'an unknown attribute of the source',
			source({ fields: { x: ['paritty'] } }),
			400,
			'INVALID_REQUEST',
			/source\.fields\.x.*"paritty".*"parity"/,
		],
		[
			'an unknown attribute in a condition',
			source({ conditions: [{ attribute: 'paritty', value: 1 }] }),
			400,
			'INVALID_REQUEST',
			/"paritty".*"parity"/,
		],
		['the key as a field', target({ fields: { id: 'prediction.y' } }), 400, 'INVALID_REQUEST', /"id" is the key/],
	]) {
		test(what, async () => {
			const answer = await post({ ...valid(), ...change });
			assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
			assert.match(answer.body.error, said);
		});
	}

	test('jobs that there are not', async () => {
		for (const method of ['GET', 'DELETE']) {
			const { status, body } = await harper.request(method, `/jobs/${UNKNOWN_ID}`);
			assert.deepEqual([status, body.code], [404, 'JOB_NOT_FOUND']);
		}
		const { status, body } = await harper.get('/jobs?state=done');
		assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST']);
	});
});

describe('threads that end', () => {
	test('leave their jobs to the next ones', async () => {
		await makeTable('Restarted');
		const id = await start(definition('Restarted', { source: { table: 'Source' }, record: false }));
		await until('progress', async () => (await get(id)).processed > 0);
		await harper.replaceThreads();
		let job;
		const isOver = async () => {
			job = await get(id);
			return job.state !== 'running';
		};
		await until('the end of the job', isOver, JOB_TIMEOUT_MS);
		assert.deepEqual([job.processed, job.written], [ROWS, ROWS]);
		assert.deepEqual(new Set((await writesOf('Restarted')).values()), new Set([1]));
	});
});
