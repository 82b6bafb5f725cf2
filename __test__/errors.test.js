import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { answerOf, STATUS_OF } from '../resources/errors.js';
import { credentials, root, startHarper } from './support/harper.js';

/** Codes that no request provokes, with the reason. */
const UNPROVOKED = {
	CANCELLED: 'only a caller that has gone gets it',
	CLOSED: 'only while the process ends',
	INTERNAL: 'it is a defect',
	MODEL_NOT_READY: 'there must be another node; see replication.test.js',
	NOT_SUPPORTED: 'only the other protocols have it, whose answers have no codes',
	MODEL_QUARANTINED: 'the process must have ended twice before, as in quarantine.test.js',
	STORAGE_UNAVAILABLE: 'the disk must be full',
};

const IRIS = 'examples/iris/model.onnx';
const HOSTILE = '__test__/fixtures/hostile';
const SETOSA = { float_input: [5.1, 3.5, 1.4, 0.2] };
const MAX_BODY_BYTES = 100_000;

/** What no answer may tell: places in our code or on this machine. */
const SECRETS = [
	/\n\s+at /,
	/\.(js|rs):\d+/,
	/node_modules/,
	/(^|[\s"'(])\/(?!model|predict|feedback|monitoring|features|benchmark|status)\w+\//,
];

let harper;
before(async () => {
	const rules = JSON.stringify([{ id: 'declared', modelId: 'iris', measure: 'count', threshold: 1, enabled: false }]);
	harper = await startHarper({
		threads: 1,
		options: { maxBodyBytes: MAX_BODY_BYTES, runThreads: 1, maxQueueSize: 1, rules },
	});
	await harper.addUser('viewer');
	for (const [modelId, file] of [
		['iris', IRIS],
		['endless', `${HOSTILE}/endless_loop.onnx`],
		['division', `${HOSTILE}/int64_div_zero.onnx`],
	]) {
		const { status } = await harper.upload({ modelId, version: 'v1' }, [file]);
		assert.equal(status, 201);
	}
});
after(() => harper?.dispose());

const upload = (fields, file) => harper.upload({ modelId: 'm', version: 'v1', ...fields }, [file]);
const text = (body, type) => harper.predict(body, { headers: { 'content-type': type } });

/** The first answer with a code among several requests at once. */
const oneOf = async (code, requests) => {
	const answers = await Promise.all(requests);
	return answers.find(({ body }) => body.code === code) ?? answers[0];
};

/** A request for each code. */
const PROVOKE = {
	INVALID_JSON: () => text('{', 'application/json'),
	INVALID_REQUEST: () => harper.predict({ modelID: 'iris', features: SETOSA }),
	MODEL_NOT_FOUND: () => harper.predict({ modelId: 'nobody', features: SETOSA }),
	VERSION_EXISTS: () => upload({ modelId: 'iris' }, '__test__/fixtures/identity_float.onnx'),
	TOO_LARGE: () => harper.predict({ modelId: 'iris', features: { float_input: 'x'.repeat(MAX_BODY_BYTES) } }),
	INVALID_MODEL: () => upload({}, `${HOSTILE}/truncated.onnx`),
	UNSUPPORTED_MODEL: () => upload({}, `${HOSTILE}/unknown_operator.onnx`),
	SCHEMA_MISMATCH: () => upload({ inputSchema: '{"inputs":[{"name":"x"}]}' }, IRIS),
	INVALID_INPUT: () => harper.predict({ modelId: 'iris', features: { float_input: [1] } }),
	RUN_FAILED: () => harper.predict({ modelId: 'division', features: { a: [1], b: [0] } }),
	QUEUE_FULL: () =>
		oneOf(
			'QUEUE_FULL',
			Array.from({ length: 6 }, () => harper.predict({ modelId: 'endless', features: { x: [1] }, timeoutMs: 500 }))
		),
	DEADLINE_EXCEEDED: () => harper.predict({ modelId: 'endless', features: { x: [1] }, timeoutMs: 100 }),
	UNAUTHENTICATED: () => harper.get('/model', { user: null, headers: credentials('admin', 'guess') }),
	FORBIDDEN: () => harper.predict({ modelId: 'iris', features: SETOSA }, { user: 'viewer' }),
	NOT_FOUND: () => harper.get('/model/iris/v1/file?name=nobody'),
	FILE_UNAVAILABLE: async () => {
		const { body } = await upload({ modelId: 'lost' }, IRIS);
		assert.equal(body.success, true, JSON.stringify(body));
		const record = (await harper.get('/model/lost/v1')).body;
		const stored = (await harper.rows('Model', ['id', 'files'])).find(({ id }) => id === record.id);
		const ids = stored.files.map(({ fileId }) => fileId);
		await harper.operation({ operation: 'delete', database: 'edge_ai', table: 'ModelFile', ids });
		return harper.get('/model/lost/v1/file');
	},
	INFERENCE_NOT_FOUND: () => harper.feedback({ inferenceId: randomUUID(), outcome: 1 }),
	ENTITY_NOT_FOUND: () => harper.get('/features/nobody'),
	TABLE_NOT_FOUND: () =>
		harper.request('POST', '/jobs/predict', {
			body: { modelId: 'iris', source: { table: 'Nowhere' }, target: { table: 'Nowhere', fields: { id: 'id' } } },
		}),
	JOB_NOT_FOUND: () => harper.get('/jobs/nowhere'),
	RULE_NOT_FOUND: () => harper.get('/monitoring/rules/nowhere'),
	RULE_EXISTS: async () => {
		const rule = { modelId: 'iris', measure: 'count', threshold: 1, enabled: false };
		await harper.request('PUT', '/monitoring/rules/twice', { body: rule });
		return harper.request('POST', '/monitoring/rules', { body: { ...rule, id: 'twice' } });
	},
	RULE_DECLARED: () => harper.request('DELETE', '/monitoring/rules/declared'),
	WEBHOOK_NOT_FOUND: () => harper.get('/monitoring/webhooks/nowhere'),
	WEBHOOK_EXISTS: async () => {
		const webhook = { url: 'https://hooks.example/' };
		await harper.request('PUT', '/monitoring/webhooks/twice', { body: webhook });
		return harper.request('POST', '/monitoring/webhooks', { body: { ...webhook, id: 'twice' } });
	},
	ALERT_NOT_FOUND: () => harper.get('/monitoring/alerts/nowhere'),
	RETRAINING_NOT_FOUND: () => harper.get('/monitoring/retraining/nowhere'),
	RETRAINING_OPEN: async () => {
		await askForRetraining();
		return askForRetraining();
	},
	RETRAINING_STATE: async () => {
		await askForRetraining();
		const { body } = await harper.get('/monitoring/retraining?state=pending');
		return harper.request('POST', `/monitoring/retraining/${body.requests[0].id}/start`, { body: {} });
	},
	PRECONDITION_FAILED: () => harper.request('DELETE', '/model/iris/v1', { headers: { 'if-match': '"other"' } }),
	METHOD_NOT_ALLOWED: () => harper.request('DELETE', '/predict'),
	UNSUPPORTED_MEDIA_TYPE: () => text('{}', 'text/plain'),
	ENGINE_UNAVAILABLE: async () => {
		const other = await startHarper({
			threads: 1,
			options: { engine: 'onnxruntime' },
			variables: { ORT_DYLIB_PATH: join(tmpdir(), 'no such library.so') },
		});
		try {
			return await other.upload({ modelId: 'm', version: 'v1' }, [IRIS]);
		} finally {
			await other.dispose();
		}
	},
};

const askForRetraining = () =>
	harper.request('POST', '/monitoring/retraining', { body: { modelId: 'iris', reason: 'r' } });

test('each code is provoked below, or cannot be', () => {
	assert.deepEqual([...Object.keys(PROVOKE), ...Object.keys(UNPROVOKED)].sort(), Object.keys(STATUS_OF).sort());
});

describe('over REST', () => {
	for (const [code, provoke] of Object.entries(PROVOKE)) {
		test(code, async () => {
			const { status, headers, body } = await provoke();
			assert.deepEqual([status, body.code], [STATUS_OF[code], code], JSON.stringify(body));
			assert.match(headers.get('content-type'), /^application\/json/);
			const { error, details = {} } = body;
			assert.deepEqual([typeof error, typeof details], ['string', 'object']);
			assert.deepEqual(Object.keys({ ...body, details }).sort(), ['code', 'details', 'error']);
			for (const secret of [...SECRETS, root, harper.rootPath]) {
				const found = typeof secret === 'string' ? error.includes(secret) : secret.test(error);
				assert.ok(!found, `${secret}: ${error}`);
			}
		});
	}

	test('405 names what is allowed', async () => {
		const { headers } = await harper.request('PUT', '/model/iris/v1');
		assert.deepEqual(headers.get('allow').split(', ').sort(), ['DELETE', 'GET', 'PATCH']);
	});
});

describe('answerOf', () => {
	for (const [code, reason] of Object.entries(UNPROVOKED)) {
		test(`${code}, which no request provokes: ${reason}`, () => {
			const error = Object.assign(new Error('what happened'), { code, details: { a: 1 } });
			assert.deepEqual(answerOf(error), {
				status: STATUS_OF[code],
				body: { error: 'what happened', code, details: { a: 1 } },
			});
		});
	}

	for (const [what, error] of [
		['without a code', new TypeError('undefined is not a function at /srv/app/x.js:1')],
		['with the code of another', Object.assign(new Error("ENOENT: '/srv/secret'"), { code: 'ENOENT' })],
		['with a code named like a part of every object', Object.assign(new Error('/srv/secret'), { code: 'toString' })],
	]) {
		test(`an error ${what} is a defect, of which the caller learns nothing`, () => {
			const { status, body } = answerOf(error);
			assert.deepEqual([status, body.code, body.details], [500, 'INTERNAL', undefined]);
			assert.ok(!body.error.includes('/srv'), body.error);
		});
	}
});
