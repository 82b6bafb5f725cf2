// A model that is deleted while rows of a batch or a job run: nothing of it is answered any more, and nobody waits for it.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { ADMIN, credentials, startHarper } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { until } from './support/until.js';

const LOOP = '__test__/fixtures/hostile/endless_loop.onnx';
/** Far longer than a test may take: what ends before ends because of the deletion. */
const TIMEOUT_MS = 3_600_000;
const NDJSON = 'application/x-ndjson';
const ROWS = 40;

const oneOperator = (operator) => ({
	name: 'model.onnx',
	content: onnxModel({
		nodes: [[operator, ['x'], ['y']]],
		inputs: [['x', FLOAT, ['rows', 1]]],
		outputs: [['y', FLOAT, ['rows', 1]]],
	}),
});

let harper;
before(async () => {
	// With one thread a table that is made is known at once.
	harper = await startHarper({ threads: 1 });
	const attributes = ['id', 'x', 'y'].map((name) => ({ name }));
	await harper.operation({
		operation: 'create_table',
		database: 'data',
		table: 'Numbers',
		primary_key: 'id',
		attributes,
	});
	const records = Array.from({ length: ROWS }, (_, at) => ({ id: `k${at}`, x: at }));
	await harper.operation({ operation: 'insert', database: 'data', table: 'Numbers', records });
});
after(() => harper?.dispose());

async function upload(modelId, file) {
	const { status, body } = await harper.upload({ modelId, version: 'v1' }, [file]);
	assert.equal(status, 201, JSON.stringify(body));
}

async function remove(modelId) {
	const { status, body } = await harper.request('DELETE', `/model/${modelId}/v1`);
	assert.equal(status, 200, JSON.stringify(body));
}

const running = async () => (await harper.get('/status')).body.running;
const runs = () => until('a row runs', async () => (await running()) > 0);
afterEach(() => until('no run is left', async () => (await running()) === 0));

const startJob = async (modelId) => {
	const answer = await harper.request('POST', '/jobs/predict', {
		body: {
			modelId,
			timeoutMs: TIMEOUT_MS,
			source: { table: 'Numbers' },
			target: { table: 'Numbers', fields: { y: 'prediction' } },
		},
	});
	assert.equal(answer.status, 202, JSON.stringify(answer.body));
	return answer.body.id;
};

describe('a run that would go on for an hour ends when its model is deleted', () => {
	test('in a batch', async () => {
		await upload('loop', LOOP);
		const rows = Array.from({ length: ROWS }, (_, at) => ({ x: [at] }));
		const answered = harper.request('POST', '/predict/batch', {
			body: { modelId: 'loop', timeoutMs: TIMEOUT_MS, rows },
		});
		await runs();
		await remove('loop');
		const { status, body } = await answered;
		assert.deepEqual([status, body.code], [404, 'MODEL_NOT_FOUND'], JSON.stringify(body));
	});

	test('in a job, which fails', async () => {
		await upload('loop', LOOP);
		const id = await startJob('loop');
		await runs();
		await remove('loop');
		let job;
		const isOver = async () => (job = (await harper.get(`/jobs/${id}`)).body).state !== 'running';
		await until('the job ends', isOver);
		assert.deepEqual([job.state, job.error?.code], ['failed', 'MODEL_NOT_FOUND'], JSON.stringify(job));
	});
});

describe('rows that are still to come have no answer', () => {
	/** A batch whose body is not at its end. */
	async function open(modelId) {
		const call = request(`${harper.base}/predict/batch?modelId=${modelId}`, {
			method: 'POST',
			headers: { 'content-type': NDJSON, ...credentials(ADMIN) },
			agent: false,
		});
		let text = '';
		const ended = new Promise((resolve, reject) => {
			call.on('error', reject);
			call.on('response', (response) => {
				response.setEncoding('utf8');
				response.on('data', (part) => (text += part));
				response.once('end', resolve).once('error', reject);
			});
		});
		const answers = () => text.split('\n').slice(0, -1).map(JSON.parse);
		call.write('{"x": 1}\n');
		await until('the first answer', () => answers().length === 1);
		return { call, answers, ended };
	}

	for (const [what, change, message] of [
		['deleted', () => remove('relu'), /no version "v1"/],
		[
			'deleted and uploaded again with other bytes',
			async () => {
				await remove('relu');
				await upload('relu', oneOperator('Neg'));
			},
			/other bytes/,
		],
	]) {
		test(`when the model is ${what}`, async () => {
			const attempt = async () => {
				// Whatever an attempt before has left.
				await harper.request('DELETE', '/model/relu/v1');
				await upload('relu', oneOperator('Relu'));
				const { call, answers, ended } = await open('relu');
				await change();
				call.write('{"x": 2}\n'.repeat(ROWS));
				await ended;
				call.destroy();
				return answers();
			};
			// The server looks now and then: where that falls between a deletion and an upload, the version is gone.
			await until(`the error is ${message}`, async () => {
				const [first, last, ...others] = await attempt();
				assert.deepEqual([first.row, first.prediction, others], [0, { y: [1] }, []]);
				assert.deepEqual([last.row, last.code], [undefined, 'MODEL_NOT_FOUND']);
				assert.match(last.error, /other bytes|no version "v1"/);
				return message.test(last.error);
			});
		});
	}

	test('but they have when it is uploaded again as it was', async () => {
		await upload('same', oneOperator('Relu'));
		const attempt = async () => {
			const { call, answers, ended } = await open('same');
			await remove('same');
			await upload('same', oneOperator('Relu'));
			call.end('{"x": 2}\n');
			await ended;
			return answers();
		};
		// The server looks now and then: where that falls between the two, the model is gone.
		await until('no look in between', async () => {
			const [first, last] = await attempt();
			assert.deepEqual(first.prediction, { y: [1] });
			if (last.code === 'MODEL_NOT_FOUND') return false;
			assert.deepEqual(last.prediction, { y: [2] });
			return true;
		});
	});

	test('and other models change nothing', async () => {
		await upload('own', oneOperator('Relu'));
		await upload('other', oneOperator('Abs'));
		const { call, answers, ended } = await open('own');
		await remove('other');
		call.end('{"x": 2}\n');
		await ended;
		assert.equal(answers()[1].row, 1);
	});
});
