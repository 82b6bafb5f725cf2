// Whether what this component does makes Node.js follow promises. It does from the first value in asynchronous local storage on, for
// every promise of the thread, and a prediction takes a tenth longer then.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { freePort } from './support/free-port.js';
import { startHarper } from './support/harper.js';
import { postJob } from './support/jobs.js';
import { overMqtt, overServerSentEvents, overWebSocket } from './support/subscribers.js';
import { until } from './support/until.js';

/** An application that asks: what follows promises gives each part of a function that waits an id of its own. */
const PROBE = {
	'probe/config.yaml': 'rest: true\njsResource:\n  files: resources.js\n',
	'probe/resources.js': `
		import { AsyncLocalStorage, executionAsyncId } from 'node:async_hooks';
		let storage;
		export class Followed extends Resource {
			async get() {
				await null;
				const first = executionAsyncId();
				await null;
				return { isFollowed: executionAsyncId() !== first };
			}
			post() {
				storage = new AsyncLocalStorage();
				storage.run(1, () => {});
				return {};
			}
		}
	`,
};

let harper;
before(async () => {
	const mqttPort = await freePort();
	harper = await startHarper({
		threads: 1,
		components: PROBE,
		variables: { MQTT_NETWORK_PORT: `127.0.0.1:${mqttPort}` },
	});
	harper.mqttPort = mqttPort;
	assert.equal((await harper.upload({ modelId: 'iris', version: 'v1' }, ['examples/iris/model.onnx'])).status, 201);
});
after(() => harper?.dispose());

const features = { float_input: [5.1, 3.5, 1.4, 0.2] };
const isFollowed = async () => (await harper.get('/Followed')).body.isFollowed;

async function subscribe(over) {
	const subscriber = await over();
	await harper.predict({ modelId: 'iris', features });
	subscriber.leave();
}

for (const [what, act] of [
	['a prediction', () => harper.predict({ modelId: 'iris', features })],
	['many at a time', () => Promise.all(Array.from({ length: 8 }, () => harper.predict({ modelId: 'iris', features })))],
	[
		'a batch',
		() => harper.request('POST', '/predict/batch', { body: { modelId: 'iris', rows: [features, features] } }),
	],
	[
		'feedback',
		async () => {
			const { inferenceId } = (await harper.predict({ modelId: 'iris', features })).body;
			assert.equal((await harper.feedback({ inferenceId, outcome: 'setosa' })).status, 200);
		},
	],
	['metrics and events', () => harper.get('/monitoring/metrics?modelId=iris')],
	['features', () => harper.request('PUT', '/features/flower', { body: { features } })],
	['a subscription over server-sent events', () => subscribe(() => overServerSentEvents(harper, '/monitoring/events'))],
	['a subscription over WebSocket', () => subscribe(() => overWebSocket(harper, '/monitoring/events'))],
	['a subscription over MQTT', () => subscribe(() => overMqtt(harper, 'edge_ai/events'))],
	[
		'a job',
		async () => {
			await harper.operation({ operation: 'create_table', database: 'data', table: 'Row', primary_key: 'id' });
			await harper.operation({ operation: 'insert', table: 'Row', records: [{ id: 1, x: [5.1, 3.5, 1.4, 0.2] }] });
			const source = { table: 'Row', fields: { float_input: 'x' } };
			const { body } = await postJob(harper, {
				modelId: 'iris',
				source,
				target: { table: 'Row', fields: { y: 'prediction' } },
			});
			await until('its end', async () => (await harper.get(`/jobs/${body.id}`)).body.state === 'completed');
		},
	],
]) {
	test(`${what} does not`, async () => {
		await act();
		assert.equal(await isFollowed(), false);
	});
}

test('what follows promises is seen', async () => {
	await harper.request('POST', '/Followed', { body: {} });
	assert.equal(await isFollowed(), true);
});
