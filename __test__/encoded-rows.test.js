// Many rows in CBOR and MessagePack: what JSON says of them, they say too.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Encoder } from 'cbor-x';
import { Packr } from 'msgpackr';
import { startHarper } from './support/harper.js';
import { postJob } from './support/jobs.js';
import { until } from './support/until.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const MAX_BODY_BYTES = 1 << 20;
const NDJSON = 'application/x-ndjson';
const JSON_TYPE = 'application/json';

const cbor = new Encoder({ useRecords: false, mapsAsObjects: true });
const msgpack = new Packr({ useRecords: false });
const BINARY = [
	['application/cbor', (value) => cbor.encode(value)],
	['application/msgpack', (value) => msgpack.encode(value)],
];

let harper;
before(async () => {
	// With one thread a table that is made is known at once.
	harper = await startHarper({ threads: 1, options: { maxBodyBytes: MAX_BODY_BYTES } });
	for (const [modelId, file] of [
		['iris', 'examples/iris/model.onnx'],
		['floats', '__test__/fixtures/identity_float.onnx'],
		['integers', '__test__/fixtures/identity_int64.onnx'],
		['strings', '__test__/fixtures/identity_string.onnx'],
	]) {
		const { status, body } = await harper.upload({ modelId, version: 'v1' }, [file]);
		assert.equal(status, 201, JSON.stringify(body));
	}
});
after(() => harper?.dispose());

const send = (type, body, { query = '', headers } = {}) =>
	harper.request('POST', `/predict/batch${query}`, { body, headers: { 'content-type': type, ...headers } });

/** The answers to a batch, without what differs from one run to the next. */
async function answers(type, body, how) {
	const answer = await send(type, body, how);
	assert.equal(answer.status, 200, JSON.stringify(answer.body));
	assert.equal(answer.headers.get('content-type'), NDJSON);
	const lines = answer.body.toString().split('\n').slice(0, -1).map(JSON.parse);
	for (const line of lines) {
		delete line.inferenceId;
		delete line.latencyMs;
	}
	return lines;
}

