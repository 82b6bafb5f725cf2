// A role may allow some attributes of a table only: on no route is another one read, or written.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { credentials, startHarper } from './support/harper.js';
import { until } from './support/until.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const MODEL = 'attributes';
const VERSION = '7.7.7-secret';
const ID = `${MODEL}:${VERSION}`;

/** Every attribute that a route shows or writes, by table. */
const ATTRIBUTES = {
	Model: [
		'modelId',
		'version',
		'framework',
		'engine',
		'stage',
		'inputSchema',
		'outputSchema',
		'metadata',
		'labels',
		'uploadedAt',
		'digest',
		'size',
		'files',
	],
	InferenceEvent: [
		'timestamp',
		'modelId',
		'modelVersion',
		'digest',
		'framework',
		'featuresIn',
		'prediction',
		'confidence',
		'latencyMs',
		'userId',
		'sessionId',
		'segment',
		'requestId',
		'traceparent',
		'correct',
		'regression',
		'actualOutcome',
		'feedbackTimestamp',
		'samplingProbability',
		'labelDraw',
		'error',
	],
	Feature: ['entityId', 'features', 'timestamp', 'created'],
	Job: [
		'state',
		'modelId',
		'modelVersion',
		'source',
		'target',
		'record',
		'userId',
		'processed',
		'written',
		'failed',
		'errors',
		'createdAt',
	],
};
const JOB = '01900000-0000-7000-8000-00000000000a';

let harper;
/** What the records hold: table -> attribute -> value. */
const held = {};

const grant = (attributes) => ({
	read: true,
	insert: true,
	update: true,
	delete: false,
	attribute_permissions: (attributes ?? []).map((attribute_name) => ({
		attribute_name,
		read: true,
		insert: true,
		update: true,
	})),
});

/** A role with every attribute but one, and its user. */
async function addRoleWithout(table, attribute) {
	const name = `no_${table}_${attribute}`;
	const tables = Object.fromEntries(
		Object.entries(ATTRIBUTES).map(([other, attributes]) => [
			other,
			grant(other === table ? attributes.filter((one) => one !== attribute) : undefined),
		])
	);
	await harper.addRole(name, { edge_ai: { tables } });
	return name;
}

const record = async (table, id) => {
	const [found] = await harper.operation({
		operation: 'search_by_id',
		database: 'edge_ai',
		table,
		ids: [id],
		get_attributes: ['*'],
	});
	return found;
};

before(async () => {
	harper = await startHarper({ threads: 1 });
	const fields = { modelId: MODEL, version: VERSION, stage: 'staging', metadata: '{"note":"the metadata"}' };
	assert.equal((await harper.upload(fields, ['examples/iris/model.onnx'])).status, 201);
	const ids = { userId: 'the user', sessionId: 'the session', segment: 'the segment', requestId: 'the request' };
	const { body } = await harper.predict(
		{ modelId: MODEL, features: { float_input: SETOSA }, ...ids },
		{ headers: { traceparent: `00-${'4b'.repeat(16)}-${'f0'.repeat(8)}-01` } }
	);
	const drawn = await harper.request('POST', `/monitoring/labels/queue?modelId=${MODEL}`);
	assert.equal(drawn.status, 201, JSON.stringify(drawn.body));
	await harper.feedback({ inferenceId: body.inferenceId, outcome: 'the outcome', correct: true });
	await harper.operation({
		operation: 'update',
		database: 'edge_ai',
		table: 'InferenceEvent',
		records: [{ id: body.inferenceId, error: { code: 'RUN_FAILED', message: 'the error' } }],
	});
	await harper.request('PUT', '/features/entity', { body: { features: { a: 'the feature' } } });
	const job = {
		id: JOB,
		state: 'completed',
		modelId: MODEL,
		modelVersion: VERSION,
		source: { database: 'data', table: 'the source', conditions: [], fields: { x: 'y' } },
		target: { database: 'data', table: 'the target', fields: { y: 'prediction' } },
		record: true,
		userId: 'the owner',
		total: 4567890,
		processed: 1234567,
		written: 2345678,
		failed: 3456789,
		errors: [{ id: 1, code: 'X', error: 'the first error' }],
		createdAt: 1700000000123,
	};
	await harper.operation({ operation: 'insert', database: 'edge_ai', table: 'Job', records: [job] });
	held.Model = await record('Model', ID);
	held.InferenceEvent = await record('InferenceEvent', body.inferenceId);
	held.Job = job;
	const { timestamp } = (await harper.get('/features/entity')).body;
	held.Feature = { entityId: 'entity', features: { a: 'the feature' }, timestamp, created: timestamp };
});
after(() => harper?.dispose());

