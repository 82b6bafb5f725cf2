import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { openAsBlob, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { tarGzOf, zipOf } from './support/archives.js';
import { difference } from './support/comparison.js';
import { ADMIN, credentials, root, startHarper } from './support/harper.js';
import { BLOCK_ROWS, COLUMNS, writeLargeModel } from './support/large-model.js';
import { FLOAT as FLOAT32, INT64 as INT, message, number, onnxModel } from './support/onnx.js';
import { until } from './support/until.js';

const { models, hostile } = JSON.parse(readFileSync(join(root, '__test__/fixtures/manifest.json'), 'utf8'));

const IRIS = 'examples/iris/model.onnx';
const FLOAT = '__test__/fixtures/identity_float.onnx';
const DOUBLE = '__test__/fixtures/identity_double.onnx';
const FLOAT16 = '__test__/fixtures/identity_float16.onnx';
const INT16 = '__test__/fixtures/identity_int16.onnx';
const INT64 = '__test__/fixtures/identity_int64.onnx';
/** For runs that never end; the others must be refused sooner. */
const ENDLESS_TIMEOUT_MS = 500;
/** They take six numbers. */
const IDENTITIES = [FLOAT, FLOAT16, DOUBLE];
const SIX = { x: [[1, 2, 3, 4, 5, 6]] };

const bytesOf = (path) => readFileSync(join(root, path));
const digestOf = (bytes) => createHash('sha256').update(bytes).digest('hex');

let harper;
before(async () => (harper = await startHarper()));
after(() => harper?.dispose());

const upload = async (modelId, version, files, fields = {}) => {
	const answer = await harper.upload({ modelId, version, ...fields }, [files].flat());
	assert.ok(answer.status === 200 || answer.status === 201, JSON.stringify(answer.body));
	return answer.body;
};

describe('models of the fixtures', () => {
	for (const { name, file, cases, tolerance } of models) {
		test(`${name}: ${cases.length} predictions`, async () => {
			await upload(`fixture-${name}`, 'v1', file, { framework: 'onnx' });
			for (const { features, expected } of cases) {
				const { status, body } = await harper.predict({ modelId: `fixture-${name}`, features });
				assert.equal(status, 200, JSON.stringify(body));
				assert.equal(difference(body.prediction, expected, { rtol: tolerance, atol: tolerance }), undefined);
			}
		});
	}

	for (const { name, file, what, at, codes, features, expected } of hostile) {
		test(`${name}: ${what}`, async () => {
			const modelId = `hostile-${name}`;
			const uploaded = await harper.upload({ modelId, version: 'v1' }, [file]);
			if (at === 'upload') {
				assert.ok(codes.includes(uploaded.body.code), JSON.stringify(uploaded.body));
				assert.equal((await harper.get(`/model/${modelId}/v1`)).status, 404, 'nothing is stored');
			} else {
				assert.equal(uploaded.status, 201, JSON.stringify(uploaded.body));
				const timeoutMs = codes?.includes('DEADLINE_EXCEEDED') ? ENDLESS_TIMEOUT_MS : undefined;
				const { status, body } = await harper.predict({ modelId, features, timeoutMs });
				if (expected) assert.deepEqual([status, body.prediction], [200, expected]);
				else assert.ok(codes.includes(body.code), JSON.stringify(body));
			}
			assert.ok(await harper.isAlive());
		});
	}
});

describe('registry', () => {
	test('an upload answers with what was stored', async () => {
		const bytes = bytesOf(IRIS);
		const before = Date.now();
		const { status, body } = await harper.upload({ modelId: 'stored', version: '1.0.0', framework: 'onnx' }, [IRIS]);
		assert.equal(status, 201);
		const { uploadedAt, ...rest } = body;
		assert.ok(uploadedAt >= before && uploadedAt <= Date.now(), 'Unix milliseconds');
		assert.ok(Number.isInteger(uploadedAt));
		assert.deepEqual(rest, {
			success: true,
			modelId: 'stored',
			version: '1.0.0',
			id: 'stored:1.0.0',
			framework: 'onnx',
			digest: digestOf(bytes),
			size: bytes.length,
		});
	});

	test('the record holds schemas, signature, stage and metadata', async () => {
		const inputSchema = JSON.stringify({ inputs: [{ name: 'float_input', shape: [1, 4] }] });
		const metadata = { team: 'botany', accuracy: 0.97 };
		const given = { inputSchema, metadata: JSON.stringify(metadata), stage: 'staging' };
		const { uploadedAt, digest, size } = await upload('record', 'v1', IRIS, given);
		const { status, body } = await harper.get('/model/record/v1');
		assert.equal(status, 200);
		assert.deepEqual(
			{ ...body, inputSchema: undefined, outputSchema: undefined, signature: undefined, files: undefined },
			{
				id: 'record:v1',
				modelId: 'record',
				version: 'v1',
				framework: 'onnx',
				engine: 'onnxruntime',
				stage: 'staging',
				metadata: JSON.stringify(metadata),
				uploadedAt,
				digest,
				size,
				inputSchema: undefined,
				outputSchema: undefined,
				signature: undefined,
				files: undefined,
			}
		);
		const [input] = JSON.parse(body.inputSchema).inputs;
		assert.deepEqual([input.name, input.dtype], ['float_input', 'float32']);
		assert.deepEqual(
			JSON.parse(body.outputSchema).outputs.map(({ name }) => name),
			['output_label', 'output_probability']
		);
		assert.deepEqual(body.signature.inputs, JSON.parse(body.inputSchema).inputs);
		assert.deepEqual(body.signature.outputs, JSON.parse(body.outputSchema).outputs);
		assert.deepEqual(body.files, [{ name: 'model.onnx', digest: digestOf(bytesOf(IRIS)), size }]);
	});

	test('schemas that were not given come from the model', async () => {
		await upload('schemas', 'v1', INT64);
		const { body } = await harper.get('/model/schemas/v1');
		const [input] = JSON.parse(body.inputSchema).inputs;
		const [output] = JSON.parse(body.outputSchema).outputs;
		assert.deepEqual([input.name, input.dtype, output.name, output.dtype], ['x', 'int64', 'y', 'int64']);
	});

	test('the list names every model with its latest version', async () => {
		await upload('listed', 'v1', FLOAT);
		const { uploadedAt } = await upload('listed', 'v2', INT64, { stage: 'production' });
		for (const path of ['/model/', '/model']) {
			const { status, body } = await harper.get(path);
			assert.equal(status, 200);
			assert.deepEqual(
				body.models.find(({ modelId }) => modelId === 'listed'),
				{
					modelId: 'listed',
					latestVersion: 'v2',
					versions: 2,
					framework: 'onnx',
					stage: 'production',
					uploadedAt,
				}
			);
		}
	});

	test('versions stand in upload order, whatever they are called', async () => {
		const uploaded = [];
		for (const [version, file] of [
			['v9', FLOAT],
			['v10', INT64],
			['a', DOUBLE],
		]) {
			uploaded.push(await upload('ordered', version, file));
		}
		const { body } = await harper.get('/model/versions?modelId=ordered');
		assert.deepEqual((await harper.get('/model/ordered')).body, body);
		assert.deepEqual(body, {
			modelId: 'ordered',
			versions: uploaded.map(({ version, framework, uploadedAt, digest, size }) => ({
				version,
				framework,
				stage: 'development',
				uploadedAt,
				digest,
				size,
			})),
		});
		const times = uploaded.map(({ uploadedAt }) => uploadedAt);
		assert.deepEqual(
			times,
			[...new Set(times)].sort((a, b) => a - b)
		);
	});

	test('the file comes back byte for byte, with its digest', async () => {
		const { digest } = await upload('bytes', 'v1', IRIS);
		const { status, headers, body } = await harper.get('/model/bytes/v1/file');
		assert.equal(status, 200);
		assert.equal(headers.get('content-type'), 'application/octet-stream');
		assert.equal(headers.get('content-length'), String(body.length));
		assert.equal(headers.get('etag'), `"${digest}"`);
		assert.equal(digestOf(body), digest);
		assert.deepEqual(body, bytesOf(IRIS));
	});

	test('file names in UTF-8 stay what they are', async () => {
		for (const [at, name] of ['modèle № 1.onnx', '花/模型.onnx', 'caf\u0065\u0301 😀.onnx'].entries()) {
			const version = `v${at}`;
			const file = { name, content: bytesOf(IRIS) };
			assert.equal((await harper.upload({ modelId: 'unicode', version }, [file])).status, 201);
			const { body } = await harper.get(`/model/unicode/${version}`);
			assert.equal(body.files[0].name, name);
			const { status, headers } = await harper.get(`/model/unicode/${version}/file?name=${encodeURIComponent(name)}`);
			assert.equal(status, 200);
			assert.ok(headers.get('content-disposition').endsWith(encodeURIComponent(name)));
		}
	});

	test('a file that is only its name in a text field is told what to type', async () => {
		const { status, body } = await harper.upload({ modelId: 'text', version: 'v1', file: 'model.onnx' }, []);
		assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST']);
		assert.match(body.error, /file must be a file, received text.*-F 'file=@model\.onnx'/);
	});

	test('what the caller has is not sent again, and what somebody else changed is not overwritten', async () => {
		await upload('tagged', 'v1', IRIS);
		const [path, filePath] = ['/model/tagged/v1', '/model/tagged/v1/file'];
		const tagOf = async (of) => (await harper.get(of)).headers.get('etag');
		for (const [of, sent] of [path, filePath].flatMap((one) => [
			[one, (tag) => tag],
			[one, (tag) => `W/${tag}`],
			[one, (tag) => `"other", ${tag}`],
			[one, () => '*'],
		])) {
			const tag = await tagOf(of);
			const known = await harper.get(of, { headers: { 'if-none-match': sent(tag) } });
			assert.deepEqual([known.status, known.headers.get('etag'), known.body.length], [304, tag, 0], of);
			assert.equal((await harper.get(of, { headers: { 'if-none-match': '"other"' } })).status, 200);
		}
		const change = (tag, body) => harper.request('PATCH', path, { body, headers: { 'if-match': tag } });
		const first = await tagOf(path);
		const changed = await change(first, { stage: 'staging' });
		assert.equal(changed.status, 200);
		assert.equal(changed.headers.get('etag'), await tagOf(path));
		assert.notEqual(changed.headers.get('etag'), first);
		const late = await change(first, { stage: 'production' });
		assert.deepEqual([late.status, late.body.code], [412, 'PRECONDITION_FAILED']);
		assert.match(late.body.error, new RegExp(`If-Match.*ETag is ${changed.headers.get('etag')}`));
		assert.equal((await change(`W/${changed.headers.get('etag')}`, { stage: 'production' })).status, 412);
		const remove = (tag) => harper.request('DELETE', path, { headers: { 'if-match': tag } });
		assert.equal((await remove(first)).status, 412);
		assert.equal((await harper.get(path)).body.stage, 'staging');
		assert.equal((await change('*', { stage: 'production' })).status, 200);
		assert.equal((await remove(`${first}, ${await tagOf(path)}`)).status, 200);
		assert.equal((await remove('*')).status, 404);
	});

	test('stage and metadata can be changed, and the file stays', async () => {
		await upload('patched', 'v1', IRIS);
		const change = { stage: 'production', metadata: { note: 'approved' } };
		const patched = await harper.request('PATCH', '/model/patched/v1', { body: change });
		assert.equal(patched.status, 200);
		const { body } = await harper.get('/model/patched/v1');
		assert.deepEqual(body, patched.body);
		assert.deepEqual([body.stage, JSON.parse(body.metadata)], [change.stage, change.metadata]);
		assert.deepEqual((await harper.get('/model/patched/v1/file')).body, bytesOf(IRIS));
		await harper.restart();
		assert.deepEqual((await harper.get('/model/patched/v1/file')).body, bytesOf(IRIS));
		assert.equal((await harper.get('/model/patched/v1')).body.stage, 'production');
	});

	test('metadata keep the digits that they were given', async () => {
		const metadata = '{"id":9007199254740993,"zero":-0,"one":1.0,"label":"a \\"b\\""}';
		await upload('digits', 'v1', IRIS, { metadata });
		const stored = async () => (await harper.get('/model/digits/v1')).body.metadata;
		assert.equal(await stored(), metadata);
		const headers = { 'content-type': 'application/json' };
		const patch = (text) => harper.request('PATCH', '/model/digits/v1', { body: `{"metadata": ${text}}`, headers });
		assert.equal((await patch('{"id" : 9007199254740995}')).status, 200);
		assert.equal(await stored(), '{"id":9007199254740995}');
		const { status, body } = await patch('{"id":[1e400]}');
		assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST'], JSON.stringify(body));
		assert.match(body.error, /1e400 does not fit/);
		assert.equal(await stored(), '{"id":9007199254740995}');
	});

	test('changes of several fields at once, on several threads, all count', async () => {
		await upload('changed', 'v1', IRIS);
		const patch = (body) => harper.request('PATCH', '/model/changed/v1', { body, headers: { connection: 'close' } });
		for (let round = 0; round < 40; round += 1) {
			const stage = ['staging', 'production'][round % 2];
			const answers = await Promise.all([patch({ stage }), patch({ metadata: { round } })]);
			assert.deepEqual(
				answers.map(({ status }) => status),
				[200, 200]
			);
			const { body } = await harper.get('/model/changed/v1');
			assert.deepEqual([body.stage, JSON.parse(body.metadata)], [stage, { round }]);
		}
	});

	for (const [what, body, code] of [
		['an unknown stage', { stage: 'retired' }, 'INVALID_REQUEST'],
		['an unknown field', { stages: 'production' }, 'INVALID_REQUEST'],
		['the digest', { digest: 'x' }, 'INVALID_REQUEST'],
	]) {
		test(`a change of ${what} is refused`, async () => {
			await upload('unpatched', 'v1', IRIS);
			const answer = await harper.request('PATCH', '/model/unpatched/v1', { body });
			assert.deepEqual([answer.status, answer.body.code], [400, code]);
		});
	}

	for (const [method, path] of [
		['GET', '/model/nobody/v1'],
		['GET', '/model/nobody/v1/file'],
		['GET', '/model/versions?modelId=nobody'],
		['GET', '/model/nobody'],
		['PATCH', '/model/nobody/v1'],
		['DELETE', '/model/nobody/v1'],
	]) {
		test(`${method} ${path} is 404`, async () => {
			const answer = await harper.request(method, path, method === 'PATCH' ? { body: { stage: 'staging' } } : {});
			assert.deepEqual([answer.status, answer.body.code], [404, 'MODEL_NOT_FOUND']);
		});
	}
});

describe('versions do not change', () => {
	test('the same bytes again give the same answer with 200, other bytes are 409', async () => {
		const first = await harper.upload({ modelId: 'fixed', version: 'v1' }, [IRIS]);
		assert.equal(first.status, 201);
		const again = await harper.upload({ modelId: 'fixed', version: 'v1' }, [IRIS]);
		assert.equal(again.status, 200);
		assert.deepEqual(again.body, first.body);
		const other = await harper.upload({ modelId: 'fixed', version: 'v1' }, [FLOAT]);
		assert.deepEqual([other.status, other.body.code], [409, 'VERSION_EXISTS']);
		assert.equal(other.body.details.digest, first.body.digest);
		assert.deepEqual((await harper.get('/model/fixed/v1/file')).body, bytesOf(IRIS));
	});

	test('of concurrent uploads of different bytes exactly one wins', async () => {
		for (let round = 0; round < 4; round += 1) {
			const modelId = `race-${round}`;
			const answers = await Promise.all(
				IDENTITIES.flatMap((file) => [file, file]).map((file) =>
					harper.upload({ modelId, version: 'v1' }, [file], { headers: { connection: 'close' } })
				)
			);
			const statuses = answers.map(({ status }) => status).sort();
			assert.deepEqual(statuses, [200, 201, 409, 409, 409, 409]);
			const [winner] = answers.filter(({ status }) => status === 201);
			const [same] = answers.filter(({ status }) => status === 200);
			assert.deepEqual(same.body, winner.body);
			const { body } = await harper.get(`/model/versions?modelId=${modelId}`);
			assert.deepEqual(
				body.versions.map(({ digest }) => digest),
				[winner.body.digest]
			);
			assert.equal(digestOf((await harper.get(`/model/${modelId}/v1/file`)).body), winner.body.digest);
		}
	});

	test('concurrent uploads of several versions are all kept, at different times', async () => {
		const versions = Array.from({ length: 8 }, (_, at) => `v${at}`);
		const headers = { connection: 'close' };
		const answers = await Promise.all(
			versions.map((version, at) => harper.upload({ modelId: 'many', version }, [IDENTITIES[at % 3]], { headers }))
		);
		assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
		const { body } = await harper.get('/model/versions?modelId=many');
		assert.deepEqual(body.versions.map(({ version }) => version).sort(), versions);
		assert.equal(new Set(body.versions.map(({ uploadedAt }) => uploadedAt)).size, versions.length);
	});
});

describe('latest', () => {
	/** The versions that answer a prediction without a version. */
	const latestVersions = async (modelId) => {
		const body = { modelId, features: SIX, record: false };
		const answers = await harper.onEveryThread('POST', '/predict', { body });
		return new Set(answers.map(({ status, body: { modelVersion } }) => modelVersion ?? status));
	};

	test('two threads serve', async () => {
		const { threads } = await harper.operation({ operation: 'system_information', attributes: ['threads'] });
		assert.equal(threads.filter(({ name }) => name === 'http').length, 2);
	});

	test('is what was uploaded last, on every thread, at once, and after a restart', async () => {
		for (const [version, file] of [
			['v2', FLOAT],
			['v1', FLOAT16],
			['v3', DOUBLE],
		]) {
			await upload('newest', version, file);
			assert.deepEqual(await latestVersions('newest'), new Set([version]));
		}
		await harper.restart();
		assert.deepEqual(await latestVersions('newest'), new Set(['v3']));
	});

	test('is never an older one than was answered before the request, also while every thread is busy with it', async () => {
		const CALLERS = 8;
		const UPLOADS = 12;
		let uploaded = 0;
		let done = false;
		const wrong = [];
		const call = async () => {
			while (!done) {
				const known = uploaded;
				const { body } = await harper.predict({ modelId: 'busy', features: SIX, record: false });
				if (!(Number(body.modelVersion) >= known)) wrong.push([known, body]);
			}
		};
		const publish = async () => {
			await upload('busy', String(uploaded + 1), IDENTITIES[uploaded % IDENTITIES.length]);
			uploaded += 1;
		};
		await publish();
		const calls = Array.from({ length: CALLERS }, call);
		while (uploaded < UPLOADS) await publish();
		done = true;
		await Promise.all(calls);
		assert.deepEqual(wrong, []);
	});

	test('after a delete is the version before, and no thread serves the deleted one', async () => {
		await upload('deleted', 'v1', FLOAT);
		await upload('deleted', 'v2', FLOAT16);
		const body = { modelId: 'deleted', version: 'v2', features: SIX };
		await harper.onEveryThread('POST', '/predict', { body });
		const removed = await harper.request('DELETE', '/model/deleted/v2');
		assert.equal(removed.status, 200);
		assert.deepEqual(removed.body, { success: true, modelId: 'deleted', version: 'v2' });
		const answers = await harper.onEveryThread('POST', '/predict', { body });
		assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([404]));
		assert.deepEqual(await latestVersions('deleted'), new Set(['v1']));
		assert.equal((await harper.get('/model/deleted/v2')).status, 404);
		assert.equal((await harper.get('/model/deleted/v2/file')).status, 404);

		await harper.request('DELETE', '/model/deleted/v1');
		assert.deepEqual(await latestVersions('deleted'), new Set([404]));
		assert.equal((await harper.get('/model/versions?modelId=deleted')).status, 404);
	});

	test('a version that was deleted and uploaded anew with other bytes serves the new ones', async () => {
		const body = { modelId: 'anew', features: { x: [[1, 2, 40_000]] } };
		await upload('anew', 'v1', INT16);
		const refused = await harper.onEveryThread('POST', '/predict', { body });
		assert.deepEqual(new Set(refused.map(({ body: { code } }) => code)), new Set(['INVALID_INPUT']));
		await harper.request('DELETE', '/model/anew/v1');
		await upload('anew', 'v1', INT64);
		const answers = await harper.onEveryThread('POST', '/predict', { body });
		const predictions = answers.map(({ body: { prediction } }) => JSON.stringify(prediction));
		assert.deepEqual(new Set(predictions), new Set(['{"y":[[1,2,40000]]}']));
	});

	test('deleting a model leaves another one with the same bytes alone', async () => {
		await upload('twin-a', 'v1', IRIS);
		await upload('twin-b', 'v1', IRIS);
		await harper.request('DELETE', '/model/twin-a/v1');
		const features = { float_input: [5.1, 3.5, 1.4, 0.2] };
		assert.equal((await harper.predict({ modelId: 'twin-b', features })).status, 200);
		await harper.restart();
		assert.equal((await harper.predict({ modelId: 'twin-b', features })).status, 200);
	});
});

