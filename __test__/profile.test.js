// Profiles: what the features and outputs of predictions look like, over both threads, every protocol and a restart.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Encoder } from 'cbor-x';
import { ADMIN, credentials, startHarper } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { until } from './support/until.js';

const STRING = 8;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const RETENTION_MS = 2 * HOUR_MS;

const identity = (type, shape) =>
	onnxModel({ nodes: [['Identity', ['x'], ['y']]], inputs: [['x', type, shape]], outputs: [['y', type, shape]] });

let harper;
before(async () => (harper = await startHarper({ options: { profileRetention: RETENTION_MS / 1000 } })));
after(() => harper?.dispose());

const upload = async (modelId, bytes, fields) => {
	const file = { name: 'model.onnx', content: bytes };
	const { status, body } = await harper.upload({ modelId, version: 'v1', ...fields }, [file]);
	assert.ok(status < 300, JSON.stringify(body));
};

const predict = async (modelId, x, how) => {
	const { status, body } = await harper.predict({ modelId, features: { x } }, how);
	assert.equal(status, 200, JSON.stringify(body));
};

/** Puts bytes into the table, as a role may that has rights on it. */
async function insert(records) {
	const body = new Encoder({ useRecords: false }).encode({
		operation: 'insert',
		database: 'edge_ai',
		table: 'Profile',
		records,
	});
	const headers = { ...credentials(ADMIN), 'content-type': 'application/cbor' };
	const answer = await fetch(harper.operations, { method: 'POST', headers, body });
	assert.equal(answer.status, 200, await answer.text());
}

/** For how long after its end each row of a model is kept, by interval; nothing for ever. */
async function keptMs(modelId) {
	const rows = await harper.rows('Profile', ['modelId', 'interval', 'start', 'expiresAt']);
	const ends = ({ interval, start }) => start + { '1h': HOUR_MS, '1d': DAY_MS }[interval];
	const kept = (row) => (row.expiresAt == null ? undefined : row.expiresAt - ends(row));
	return Object.fromEntries(rows.filter((row) => row.modelId === modelId).map((row) => [row.interval, kept(row)]));
}

const profileOf = async (modelId, more = '') => {
	const { status, body } = await harper.get(`/monitoring/profile?modelId=${modelId}${more}`);
	assert.equal(status, 200, JSON.stringify(body));
	return body.profiles;
};

