// What the code of an application in Harper imports: the same answers, rights, events and errors as over HTTP.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { encode } from 'cbor-x';
import { STATUS_OF } from '../resources/errors.js';
import { startHarper, root } from './support/harper.js';
import { until } from './support/until.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const VIRGINICA = [6.7, 3, 5.2, 2.3];
const ROLES = ['viewer', 'predictor', 'operator'];
const UNKNOWN_ID = '01900000-0000-7000-8000-000000000000';

const page = readFileSync(join(root, 'docs/in-harper.md'), 'utf8');
const blocks = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, text]) => text);
const local = (text) =>
	text.replace("'harper-edge-ai/harper'", JSON.stringify(pathToFileURL(join(root, 'harper.js')).href));

/** An application whose resource runs the functions that the tests send, as its own code would. */
const APPLICATION = {
	'shop/config.yaml': 'rest: true\ngraphqlSchema:\n  files: schema.graphql\njsResource:\n  files: resources.js\n',
	'shop/schema.graphql': `
		type Flower @table @export { id: ID @primaryKey sizes: [Float] sepalLength: Float species: Any inferenceId: String }
		type Artifact @table { id: ID @primaryKey content: Blob }`,
	'first/config.yaml': 'rest: true\njsResource:\n  files: resources.js\n',
	'first/resources.js': local(blocks[0]),
	'shop/resources.js': `
		import * as edge from ${JSON.stringify(pathToFileURL(join(root, 'harper.js')).href)};
		export class inside extends Resource {
			static loadAsInstance = false;
			async post(_target, { code, given }) {
				const context = this.getContext();
				const user = (name) => server.getUser(name, null);
				try {
					const answer = await new Function('return ' + code)()(edge, { context, user, tables, given });
					return { answer };
				} catch (error) {
					const { name, message, code, statusCode, details } = error;
					return { error: { name, message, code, statusCode, details } };
				}
			}
		}
		export class uncaught extends Resource {
			static loadAsInstance = false;
			post() {
				return edge.predict({ modelId: 'nothing', features: {} }, { context: this.getContext() });
			}
		}`,
};

let harper;
before(async () => {
	harper = await startHarper({ components: APPLICATION });
	for (const role of ROLES) await harper.addUser(role);
	const { status } = await harper.upload({ modelId: 'iris', version: '1' }, ['examples/iris/model.onnx']);
	assert.equal(status, 201);
});
after(() => harper?.dispose());

/** Runs a function in the application, for a user of Harper. */
async function inside(act, { user, headers, ...given } = {}) {
	const { status, body } = await harper.request('POST', '/inside', {
		body: { code: String(act), given },
		user,
		headers,
	});
	assert.equal(status, 200, JSON.stringify(body));
	return body;
}

async function answerOf(act, how) {
	const { answer, error } = await inside(act, how);
	assert.equal(error, undefined, JSON.stringify(error));
	return answer;
}

/** What differs between two runs of the same prediction. */
const steady = ({ inferenceId, latencyMs, ...rest }) => {
	assert.match(inferenceId, /^[0-9a-f-]{36}$/);
	assert.equal(typeof latencyMs, 'number');
	return rest;
};

