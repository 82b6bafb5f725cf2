// The commands of docs/subscriptions.md, as printed but for the ports.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort } from './support/free-port.js';
import { root, startHarper } from './support/harper.js';
import { postJob } from './support/jobs.js';
import { until } from './support/until.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const page = readFileSync(join(root, 'docs/subscriptions.md'), 'utf8');
const blocks = (language) =>
	[...page.matchAll(/^```(\w+)\n(.*?)^```/gms)].flatMap(([, name, text]) => (name === language ? [text] : []));

let harper;
let mqttPort;
before(async () => {
	mqttPort = await freePort();
	// As npm start has it: the commands of the page send no credentials.
	harper = await startHarper({
		options: { ruleInterval: 1 },
		variables: { AUTHENTICATION_AUTHORIZELOCAL: 'true', MQTT_NETWORK_PORT: `127.0.0.1:${mqttPort}` },
	});
	assert.equal((await harper.upload({ modelId: 'iris', version: '1.0.0' }, ['examples/iris/model.onnx'])).status, 201);
	const at = { database: 'data', table: 'Flower' };
	const attributes = ['id', 'float_input', 'species'].map((name) => ({ name }));
	await harper.operation({ operation: 'create_table', ...at, primary_key: 'id', attributes });
	await harper.operation({ operation: 'insert', ...at, records: [{ id: 1, float_input: SETOSA }] });
});
after(() => harper?.dispose());

const withPorts = (text) => {
	const { port } = new URL(harper.base);
	return text.replaceAll('127.0.0.1:9926', `127.0.0.1:${port}`).replaceAll('-p 1883', `-p ${mqttPort}`);
};

/** Starts a program, until what it has printed holds for a condition; then it is ended, with all that it has started. */
async function run(command, args, env, isEnough, act = async () => {}) {
	const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, detached: true });
	let output = '';
	for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
	const closed = new Promise((resolve) => child.once('close', resolve));
	try {
		await until(`${args.at(-1)}`, async () => {
			if (child.exitCode === null) await act();
			return isEnough(output) || child.exitCode !== null;
		});
	} finally {
		if (child.exitCode === null) process.kill(-child.pid);
		await closed;
	}
	assert.ok(isEnough(output), output);
	return output;
}

const shell = (script, env, isEnough, act) => run('bash', ['-c', withPorts(script)], env, isEnough, act);

const ROUTE = '/monitoring/retraining';

describe('docs/subscriptions.md', () => {
	let ids;
	const predict = async () => {
		const { body } = await harper.predict({ modelId: 'iris', features: { float_input: SETOSA } });
		ids.push(body.inferenceId);
	};
	const isTold = (output) => ids.some((id) => output.includes(id) && output.includes('output_label'));
	before(() => (ids = []));

	test('has the commands that are tried here', () => {
		assert.deepEqual(
			blocks('bash').map((text) => text.match(/^(curl -N|npx mqtt|MQTT_NETWORK_PORT)/)?.[1]),
			['curl -N', 'MQTT_NETWORK_PORT', 'npx mqtt', ...Array(3).fill(['curl -N', 'npx mqtt']).flat()]
		);
		assert.equal(blocks('js').length, 1);
	});

	test('predictions with curl', () => shell(blocks('bash')[0], {}, isTold, predict));
	test('predictions over a WebSocket', () =>
		run(
			process.execPath,
			['--experimental-websocket', '--input-type=module', '--eval', withPorts(blocks('js')[0])],
			{},
			isTold,
			predict
		));
	test('predictions over MQTT', () => shell(blocks('bash')[2], {}, isTold, predict));

	for (const at of [3, 4]) {
		test(`alerts with ${at === 3 ? 'curl' : 'MQTT'}`, async () => {
			await predict();
			const rule = { modelId: 'iris', measure: 'count', threshold: 0 };
			const { status } = await harper.request('PUT', '/monitoring/rules/page', { body: rule });
			assert.ok(status < 300);
			const path = '/monitoring/alerts/page';
			await until('it fires', async () => (await harper.get(path)).body.state === 'firing');
			const change = () => harper.request('POST', `${path}/silence`, { body: { until: 1 } });
			await shell(blocks('bash')[at], {}, (output) => output.includes('"rule":"page"'), change);
		});
	}

	for (const at of [5, 6]) {
		test(`requests for retraining with ${at === 5 ? 'curl' : 'MQTT'}`, async () => {
			// As often as it takes: the subscription is noticed by what it tells.
			const approve = async () => {
				const { body } = await harper.request('POST', ROUTE, { body: { modelId: 'iris', reason: 'the page' } });
				for (const name of ['approve', 'reject']) {
					await harper.request('POST', `${ROUTE}/${body.id}/${name}`, { body: {} });
				}
			};
			await shell(blocks('bash')[at], {}, (output) => output.includes('"state":"approved"'), approve);
		});
	}

	for (const at of [7, 8]) {
		test(`a job with ${at === 7 ? 'curl' : 'MQTT'}`, async () => {
			const table = 'Flower';
			const target = { table, fields: { species: 'prediction' } };
			const source = { table, fields: { float_input: 'float_input' } };
			const { body: job } = await postJob(harper, { modelId: 'iris', source, target });
			await shell(blocks('bash')[at], { JOB: job.id }, (output) => /"state":"completed".*"processed":1\b/.test(output));
		});
	}
});
