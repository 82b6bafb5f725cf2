// What holds for the bodies of all routes: they may be packed, bounds count for what is unpacked, no field stands twice, and null is
// absence.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { Encoder } from 'cbor-x';
import { Packr } from 'msgpackr';
import { root, startHarper } from './support/harper.js';

const MAX_BODY_BYTES = 1 << 20;
const MAX_UPLOAD_BYTES = 2 << 20;
const BOMB_BYTES = 32 << 20;
const IRIS = readFileSync(join(root, 'examples/iris/model.onnx'));
const JSON_TYPE = 'application/json';
const NDJSON = 'application/x-ndjson';
const FORM = 'multipart/form-data; boundary=xyz';

const float_input = [5.1, 3.5, 1.4, 0.2];
const features = { float_input };
const cbor = new Encoder({ useRecords: false });
const msgpack = new Packr({ useRecords: false });

let harper;
let inferenceId;
before(async () => {
	// With one thread a table that is made is known at once.
	const options = { maxBodyBytes: MAX_BODY_BYTES, maxUploadBytes: MAX_UPLOAD_BYTES };
	harper = await startHarper({ threads: 1, options });
	assert.equal((await harper.upload({ modelId: 'iris', version: 'v1' }, ['examples/iris/model.onnx'])).status, 201);
	const attributes = ['id', 'float_input', 'y'].map((name) => ({ name }));
	await harper.operation({ operation: 'create_table', database: 'data', table: 'Rows', primary_key: 'id', attributes });
	inferenceId = (await harper.predict({ modelId: 'iris', features })).body.inferenceId;
});
after(() => harper?.dispose());

const send = (method, path, type, body, headers) =>
	harper.request(method, path, { body, headers: { 'content-type': type, ...headers } });

const part = (name, content, more = '') =>
	Buffer.concat([
		Buffer.from(`--xyz\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`),
		Buffer.from(content),
		Buffer.from('\r\n'),
	]);
const form = (...parts) => Buffer.concat([...parts, Buffer.from('--xyz--\r\n')]);
const MODEL = part('file', IRIS, '; filename="model.onnx"');
const uploaded = (fields, more = []) =>
	form(...Object.entries({ modelId: 'form', version: 'v1', ...fields }).map((field) => part(...field)), ...more, MODEL);

const tensor = { name: 'float_input', datatype: 'FP32', shape: [1, 4], data: float_input };

/**
 * The routes that take JSON: a good body, what in it may be null because it may be absent, and further texts in which a field
 * stands twice.
 */