describe('predict', () => {
	test('answers what the route answers, with one event', async () => {
		const request = { modelId: 'iris', features: { float_input: SETOSA }, userId: 'ann', requestId: 'r1' };
		const { body: routed } = await harper.request('POST', '/predict', { body: request });
		const answer = await answerOf((edge, { context, given }) => edge.predict(given.request, { context }), { request });
		assert.deepEqual(steady(answer), steady(routed));
		const { body } = await harper.request('GET', `/monitoring/events?inferenceId=${answer.inferenceId}`);
		const [event] = body.events;
		const { body: other } = await harper.request('GET', `/monitoring/events?inferenceId=${routed.inferenceId}`);
		const same = ({ id, timestamp, latencyMs, ...rest }) => ({
			...rest,
			has: [id, timestamp, latencyMs].every(Boolean),
		});
		assert.deepEqual(same(event), same(other.events[0]));
	});

	const values = {
		'nested arrays': () => [[5.1, 3.5, 1.4, 0.2]],
		'a typed array': () => new Float32Array([5.1, 3.5, 1.4, 0.2]),
		'another typed array': () => new Float64Array([5.1, 3.5, 1.4, 0.2]),
		'data and shape': () => ({ data: new Float32Array([5.1, 3.5, 1.4, 0.2]), shape: [1, 4] }),
		bigints: () => [5n, 3n, 1n, 0n],
	};
	for (const [name, value] of Object.entries(values)) {
		test(`takes ${name}`, async () => {
			const code = `(edge, { context }) => edge.predict({ modelId: 'iris', features: { float_input: (${value})() } }, { context })`;
			const { prediction } = await answerOf(code);
			assert.equal([prediction.output_label].flat()[0], 0);
		});
	}

	test('takes what a table holds', async () => {
		const label = await answerOf(async (edge, { context, tables }) => {
			await tables.Flower.put({ id: 'f', sizes: [6.7, 3, 5.2, 2.3] });
			const { sizes } = await tables.Flower.get('f');
			const { prediction } = await edge.predict({ modelId: 'iris', features: { float_input: sizes } }, { context });
			return prediction.output_label;
		});
		assert.equal(label, 2);
	});

	test('writes no event with record: false, and adds the features of an entity', async () => {
		await answerOf(
			(edge, { context, given }) =>
				edge.features.put({ entityId: 'rose', features: { float_input: given.values } }, { context }),
			{ values: VIRGINICA }
		);
		const answer = await answerOf((edge, { context }) =>
			edge.predict({ modelId: 'iris', entityId: 'rose', record: false }, { context })
		);
		assert.equal(answer.prediction.output_label, 2);
		const { body } = await harper.request('GET', `/monitoring/events?inferenceId=${answer.inferenceId}`);
		assert.equal(body.count, 0);
	});

	test('keeps the trace that the caller is part of, unless it is malformed', async () => {
		const traceparent = `00-${'4b'.repeat(16)}-${'f0'.repeat(8)}-01`;
		const kept = await answerOf(
			async (edge, { context, given }) => {
				const request = { modelId: 'iris', features: { float_input: given.values } };
				const ids = [];
				for (const trace of [given.traceparent, undefined, 'none']) {
					const call = { context, traceparent: trace };
					ids.push((await edge.predict(request, call)).inferenceId);
					const rows = edge.predictBatch({ modelId: 'iris', rows: [request.features] }, call);
					for await (const { inferenceId } of rows) ids.push(inferenceId);
				}
				const found = ids.map((inferenceId) => edge.events.list({ inferenceId }, { context }));
				return (await Promise.all(found)).map(({ events }) => events[0].traceparent ?? null);
			},
			{ values: SETOSA, traceparent }
		);
		assert.deepEqual(kept, [traceparent, traceparent, null, null, null, null]);
	});

	test('ends with its signal, and at its deadline, which is an event', async () => {
		const { status } = await harper.upload({ modelId: 'endless', version: '1' }, [
			'__test__/fixtures/hostile/endless_loop.onnx',
		]);
		assert.equal(status, 201);
		const { error } = await inside((edge, { context }) => {
			const signal = AbortSignal.timeout(100);
			return edge.predict({ modelId: 'endless', record: false, features: { x: [1] } }, { context, signal });
		});
		assert.equal(error.name, 'TimeoutError');
		const late = await inside((edge, { context }) =>
			edge.predict({ modelId: 'endless', timeoutMs: 100, features: { x: [1] } }, { context })
		);
		assert.deepEqual([late.error.code, late.error.statusCode], ['DEADLINE_EXCEEDED', 504]);
		const { events } = await answerOf((edge, { context }) => edge.events.list({ modelId: 'endless' }, { context }));
		assert.deepEqual(
			events.map((event) => event.error.code),
			['DEADLINE_EXCEEDED']
		);
	});

	const refused = [
		['MODEL_NOT_FOUND', { modelId: 'nothing', features: {} }],
		['MODEL_NOT_FOUND', { modelId: 'iris', version: '9', features: {} }],
		['INVALID_INPUT', { modelId: 'iris', features: { float_inputs: SETOSA, b: 1 } }],
		['INVALID_INPUT', { modelId: 'iris', features: { float_input: 'rose' } }],
		['INVALID_REQUEST', { modelId: 'iris', feature: { float_input: SETOSA } }],
		['INVALID_REQUEST', { modelId: 'iris' }],
		['INVALID_REQUEST', { modelId: 'iris', features: [1, 2] }],
		['INVALID_REQUEST', { features: { float_input: SETOSA } }],
		['INVALID_REQUEST', [1]],
	];
	for (const [code, request] of refused) {
		test(`refuses ${JSON.stringify(request)}`, async () => {
			const { body } = await harper.request('POST', '/predict', {
				body: Buffer.from(JSON.stringify(request)),
				headers: { 'content-type': 'application/json' },
			});
			assert.equal(body.code, code);
			const { error } = await inside((edge, { context, given }) => edge.predict(given.request, { context }), {
				request,
			});
			assert.deepEqual([error.name, error.code, error.statusCode], ['EdgeAiError', code, STATUS_OF[code]]);
		});
	}

	test('refuses what is no value of an input', async () => {
		const cases = {
			date: '() => new Date()',
			cyclic: '() => { const list = []; list.push(list); return list; }',
			undefined: '() => [undefined]',
			function: '() => () => 1',
		};
		for (const [name, value] of Object.entries(cases)) {
			const code = `(edge, { context }) => edge.predict({ modelId: 'iris', features: { float_input: (${value})() } }, { context })`;
			const { error } = await inside(code);
			assert.equal(error?.code, 'INVALID_INPUT', name);
		}
	});

	test('an error that nobody catches is answered with its status', async () => {
		const { status } = await harper.request('POST', '/uncaught', { body: {} });
		assert.equal(status, 404);
	});
});