/** Every route that reads records. Paths name the model, so what a caller says itself is no secret. */
const READS = [
	['GET', '/model'],
	['GET', `/model/versions?modelId=${MODEL}`],
	['GET', `/model/${MODEL}`],
	['GET', `/model/${MODEL}/${VERSION}`],
	['GET', `/model/${MODEL}/${VERSION}/file`],
	['GET', `/model/${MODEL}/${VERSION}/file/model.onnx`],
	['GET', '/monitoring/events'],
	['GET', `/monitoring/events?modelId=${MODEL}`],
	['GET', `/monitoring/metrics?modelId=${MODEL}`],
	['GET', '/metrics'],
	['GET', `/monitoring/profile?modelId=${MODEL}`],
	['GET', `/monitoring/resources?modelId=${MODEL}`],
	['GET', `/monitoring/resources?modelId=${MODEL}&by=user`],
	['GET', `/monitoring/drift?modelId=${MODEL}&referenceVersion=${VERSION}`],
	['GET', `/monitoring/changes?modelId=${MODEL}`],
	['GET', `/monitoring/reference?modelId=${MODEL}`],
	['GET', `/monitoring/labels/queue?modelId=${MODEL}`],
	['GET', `/monitoring/labels/accuracy?modelId=${MODEL}`],
	['GET', `/monitoring/labels/accuracy?modelId=${MODEL}&by=class`],
	['GET', '/features/entity'],
	['GET', '/jobs'],
	['GET', `/jobs/${JOB}`],
	['GET', '/status'],
	['GET', '/v2'],
	['GET', '/v2/models'],
	['GET', `/v2/models/${MODEL}`],
	['GET', `/v2/models/${MODEL}/config`],
	['GET', `/v2/models/${MODEL}/ready`],
	['GET', `/v2/models/${MODEL}/stats`],
	['GET', '/v2/models/stats'],
	['POST', '/v2/repository/index'],
	['GET', '/v1/models'],
	['GET', `/v1/models/${MODEL}`],
	['GET', `/v1/models/${MODEL}/metadata`],
	['GET', `/v1/models/${MODEL}/labels/staging`],
	['POST', '/benchmark/compare', { models: [{ modelId: MODEL }], features: { float_input: SETOSA }, iterations: 1 }],
];

/** All values of an answer, with the names that lead to them. */
function* leaves(value, path = []) {
	yield [path, value];
	if (value === null || typeof value !== 'object') return;
	for (const [name, part] of Object.entries(value)) yield* leaves(part, [...path, name]);
}

/** The fields of answers that hold an attribute under another name. */
const NAMES = {
	Model: { version: ['version', 'latestVersion', 'modelVersion'], size: ['size', 'fileBytes'] },
	InferenceEvent: { timestamp: ['timestamp', 'startTime', 'endTime'] },
};

