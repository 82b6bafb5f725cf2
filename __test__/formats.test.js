import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Encoder } from 'cbor-x';
import { Packr } from 'msgpackr';
import { acceptedFormat, formatOf } from '../resources/http/formats.js';
import { ADMIN, credentials, root, startHarper } from './support/harper.js';

const { models } = JSON.parse(readFileSync(join(root, '__test__/fixtures/manifest.json'), 'utf8'));
const identities = models.filter(({ name }) => name.startsWith('identity_'));

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const VIRGINICA = [6.7, 2.5, 5.8, 1.8];
const MAX_BODY_BYTES = 1_000_000;
const TIMEOUT_MS = 20_000;

const codec = (coder) => ({ encode: (value) => coder.encode(value), decode: (bytes) => coder.decode(bytes) });
const FORMATS = [
	['application/json', { encode: (value) => Buffer.from(JSON.stringify(value)), decode: JSON.parse }],
	['application/cbor', codec(new Encoder({ useRecords: false }))],
	['application/msgpack', codec(new Packr({ useRecords: false }))],
];
const BINARY = FORMATS.slice(1);

let harper;
before(async () => {
	harper = await startHarper({ threads: 1, options: { maxBodyBytes: MAX_BODY_BYTES } });
	await harper.addUser('viewer');
	const uploads = [['iris', 'examples/iris/model.onnx'], ...identities.map(({ name, file }) => [name, file])];
	for (const [modelId, file] of uploads) {
		const { status, body } = await harper.upload({ modelId, version: 'v1' }, [file]);
		assert.equal(status, 201, JSON.stringify(body));
	}
});
after(() => harper?.dispose());

/** Sends a request in one format and reads its answer in another, by default the same. */
async function ask(type, request, { accept = type, headers, user } = {}) {
	const [, { encode }] = FORMATS.find(([known]) => known === type);
	const body = Buffer.isBuffer(request) ? request : encode(request);
	const answer = await harper.predict(body, { headers: { 'content-type': type, accept, ...headers }, user });
	const answered = answer.headers.get('content-type');
	const [, { decode }] = FORMATS.find(([known]) => known === answered);
	return { ...answer, type: answered, body: Buffer.isBuffer(answer.body) ? decode(answer.body) : answer.body };
}

/** What JSON says in texts, as the other formats have it. */
function native(value) {
	if (Array.isArray(value)) return value.map(native);
	if (typeof value === 'string' && /^-?\d{16,}$/.test(value)) return BigInt(value);
	return { NaN, Infinity, '-Infinity': -Infinity }[value] ?? value;
}

describe('negotiation', () => {
	for (const [accept, expected] of [
		[undefined, 'json'],
		['', 'json'],
		['*/*', 'json'],
		['application/*', 'json'],
		['text/html', 'json'],
		['application/cbor', 'cbor'],
		['APPLICATION/CBOR; charset=binary', 'cbor'],
		['application/senml+cbor', 'cbor'],
		['application/msgpack', 'msgpack'],
		['application/x-msgpack', 'msgpack'],
		['application/vnd.msgpack', 'msgpack'],
		['application/cbor, application/json', 'cbor'],
		['application/json, application/cbor', 'json'],
		['application/json;q=0.5, application/msgpack', 'msgpack'],
		['application/cbor;q=0.2, application/msgpack;q=0.3, */*;q=0.1', 'msgpack'],
		['*/*, application/cbor', 'cbor'],
		['application/cbor;q=0.1, */*', 'json'],
		['application/cbor;q=0', 'json'],
		['application/json;q=0, */*', 'cbor'],
		['application/cbor;q=2', 'json'],
		['application/cbor;q=x', 'json'],
		[';q=,,;', 'json'],
	]) {
		test(`Accept: ${accept} gives ${expected}`, () => assert.equal(acceptedFormat(accept), expected));
	}

	for (const [contentType, expected] of [
		[undefined, 'json'],
		['application/json; charset=utf-8', 'json'],
		['application/problem+json', 'json'],
		['Application/CBOR', 'cbor'],
		['application/senml+cbor', 'cbor'],
		['application/msgpack', 'msgpack'],
		['application/x-msgpack', 'msgpack'],
		['application/vnd.msgpack', 'msgpack'],
	]) {
		test(`Content-Type: ${contentType} is ${expected}`, () => assert.equal(formatOf(contentType), expected));
	}

	for (const contentType of ['text/plain', '', 'application/cbor-seq', 'application/jsonp', 'x/application/cbor']) {
		test(`Content-Type: ${contentType} is refused with what is taken`, () =>
			assert.throws(() => formatOf(contentType), {
				code: 'UNSUPPORTED_MEDIA_TYPE',
				message: /application\/json.*application\/cbor.*application\/msgpack/,
			}));
	}

	for (const [type] of FORMATS) {
		for (const [accept] of FORMATS) {
			test(`${type} is answered in ${accept}`, async () => {
				const {
					status,
					type: answered,
					body,
				} = await ask(type, { modelId: 'iris', features: { float_input: [SETOSA, VIRGINICA] } }, { accept });
				assert.deepEqual([status, answered], [200, accept]);
				assert.deepEqual(body.prediction.output_label, [0, 2]);
				assert.deepEqual(
					body.prediction.output_probability.map((row) => Object.keys(row)),
					[
						['0', '1', '2'],
						['0', '1', '2'],
					]
				);
				assert.equal(body.confidence.length, 2);
				const { inferenceId, latencyMs, ...rest } = body;
				assert.deepEqual([typeof inferenceId, typeof latencyMs], ['string', 'number']);
				assert.deepEqual(
					[rest.modelId, rest.modelVersion, rest.framework, Object.keys(body).length],
					['iris', 'v1', 'onnx', 7]
				);
			});
		}
	}
});