describe('predictBatch', () => {
	test('answers rows in their order, with what is wrong with one in its place', async () => {
		const rows = [{ float_input: SETOSA }, { float_input: 'rose' }, { float_input: VIRGINICA }, 7];
		const { body } = await harper.request('POST', '/predict/batch', {
			body: { modelId: 'iris', rows },
			headers: { accept: 'application/json' },
		});
		const answers = await answerOf(
			async (edge, { context, given }) => {
				const answers = [];
				for await (const answer of edge.predictBatch({ modelId: 'iris', rows: given.rows }, { context })) {
					answers.push(answer);
				}
				return answers;
			},
			{ rows }
		);
		assert.deepEqual(
			answers.map(({ row, code, prediction }) => [row, code, prediction?.output_label]),
			body.map(({ row, code, prediction }) => [row, code, prediction?.output_label])
		);
		assert.deepEqual(
			answers.map(({ prediction }) => prediction?.output_label),
			[0, undefined, 2, undefined]
		);
	});

	test('reads rows as they are needed, and no more when its reader stops', async () => {
		const { read, taken } = await answerOf(async (edge, { context }) => {
			let read = 0;
			async function* rows() {
				for (; read < 100_000; read += 1) yield { float_input: new Float32Array([5.1, 3.5, 1.4, 0.2]) };
			}
			let taken = 0;
			for await (const { prediction } of edge.predictBatch(
				{ modelId: 'iris', record: false, rows: rows() },
				{ context }
			)) {
				if (prediction.output_label === 0) taken += 1;
				if (taken === 3000) break;
			}
			return { read, taken };
		});
		assert.equal(taken, 3000);
		assert.ok(read < 6000, `${read} rows were read`);
	});

	test('throws what is wrong with the whole', async () => {
		const act = async (edge, { context, given }) => {
			for await (const answer of edge.predictBatch(given.request, { context })) return answer;
			return 'nothing';
		};
		for (const [code, request] of [
			['MODEL_NOT_FOUND', { modelId: 'nothing', rows: [{}] }],
			['INVALID_REQUEST', { modelId: 'iris', rows: 'all' }],
			['INVALID_REQUEST', { modelId: 'iris', row: [] }],
		]) {
			const { error } = await inside(act, { request });
			assert.equal(error?.code, code, JSON.stringify(request));
		}
		const { error } = await inside(async (edge, { context }) => {
			const signal = AbortSignal.abort(new Error('stop'));
			const rows = [{ float_input: [1, 2, 3, 4] }];
			return edge.predictBatch({ modelId: 'iris', rows }, { context, signal }).next();
		});
		assert.equal(error.message, 'stop');
	});
});

