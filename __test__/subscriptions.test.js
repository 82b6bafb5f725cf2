// Predictions and jobs as they come: by server-sent events, WebSocket and MQTT, with the rights of the routes that tell the same.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { changesOf } from '../resources/storage/changes.js';
import { freePort } from './support/free-port.js';
import { ADMIN, passwordOf, startHarper } from './support/harper.js';
import { postJob } from './support/jobs.js';
import { overMqtt, overServerSentEvents, overWebSocket } from './support/subscribers.js';
import { until } from './support/until.js';

const IRIS = 'examples/iris/model.onnx';
const SETOSA = [5.1, 3.5, 1.4, 0.2];
const ROWS = 2000;
const NO_JOB = '01900000-0000-7000-8000-000000000000';

const grant = (...attributes) => ({
	read: true,
	insert: false,
	update: false,
	delete: false,
	attribute_permissions: attributes.map((name) => ({
		attribute_name: name,
		read: true,
		insert: false,
		update: false,
		delete: false,
	})),
});

/** An application that counts the subscriptions of its thread. */
const COUNTING = {
	'counting/config.yaml': 'rest: true\njsResource:\n  files: resources.js\n',
	'counting/resources.js': `
		const open = { events: 0, jobs: 0 };
		for (const [name, table] of [['events', databases.edge_ai.InferenceEvent], ['jobs', databases.edge_ai.Job]]) {
			const { subscribe } = table;
			table.subscribe = async function (...given) {
				const subscription = await subscribe.apply(this, given);
				const { end } = subscription;
				open[name] += 1;
				subscription.end = function () {
					open[name] -= 1;
					return end.call(this);
				};
				return subscription;
			};
		}
		export class Open extends Resource {
			static loadAsInstance = false;
			get() {
				return open;
			}
		}
	`,
};

let harper;
before(async () => {
	const mqttPort = await freePort();
	harper = await startHarper({
		variables: { MQTT_NETWORK_PORT: `127.0.0.1:${mqttPort}` },
	});
	harper.mqttPort = mqttPort;
	for (const [modelId, file] of [
		['iris', IRIS],
		['other', IRIS],
		['loop', '__test__/fixtures/hostile/endless_loop.onnx'],
	]) {
		assert.equal((await harper.upload({ modelId, version: '1.0.0' }, [file])).status, 201);
	}
	await makeRows();
	await harper.addUser('viewer');
	await harper.addRole('nothing', {});
	await harper.addRole('some', {
		edge_ai: { tables: { InferenceEvent: grant('modelId', 'timestamp'), Job: grant('processed') } },
	});
	await harper.addRole('routed', {
		edge_ai_routes: { tables: { InferenceEvent: grant(), Job: grant() } },
	});
});
after(() => harper?.dispose());

/** A table whose rows are inputs of both models. */
async function makeRows() {
	const at = { database: 'data', table: 'Row' };
	const attributes = ['id', 'float_input', 'x', 'result'].map((name) => ({ name }));
	await harper.operation({ operation: 'create_table', ...at, primary_key: 'id', attributes });
	const records = Array.from({ length: ROWS }, (_, id) => ({ id, float_input: SETOSA, x: id }));
	await harper.operation({ operation: 'insert', ...at, records });
}

/** A job of `iris`, which ends, or of `loop`, which does not until it is cancelled. */
async function startJob(modelId) {
	const fields = modelId === 'iris' ? ['float_input'] : ['x'];
	const source = { table: 'Row', fields: Object.fromEntries(fields.map((name) => [name, name])) };
	const target = { table: 'Row', fields: { result: 'prediction' } };
	const body = { modelId, source, target, record: false, timeoutMs: 60_000 };
	const answer = await postJob(harper, body, { headers: { connection: 'close' } });
	assert.equal(answer.status, 202, JSON.stringify(answer.body));
	return answer.body.id;
}

const jobOf = async (id, user) => (await harper.get(`/jobs/${id}`, { user })).body;
const cancel = (id) => harper.request('DELETE', `/jobs/${id}`);

/** On a thread of Harper's choice. */
async function predict(fields = {}, on = harper) {
	const { status, body } = await on.predict(
		{ modelId: 'iris', features: { float_input: SETOSA }, ...fields },
		{ headers: { connection: 'close' } }
	);
	assert.equal(status, 200, JSON.stringify(body));
	return body.inferenceId;
}

const eventOf = async (id) => (await harper.get(`/monitoring/events?inferenceId=${id}`)).body.events[0];

