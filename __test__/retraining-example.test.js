// From drift to the version that answers it, with the script of examples/retraining and a real server.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { passwordOf, root, startHarper } from './support/harper.js';
import { randomFrom } from './support/random.js';
import { until } from './support/until.js';

const run = promisify(execFile);
const PYTHON = join(root, '.venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
const skip = !existsSync(PYTHON) && 'skipped: no .venv, see scripts/requirements.txt';

/** Measures of typical flowers, by class. */
const CENTRES = [
	[5, 3.4, 1.5, 0.2],
	[5.9, 2.8, 4.3, 1.3],
	[6.6, 3, 5.6, 2.1],
];
/** The new camera tells inches. */
const CENTIMETRES = 1;
const INCHES = 1 / 2.54;

const random = randomFrom(7);
const flowers = (count, unit) =>
	Array.from({ length: count }, (_, at) => ({
		truth: at % 3,
		row: CENTRES[at % 3].map((value) => (value + (random() - 0.5) / 5) * unit),
	}));

const ALL = { read: true, insert: true, update: true, delete: false, attribute_permissions: [] };
const READ = { ...ALL, insert: false, update: false };

describe('drift appears, and a new version answers', { skip }, () => {
	let harper;
	before(async () => {
		harper = await startHarper({ options: { ruleInterval: 1 } });
		assert.equal((await harper.upload({ modelId: 'iris', version: 'v1' }, ['examples/iris/model.onnx'])).status, 201);
		const lines = flowers(150, CENTIMETRES).map(({ row }) => row.join());
		const path = '/monitoring/reference?modelId=iris&version=v1&name=training&format=csv';
		const sent = await harper.request('POST', path, { body: `0,1,2,3\n${lines.join('\n')}\n` });
		assert.equal(sent.status, 201, JSON.stringify(sent.body));
		await harper.addUser('operator');
		const tables = {
			InferenceEvent: READ,
			RetrainingRequest: { ...ALL, insert: false },
			Model: { ...ALL, update: false },
		};
		await harper.addRole('trainer', { edge_ai: { tables } });
	});
	after(() => harper?.dispose());

	/** Predicts all, and gives the truth; resolves to the share that was right. */
	async function predictAll(version, some) {
		const { status, body } = await harper.predict({
			modelId: 'iris',
			version,
			features: { float_input: some.map(({ row }) => row) },
		});
		assert.equal(status, 200, JSON.stringify(body));
		const outcome = some.map(({ truth }) => truth);
		await harper.feedback({ inferenceId: body.inferenceId, outcome });
		const labels = Object.values(body.prediction)[0];
		return labels.filter((label, at) => Number(label) === outcome[at]).length / some.length;
	}

	const requests = async () => (await harper.get('/monitoring/retraining')).body.requests;
	const train = () =>
		run(PYTHON, ['examples/retraining/train.py', harper.base, '--once'], {
			cwd: root,
			env: { ...process.env, EDGE_AI_USER: 'trainer', EDGE_AI_PASSWORD: passwordOf('trainer') },
		});

	test('alert, request, approval, training, new version, request completed', async () => {
		assert.ok((await predictAll('v1', flowers(60, CENTIMETRES))) > 0.95);
		for (let at = 0; at < 10; at += 1) assert.ok((await predictAll('v1', flowers(60, INCHES))) < 0.7);
		const rule = {
			...{ id: 'drifted', modelId: 'iris', version: 'v1', reference: 'training' },
			...{ measure: 'drift.driftedShare', threshold: 0.3, retrain: { minNewLabels: 5 } },
		};
		assert.equal((await harper.request('POST', '/monitoring/rules', { body: rule })).status, 201);
		await until('a request', async () => (await requests()).length === 1);
		const [{ id, alert, evidence }] = await requests();
		assert.equal(alert, 'drifted:v1');
		assert.ok(evidence.value > 0.3);
		const approved = await harper.request('POST', `/monitoring/retraining/${id}/approve`, {
			body: {},
			user: 'operator',
		});
		assert.equal(approved.status, 200, JSON.stringify(approved.body));

		const { stdout } = await train();
		assert.match(stdout, /iris: drift.driftedShare was .* in 1h, which is above 0.3/);
		const { state, answeredBy, changes } = (await harper.get(`/monitoring/retraining/${id}`)).body;
		assert.equal(state, 'completed', stdout);
		assert.deepEqual(
			changes.map((change) => [change.state, change.who]),
			[
				['pending', undefined],
				['approved', 'operator'],
				['running', 'trainer'],
				['completed', 'trainer'],
			]
		);
		assert.match(stdout, new RegExp(`version ${answeredBy} of \\d+ rows`));
		assert.ok((await predictAll(answeredBy, flowers(60, INCHES))) > 0.95, 'it knows inches');
	});

	test('training that fails says why in the request', async () => {
		const { body } = await harper.request('POST', '/monitoring/retraining', {
			body: { modelId: 'iris', reason: 'again' },
		});
		await harper.request('DELETE', '/monitoring/rules/drifted');
		const tooFew = { modelId: 'small', version: 'v1' };
		await harper.upload(tooFew, ['examples/iris/model.onnx']);
		await harper.request('POST', `/monitoring/retraining/${body.id}/reject`, { body: {} });
		const { body: small } = await harper.request('POST', '/monitoring/retraining', {
			body: { modelId: 'small', reason: 'by hand' },
		});
		await harper.request('POST', `/monitoring/retraining/${small.id}/approve`, { body: {} });
		await train();
		const failed = (await harper.get(`/monitoring/retraining/${small.id}`)).body;
		assert.equal(failed.state, 'failed');
		assert.match(failed.changes.at(-1).comment, /0 rows have a label, 30 are needed/);
	});
});