describe('what else there is', () => {
	test('feedback, events and metrics', async () => {
		const { given, event, metrics } = await answerOf(async (edge, { context }) => {
			const { inferenceId } = await edge.predict(
				{ modelId: 'iris', sessionId: 'inside', features: { float_input: [5.1, 3.5, 1.4, 0.2] } },
				{ context }
			);
			const given = await edge.feedback({ inferenceId, outcome: 0n }, { context });
			const { events } = await edge.events.list({ sessionId: 'inside', limit: 1 }, { context });
			const metrics = await edge.events.metrics({ modelId: 'iris', startTime: Date.now() - 60_000 }, { context });
			return { given, event: events[0], metrics };
		});
		assert.equal(given.success, true);
		assert.deepEqual([event.id, event.actualOutcome, event.correct], [given.inferenceId, '0', true]);
		assert.equal(metrics.modelId, 'iris');
		assert.ok(metrics.count > 0 && metrics.feedbackCount > 0);
	});

	test('a subscription to events, of all threads, until its signal or the end of its loop', async () => {
		const following = answerOf(async (edge, { context }) => {
			const leaving = new AbortController();
			const caller = { context, signal: leaving.signal };
			const seen = [];
			for await (const { id, modelId, correct, modelKey } of edge.events.subscribe({ sessionId: 'followed' }, caller)) {
				seen.push([id, modelId, correct ?? null, modelKey ?? null]);
				if (correct) break;
			}
			// No event ends this one; whenever it is aborted, it ends.
			setTimeout(() => leaving.abort(new Error('enough')), 50);
			const ended = await edge.events
				.subscribe({ sessionId: 'nobody' }, caller)
				.next()
				.catch(({ message }) => message);
			return { seen, ended };
		});
		const request = { modelId: 'iris', features: { float_input: SETOSA } };
		const own = { ...request, sessionId: 'followed' };
		const ids = [];
		// Until it has begun, events pass by.
		let isOver = false;
		following.finally(() => (isOver = true)).catch(() => {});
		while (!isOver) {
			await harper.request('POST', '/predict', { body: request });
			const { body } = await harper.request('POST', '/predict', { body: own, headers: { connection: 'close' } });
			ids.push(body.inferenceId);
			await harper.request('POST', '/feedback', { body: { inferenceId: body.inferenceId, outcome: 0 } });
		}
		const { seen, ended } = await following;
		assert.equal(ended, 'enough');
		assert.ok(seen.length >= 1);
		assert.deepEqual(seen.at(-1).slice(1), ['iris', true, null]);
		for (const [id] of seen) assert.ok(ids.includes(id));
	});

	test('a subscription hears of every event, whatever thread recorded it', async () => {
		const following = answerOf(async (edge, { context, tables }) => {
			for await (const { id, userId } of edge.events.subscribe({ sessionId: 'heard' }, { context })) {
				// On its own, because what the request writes is written when it ends.
				const own = {};
				await globalThis.transaction(own, () => tables.Flower.put({ id }, own));
				if (userId === 'last') break;
			}
			return 'ended';
		});
		/** Predicts on a thread of Harper's choice, and says on which. */
		const predicted = (userId) =>
			answerOf(
				async (edge, { context, given }) => {
					const { inferenceId } = await edge.predict({ ...given, sessionId: 'heard' }, { context });
					return { thread: globalThis.server.workerIndex, id: inferenceId };
				},
				{ modelId: 'iris', features: { float_input: SETOSA }, userId, headers: { connection: 'close' } }
			);
		const isHeard = async ({ id }) => (await harper.get(`/Flower/${id}`)).status === 200;
		await until('it has begun', async () => isHeard(await predicted('first')));
		const all = [];
		const threads = new Set();
		await until('both threads predicted', async () => {
			all.push(await predicted('each'));
			threads.add(all.at(-1).thread);
			return threads.size === 2;
		});
		for (const each of all) await until(`${each.id} is heard`, () => isHeard(each));
		await predicted('last');
		assert.equal(await following, 'ended');
	});

	test('features with their history', async () => {
		const [before, after] = await answerOf(async (edge, { context }) => {
			const entityId = 'tulip';
			await edge.features.put({ entityId, features: { a: 1, big: 2n ** 60n }, timestamp: 1000 }, { context });
			await edge.features.put({ entityId, features: { a: new Float32Array([0.5, 2]) } }, { context });
			return [
				await edge.features.get({ entityId, names: ['big'] }, { context }),
				await edge.features.get({ entityId }, { context }),
			];
		});
		assert.deepEqual([before.features, before.timestamp], [{ big: '1152921504606846976' }, 1000]);
		assert.deepEqual(after.features, { a: [0.5, 2], big: '1152921504606846976' });
	});

	test('models as the routes have them', async () => {
		await harper.upload({ modelId: 'changing', version: '1' }, ['examples/iris/model.onnx']);
		const version = { modelId: 'changing', version: '1' };
		const changed = await answerOf(
			(edge, { context, given }) =>
				edge.models.patch({ ...given.version, stage: 'staging', metadata: { from: 'inside' } }, { context }),
			{ version }
		);
		assert.equal(changed.stage, 'staging');
		const found = await answerOf(
			async (edge, { context, given }) => [
				await edge.models.list({ context }),
				await edge.models.versions({ modelId: 'changing' }, { context }),
				await edge.models.get(given.version, { context }),
			],
			{ version }
		);
		const routes = ['/model', '/model/versions?modelId=changing', '/model/changing/1'];
		for (const [at, route] of routes.entries()) assert.deepEqual(found[at], (await harper.request('GET', route)).body);
		const removed = await answerOf((edge, { context, given }) => edge.models.remove(given.version, { context }), {
			version,
		});
		assert.equal(removed.success, true);
		assert.equal((await harper.request('GET', '/model/changing/1')).status, 404);
	});

	for (const who of ['context', 'component']) {
		test(`jobs, ${who === 'context' ? 'with the rights of a user' : "with the component's own"}`, async () => {
			const traceparent = `00-${'4b'.repeat(16)}-${'f0'.repeat(8)}-01`;
			await answerOf(
				async (_edge, { tables, given }) => {
					for (let id = 0; id < 20; id += 1) {
						await tables.Flower.put({ id: `${given.who} ${id}`, sizes: [5.1, 3.5, 1.4, 0.2] });
					}
				},
				{ who }
			);
			// In one request, which sees what happens meanwhile.
			const job = await answerOf(
				async (edge, { context, tables, given }) => {
					await tables.Flower.get('a rose');
					const call = given.who === 'context' ? { context } : { as: 'component' };
					const { traceparent } = given;
					const { id } = await edge.jobs.create(
						{
							modelId: 'iris',
							source: { table: 'Flower', fields: { float_input: 'sizes' } },
							target: {
								table: 'Flower',
								fields: { species: 'prediction.output_label', inferenceId: 'inferenceId' },
							},
						},
						{ ...call, traceparent }
					);
					let job;
					do {
						// Between two looks at a condition.
						await new Promise((resolve) => setTimeout(resolve, 20));
						job = await edge.jobs.get({ id }, call);
					} while (job.state === 'running');
					const { jobs } = await edge.jobs.list({ limit: 1 }, call);
					const { inferenceId } = await tables.Flower.get(`${given.who} 0`);
					const { events } = await edge.events.list({ inferenceId }, call);
					return { ...job, listed: jobs[0].id, traced: events[0].traceparent };
				},
				{ who, traceparent }
			);
			assert.equal(job.traced, traceparent);
			assert.equal(job.state, 'completed', JSON.stringify(job));
			assert.ok(job.written >= 20);
			assert.equal(job.listed, job.id);
			assert.equal(job.userId, who === 'context' ? 'admin' : undefined);
			const cancelled = await answerOf((edge, { context, given }) => edge.jobs.cancel({ id: given.id }, { context }), {
				id: job.id,
			});
			assert.equal(cancelled.state, 'completed');
		});
	}
});