/** Predicts until a subscriber hears of it, which has begun then. */
async function begun(subscriber, fields) {
	await until('the beginning', async () => {
		await predict(fields);
		return subscriber.isOver || subscriber.items.length > 0;
	});
	return subscriber;
}

const EVENTS = {
	'server-sent events': (query, how) => overServerSentEvents(harper, `/monitoring/events${query}`, how),
	WebSocket: async (query, how) => overWebSocket(harper, `/monitoring/events${query}`, how),
	MQTT: (query, how) => overMqtt(harper, `edge_ai/events${query}`, how),
};

/** How each says of a refusal that it is one of a code. */
const isRefused = {
	'server-sent events': ({ status, body }, code) => {
		assert.equal(body.code, code);
		assert.equal(status, { INVALID_REQUEST: 400, UNAUTHENTICATED: 401, FORBIDDEN: 403, JOB_NOT_FOUND: 404 }[code]);
	},
	WebSocket: ({ status, body }, code) => {
		assert.equal(body.code, code);
		assert.equal(status, { UNAUTHENTICATED: 3000, FORBIDDEN: 3003 }[code] ?? 1011);
	},
	MQTT: ({ status, message }, code) => {
		// Nobody is refused at the connection: "bad user name or password".
		const expected = { INVALID_REQUEST: 0x80, UNAUTHENTICATED: 4, FORBIDDEN: 0x87, JOB_NOT_FOUND: 0x8f }[code];
		assert.equal(status, expected, message);
	},
};

for (const [way, subscribe] of Object.entries(EVENTS)) {
	describe(`events over ${way}`, () => {
		test('are those of all threads, as the route has them, when they are recorded and when feedback changes them', async () => {
			const userId = `follows over ${way}`;
			const subscriber = await begun(await subscribe(`?modelId=iris&userId=${encodeURIComponent(userId)}`), { userId });
			for (let at = 0; at < 8; at += 1) {
				const id = await predict({ userId });
				const recorded = await eventOf(id);
				await predict({ userId: 'somebody else' });
				await predict({ userId, modelId: 'other' });
				const told = await subscriber.hears('a prediction', (event) => event.id === id);
				assert.deepEqual(told, recorded);
				assert.equal((await harper.feedback({ inferenceId: id, outcome: 0 })).status, 200);
				const changed = await subscriber.hears('feedback', (event) => event.id === id && event.correct === true);
				assert.deepEqual(changed, await eventOf(id));
			}
			assert.ok(subscriber.items.every((event) => event.modelId === 'iris' && event.userId === userId));
			const { items, topics } = subscriber;
			if (way === 'MQTT') {
				assert.deepEqual(
					topics,
					items.map(({ id }) => `edge_ai/events/${id}`)
				);
			}
			subscriber.leave();
		});

		test('are narrowed by each parameter', async () => {
			const filters = {
				version: '1.0.0',
				sessionId: 's',
				userId: 'u',
				digest: (await eventOf(await predict())).digest,
			};
			for (const [name, value] of Object.entries(filters)) {
				const subscriber = await begun(await subscribe(`?${name}=${value}`), { sessionId: 's', userId: 'u' });
				subscriber.leave();
				const attribute = name === 'version' ? 'modelVersion' : name;
				assert.ok(subscriber.items.every((event) => event[attribute] === value));
			}
		});

		for (const [why, query, user, code] of [
			['an unknown parameter', '?model=iris', ADMIN, 'INVALID_REQUEST'],
			['a parameter of pages', '?limit=1', ADMIN, 'INVALID_REQUEST'],
			['a wrong digest, with a long message', `?digest=${'abc'.repeat(50)}`, ADMIN, 'INVALID_REQUEST'],
			['a parameter that is given twice', '?modelId=iris&modelId=iris', ADMIN, 'INVALID_REQUEST'],
			['nobody', '', null, 'UNAUTHENTICATED'],
			['who may not read events', '', 'nothing', 'FORBIDDEN'],
			['who filters by what it may not read', '?userId=u', 'some', 'FORBIDDEN'],
		]) {
			test(`are refused for ${why}`, async () => {
				const subscriber = await subscribe(query, { user });
				await until('a refusal', () => subscriber.refusal?.status !== undefined);
				isRefused[way](subscriber.refusal, code);
				assert.deepEqual(subscriber.items, []);
				subscriber.leave();
			});
		}

		test('show what a role may read', async () => {
			const some = await begun(await subscribe('?modelId=iris', { user: 'some' }));
			for (const event of some.items) assert.deepEqual(Object.keys(event), ['id', 'timestamp', 'modelId']);
			some.leave();
			for (const user of ['viewer', 'routed']) {
				const whole = await begun(await subscribe('?modelId=iris', { user }));
				for (const event of whole.items) assert.ok(event.prediction && event.featuresIn);
				whole.leave();
			}
		});
	});
}