describe('a profile', () => {
	test('is of the rows that were sent, to whichever thread and by whichever protocol, also after a restart', async () => {
		const started = Date.now();
		await upload('two', identity(FLOAT, ['n', 2]), {
			inputSchema: JSON.stringify({ inputs: [{ name: 'x', columns: ['age', 'income'] }] }),
		});
		for (let at = 0; at < 30; at += 1) {
			await predict('two', [at, 100 + at], { headers: { connection: 'close' } });
		}
		const rows = Array.from({ length: 10 }, (_, at) => ({ x: [30 + at, 130 + at] }));
		const batch = await harper.request('POST', '/predict/batch', { body: { modelId: 'two', rows } });
		assert.equal(batch.status, 200);
		const tensor = { name: 'x', datatype: 'FP32', shape: [2, 2], data: [40, 140, 41, 141] };
		const v2 = await harper.request('POST', '/v2/models/two/infer', { body: { inputs: [tensor] } });
		assert.equal(v2.status, 200);
		const isRight = ({ rows: count, columns, version }) => {
			assert.equal(version, 'v1');
			assert.equal(count, 42);
			assert.deepEqual(Object.keys(columns), ['age', 'income', 'output.y[0]', 'output.y[1]']);
			const { min, max, mean, missing, quantiles, rankError } = columns.age;
			assert.deepEqual({ min, max, missing, rankError }, { min: 0, max: 41, missing: 0, rankError: 0 });
			assert.ok(Math.abs(mean - 20.5) < 1e-9);
			assert.equal(quantiles['0.5'], 20);
			assert.equal(columns['output.y[1]'].max, 141);
		};
		const [before, ...none] = await profileOf('two');
		isRight(before);
		assert.deepEqual(none, []);
		// What is stored of a later one is stored after it.
		await upload('later', identity(FLOAT, ['n', 1]));
		await predict('later', [1]);
		const isStored = async () => (await harper.rows('Profile', ['modelId'])).some(({ modelId }) => modelId === 'later');
		await until('the profiles are stored', isStored);
		assert.deepEqual(await keptMs('two'), { '1h': RETENTION_MS, '1d': RETENTION_MS });
		await harper.kill();
		await harper.start({});
		isRight((await profileOf('two'))[0]);
		assert.deepEqual(await profileOf('two', '&to=2001-01-01'), []);
		assert.deepEqual(await profileOf('two', '&version=other'), []);
		await predict('two', [-1, 0]);
		const [{ rows: more, columns }] = await profileOf('two', `&from=${started}`);
		assert.deepEqual([more, columns.age.min], [43, -1]);
	});

	test('of more columns than are profiled each is that of a vector', async () => {
		await upload('wide', identity(FLOAT, ['n', 300]));
		await predict('wide', Array(300).fill(1));
		const [{ columns }] = await profileOf('wide');
		assert.deepEqual(Object.keys(columns), ['output.y', 'x']);
		assert.deepEqual([columns.x.kind, columns.x.dimensions, columns.x.count], ['vector', 300, 1]);
		assert.ok(Math.abs(columns.x.norm.max - Math.sqrt(300)) < 1e-4);
	});

	test('of strings is of categories', async () => {
		await upload('texts', identity(STRING, ['n', 1]));
		for (const text of ['red', 'green', 'red', 'x'.repeat(100_000)]) await predict('texts', [text]);
		const [{ columns }] = await profileOf('texts');
		const { top, count, distinct, lengths } = columns.x;
		assert.deepEqual(top[0], { value: 'red', count: 2 });
		assert.deepEqual([count, distinct.estimate, lengths.max], [4, 3, 100_000]);
		assert.ok(top.every(({ value }) => value.length <= 128));
	});

	test('is none of what others wrote to the table', async () => {
		await upload('forged', identity(FLOAT, ['n', 1]));
		await predict('forged', [1]);
		const [{ digest }] = await profileOf('forged');
		const now = Date.now();
		const start = now - (now % HOUR_MS);
		const row = { modelId: 'forged', version: 'v1', digest, interval: '1h', start, node: 'other' };
		const records = [Buffer.from('no profile'), 'EAPR', null].map((profile, at) => ({
			...row,
			id: `forged|v1|1h|${start}|${digest}|other${at}`,
			profile,
		}));
		await insert(records);
		assert.equal((await harper.rows('Profile', ['id'])).filter(({ id }) => id.startsWith('forged|')).length, 3);
		const [{ rows }, ...none] = await profileOf('forged', `&to=${start}`);
		assert.deepEqual([rows, none], [1, []]);
		await until('the log says so', async () =>
			(await harper.log()).includes(`the profile "${records[0].id}" is left out`)
		);
	});

	test('is asked for by what it takes', async () => {
		for (const [query, code, status] of [
			['', 'INVALID_REQUEST', 400],
			['modelId=two&colour=red', 'INVALID_REQUEST', 400],
			['modelId=two&from=yesterday', 'INVALID_REQUEST', 400],
			['modelId=two&from=2026-01-02&to=2026-01-01', 'INVALID_REQUEST', 400],
		]) {
			const answer = await harper.get(`/monitoring/profile?${query}`);
			assert.deepEqual([answer.status, answer.body.code], [status, code], query);
		}
	});

	test('is not made when that is off, and of outputs alone when features are private', async () => {
		// What is not in the table yet is stored when the process ends.
		await upload('last', identity(FLOAT, ['n', 1]));
		for (const x of [1, 2, 3]) await predict('last', [x], { headers: { connection: 'close' } });
		await upload('last', identity(FLOAT, ['n', 1]), { version: 'v2' });
		for (const x of [1, 2]) await predict('last', [x]);
		const rowsByVersion = async () =>
			Object.fromEntries((await profileOf('last')).map((one) => [one.version, one.rows]));
		assert.deepEqual(await rowsByVersion(), { v1: 3, v2: 2 });
		await harper.restart({ profile: 'off' });
		assert.deepEqual(await rowsByVersion(), { v1: 3, v2: 2 });
		assert.deepEqual(await keptMs('last'), { '1h': 31 * DAY_MS, '1d': undefined });
		await upload('off', identity(FLOAT, ['n', 1]));
		await predict('off', [1]);
		assert.deepEqual(await profileOf('off'), []);
		await harper.restart({ profile: 'on', recordFeatures: 'none' });
		await predict('off', [1]);
		const [{ columns }] = await profileOf('off');
		assert.deepEqual(Object.keys(columns), ['output.y']);
	});
});