describe('models.upload', () => {
	const bytes = readFileSync(join(root, 'examples/iris/model.onnx'));
	const metadata = '{"owner":"ann","limit":9007199254740993}';
	const fields = { framework: 'onnx', stage: 'staging', metadata };

	/** What a record has that differs between two uploads. */
	const same = ({ id, version, uploadedAt, files, ...rest }) => ({
		...rest,
		has: [id, version, uploadedAt].every(Boolean),
		files: files.map(({ fileId, ...file }) => ({ ...file, has: Boolean(fileId) })),
	});
	const recordOf = async (version) => {
		const rows = await harper.rows('Model', ['*']);
		return same(rows.find(({ id }) => id === `uploaded:${version}`));
	};

	/** Each way to give a content of the same bytes. */
	const contents = {
		'a Uint8Array': '(bytes) => new Uint8Array(bytes)',
		'part of another one': '(bytes) => new Uint8Array([0, ...bytes, 0]).subarray(1, -1)',
		'an ArrayBuffer': '(bytes) => new Uint8Array(bytes).buffer',
		'a Blob': '(bytes) => new Blob([new Uint8Array(bytes)])',
		'a stream': '(bytes) => new Blob([new Uint8Array(bytes)]).stream()',
		'a generator': '(bytes) => (async function* () { for (const byte of bytes) yield new Uint8Array([byte]); })()',
		"a blob of Harper's": '(bytes) => createBlob(Buffer.from(bytes))',
	};

	test('makes the record that the route makes, of whatever kind the content is', async () => {
		const given = { modelId: 'uploaded', version: 'routed', ...fields };
		const routed = await harper.upload(given, [{ name: 'model.onnx', content: bytes }]);
		assert.equal(routed.status, 201);
		for (const [what, content] of Object.entries(contents)) {
			const code = `(edge, { context, given }) => edge.models.upload({
				modelId: 'uploaded', version: given.version, ...given.fields,
				files: [{ name: 'model.onnx', content: (${content})(given.bytes) }],
			}, { context })`;
			const version = what.replaceAll(/\W/g, '-');
			const answer = await answerOf(code, { bytes: [...bytes], version, fields });
			const expected = { ...routed.body, version, id: `uploaded:${version}`, uploadedAt: answer.uploadedAt };
			assert.deepEqual(answer, expected, what);
			assert.deepEqual(await recordOf(version), await recordOf('routed'), what);
		}
		const { body } = await harper.predict({
			modelId: 'uploaded',
			version: 'a-Blob',
			features: { float_input: SETOSA },
		});
		assert.equal(body.prediction.output_label, 0);
	});

	test('takes metadata and schemas as values, with all digits', async () => {
		await answerOf(
			(edge, { context, given }) =>
				edge.models.upload(
					{
						modelId: 'uploaded',
						version: 'values',
						...given.fields,
						metadata: { owner: 'ann', limit: 9007199254740993n },
						inputSchema: { inputs: [{ name: 'float_input', dtype: 'float32' }] },
						files: [{ name: 'model.onnx', content: new Uint8Array(given.bytes) }],
					},
					{ context }
				),
			{ bytes: [...bytes], fields }
		);
		const found = await harper.request('GET', '/model/uploaded/values');
		assert.deepEqual(JSON.parse(found.body.metadata).owner, 'ann');
		assert.match(found.body.metadata, /9007199254740993/);
	});

	test('answers the same for the same bytes, and refuses other bytes', async () => {
		const act = (edge, { context, given }) => {
			const files = [{ name: 'model.onnx', content: new Uint8Array(given.bytes) }];
			return edge.models.upload({ modelId: 'iris', version: '1', files }, { context });
		};
		const again = await answerOf(act, { bytes: [...bytes] });
		assert.equal(again.id, 'iris:1');
		const { error } = await inside(act, { bytes: [...bytes, 0] });
		const routed = await harper.upload({ modelId: 'iris', version: '1' }, [
			{ name: 'model.onnx', content: Buffer.concat([bytes, Buffer.from([0])]) },
		]);
		assert.deepEqual([error.code, error.message, error.statusCode], [routed.body.code, routed.body.error, 409]);
	});

	const named = (name, content = [1]) => ({ name, content });
	const refused = [
		['INVALID_REQUEST', { modelId: 'uploaded', version: 'x' }],
		['INVALID_REQUEST', { version: 'x', files: [named('model.onnx')] }],
		['INVALID_REQUEST', { modelId: 'uploaded', version: 'x', stage: 'live', files: [named('model.onnx')] }],
		['INVALID_REQUEST', { modelId: 'uploaded', version: 'x', metadata: '[', files: [named('model.onnx')] }],
		['INVALID_REQUEST', { modelId: 'uploaded', version: 'x', file: 1, files: [named('model.onnx')] }],
		['INVALID_REQUEST', { modelId: 'uploaded', version: 'x', files: [] }],
		['INVALID_REQUEST', { modelId: 'uploaded', version: 'x', files: [named('')] }],
		['INVALID_REQUEST', { modelId: 'uploaded', version: 'x', files: [named('model.onnx', 'text')] }],
		['INVALID_MODEL', { modelId: 'uploaded', version: 'x', files: [named('a\nb.onnx')] }],
		['INVALID_MODEL', { modelId: 'uploaded', version: 'x', files: [named('model.onnx')] }],
	];
	for (const [code, request] of refused) {
		test(`refuses ${JSON.stringify(request)}`, async () => {
			const { error } = await inside(
				(edge, { context, given }) => {
					const asBytes = ({ name, content }) => ({
						name,
						content: Array.isArray(content) ? new Uint8Array(content) : content,
					});
					const files = given.request.files?.map(asBytes);
					return edge.models.upload({ ...given.request, files }, { context });
				},
				{ request }
			);
			assert.deepEqual([error?.code, error?.statusCode], [code, STATUS_OF[code]], JSON.stringify(error));
		});
	}

	test('leaves nothing behind when a stream of the caller fails', async () => {
		const { error } = await inside((edge, { context }) => {
			async function* content() {
				yield new Uint8Array(100_000);
				throw new Error('the source is gone');
			}
			const files = [{ name: 'model.onnx', content: content() }];
			return edge.models.upload({ modelId: 'uploaded', version: 'failed', files }, { context });
		});
		assert.equal(error.message, 'the source is gone');
		assert.equal((await harper.request('GET', '/model/uploaded/failed')).status, 404);
		const folders = readdirSync(join(harper.rootPath, 'edge-ai-cache'));
		assert.deepEqual(
			folders.filter((name) => name.startsWith('upload.')),
			[]
		);
	});
});