describe('upload', () => {
	const BOUNDARY = 'frontier';
	const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
	const FILE = ['file"; filename="model.onnx', bytesOf(IRIS)];
	const ID = ['modelId', 'refused'];
	const VERSION = ['version', 'v1'];

	/** A multipart body whose parts stand in the order given. */
	const multipart = (parts, end = `--${BOUNDARY}--\r\n`) =>
		Buffer.concat([
			...parts.flatMap(([name, value]) => [
				Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
				Buffer.from(value),
				Buffer.from('\r\n'),
			]),
			Buffer.from(end),
		]);
	const post = (parts, query = '') =>
		harper.request('POST', `/model/upload${query}`, { body: multipart(parts), headers });

	/** What lies in the folder of unpacked models beside the models themselves. */
	const leftovers = async () => {
		const names = await readdir(join(harper.rootPath, 'edge-ai-cache'));
		return names.filter((name) => !/^[0-9a-f]{64}$/.test(name));
	};

	for (const [what, query, parts] of [
		['before the file', '', [['modelId', 'order-a'], VERSION, FILE]],
		['after the file', '', [FILE, VERSION, ['modelId', 'order-b']]],
		['around the file', '', [VERSION, FILE, ['modelId', 'order-c']]],
		['in the query', '?modelId=order-d&version=v1&stage=staging', [FILE]],
		['in the query and as fields', '?modelId=order-e&stage=staging', [FILE, VERSION]],
	]) {
		test(`takes its fields ${what}`, async () => {
			const { status, body } = await post(parts, query);
			assert.equal(status, 201, JSON.stringify(body));
			const { body: record } = await harper.get(`/model/${body.modelId}/v1`);
			assert.equal(record.stage, query.includes('stage') ? 'staging' : 'development');
		});
	}

	const schema = (kind, value) => [`${kind}Schema`, JSON.stringify({ [`${kind}s`]: [value] })];
	for (const [what, parts, status, code, said] of [
		['no modelId', [VERSION, FILE], 400, 'INVALID_REQUEST', /modelId/],
		['no version', [ID, FILE], 400, 'INVALID_REQUEST', /version/],
		['no file', [ID, VERSION], 400, 'INVALID_REQUEST', /file/],
		['a modelId with a slash', [['modelId', 'a/b'], VERSION, FILE], 400, 'INVALID_REQUEST', /modelId.*a\/b/],
		['a modelId of dots', [['modelId', '..'], VERSION, FILE], 400, 'INVALID_REQUEST', /modelId/],
		['a version of 129 characters', [ID, ['version', 'v'.repeat(129)], FILE], 400, 'INVALID_REQUEST', /version/],
		[
			'an unknown field',
			[ID, VERSION, ['frame_work', 'onnx'], FILE],
			400,
			'INVALID_REQUEST',
			/frame_work.*"framework"/,
		],
		['an unknown file part', [ID, VERSION, ['files"; filename="m', 'x']], 400, 'INVALID_REQUEST', /files.*"file"/],
		['a field twice', [ID, VERSION, ['version', 'v2'], FILE], 400, 'INVALID_REQUEST', /version.*twice/],
		['the same field twice', [ID, VERSION, VERSION, FILE], 400, 'INVALID_REQUEST', /version.*twice/],
		['an unknown framework', [ID, VERSION, ['framework', 'torch'], FILE], 400, 'INVALID_REQUEST', /framework.*torch/],
		['an unknown stage', [ID, VERSION, ['stage', 'live'], FILE], 400, 'INVALID_REQUEST', /stage.*live/],
		['metadata that no float holds', [ID, VERSION, ['metadata', '{"a":1e400}'], FILE], 400, 'INVALID_REQUEST', /1e400/],
		['metadata that is no JSON', [ID, VERSION, ['metadata', '{'], FILE], 400, 'INVALID_REQUEST', /metadata/],
		['a schema that is no JSON', [ID, VERSION, ['inputSchema', '{'], FILE], 400, 'INVALID_REQUEST', /inputSchema/],
		[
			'a framework that contradicts the bytes',
			[ID, VERSION, ['framework', 'tensorflow'], FILE],
			422,
			'INVALID_MODEL',
			/onnx/i,
		],
		[
			'another input name',
			[ID, VERSION, schema('input', { name: 'x' }), FILE],
			422,
			'SCHEMA_MISMATCH',
			/"x".*float_input/,
		],
		[
			'another input shape',
			[ID, VERSION, schema('input', { name: 'float_input', shape: [1, 5] }), FILE],
			422,
			'SCHEMA_MISMATCH',
			/5/,
		],
		[
			'another input dtype',
			[ID, VERSION, schema('input', { name: 'float_input', dtype: 'int64' }), FILE],
			422,
			'SCHEMA_MISMATCH',
			/int64.*float32/,
		],
		[
			'another output name',
			[ID, VERSION, schema('output', { name: 'y' }), FILE],
			422,
			'SCHEMA_MISMATCH',
			/"y".*output_label/,
		],
	]) {
		test(`with ${what} is refused`, async () => {
			const answer = await post(parts);
			assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
			assert.match(answer.body.error, said);
			assert.equal((await harper.get('/model/refused/v1')).status, 404, 'nothing is stored');
		});
	}

	for (const [what, body, type, status, code] of [
		['that is JSON', '{}', 'application/json', 415, 'UNSUPPORTED_MEDIA_TYPE'],
		['without a boundary', 'x', 'multipart/form-data', 400, 'INVALID_REQUEST'],
		['without parts', 'no parts', headers['content-type'], 400, 'INVALID_REQUEST'],
		[
			'cut within a part',
			multipart([ID, VERSION, FILE], '').subarray(0, -10),
			headers['content-type'],
			400,
			'INVALID_REQUEST',
		],
	]) {
		test(`a body ${what} is refused`, async () => {
			const answer = await harper.request('POST', '/model/upload', { body, headers: { 'content-type': type } });
			assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
		});
	}

	test('of a model with external data takes both files and gives both back', async () => {
		const weights = randomBytes(16);
		const model = { name: 'model.onnx', content: bytesOf('__test__/fixtures/hostile/external_missing.onnx') };
		await upload('external', 'v1', [{ name: 'weights.bin', content: weights }, model]);
		const { status, body } = await harper.predict({ modelId: 'external', features: {} });
		assert.deepEqual([status, body.prediction], [200, { y: [...weights] }]);

		const { body: record } = await harper.get('/model/external/v1');
		assert.deepEqual(record.files.map(({ name }) => name).sort(), ['model.onnx', 'weights.bin']);
		assert.deepEqual((await harper.get('/model/external/v1/file?name=weights.bin')).body, weights);
		assert.deepEqual((await harper.get('/model/external/v1/file?name=model.onnx')).body, model.content);
		const unnamed = await harper.get('/model/external/v1/file');
		assert.deepEqual([unnamed.status, unnamed.body.code], [400, 'INVALID_REQUEST']);
		for (const name of ['?name=a/WEIGHTS.bin', '/weights.bin', '/a/b/weights%2Ebin?v=1']) {
			assert.deepEqual((await harper.get(`/model/external/v1/file${name}`)).body, weights, name);
		}
		const unknown = await harper.get('/model/external/v1/file?name=passwd');
		assert.deepEqual((await harper.get('/model/external/v1/file/../../etc/passwd')).status, 404);
		assert.deepEqual([unknown.status, unknown.body.code], [404, 'NOT_FOUND']);

		await rm(join(harper.rootPath, 'edge-ai-cache'), { recursive: true });
		await harper.restart();
		const afterwards = await harper.predict({ modelId: 'external', features: {} });
		assert.deepEqual(afterwards.body.prediction, { y: [...weights] }, 'unpacked from the table');
	});

	/** First bytes of other formats, and what is said of them. */
	const PICKLE = Buffer.concat([Buffer.from([0x80, 4, 0x95, 0, 1, 0, 0, 0, 0, 0, 0, 0x8c]), Buffer.alloc(64)]);
	for (const [name, content, said, code = 'INVALID_MODEL'] of [
		['model.pkl', PICKLE, /pickle.*skl2onnx/],
		['model.pt', zipOf([{ name: 'archive/data.pkl', bytes: PICKLE }]), /PyTorch.*torch\.onnx\.export/],
		['model.tflite', Buffer.from('\x1c\0\0\0TFL3more', 'latin1'), /TensorFlow Lite.*tf2onnx/],
		['model.ort', Buffer.from('\x1c\0\0\0ORTMmore', 'latin1'), /ORT format.*\.onnx/],
		['model.json', '{"learner":{"attributes":{}}}', /XGBoost.*convert_xgboost/],
		['model.txt', 'tree\nversion=v4\n', /LightGBM/],
		['model.onnx', '<!DOCTYPE html><html>', /HTML/],
		['model.onnx', 'version https://git-lfs.github.com/spec/v1\noid', /Git LFS.*git lfs pull/],
		['model.json', Buffer.from('\ufeff{"modelTopology": {}}', 'utf16le'), /UTF-16/],
		['model.h5', Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), /Keras.*format="onnx"/, 'UNSUPPORTED_MODEL'],
		[
			'saved_model.zip',
			zipOf([{ name: 'm/saved_model.pb', bytes: Buffer.from('\x08\x01\x12\x03\x0a\x01x', 'latin1') }]),
			/SavedModel/,
		],
		['model.zip', zipOf([{ name: 'model.pkl', bytes: PICKLE }]), /"model\.pkl" is a Python pickle/],
		['model.zip', zipOf([]), /holds no files/],
		['model.onnx', '', /is empty/],
		['model.onnx', bytesOf(IRIS).subarray(0, -100), /ends 78 bytes too early/],
	]) {
		test(`of ${name} is refused with what to do: ${said}`, async () => {
			const { status, body } = await post([ID, VERSION, [`file"; filename="${name}`, content]]);
			assert.deepEqual([status, body.code], [422, code], JSON.stringify(body));
			assert.match(body.error, said);
			assert.equal((await harper.get('/model/refused/v1')).status, 404, 'nothing is stored');
		});
	}

	test('of another format is refused by its first bytes, before the rest is sent', async () => {
		const begin = multipart([ID, VERSION, ['file"; filename="model.pkl', PICKLE]], '').subarray(0, -2);
		const { hostname, port } = new URL(harper.base);
		const request = httpRequest({
			hostname,
			port,
			method: 'POST',
			path: '/model/upload',
			headers: { ...headers, ...credentials(ADMIN), 'content-length': 100_000_000 },
		});
		request.on('error', () => {});
		request.write(begin);
		const [response] = await once(request, 'response');
		let text = '';
		for await (const chunk of response.setEncoding('utf8')) text += chunk;
		request.destroy();
		assert.equal(response.statusCode, 422);
		assert.match(text, /Python pickle/);
		await until('nothing is kept', async () => (await leftovers()).length === 0);
	});

	test('of what made-up inputs do not run is taken with a warning, as others may', async () => {
		const table = [number(1, 2), number(1, 3), number(2, FLOAT32), message(8, 'c'), message(9, Buffer.alloc(24))];
		const content = onnxModel({
			nodes: [['Reshape', ['c', 'shape'], ['y']]],
			inputs: [['shape', INT, [1]]],
			outputs: [['y', FLOAT32, ['N']]],
			initializer: message(5, table),
		});
		const { status, body } = await post([['modelId', 'doubtful'], VERSION, ['file"; filename="m.onnx', content]]);
		assert.equal(status, 201, JSON.stringify(body));
		assert.equal(body.warnings.length, 1);
		assert.match(body.warnings[0], /made-up inputs did not run: .*Reshape.*; others may run/);
		const { body: answer } = await harper.predict({ modelId: 'doubtful', features: { shape: [6] } });
		assert.deepEqual(answer.prediction, { y: [0, 0, 0, 0, 0, 0] });
		assert.equal((await upload('sure', 'v1', FLOAT)).warnings, undefined);
	});

	for (const [name, content] of [
		['model.zip', zipOf([{ name: 'folder/model.onnx', bytes: bytesOf(IRIS) }])],
		['model.onnx.gz', gzipSync(bytesOf(IRIS))],
		['model.tar.gz', tarGzOf([{ name: 'model.onnx', bytes: bytesOf(IRIS) }])],
	]) {
		test(`of an ONNX model in ${name} runs, also after a restart`, async () => {
			const modelId = `packed-${name}`;
			const { framework, digest } = await upload(modelId, 'v1', [{ name, content }]);
			assert.deepEqual([framework, digest], ['onnx', digestOf(content)]);
			const features = { float_input: [5.1, 3.5, 1.4, 0.2] };
			const { status, body } = await harper.predict({ modelId, features });
			assert.equal(status, 200, JSON.stringify(body));
			assert.deepEqual((await harper.get(`/model/${modelId}/v1/file`)).body, content, 'as it was uploaded');
		});
	}

	test('of an ONNX model with external data comes in one archive too', async () => {
		const weights = randomBytes(16);
		const model = bytesOf('__test__/fixtures/hostile/external_missing.onnx');
		const content = zipOf([
			{ name: 'weights.bin', bytes: weights },
			{ name: 'model.onnx', bytes: model },
		]);
		await upload('packed-external', 'v1', [{ name: 'model.zip', content }]);
		const { body } = await harper.predict({ modelId: 'packed-external', features: {} });
		assert.deepEqual(body.prediction, { y: [...weights] });
	});

	/** A sound model but for the version of its operator set. */
	const ofOperatorSet = (version) => {
		const value = ['x', FLOAT32, [1]];
		const bytes = onnxModel({ nodes: [['Relu', ['x'], ['y']]], inputs: [value], outputs: [['y', FLOAT32, [1]]] });
		bytes[bytes.indexOf(message(8, [message(1, ''), number(2, 18)])) + 5] = version;
		return bytes;
	};

	for (const [what, content, said] of [
		['IR version', Buffer.concat([bytesOf(FLOAT), number(1, 99)]), /IR version 99.*up to \d+/],
		['operator set', ofOperatorSet(99), /operator set 99 .*up to \d+/],
	]) {
		test(`of a newer ${what} is refused with both numbers`, async () => {
			const { status, body } = await post([ID, VERSION, ['file"; filename="model.onnx', content]]);
			assert.deepEqual([status, body.code], [422, 'UNSUPPORTED_MODEL'], JSON.stringify(body));
			assert.match(body.error, said);
		});
	}

	test('leaves no files behind, also when the caller goes away', async () => {
		assert.deepEqual(await leftovers(), []);
		const abort = new AbortController();
		const endless = new ReadableStream({
			start: (controller) => controller.enqueue(multipart([ID, VERSION, FILE], '').subarray(0, -10)),
		});
		const request = harper.request('POST', '/model/upload', { body: endless, headers, signal: abort.signal });
		await until('the upload has begun', async () => (await leftovers()).length > 0);
		abort.abort();
		await assert.rejects(request, { name: 'AbortError' });
		await until('the upload is gone', async () => (await leftovers()).length === 0);
		assert.equal((await harper.get('/model/refused/v1')).status, 404);
	});

	test('leaves no files behind after the process was killed and started again', async () => {
		const endless = new ReadableStream({
			start: (controller) => controller.enqueue(multipart([ID, VERSION, FILE], '').subarray(0, -10)),
		});
		const request = harper.request('POST', '/model/upload', { body: endless, headers });
		await until('the upload has begun', async () => (await leftovers()).length > 0);
		await Promise.all([assert.rejects(request), harper.kill()]);
		await harper.start();
		for (const { status } of await harper.onEveryThread('POST', '/model/upload?modelId=refused')) {
			assert.equal(status, 415);
		}
		await until('the start has swept', async () => (await leftovers()).length === 0);
	});
});