describe('reading', () => {
	for (const [table, attributes] of Object.entries(ATTRIBUTES)) {
		for (const attribute of attributes) {
			test(`no route shows ${table}.${attribute} to a role without it`, async () => {
				const user = await addRoleWithout(table, attribute);
				const secret = held[table][attribute];
				const text = JSON.stringify(secret);
				const names = NAMES[table]?.[attribute] ?? [attribute];
				let answered = 0;
				for (const [method, path, body] of READS) {
					const answer = await harper.request(method, path, { user, body });
					assert.ok([200, 403].includes(answer.status), `${path}: ${answer.status}`);
					if (answer.status === 403) {
						assert.match(JSON.stringify(answer.body), new RegExp(`${table}(File)?\\.${attribute}`));
					} else answered += 1;
					if (answer.status === 403 || Buffer.isBuffer(answer.body)) continue;
					for (const [at, value] of leaves(answer.body)) {
						// A value that others have as well tells nothing; its name does.
						const isNamed = names.includes(at.at(-1)) && isOf(table, path, at);
						assert.ok(!(isNamed && JSON.stringify(value) === text), `${path} shows ${at.join('.')}`);
						const isTelling = typeof secret === 'string' && secret.length > 12 && typeof value === 'string';
						if (isTelling && isOf(table, path, at)) {
							assert.ok(!value.includes(secret), `${path} tells it in ${at.join('.')}`);
						}
					}
				}
				assert.ok(answered > 10, 'most routes have an answer without it');
			});
		}
	}

	/** Of which table an answer tells. */
	function isOf(table, path, at) {
		if (path.startsWith('/monitoring')) return table === 'InferenceEvent';
		if (path.startsWith('/features')) return table === 'Feature';
		if (path.startsWith('/jobs')) return table === 'Job';
		if (path === '/status') return at[0] === 'sessions' && table === 'Model';
		return table === 'Model';
	}

	test('an event has exactly what may be read', async () => {
		await harper.addRole('narrow', { edge_ai: { tables: { InferenceEvent: grant(['modelId', 'latencyMs']) } } });
		const { body } = await harper.get('/monitoring/events', { user: 'narrow' });
		assert.deepEqual(Object.keys(body.events[0]), ['id', 'modelId', 'latencyMs']);
		const { body: metrics } = await harper.get(`/monitoring/metrics?modelId=${MODEL}`, { user: 'narrow' });
		const quantiles = ['p50Latency', 'p90Latency', 'p95Latency', 'p99Latency', 'quantileRelativeError'];
		const waiting = ['avgQueueMs', 'p50QueueMs', 'p90QueueMs', 'p99QueueMs'];
		const rows = ['avgBatchRows', 'p50BatchRows', 'p90BatchRows', 'p99BatchRows'];
		const latencies = ['avgLatency', ...quantiles, ...waiting, ...rows];
		assert.deepEqual(Object.keys(metrics).toSorted(), ['modelId', 'count', 'lostEvents', ...latencies].toSorted());
	});

	test('quality is for who may read all that it tells of', async () => {
		const path = `/monitoring/metrics?modelId=${MODEL}`;
		for (const [attribute, ...hidden] of [
			['prediction', 'quality'],
			['correct', 'quality'],
			['actualOutcome', 'quality', 'r2'],
			['regression', 'r2'],
			['userId'],
		]) {
			const { body } = await harper.get(path, { user: `no_InferenceEvent_${attribute}` });
			for (const { quality, r2 } of [body, ...body.versions]) {
				const absent = Object.entries({ quality, r2 }).filter(([, value]) => value === undefined);
				assert.deepEqual(
					absent.map(([name]) => name),
					hidden,
					attribute
				);
			}
		}
	});

	test('a profile has the columns of what may be read', async () => {
		const columnsFor = async (user) => {
			const { status, body } = await harper.get(`/monitoring/profile?modelId=${MODEL}`, { user });
			assert.equal(status, 200);
			return Object.keys(body.profiles[0].columns);
		};
		const [features, outputs] = [
			await columnsFor('no_InferenceEvent_prediction'),
			await columnsFor('no_InferenceEvent_featuresIn'),
		];
		assert.deepEqual(features, ['float_input[0]', 'float_input[1]', 'float_input[2]', 'float_input[3]']);
		assert.ok(outputs.length > 1 && outputs.every((name) => name.startsWith('output.')));
		await harper.addRole('neither', {
			edge_ai: { tables: { InferenceEvent: grant(['modelId', 'modelVersion', 'timestamp']) } },
		});
		assert.equal((await harper.get(`/monitoring/profile?modelId=${MODEL}`, { user: 'neither' })).status, 403);
	});

	test('who may not read users does not see what each of them cost, and sizes are those of models', async () => {
		const read = (user, by) => harper.get(`/monitoring/resources?modelId=${MODEL}&by=${by}`, { user });
		const { status, body } = await read('no_InferenceEvent_userId', 'user');
		assert.deepEqual([status, body.code], [403, 'FORBIDDEN']);
		const [visible] = (await read('no_InferenceEvent_userId', 'version')).body.versions;
		assert.ok(visible.predictions > 0 && visible.storedBytes > 0 && visible.digest);
		const [hidden] = (await read('no_Model_size', 'version')).body.versions;
		assert.equal('storedBytes' in hidden, false);
		const [withoutDigest] = (await read('no_InferenceEvent_digest', 'version')).body.versions;
		assert.equal('digest' in withoutDigest, false);
	});

	test('who may not read an attribute cannot filter by it', async () => {
		for (const [attribute, filter] of [
			['modelId', 'modelId=x'],
			['modelVersion', 'version=x'],
			['userId', 'userId=x'],
			['sessionId', 'sessionId=x'],
			['digest', `digest=${'a'.repeat(64)}`],
			['timestamp', 'startTime=1'],
			['timestamp', 'endTime=1'],
		]) {
			const { status, body } = await harper.get(`/monitoring/events?${filter}`, {
				user: `no_InferenceEvent_${attribute}`,
			});
			assert.deepEqual([status, body.code], [403, 'FORBIDDEN'], filter);
		}
		assert.equal((await harper.get('/jobs?state=running', { user: 'no_Job_state' })).status, 403);
		assert.equal((await harper.get('/features/entity?asOf=1', { user: 'no_Feature_created' })).status, 403);
	});

	test('a conflict does not tell the digest', async () => {
		const fields = { modelId: MODEL, version: VERSION };
		await harper.addRole('uploader', { edge_ai: { tables: { Model: withoutReading(ATTRIBUTES.Model, 'digest') } } });
		const files = [{ name: 'model.onnx', content: 'other bytes' }];
		const { status, body } = await harper.upload(fields, files, { user: 'uploader' });
		assert.equal(status, 409);
		assert.ok(!JSON.stringify(body).includes(held.Model.digest));
	});
});