/** Every function with a request that changes nothing, and its route. */
const CALLS = {
	predict: [{ modelId: 'iris', features: { float_input: SETOSA } }, 'POST', '/predict'],
	predictBatch: [{ modelId: 'iris', rows: [] }, 'POST', '/predict/batch'],
	feedback: [{ inferenceId: UNKNOWN_ID, outcome: 1 }, 'POST', '/feedback'],
	'features.put': [{ entityId: 'e', features: { a: 1 } }, 'PUT', '/features/e'],
	'features.get': [{ entityId: 'e' }, 'GET', '/features/e'],
	'models.upload': [{ modelId: 'iris', version: '1', files: [] }, 'POST', '/model/upload'],
	'models.list': [undefined, 'GET', '/model'],
	'models.versions': [{ modelId: 'iris' }, 'GET', '/model/versions?modelId=iris'],
	'models.get': [{ modelId: 'iris', version: '1' }, 'GET', '/model/iris/1'],
	'models.patch': [{ modelId: 'iris', version: '1', stage: 'development' }, 'PATCH', '/model/iris/1'],
	'models.remove': [{ modelId: 'iris', version: '9' }, 'DELETE', '/model/iris/9'],
	'jobs.create': [
		{ modelId: 'iris', source: { table: 'Nowhere' }, target: { table: 'Nowhere', fields: {} } },
		'POST',
		'/jobs/predict',
	],
	'jobs.get': [{ id: UNKNOWN_ID }, 'GET', `/jobs/${UNKNOWN_ID}`],
	'jobs.list': [{}, 'GET', '/jobs'],
	'jobs.cancel': [{ id: UNKNOWN_ID }, 'DELETE', `/jobs/${UNKNOWN_ID}`],
	'events.list': [{}, 'GET', '/monitoring/events'],
	'events.metrics': [{ modelId: 'iris' }, 'GET', '/monitoring/metrics?modelId=iris'],
	'events.subscribe': [{ modelId: 'iris' }, 'GET', '/monitoring/events'],
};

describe('rights', () => {
	test('are asked for by every function that there is', async () => {
		const names = await answerOf((edge) =>
			Object.entries(edge).flatMap(([name, value]) =>
				typeof value === 'function' ? [name] : Object.keys(value).map((inner) => `${name}.${inner}`)
			)
		);
		assert.deepEqual(names.sort(), Object.keys(CALLS).sort());
	});

	const call = async (edge, { context, user, given }) => {
		const { name, request, who } = given;
		const caller = { context: { context }, nobody: { user: undefined }, component: { as: 'component' } }[who] ?? {
			user: await user(who),
		};
		const act = name.split('.').reduce((from, part) => from[part], edge);
		const answered = request === undefined ? act(caller) : act(request, caller);
		if (name !== 'predictBatch' && name !== 'events.subscribe') return answered;
		// What is refused is refused at the first step; an event that comes is as good as a moment without one.
		const moment = new Promise((resolve) => setTimeout(resolve, 100));
		return Promise.race([answered.next(), moment]);
	};

	for (const [name, [request, method, path]] of Object.entries(CALLS)) {
		test(`of ${name} are those of ${method} ${path}`, async () => {
			const inPath = ['entityId', 'modelId', 'version'];
			const rest = Object.entries(request ?? {}).filter(([field]) => !inPath.includes(field));
			const bodies = { GET: undefined, DELETE: undefined, POST: request };
			const body = method in bodies ? bodies[method] : Object.fromEntries(rest);
			for (const user of ROLES) {
				const { status } = await harper.request(method, path, { body, user });
				for (const how of [{ who: 'context', user }, { who: user }]) {
					const { error } = await inside(call, { name, request, ...how });
					assert.equal(error?.code === 'FORBIDDEN', status === 403, `${user}: ${status}, ${JSON.stringify(error)}`);
				}
			}
			const anonymous = await inside(call, { name, request, who: 'nobody' });
			assert.deepEqual([anonymous.error?.code, anonymous.error?.statusCode], ['UNAUTHENTICATED', 401]);
			const own = await inside(call, { name, request, who: 'component', user: 'viewer' });
			assert.ok(!['FORBIDDEN', 'UNAUTHENTICATED'].includes(own.error?.code), JSON.stringify(own.error));
		});
	}

	const wrong = [
		['nothing', '() => edge.predict({})', /^predict must know on whose behalf it acts: .*as: 'component'/],
		['no way', '() => edge.models.list({ timeoutMs: 1 })', /^models\.list must know on whose behalf/],
		['two ways', "() => edge.jobs.list({}, { user: null, as: 'component' })", /received user and as$/],
		['an unknown name', "() => edge.jobs.list({}, { as: 'admin' })", /^as must be one of component, received "admin"/],
		['a name for a user', "() => edge.jobs.list({}, { user: 'admin' })", /^user must be a user of Harper/],
		['no context', '() => edge.jobs.list({}, { context: undefined })', /^context must be the context of a request/],
		[
			'an unknown option',
			"() => edge.jobs.list({}, { as: 'component', signals: 1 })",
			/^jobs\.list does not take "signals"/,
		],
		['rows for nobody', '() => edge.predictBatch({ rows: [] })', /^predictBatch must know on whose behalf/],
	];
	for (const [what, act, message] of wrong) {
		test(`${what} is a TypeError`, async () => {
			const { error } = await inside(`(edge) => (${act})()`);
			assert.equal(error?.name, 'TypeError');
			assert.match(error.message, message);
		});
	}
});