const JSON_ROUTES = [
	{
		route: 'POST /predict',
		body: () => ({ modelId: 'iris', features }),
		optional:
			'version stage userId sessionId segment requestId entityId outputs labels timeoutMs priority record'.split(' '),
		twice: ['{"modelId":"iris","features":{"float_input":[1,2,3,4],"float_input":[1,2,3,4]}}'],
	},
	{
		route: 'POST /predict/batch',
		body: () => ({ modelId: 'iris', rows: [features] }),
		optional:
			'version stage userId sessionId segment requestId entityId outputs labels timeoutMs priority record'.split(' '),
	},
	{
		route: 'POST /jobs/predict',
		body: () => ({
			modelId: 'iris',
			source: { table: 'Rows' },
			target: { table: 'Rows', fields: { y: 'prediction' } },
		}),
		optional: ['version', 'stage', 'record', 'timeoutMs'],
		nulls: [
			{ source: { table: 'Rows', database: null, conditions: null, fields: null } },
			{
				source: {
					table: 'Rows',
					conditions: [{ attribute: 'id', value: 'a', comparator: null, operator: null, conditions: null }],
				},
			},
			{ target: { table: 'Rows', database: null, fields: { y: 'prediction' } } },
		],
		twice: [
			'{"modelId":"iris","source":{"table":"Rows","table":"Rows"},"target":{"table":"Rows","fields":{"y":"prediction"}}}',
		],
		success: 202,
	},
	{
		route: 'POST /feedback',
		body: () => ({ inferenceId, outcome: 0 }),
		optional: ['correct'],
		twice: ['{"inferenceId":"i","outcome":{"a":1,"a":2}}'],
	},
	{
		route: 'PUT /features/a',
		body: () => ({ features }),
		optional: ['timestamp'],
		twice: ['{"features":{"a":1,"a":2}}', '{"features":{"a":{"b":1,"b":2}}}'],
	},
	{
		route: 'POST /benchmark/compare',
		body: () => ({ models: [{ modelId: 'iris' }], features, iterations: 1 }),
		optional: ['iterations'],
		nulls: [{ models: [{ modelId: 'iris', version: null, stage: null }] }],
		twice: ['{"models":[{"modelId":"iris","modelId":"iris"}],"features":{}}'],
	},
	{
		route: 'PATCH /model/iris/v1',
		body: () => ({ stage: 'staging' }),
		optional: ['metadata', 'stage'],
		twice: ['{"metadata":{"a":1,"a":2}}'],
	},
	{
		route: 'POST /v1/models/iris:predict',
		body: () => ({ instances: [float_input] }),
		optional: ['signature_name', 'inputs', 'unknown'],
		nulls: [{ instances: null, inputs: [float_input] }],
		twice: ['{"instances":[{"float_input":[1,2,3,4],"float_input":[1,2,3,4]}]}'],
	},
	{
		route: 'POST /v2/models/iris/infer',
		body: () => ({ inputs: [tensor] }),
		optional: ['id', 'outputs', 'parameters', 'unknown'],
		nulls: [
			{ inputs: [{ ...tensor, parameters: null }] },
			{ inputs: [{ ...tensor, parameters: { binary_data_size: null, shared_memory_region: null } }] },
			{ outputs: [{ name: 'output_label', parameters: null }] },
			{
				outputs: [
					{ name: 'output_label', parameters: { binary_data: null, classification: null, shared_memory_region: null } },
				],
			},
			{
				parameters: Object.fromEntries(
					'timeout priority binary_data_output userId sessionId record sequence_id'
						.split(' ')
						.map((name) => [name, null])
				),
			},
		],
		twice: [
			`{"inputs":[${JSON.stringify(tensor).slice(0, -1)},"shape":[1,4]}]}`,
			`{"inputs":[${JSON.stringify(tensor)}],"parameters":{"record":true,"record":false}}`,
		],
	},
	{ route: 'POST /v2/repository/index', body: () => ({ ready: true }), optional: ['ready'] },
	{ route: 'POST /v2/repository/models/iris/load', body: () => ({ parameters: {} }), optional: ['parameters'] },
	{ route: 'POST /v2/logging', body: () => ({ log_error: true }), optional: ['log_error'] },
	{ route: 'POST /v2/trace/setting', body: () => ({ trace_level: ['OFF'] }), optional: ['trace_level'] },
].map((entry) => {
	const [method, path] = entry.route.split(' ');
	return { method, path, success: 200, optional: [], nulls: [], twice: [], ...entry };
});

/** All kinds of bodies: name, method, path, type, a good body, its status. */
const BODIES = [
	...JSON_ROUTES.map(({ route, method, path, body, success }) => [
		route,
		method,
		path,
		JSON_TYPE,
		() => Buffer.from(JSON.stringify(body())),
		success,
	]),
	['rows in lines', 'POST', '/predict/batch?modelId=iris', NDJSON, () => Buffer.from(JSON.stringify(features)), 200],
	[
		'rows in CSV',
		'POST',
		'/predict/batch?modelId=iris',
		'text/csv',
		() => Buffer.from('a,b,c,d\n5.1,3.5,1.4,0.2\n'),
		200,
	],
	[
		'rows in a list',
		'POST',
		'/predict/batch?modelId=iris',
		JSON_TYPE,
		() => Buffer.from(JSON.stringify([features])),
		200,
	],
	...[
		['application/cbor', cbor],
		['application/msgpack', msgpack],
	].flatMap(([type, codec]) => [
		[`a prediction in ${type}`, 'POST', '/predict', type, () => codec.encode({ modelId: 'iris', features }), 200],
		[`rows in ${type}`, 'POST', '/predict/batch', type, () => codec.encode({ modelId: 'iris', rows: [features] }), 200],
		[
			`a job in ${type}`,
			'POST',
			'/jobs/predict',
			type,
			() =>
				codec.encode({
					modelId: 'iris',
					source: { table: 'Rows' },
					target: { table: 'Rows', fields: { y: 'prediction' } },
				}),
			202,
		],
	]),
	// The first of them makes the version, the others find it.
	['an upload', 'POST', '/model/upload', FORM, () => uploaded({}), [200, 201]],
];