describe('values', () => {
	for (const [type] of BINARY) {
		for (const { name, cases } of identities) {
			test(`${name} comes back as it was sent, ${type}`, async () => {
				for (const { features, expected } of cases) {
					const { status, body } = await ask(type, { modelId: name, features: { x: native(features.x) } });
					assert.equal(status, 200, body.error);
					assert.deepEqual(body.prediction.y, native(expected.y));
				}
			});
		}
	}

	test('typed arrays of CBOR', async () => {
		for (const [modelId, data, shape] of [
			['identity_float', Float32Array.of(0.1, -1e-45, 3e38, NaN, Infinity, -0), [1, 6]],
			['identity_double', Float64Array.of(0.1, 5e-324, 1e308, NaN, -Infinity, -0), [1, 6]],
			['identity_float', Int8Array.of(-128, 1, 2, 3, 4, 127), [1, 6]],
			['identity_int64', Int32Array.of(-(2 ** 31), 0, 1), [1, 3]],
			['identity_int64', BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n), [1, 3]],
			['identity_uint64', BigUint64Array.of(2n ** 64n - 1n, 2n ** 63n, 2n ** 60n), [1, 3]],
			['identity_uint16', Uint16Array.of(0, 1, 65_535), [1, 3]],
		]) {
			const flat = await ask('application/cbor', { modelId, features: { x: data } });
			assert.deepEqual(flat.body.prediction?.y, [...data], flat.body.error);
			const shaped = await ask('application/cbor', { modelId, features: { x: { data, shape } } });
			assert.deepEqual(shaped.body.prediction.y, [[...data]]);
			const rows = await ask('application/cbor', { modelId, features: { x: [data, data] } });
			assert.deepEqual(rows.body.prediction.y, [[...data], [...data]]);
		}
		const { status, body } = await ask('application/cbor', {
			modelId: 'identity_int64',
			features: { x: Float32Array.of(1, 1.5, 2) },
		});
		assert.deepEqual([status, body.code], [422, 'INVALID_INPUT']);
		assert.match(body.error, /value 1: expected int64, received 1\.5/);
	});

	for (const [type] of BINARY) {
		test(`bytes are elements of the input's type, ${type}`, async () => {
			const values = Float32Array.of(0.1, 1, 2, 3, 4, NaN);
			const data = Buffer.from(values.buffer);
			for (const [x, expected] of [
				[data, [...values]],
				[{ data, shape: [1, 6] }, [[...values]]],
			]) {
				const { status, body } = await ask(type, { modelId: 'identity_float', features: { x }, userId: 'bytes' });
				assert.equal(status, 200, body.error);
				assert.deepEqual(body.prediction.y, expected);
			}
			const [{ featuresIn }] = (await harper.get('/monitoring/events?userId=bytes&limit=1')).body.events;
			assert.deepEqual(JSON.parse(featuresIn).x.data, [...values.slice(0, 5), 'NaN']);
			const short = await ask(type, { modelId: 'identity_float', features: { x: data.subarray(1) } });
			assert.deepEqual([short.status, short.body.code], [422, 'INVALID_INPUT']);
		});
	}
});