describe('a stage in place of a version', () => {
	const features = { float_input: SETOSA };
	const upload = (version, stage) => harper.upload({ modelId: 'staged', version, stage }, ['examples/iris/model.onnx']);
	before(async () => {
		for (const [version, stage] of [
			['1', 'production'],
			['2', 'staging'],
			['3', 'production'],
			['4', 'development'],
		]) {
			assert.equal((await upload(version, stage)).status, 201);
		}
	});

	const openInputs = [{ name: 'float_input', datatype: 'FP32', shape: [1, 4], data: SETOSA }];
	/** By protocol: which version answers a request with these fields, or the error. */
	const ways = {
		'/predict': async (name, user) => {
			const { body } = await harper.request('POST', '/predict', {
				body: { modelId: 'staged', ...name, features },
				user,
			});
			return body.modelVersion ?? body.code;
		},
		'/predict in CBOR': async (name) => {
			const headers = { 'content-type': 'application/cbor' };
			const body = encode({ modelId: 'staged', ...name, features });
			const answer = await harper.request('POST', '/predict', { body, headers });
			return answer.body.modelVersion ?? answer.body.code;
		},
		'/predict/batch': async (name) => {
			const headers = { accept: 'application/json' };
			const body = { modelId: 'staged', ...name, rows: [features] };
			const { body: answer } = await harper.request('POST', '/predict/batch', { body, headers });
			return answer.code ?? answer[0].modelVersion;
		},
		'/predict/batch with a query': async (name) => {
			const query = new URLSearchParams({ modelId: 'staged', ...name });
			const headers = { 'content-type': 'application/x-ndjson', accept: 'application/json' };
			const body = JSON.stringify(features);
			const { body: answer } = await harper.request('POST', `/predict/batch?${query}`, { body, headers });
			return answer.code ?? answer[0].modelVersion;
		},
		'/jobs/predict': async (name) => {
			const [source, target] = [
				{ table: 'Flower', fields: { float_input: 'sizes' } },
				{ table: 'Flower', fields: { species: 'prediction' } },
			];
			const { body } = await harper.request('POST', '/jobs/predict', {
				body: { modelId: 'staged', ...name, source, target },
			});
			return body.modelVersion ?? body.code;
		},
		'/benchmark/compare': async (name) => {
			const body = { models: [{ modelId: 'staged', ...name }], features, iterations: 1 };
			const { body: answer } = await harper.request('POST', '/benchmark/compare', { body });
			return answer.code ?? answer.models[0].version;
		},
		'harper-edge-ai/harper': async (name) => {
			const { answer, error } = await inside(
				async (edge, { context, given }) => {
					const { modelVersion } = await edge.predict(
						{ modelId: 'staged', ...given.name, features: given.features },
						{ context }
					);
					const { version } = await edge.models.get({ modelId: 'staged', ...given.name }, { context });
					return modelVersion === version ? version : 'two answers';
				},
				{ name, features }
			);
			return answer ?? error.code;
		},
	};
	/** Those of the open protocols have errors without codes. */
	const openWays = {
		'/v2': async ({ version, stage }) => {
			const path = `/v2/models/staged${version ? `/versions/${version}` : ''}/infer${stage ? `?stage=${stage}` : ''}`;
			const { body } = await harper.request('POST', path, { body: { inputs: openInputs } });
			return body.model_version ?? body.error;
		},
		'/v1': async ({ version, stage }) => {
			const path = `/v1/models/staged${version ? `/versions/${version}` : ''}/metadata${stage ? `?stage=${stage}` : ''}`;
			const { body } = await harper.request('GET', path);
			return body.model_spec?.version ?? body.error;
		},
	};

	for (const [way, answered] of Object.entries({ ...ways, ...openWays })) {
		const isOpen = way in openWays;
		test(`is taken by ${way}`, async () => {
			assert.equal(await answered({}), '4');
			assert.equal(await answered({ stage: 'production' }), '3');
			assert.equal(await answered({ stage: 'staging' }), '2');
			assert.equal(await answered({ version: '1' }), '1');
			assert.match(await answered({ version: '1', stage: 'staging' }), isOpen ? /both/ : /^INVALID_REQUEST$/);
			assert.match(await answered({ stage: 'live' }), isOpen ? /stage must be one of/ : /^INVALID_REQUEST$/);
		});
	}

	test('follows a change of stages at once', async () => {
		const stage = (version, name) => harper.request('PATCH', `/model/staged/${version}`, { body: { stage: name } });
		const newest = () => ways['/predict']({ stage: 'production' });
		await stage('3', 'staging');
		assert.equal(await newest(), '1');
		await stage('1', 'development');
		assert.equal(await newest(), 'MODEL_NOT_FOUND');
		await stage('3', 'production');
		assert.equal(await newest(), '3');
		await stage('1', 'production');
	});

	test('metadata of the model decide what no version means, the last ones that say it', async () => {
		const metadata = (version, value) =>
			harper.request('PATCH', `/model/staged/${version}`, { body: { metadata: value } });
		await metadata('1', { defaultVersion: 'production' });
		for (const answered of [...Object.values(ways), ...Object.values(openWays)]) assert.equal(await answered({}), '3');
		await metadata('2', { defaultVersion: 'latest' });
		assert.equal(await ways['/predict']({}), '4');
		const { status, body } = await metadata('2', { defaultVersion: 'newest' });
		assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST']);
		assert.match(body.error, /latest or production, received "newest"/);
		for (const version of ['1', '2']) await metadata(version, {});
	});

	test('needs no right but that of predicting', async () => {
		assert.equal(await ways['/predict']({ stage: 'staging' }, 'predictor'), '2');
	});

	test('the option defaultVersion decides for all models that do not', async () => {
		await harper.restart({ defaultVersion: 'production' });
		for (const answered of [...Object.values(ways), ...Object.values(openWays)]) assert.equal(await answered({}), '3');
		const answer = await harper.request('POST', '/predict', { body: { modelId: 'iris', features } });
		assert.deepEqual([answer.status, answer.body.code], [404, 'MODEL_NOT_FOUND']);
		assert.match(answer.body.error, /has no version in production, which is its default/);
		await harper.restart({});
	});
});