describe('an upload of 300 MB', { skip: process.platform !== 'linux' && 'memory is read from /proc' }, () => {
	const BLOCKS = 300;
	const MAX_GROWTH_BYTES = 60e6;
	const SAMPLE_INTERVAL_MS = 20;
	let folder;
	before(async () => (folder = await mkdtemp(join(tmpdir(), 'large '))));
	after(() => rm(folder, { recursive: true, force: true }));

	/** The most memory of a kind while something happens, beyond what there was before. */
	const growth = async (kind, act) => {
		const { [kind]: atStart } = await harper.memory();
		let most = atStart;
		const timer = setInterval(async () => (most = Math.max(most, (await harper.memory())[kind])), SAMPLE_INTERVAL_MS);
		await act();
		clearInterval(timer);
		return most - atStart;
	};

	for (const [what, weights] of [
		['in one file', undefined],
		['with external data', { name: 'weights.bin', path: 'weights.bin' }],
	]) {
		test(`${what} takes less than 60 MB of memory`, async () => {
			const modelId = `large-${what.replaceAll(' ', '-')}`;
			const path = join(folder, 'model.onnx');
			const beside = weights && { ...weights, path: join(folder, weights.path) };
			await writeLargeModel(path, BLOCKS, beside);
			const files = [{ name: 'model.onnx', content: await openAsBlob(path) }];
			if (beside) files.push({ name: beside.name, content: await openAsBlob(beside.path) });
			const grown = await growth('VmRSS', async () => {
				const { status, body } = await harper.upload({ modelId, version: 'v1' }, files);
				assert.equal(status, 201, JSON.stringify(body));
				assert.ok(body.size > BLOCKS * 2 ** 20);
			});
			assert.ok(grown < MAX_GROWTH_BYTES, `${Math.round(grown / 1e6)} MB`);
			const features = { index: [0, BLOCK_ROWS + 7, BLOCKS * BLOCK_ROWS - 1] };
			const { body } = await harper.predict({ modelId, features, record: false });
			assert.deepEqual(
				body.prediction.y.map((row) => [row[0], row[COLUMNS - 1]]),
				[
					[0, 0],
					[7, 7],
					[BLOCK_ROWS - 1, BLOCK_ROWS - 1],
				]
			);
		});
	}
});