/** All of a table but for reading one attribute. */
function withoutReading(attributes, hidden) {
	const all = grant(attributes);
	for (const rule of all.attribute_permissions) if (rule.attribute_name === hidden) rule.read = false;
	return all;
}

describe('writing', () => {
	const features = { float_input: SETOSA };
	const GIVEN = ['userId', 'sessionId', 'segment', 'requestId'];
	const DRAWN = ['samplingProbability', 'labelDraw'];
	const OUTCOME = ['actualOutcome', 'feedbackTimestamp', 'correct', 'regression'];

	// Nobody is refused for the header traceparent: see trace.test.js.
	for (const attribute of ATTRIBUTES.InferenceEvent.filter((name) => name !== 'traceparent' && !DRAWN.includes(name))) {
		test(`no route writes InferenceEvent.${attribute} for a role without it`, async () => {
			const user = `no_InferenceEvent_${attribute}`;
			const given = GIVEN.includes(attribute) ? { [attribute]: 'x' } : {};
			const isOutcome = OUTCOME.includes(attribute);
			const { inferenceId } = (await harper.predict({ modelId: MODEL, features })).body;
			const { status } = await harper.feedback({ inferenceId, outcome: 1 }, { user });
			assert.equal(status, isOutcome ? 403 : 200);
			const input = { name: 'float_input', shape: [1, 4], datatype: 'FP32', data: SETOSA };
			const own = { id: given.requestId, parameters: given };
			for (const [path, body] of [
				['/predict', { modelId: MODEL, features, ...given }],
				['/predict/batch', { modelId: MODEL, ...given, rows: [features] }],
				[`/v2/models/${MODEL}/infer`, { inputs: [input], ...own }],
				...(attribute in given && attribute !== 'segment'
					? []
					: [[`/v1/models/${MODEL}:predict${attribute === 'segment' ? '?segment=x' : ''}`, { instances: [SETOSA] }]]),
			]) {
				const answer = await harper.request('POST', path, { body, user });
				assert.equal(answer.status, isOutcome ? 200 : 403, `${path}: ${JSON.stringify(answer.body)}`);
			}
			if (!isOutcome) {
				const unrecorded = await harper.predict({ modelId: MODEL, features, record: false }, { user });
				assert.equal(unrecorded.status, 200, 'what is not recorded writes nothing');
			}
		});
	}

	test('no role draws that may not write with which probability, or not read what is asked', async () => {
		const strategies = { confidence: 'uncertainty', featuresIn: 'novelty', prediction: 'stratified' };
		for (const attribute of [...DRAWN, 'actualOutcome', 'timestamp', ...Object.keys(strategies)]) {
			const parameters = `modelId=${MODEL}&version=${VERSION}&strategy=${strategies[attribute] ?? 'uniform'}`;
			const user = `no_InferenceEvent_${attribute}`;
			const { status, body } = await harper.request('POST', `/monitoring/labels/queue?${parameters}`, { user });
			assert.equal(status, 403, JSON.stringify(body));
			assert.ok(body.error.includes(`edge_ai.InferenceEvent.${attribute}`), body.error);
		}
	});

	for (const attribute of ATTRIBUTES.Model) {
		test(`no route writes Model.${attribute} for a role without it`, async () => {
			const user = `no_Model_${attribute}`;
			const fields = { modelId: 'new', version: 'v1', metadata: '{}' };
			const { status } = await harper.upload(fields, ['examples/iris/model.onnx'], { user });
			assert.equal(status, 403);
			const path = `/model/${MODEL}/${VERSION}`;
			for (const [field, value] of [
				['stage', 'staging'],
				['metadata', { note: 'the metadata' }],
			]) {
				const answer = await harper.request('PATCH', path, { user, body: { [field]: value } });
				assert.equal(answer.status, field === attribute ? 403 : 200, field);
			}
		});
	}

	for (const attribute of ATTRIBUTES.Feature) {
		test(`no route writes Feature.${attribute} for a role without it`, async () => {
			const answer = await harper.request('PUT', '/features/new', {
				user: `no_Feature_${attribute}`,
				body: { features: { a: 1 } },
			});
			assert.equal(answer.status, 403);
		});
	}

	test('feedback does not find out a prediction that may not be read', async () => {
		const tables = { InferenceEvent: withoutReading(ATTRIBUTES.InferenceEvent, 'prediction') };
		await harper.addRole('guesser', { edge_ai: { tables } });
		const { inferenceId } = (await harper.predict({ modelId: MODEL, features })).body;
		await harper.feedback({ inferenceId, outcome: 0 }, { user: 'guesser' });
		assert.equal((await record('InferenceEvent', inferenceId)).correct, null);
	});

	test('a changed role counts without a restart', async () => {
		const predict = () => harper.predict({ modelId: MODEL, features }, { user: 'changing' });
		await harper.addRole('changing', { edge_ai: { tables: { InferenceEvent: grant() } } });
		assert.equal((await predict()).status, 200);
		const permission = { super_user: false, edge_ai: { tables: { InferenceEvent: grant(['modelId']) } } };
		await harper.operation({ operation: 'alter_role', id: 'changing', role: 'changing', permission });
		await until('the role counts', async () => (await predict()).status === 403);
		assert.equal(
			(await harper.get('/monitoring/events', { headers: credentials('changing'), user: null })).status,
			200
		);
	});
});