const JOBS = {
	'server-sent events': (id, how) => overServerSentEvents(harper, `/jobs/${id}`, how),
	WebSocket: (id, how) => overWebSocket(harper, `/jobs/${id}`, how),
	MQTT: (id, how) => overMqtt(harper, `edge_ai/jobs/${id}`, how),
};

for (const [way, subscribe] of Object.entries(JOBS)) {
	describe(`jobs over ${way}`, () => {
		test('tell how far they are, until they have ended', async () => {
			const id = await startJob('iris');
			const subscriber = await subscribe(id);
			const last = await subscriber.hears('the end', ({ state }) => state === 'completed');
			assert.deepEqual(last, await jobOf(id));
			assert.equal(last.processed, ROWS);
			const progress = subscriber.items.map(({ processed }) => processed);
			assert.deepEqual(
				progress,
				progress.toSorted((a, b) => a - b)
			);
			if (way === 'MQTT') assert.ok(subscriber.topics.every((topic) => topic === `edge_ai/jobs/${id}`));
			else await subscriber.ends();
			subscriber.leave();
		});

		test('tell at once how they are, and of the cancellation', async () => {
			const id = await startJob('loop');
			const subscriber = await subscribe(id);
			await subscriber.hears('the job', ({ state }) => state === 'running');
			assert.equal((await cancel(id)).status, 200);
			assert.deepEqual(await subscriber.hears('the end', ({ state }) => state === 'cancelled'), await jobOf(id));
			subscriber.leave();
		});

		test('that have ended are told once', async () => {
			const id = await startJob('iris');
			await until('its end', async () => (await jobOf(id)).state === 'completed');
			const subscriber = await subscribe(id);
			await subscriber.hears('the job');
			assert.deepEqual(subscriber.items, [await jobOf(id)]);
			subscriber.leave();
		});

		test('show what the route shows a role', async () => {
			const id = await startJob('iris');
			for (const user of ['viewer', 'routed', 'some']) {
				const subscriber = await subscribe(id, { user });
				await subscriber.hears('the end', ({ processed }) => processed === ROWS);
				await until('its end', async () => (await jobOf(id)).state === 'completed');
				await until('the last', async () => isDeepStrictEqual(subscriber.items.at(-1), await jobOf(id, user)));
				if (user === 'some') {
					for (const job of subscriber.items) assert.deepEqual(Object.keys(job), ['id', 'processed']);
				}
				subscriber.leave();
			}
		});

		for (const [why, job, user, code] of [
			['a job that there is not', NO_JOB, ADMIN, 'JOB_NOT_FOUND'],
			['nobody', NO_JOB, null, 'UNAUTHENTICATED'],
			['who may not read jobs', NO_JOB, 'nothing', 'FORBIDDEN'],
		]) {
			test(`are refused for ${why}`, async () => {
				const subscriber = await subscribe(job, { user });
				await until('a refusal', () => subscriber.refusal?.status !== undefined);
				isRefused[way](subscriber.refusal, code);
				subscriber.leave();
			});
		}
	});
}

describe('server-sent events', () => {
	test('go on being heard of when nothing comes', async () => {
		const subscriber = await overServerSentEvents(harper, '/monitoring/events?sessionId=silent');
		await until('a comment', () => subscriber.comments > 1);
		assert.deepEqual([subscriber.items, subscriber.isOver], [[], false]);
		assert.equal(subscriber.headers.get('content-type'), 'text/event-stream');
		subscriber.leave();
	});
});

describe('what Harper offers by itself', () => {
	test('tells nobody more of a job: the exported table cannot be subscribed to', async () => {
		const id = await startJob('iris');
		const path = `/edge_ai/Job/${id}`;
		assert.deepEqual((await harper.get(path, { user: 'some' })).status, 200);
		const headers = { accept: 'text/event-stream' };
		assert.equal((await harper.get(path, { user: 'some', headers })).status, 404);
		const socket = await overWebSocket(harper, path, { user: 'some' });
		await socket.ends();
		assert.deepEqual(socket.items, []);
		assert.equal((await overMqtt(harper, path.slice(1), { user: 'some' })).refusal.status, 0x8f);
	});

	test('has no other way to the channels', async () => {
		for (const path of ['/edge_ai/events', '/edge_ai/events/', `/edge_ai/jobs/${NO_JOB}`]) {
			for (const method of ['GET', 'PUT', 'POST', 'DELETE']) {
				const { status } = await harper.request(method, path, method === 'GET' ? {} : { body: {} });
				assert.ok([404, 405].includes(status), `${method} ${path}: ${status}`);
			}
			assert.equal((await harper.get(path, { headers: { accept: 'text/event-stream' } })).status, 404);
		}
		const below = await overMqtt(harper, 'edge_ai/events/iris');
		assert.equal(below.refusal.status, 0x80);
	});
});