for (const [type, encode] of BINARY) {
	describe(type, () => {
		const rows = [
			{ float_input: SETOSA },
			{ float_input: [6.7, 2.5, 5.8, 1.8] },
			{ float_input: { data: SETOSA, shape: [1, 4] } },
			{ float_input: [1, 'b', 3, 4] },
			[3],
			null,
			{ other: 4, another: 1 },
			{ float_input: ['NaN', null, 'Infinity', 1] },
		];

		test('rows in an object and in a list are answered as those in JSON', async () => {
			const fields = { modelId: 'iris', version: 'v1', outputs: ['output_label'], record: false };
			const expected = await answers(JSON_TYPE, JSON.stringify({ ...fields, rows }));
			assert.deepEqual(
				expected.map(({ code }) => code),
				[
					undefined,
					undefined,
					undefined,
					'INVALID_INPUT',
					'INVALID_REQUEST',
					'INVALID_REQUEST',
					'INVALID_INPUT',
					undefined,
				]
			);
			assert.deepEqual(await answers(type, encode({ ...fields, rows })), expected);
			// The body is here as a whole, so rows need not be its end.
			assert.deepEqual(await answers(type, encode({ rows, ...fields })), expected);
			const query = '?modelId=iris&version=v1&outputs=output_label&record=false';
			assert.deepEqual(await answers(type, encode(rows), { query }), expected);
			assert.deepEqual(
				await answers(type, gzipSync(encode(rows)), { query, headers: { 'content-encoding': 'gzip' } }),
				expected
			);
		});

		test('many rows are answered in their order, or as a list', async () => {
			const many = Array.from({ length: 3000 }, (_, at) => ({ x: [at, 1, 2, 3, 4, 5] }));
			const body = encode({ modelId: 'floats', record: false, rows: many });
			const given = await answers(type, body);
			assert.deepEqual(
				given.map(({ row, prediction }) => [row, prediction.y[0]]),
				many.map((_, at) => [at, at])
			);
			const list = await send(type, body, { headers: { accept: JSON_TYPE } });
			assert.deepEqual([list.headers.get('content-type'), list.body.length], [JSON_TYPE, many.length]);
			assert.deepEqual(await answers(type, encode({ modelId: 'floats', rows: [] })), []);
		});

		test('elements in bytes are those of the declared dtype', async () => {
			const x = Float32Array.of(0.5, -1.25, 1e-3, 3, 4, 5);
			const bytes = Buffer.from(x.buffer);
			const [flat, shaped] = await answers(
				type,
				encode({ modelId: 'floats', rows: [{ x: bytes }, { x: { data: bytes, shape: [1, 6] } }] })
			);
			assert.deepEqual(flat.prediction, { y: [...x].map((value) => Number(value.toPrecision(7))) });
			assert.deepEqual(shaped.prediction, { y: [flat.prediction.y] });
			const { body } = await harper.get('/monitoring/events?modelId=floats&limit=1');
			assert.deepEqual(JSON.parse(body.events[0].featuresIn).x.shape, [1, 6]);
		});

		test('integers keep all digits', async () => {
			const [row] = await answers(
				type,
				encode({ modelId: 'integers', rows: [{ x: [2n ** 63n - 1n, 1n, -(2n ** 63n)] }] })
			);
			assert.deepEqual(row.prediction.y, ['9223372036854775807', 1, '-9223372036854775808']);
		});

		for (const [what, body, message] of [
			['nothing', Buffer.alloc(0), /not valid/],
			['what is cut off', encode({ modelId: 'iris', rows }).subarray(0, -1), /not valid/],
			['what goes on', Buffer.concat([encode({ modelId: 'iris', rows: [] }), Buffer.of(0)]), /follow/],
			['JSON', Buffer.from('{"modelId":"iris","rows":[]}'), /not valid/],
			['a number', encode(1), /list of rows/],
			['no rows', encode({ modelId: 'iris' }), /field rows/],
			['null for the rows', encode({ modelId: 'iris', rows: null }), /field rows/],
			['rows that are no list', encode({ modelId: 'iris', rows: { 0: 1 } }), /rows: expected a list/],
			['no model', encode({ rows }), /modelId/],
			['an unknown field', encode({ modelId: 'iris', row: 1, rows }), /unknown field "row"/],
			['features', encode({ modelId: 'iris', features: {}, rows }), /"features" is given twice/],
			['an entity', encode({ modelId: 'iris', entityId: 'e', rows }), /entityId/],
			['a field that is no text', encode({ modelId: 7, rows }), /modelId/],
			['a list too deep', Buffer.alloc(1000, type === 'application/cbor' ? 0x81 : 0x91), /64 deep|not valid/],
		]) {
			test(`${what} is refused`, async () => {
				const answer = await send(type, body);
				assert.deepEqual([answer.status, answer.body.code], [400, 'INVALID_REQUEST'], JSON.stringify(answer.body));
				assert.match(answer.body.error, message);
			});
		}

		test('a name twice is refused, in the body and in a row', async () => {
			// Two pairs with the key "x", which no object of JavaScript has.
			const [map, text, one] = type === 'application/cbor' ? [0xa2, 0x61, 1] : [0x82, 0xa1, 1];
			const twice = Buffer.of(map, text, 120, one, text, 120, one);
			const whole = await send(type, twice);
			assert.deepEqual([whole.status, whole.body.code], [400, 'INVALID_REQUEST']);
			assert.match(whole.body.error, /"x" is given twice/);
			const list = Buffer.concat([Buffer.of(type === 'application/cbor' ? 0x81 : 0x91), twice]);
			const [row] = await answers(type, list, { query: '?modelId=floats' });
			assert.deepEqual([row.row, row.code], [0, 'INVALID_REQUEST']);
			assert.match(row.error, /"x" is given twice/);
		});

		test('what is too large is refused, also packed', async () => {
			const large = encode({ modelId: 'floats', rows: [{ x: new Uint8Array(MAX_BODY_BYTES) }] });
			for (const [body, headers] of [
				[large, {}],
				[gzipSync(large), { 'content-encoding': 'gzip' }],
			]) {
				const answer = await send(type, body, { headers });
				assert.deepEqual([answer.status, answer.body.code], [413, 'TOO_LARGE'], JSON.stringify(answer.body));
			}
		});

		test('the definition of a job may be in it too', async () => {
			const attributes = ['id', 'x', 'y'].map((name) => ({ name }));
			const table = `Rows_${type.split('/')[1]}`;
			const operation = (given) => harper.operation({ database: 'data', table, ...given });
			await operation({ operation: 'create_table', primary_key: 'id', attributes });
			await operation({ operation: 'insert', records: [1, 2].map((at) => ({ id: `k${at}`, x: [at, 0, 0, 0, 0, 0] })) });
			const definition = {
				modelId: 'floats',
				version: null,
				source: { table, conditions: [{ attribute: 'id', value: 'k2' }] },
				target: { table, fields: { y: 'prediction.y' } },
			};
			const headers = { 'content-type': type };
			const { status, body: job } = await postJob(harper, encode(definition), { headers });
			assert.equal(status, 202, JSON.stringify(job));
			let ended;
			await until('the job ends', async () => (ended = (await harper.get(`/jobs/${job.id}`)).body).state !== 'running');
			assert.deepEqual([ended.state, ended.processed, ended.written], ['completed', 1, 1], JSON.stringify(ended));
			for (const [body, code, message] of [
				[encode({ ...definition, rows: [] }), 'INVALID_REQUEST', /unknown field "rows"/],
				[encode([definition]), 'INVALID_REQUEST', /must be an object/],
				[encode(definition).subarray(1), 'INVALID_REQUEST', /not valid|must be an object/],
				[Buffer.alloc(MAX_BODY_BYTES + 1), 'TOO_LARGE', /maxBodyBytes/],
			]) {
				const refused = await harper.request('POST', '/jobs/predict', { body, headers });
				assert.equal(refused.body.code, code, JSON.stringify(refused.body));
				assert.match(refused.body.error, message);
			}
		});
	});
}

test('typed arrays of CBOR are their elements, also as a row of JSON says them', async () => {
	// cbor-x gives a typed array its tag of RFC 8746.
	for (const x of [
		Float32Array.of(0.5, 1, 2, 3, 4, 5),
		Float64Array.of(0.5, 1, 2, 3, 4, 5),
		Int16Array.of(7, 1, 2, 3, 4, 5),
	]) {
		const expected = await answers(JSON_TYPE, JSON.stringify({ modelId: 'floats', rows: [{ x: [...x] }] }));
		assert.deepEqual(await answers('application/cbor', cbor.encode({ modelId: 'floats', rows: [{ x }] })), expected);
	}
	const refused = await send('application/cbor', cbor.encode({ modelId: 'floats', rows: Float32Array.of(1) }));
	assert.deepEqual([refused.status, refused.body.code], [400, 'INVALID_REQUEST']);
});

test('another type is refused with all that are taken', async () => {
	const { status, body } = await send('application/cbor-seq', Buffer.of(0));
	assert.equal(status, 415);
	for (const type of [JSON_TYPE, ...BINARY.map(([known]) => known), NDJSON, 'text/csv']) {
		assert.ok(body.error.includes(type), body.error);
	}
});