describe('a packed body', () => {
	for (const [encoding, how, pack] of [
		['gzip', 'gzip', gzipSync],
		['gzip', 'x-gzip', gzipSync],
		['zlib', 'deflate', deflateSync],
		['zlib without compression', 'deflate', (bytes) => deflateSync(bytes, { level: 0 })],
		['bare deflate', 'deflate', deflateRawSync],
		['bare deflate without compression', 'deflate', (bytes) => deflateRawSync(bytes, { level: 0 })],
		['Brotli', 'br', brotliCompressSync],
		['capitals', 'GZIP', gzipSync],
		['nothing', 'identity', (bytes) => bytes],
	]) {
		for (const [what, method, path, type, body, success] of BODIES) {
			test(`by ${encoding} is read: ${what}`, async () => {
				const answer = await send(method, path, type, pack(body()), { 'content-encoding': how });
				assert.ok([success].flat().includes(answer.status), `${answer.status} ${JSON.stringify(answer.body)}`);
				// What is wrong with a row has no status of its own.
				if (path.startsWith('/predict/batch')) assert.match(answer.body.toString(), /"prediction":/);
			});
		}
	}

	test('may come in pieces, the first of them empty or of one byte', async () => {
		const body = Buffer.from(JSON.stringify({ modelId: 'iris', features }));
		for (const packed of [deflateSync(body), deflateRawSync(body), gzipSync(body), brotliCompressSync(body)]) {
			const how = packed[0] === 0x1f ? 'gzip' : packed.equals(brotliCompressSync(body)) ? 'br' : 'deflate';
			const bytes = (async function* () {
				for (const byte of packed) yield Buffer.of(byte);
			})();
			const answer = await send('POST', '/predict', JSON_TYPE, bytes, { 'content-encoding': how });
			assert.equal(answer.status, 200, `${how}: ${JSON.stringify(answer.body)}`);
		}
	});

	for (const [what, method, path, type, body] of BODIES) {
		test(`in another way is refused with those that are known: ${what}`, async () => {
			for (const encoding of ['zstd', 'compress', 'gzip, br', '']) {
				const answer = await send(method, path, type, body(), { 'content-encoding': encoding });
				const text = JSON.stringify(answer.body);
				assert.equal(answer.status, path.startsWith('/v') ? 400 : 415, `${encoding}: ${text}`);
				assert.match(text, /Content-Encoding must be gzip, deflate or br/);
			}
		});

		test(`that is not as it says is refused: ${what}`, async () => {
			for (const encoding of ['gzip', 'deflate', 'br']) {
				for (const broken of [Buffer.alloc(0), Buffer.alloc(100, 0xff), gzipSync(body()).subarray(0, -9)]) {
					const answer = await send(method, path, type, broken, { 'content-encoding': encoding });
					const text = Buffer.isBuffer(answer.body) ? answer.body.toString() : JSON.stringify(answer.body);
					// A batch that has begun says it in its last line.
					const isSaid = answer.status === 400 || (answer.status === 200 && /"code":"INVALID_REQUEST"}\n$/.test(text));
					assert.ok(isSaid, `${encoding}: ${answer.status} ${text}`);
				}
			}
		});
	}
});

describe('a bomb is refused by what it unpacks to', () => {
	const spaces = Buffer.alloc(BOMB_BYTES, ' ');
	const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
	const ENCODINGS = [
		['gzip', gzipSync],
		['deflate', deflateSync],
		['deflate', deflateRawSync],
		['br', (bytes) => brotliCompressSync(bytes, quick)],
	];
	const packedSpaces = ENCODINGS.map(([encoding, pack]) => [encoding, pack(spaces)]);

	async function refused(method, path, type, bombs) {
		for (const [encoding, bomb] of bombs) {
			assert.ok(bomb.length < MAX_BODY_BYTES, 'it is small');
			const answer = await send(method, path, type, bomb, { 'content-encoding': encoding });
			assert.equal(answer.status, 413, `${encoding}: ${JSON.stringify(answer.body)}`);
		}
	}

	for (const { route, method, path } of JSON_ROUTES) {
		test(route, () => refused(method, path, JSON_TYPE, packedSpaces));
	}

	for (const [what, path, type, begin] of [
		['rows in lines', '/predict/batch?modelId=iris', NDJSON, '{"float_input":['],
		['rows in CSV', '/predict/batch?modelId=iris', 'text/csv', 'a,b,"'],
		['rows in a list', '/predict/batch?modelId=iris', JSON_TYPE, '[{'],
		['rows in an object', '/predict/batch', JSON_TYPE, '{"modelId":"iris","rows":[{'],
		['fields before the rows', '/predict/batch', JSON_TYPE, '{"modelId":"'],
		['a prediction in CBOR', '/predict', 'application/cbor', ''],
		['rows in CBOR', '/predict/batch', 'application/cbor', ''],
		['rows in MessagePack', '/predict/batch', 'application/msgpack', ''],
		['a job in CBOR', '/jobs/predict', 'application/cbor', ''],
		['the file of an upload', '/model/upload', FORM, form(part('modelId', 'a'), MODEL).subarray(0, -20)],
		['a field of an upload', '/model/upload', FORM, part('metadata', '{').subarray(0, -2)],
		['what stands before an upload', '/model/upload', FORM, 'no part'],
	]) {
		test(what, () => {
			const bytes = Buffer.concat([Buffer.from(begin), spaces]);
			const bombs = ENCODINGS.map(([encoding, pack]) => [encoding, pack(bytes)]);
			return refused('POST', path, type, bombs);
		});
	}
});