describe('a WebSocket', () => {
	test('of a page of another origin is not served by the session of its visitor', async () => {
		const login = await fetch(harper.operations, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ operation: 'login', username: ADMIN, password: passwordOf(ADMIN) }),
		});
		const [, session] = login.headers.get('set-cookie').match(/hdb-session=([^;]+)/);
		const headers = { origin: 'http://evil.example', cookie: `evil_example-hdb-session=${session}` };
		let subscriber;
		// Another thread may not know the session at once.
		await until('a session of a user', async () => {
			subscriber = await begun(await overWebSocket(harper, '/monitoring/events', { user: null, headers }));
			assert.deepEqual(subscriber.items, []);
			return subscriber.refusal.body.code !== 'UNAUTHENTICATED';
		});
		assert.deepEqual([subscriber.refusal.status, subscriber.refusal.body.code], [3003, 'FORBIDDEN']);
	});

	test('at another route is closed, and nothing is done for it', async () => {
		for (const path of ['/status', '/model', '/edge-ai-internal']) {
			const subscriber = await overWebSocket(harper, path);
			await subscriber.ends();
			assert.deepEqual(subscriber.items, []);
		}
	});
});

describe('who leaves', () => {
	let counting;
	before(async () => {
		const mqttPort = await freePort();
		counting = await startHarper({
			threads: 1,
			options: { routePrefix: '/ai' },
			variables: { MQTT_NETWORK_PORT: `127.0.0.1:${mqttPort}` },
			components: COUNTING,
		});
		counting.mqttPort = mqttPort;
	});
	after(() => counting?.dispose());

	const open = async () => (await counting.get('/Open')).body;

	for (const [way, subscribe] of [
		['server-sent events', () => overServerSentEvents(counting, '/ai/monitoring/events')],
		['WebSocket', () => overWebSocket(counting, '/ai/monitoring/events')],
		['MQTT', () => overMqtt(counting, 'edge_ai/events')],
	]) {
		test(`ends its subscription over ${way}, whether or not something comes`, async () => {
			const subscribers = [];
			for (let at = 0; at < 12; at += 1) subscribers.push(await subscribe());
			await until('all', async () => (await open()).events === 12);
			for (const subscriber of subscribers) subscriber.leave();
			await until('none', async () => (await open()).events === 0);
		});
	}

	test('ends its subscription over MQTT by saying so', async () => {
		const subscriber = await overMqtt(counting, 'edge_ai/events');
		await until('one', async () => (await open()).events === 1);
		await subscriber.unsubscribe();
		await until('none', async () => (await open()).events === 0);
		subscriber.leave();
	});

	test('is refused without a subscription that stays', async () => {
		for (const subscribe of [overServerSentEvents, overWebSocket]) {
			const subscriber = await subscribe(counting, '/ai/monitoring/events?model=iris');
			await until('a refusal', () => subscriber.refusal);
			subscriber.leave();
		}
		assert.deepEqual(await open(), { events: 0, jobs: 0 });
		assert.equal((await counting.log()).includes('MaxListenersExceededWarning'), false);
	});
});

describe('changes that nobody reads', () => {
	test('end the subscription when too many wait', async () => {
		let ended = 0;
		const table = {
			subscribe: async () => ({
				async *[Symbol.asyncIterator]() {
					for (let at = 0; at < 10; at += 1) yield { value: { at } };
					await new Promise(() => {});
				},
				end: () => (ended += 1),
			}),
		};
		const select = (item) => ({ item });
		const read = await changesOf(table, { select }, { maxWaiting: 10 });
		for (let at = 0; at < 10; at += 1) assert.deepEqual((await read.next()).value, { at });
		assert.equal(ended, 0);
		await read.return();
		assert.deepEqual([await read.next(), ended], [{ done: true, value: undefined }, 1]);
		const unread = await changesOf(table, { select }, { maxWaiting: 9 });
		await until('the end', () => ended === 2);
		await assert.rejects(unread.next(), { code: 'QUEUE_FULL' });
		assert.deepEqual(await unread.next(), { done: true, value: undefined });
	});
});