describe('docs/in-harper.md', () => {
	const example = readFileSync(join(root, 'examples/shop-scoring/resources.js'), 'utf8');

	test('begins with a resource that answers', async () => {
		const [, body] = page.match(/Species -H .* -d '(.*)'/);
		const answer = await harper.request('POST', '/Species', { body: JSON.parse(body) });
		assert.equal(answer.body.species, 0);
	});

	test('has the configuration of the example', () => {
		const [, config] = page.match(/^```yaml\n([\s\S]*?)^```$/m);
		assert.equal(config, readFileSync(join(root, 'examples/shop-scoring/config.yaml'), 'utf8'));
	});

	const [ofExample, ofCalls] = [(text) => example.includes(text), (text) => !example.includes(text)].map((isIt) =>
		blocks.slice(1).filter(isIt)
	);
	test('quotes the example', () => assert.equal(ofExample.length, 2));

	const digest = createHash('sha256')
		.update(readFileSync(join(root, 'examples/iris/model.onnx')))
		.digest('hex');
	const answers = [[digest, []], [0, [0, 2]], 1, 'a confidence', ['MODEL_NOT_FOUND', 404]];
	before(() =>
		answerOf(
			async (_edge, { tables, given }) => {
				const content = createBlob(Buffer.from(given.bytes), { saveBeforeCommit: true });
				await tables.Artifact.put({ id: 'flowers.onnx', content });
			},
			{ bytes: [...readFileSync(join(root, 'examples/iris/model.onnx'))] }
		)
	);
	ofCalls.forEach((text, at) =>
		test(`JavaScript ${at + 1} runs`, async () => {
			const answer = await answerOf(`async (edge, { context, tables }) => {
				const { models, predict, predictBatch } = edge;
				${text}
			}`);
			if (typeof answers[at] === 'string') assert.ok(answer > 0.9);
			else assert.deepEqual(answer, answers[at]);
		})
	);

	test('lists every function, and no other', () => {
		const listed = [...page.matchAll(/^\| `([\w.]+)\(.*caller\)`/gm)].map(([, name]) => name);
		assert.deepEqual(listed.toSorted(), Object.keys(CALLS).toSorted());
	});
});

test('what applications import knows no HTTP', async () => {
	const { javascriptUses } = await import('./house/javascript-uses.js');
	const reached = new Set(['harper.js']);
	for (const file of reached) for (const used of javascriptUses(root, [file]).get(file)) reached.add(used);
	const ofHttp = ['body', 'cors', 'disconnect', 'formats', 'origin', 'router', 'unread'].map(
		(name) => `resources/http/${name}.js`
	);
	assert.deepEqual(
		ofHttp.filter((file) => reached.has(file)),
		[]
	);
});