describe('a field that stands twice is refused', () => {
	for (const { route, method, path, body, twice } of JSON_ROUTES) {
		test(route, async () => {
			const given = body();
			const text = JSON.stringify(given);
			const repeated = Object.entries(given)
				// Rows end the body, so that they can be read while they arrive.
				.filter(([name]) => name !== 'rows')
				.map(([name, value]) => `{${JSON.stringify(name)}:${JSON.stringify(value)},${text.slice(1)}`);
			// The first letter of the name in another spelling.
			const escaped = repeated.map((doubled) =>
				doubled.replace(/^\{"(.)/, (_, letter) => `{"\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
			);
			for (const doubled of [...repeated, ...escaped, ...twice]) {
				const answer = await send(method, path, JSON_TYPE, doubled);
				assert.equal(answer.status, 400, `${doubled}: ${JSON.stringify(answer.body)}`);
				assert.match(answer.body.error, /is given twice/, doubled);
			}
		});
	}

	test('rows', async () => {
		const answer = await send('POST', '/predict/batch', JSON_TYPE, '{"modelId":"iris","rows":[],"rows":[]}');
		assert.deepEqual([answer.status, answer.body.code], [400, 'INVALID_REQUEST']);
		const row = await send('POST', '/predict/batch?modelId=iris', JSON_TYPE, '[{"float_input":[1],"float_input":[1]}]');
		assert.match(row.body.toString(), /^\{"row":0,"error":.*given twice.*"code":"INVALID_REQUEST"\}\n$/);
	});

	for (const [what, body] of [
		['a field of an upload', uploaded({}, [part('modelId', 'form')])],
		['in the metadata of an upload', uploaded({ metadata: '{"a":1,"a":2}' })],
		['deep in the metadata of an upload', uploaded({ metadata: '{"a":[{"b":1,"b":2}]}' })],
		['in the inputs of an upload', uploaded({ inputSchema: '{"inputs":[],"inputs":[]}' })],
		['in the outputs of an upload', uploaded({ outputSchema: '{"outputs":[],"outputs":[]}' })],
	]) {
		test(what, async () => {
			const answer = await send('POST', '/model/upload', FORM, body);
			assert.deepEqual([answer.status, answer.body.code], [400, 'INVALID_REQUEST'], JSON.stringify(answer.body));
			assert.match(answer.body.error, /is given twice/);
		});
	}
});

describe('null is absence', () => {
	for (const { route, method, path, body, optional, nulls, success } of JSON_ROUTES) {
		test(route, async () => {
			const given = body();
			const absent = Object.fromEntries(optional.map((name) => [name, null]));
			for (const change of [...optional.map((name) => ({ [name]: null })), absent, ...nulls]) {
				// In front, because rows end the body.
				const text = JSON.stringify({ ...change, ...given, ...change });
				const answer = await send(method, path, JSON_TYPE, text);
				assert.equal(answer.status, success, `${text}: ${JSON.stringify(answer.body)}`);
				if (path === '/predict/batch') assert.match(answer.body.toString(), /^\{"row":0,"inferenceId"/, text);
			}
		});
	}

	test('the JSON of an upload', async () => {
		const fields = { modelId: 'nulls', metadata: 'null', inputSchema: 'null', outputSchema: ' null ' };
		const answer = await send('POST', '/model/upload', FORM, uploaded(fields));
		assert.equal(answer.status, 201, JSON.stringify(answer.body));
		const { body: record } = await harper.get('/model/nulls/v1');
		const { body: without } = await harper.get('/model/iris/v1');
		assert.deepEqual([record.inputSchema, record.outputSchema], [without.inputSchema, without.outputSchema]);
		assert.ok(record.metadata == null, record.metadata);
	});
});