describe('the request', () => {
	describe('on a connection that it shares', () => {
		const agent = new Agent({ keepAlive: true, maxSockets: 1 });
		after(() => agent.destroy());
		const body = JSON.stringify({ modelId: 'iris', features: { float_input: SETOSA } });
		const cut = body.length >> 1;

		/** Sends each piece by itself. */
		const post = async (pieces, headers) => {
			const call = request(`${harper.base}/predict`, {
				method: 'POST',
				agent,
				headers: { ...credentials(ADMIN), 'content-type': 'application/json', ...headers },
			});
			const answered = once(call, 'response', { signal: AbortSignal.timeout(TIMEOUT_MS) });
			const send = ([piece, ...rest]) =>
				rest.length ? call.write(piece, () => setImmediate(send, rest)) : call.end(piece);
			send(pieces);
			const [response] = await answered;
			const { prediction } = JSON.parse(Buffer.concat(await response.toArray()));
			return { status: response.statusCode, prediction, port: call.socket.localPort };
		};

		for (const [what, pieces, headers] of [
			['in pieces', [body.slice(0, cut), body.slice(cut)], { 'content-length': body.length }],
			['without a length', [body.slice(0, cut), body.slice(cut)], {}],
			['packed', [gzipSync(body)], { 'content-encoding': 'gzip' }],
		]) {
			test(`arrives ${what}`, async () => {
				const whole = await post([body], { 'content-length': body.length });
				assert.equal(whole.status, 200);
				assert.deepEqual(await post(pieces, headers), whole);
			});
		}

		for (const [what, length, headers] of [
			['too large', 3 * MAX_BODY_BYTES, { 'content-length': 3 * MAX_BODY_BYTES }],
			['of an unknown type', MAX_BODY_BYTES, { 'content-type': 'text/plain' }],
			['packed, but not as it says', MAX_BODY_BYTES, { 'content-encoding': 'gzip' }],
		]) {
			test(`is refused when it is ${what}, and the next one is answered`, async () => {
				const refused = await post([Buffer.alloc(length)], headers);
				assert.ok([400, 413, 415].includes(refused.status), `${refused.status}`);
				const next = await post([body], { 'content-length': body.length });
				assert.deepEqual([next.status, next.port], [200, refused.port]);
			});
		}
	});

	const eventOf = async (userId) => (await harper.get(`/monitoring/events?userId=${userId}`)).body.events;

	test('is recorded alike in every format', async () => {
		const events = [];
		for (const [type] of FORMATS) {
			const [userId, sessionId, requestId] = [type.replace('/', '-'), 's', 'r'];
			const features = { float_input: [SETOSA, [0.25, 1e-7, 7, 3.5]] };
			const { body } = await ask(type, { modelId: 'iris', features, userId, sessionId, requestId });
			const [event, ...others] = await eventOf(userId);
			assert.deepEqual([event.id, event.sessionId, event.requestId, others], [body.inferenceId, 's', 'r', []]);
			assert.deepEqual(JSON.parse(event.featuresIn), features);
			const { prediction, confidence } = event;
			events.push({ prediction, confidence, featuresIn: event.featuresIn });
			await ask(type, { modelId: 'iris', features, userId, record: false });
			assert.equal((await eventOf(userId)).length, 1, 'record: false leaves no event');
		}
		assert.deepEqual(events[1], events[0]);
		assert.deepEqual(events[2], events[0]);
	});

	test('is recorded by the same summary in every format when it is large', async () => {
		const x = Array.from({ length: 2000 }, (_, at) => [at + 0.5, 0.5, 0.25, 1, 2, 3]);
		for (const [type] of FORMATS) {
			const userId = `large-${type.replace('/', '-')}`;
			const { body } = await ask(type, { modelId: 'identity_float', features: { x }, userId });
			assert.deepEqual(body.prediction.y, x);
			const [{ featuresIn }] = await eventOf(userId);
			const { summary, bytes, digest } = JSON.parse(featuresIn);
			assert.deepEqual(summary, [{ name: 'x', shape: [2000, 6], dtype: 'float32' }]);
			assert.ok(bytes > 16 * 1024);
			assert.match(digest, /^[0-9a-f]{64}$/);
		}
	});

	for (const [type, { encode }] of BINARY) {
		test(`has all the fields in ${type}`, async () => {
			await harper.request('PUT', '/features/flower', { body: { features: { float_input: SETOSA } } });
			const stored = await ask(type, { modelId: 'iris', entityId: 'flower', features: {} });
			assert.equal(stored.body.prediction.output_label, 0);

			const base = { modelId: 'iris', features: { float_input: SETOSA } };
			const some = await ask(type, {
				...base,
				outputs: ['output_label'],
				timeoutMs: 1000.5,
				priority: 1,
				version: 'v1',
			});
			assert.deepEqual(some.body.prediction, { output_label: 0 });
			for (const [fields, status, code] of [
				[{ labels: true }, 422, 'INVALID_INPUT'],
				[{ outputs: ['y'] }, 422, 'INVALID_INPUT'],
				[{ modelId: 'nobody' }, 404, 'MODEL_NOT_FOUND'],
				[{ modelId: 7 }, 400, 'INVALID_REQUEST'],
				[{ timeoutMS: 5 }, 400, 'INVALID_REQUEST'],
				[{ features: [1] }, 400, 'INVALID_REQUEST'],
				[{ features: { float_input: [1, 2] } }, 422, 'INVALID_INPUT'],
				[{ features: { float_input: ['a', 2, 3, 4] } }, 422, 'INVALID_INPUT'],
			]) {
				const answer = await ask(type, { ...base, ...fields });
				assert.deepEqual([answer.status, answer.body.code, answer.type], [status, code, type], answer.body.error);
			}
		});

		test(`is unpacked within limits in ${type}`, async () => {
			const headers = { 'content-encoding': 'gzip' };
			const body = encode({ modelId: 'iris', features: { float_input: SETOSA } });
			const { status, body: answer } = await ask(type, gzipSync(body), { headers });
			assert.deepEqual([status, answer.prediction?.output_label], [200, 0], answer.error);
			const bomb = await ask(type, gzipSync(Buffer.alloc(MAX_BODY_BYTES + 1)), { headers });
			assert.deepEqual([bomb.status, bomb.body.code], [413, 'TOO_LARGE']);
		});

		test(`is refused in ${type} when it is malformed`, async () => {
			const body = encode({ modelId: 'iris', features: { float_input: SETOSA } });
			for (const malformed of [
				Buffer.alloc(0),
				body.subarray(0, -1),
				Buffer.concat([body, Buffer.of(0)]),
				Buffer.from('{"modelId":"iris"}'),
				Buffer.alloc(100_000, type === 'application/cbor' ? 0x81 : 0x91),
				Buffer.alloc(100_000, 0xff),
			]) {
				const answer = await ask(type, malformed);
				assert.deepEqual([answer.status, answer.body.code], [400, 'INVALID_REQUEST'], answer.body.error);
			}
			assert.ok(await harper.isAlive());
		});

		test(`is refused in the accepted format before it is read, ${type}`, async () => {
			const request = { modelId: 'iris', features: { float_input: SETOSA } };
			const forbidden = await ask(type, request, { user: 'viewer' });
			assert.deepEqual([forbidden.status, forbidden.body.code, forbidden.type], [403, 'FORBIDDEN', type]);
			const nobody = await ask(type, request, { user: null });
			assert.deepEqual([nobody.status, nobody.body.code, nobody.type], [401, 'UNAUTHENTICATED', type]);
			const other = await ask(type, request, { headers: { 'content-type': 'text/csv' } });
			assert.deepEqual([other.status, other.body.code, other.type], [415, 'UNSUPPORTED_MEDIA_TYPE', type]);
			const json = await ask(type, request, { headers: { 'content-type': 'application/json' } });
			assert.deepEqual([json.status, json.body.code, json.type], [400, 'INVALID_JSON', type]);
		});
	}
});
