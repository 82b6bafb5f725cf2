// The Open Inference Protocol and Triton's extensions, as HTTP has them.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { modelPath, models } from './support/fixtures.js';
import { ADMIN, credentials, root, startHarper } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const VIRGINICA = [6.7, 2.5, 5.8, 1.8];
const ROLES = ['viewer', 'predictor', 'operator'];

let harper;
before(async () => {
	harper = await startHarper();
	for (const role of ROLES) await harper.addUser(role);
	for (const { name, file } of models) await upload(name, '1', file);
	for (const name of ['endless_loop', 'int64_div_zero']) {
		await upload(name, '1', modelPath(name).slice(root.length));
	}
	await upload('versions', 'v1', '__test__/fixtures/identity_float.onnx');
	await upload('versions', 'v2', '__test__/fixtures/identity_double.onnx');
});
after(() => harper?.dispose());

async function upload(modelId, version, file) {
	const { status, body } = await harper.upload({ modelId, version }, [file]);
	assert.equal(status, 201, `${modelId}: ${JSON.stringify(body)}`);
}

const ROW = { name: 'float_input', shape: [1, 4], datatype: 'FP32', data: SETOSA };

const infer = (modelId, body, how) => harper.request('POST', `/v2/models/${modelId}/infer`, { body, ...how });

/** An inference that succeeds. */
async function inferred(modelId, body, how) {
	const answer = await infer(modelId, body, how);
	assert.equal(answer.status, 200, JSON.stringify(answer.body));
	return answer.body;
}

/** A body of JSON and the bytes behind it, and the header that parts them. */
function binary(json, ...parts) {
	const head = Buffer.from(JSON.stringify(json));
	return {
		body: Buffer.concat([
			head,
			...parts.map((part) => Buffer.from(part.buffer ?? part, part.byteOffset, part.byteLength)),
		]),
		headers: { 'inference-header-content-length': String(head.length) },
	};
}

const inferBinary = (modelId, json, ...parts) => {
	const { body, headers } = binary(json, ...parts);
	return infer(modelId, body, { headers });
};

/** An answer of JSON and bytes. */
function parted({ body, headers }) {
	assert.equal(headers.get('content-type'), 'application/octet-stream', JSON.stringify(body));
	const length = Number(headers.get('inference-header-content-length'));
	return { json: JSON.parse(body.subarray(0, length)), bytes: body.subarray(length) };
}

const texts = (...elements) =>
	Buffer.concat(
		elements.flatMap((element) => {
			const length = Buffer.alloc(4);
			length.writeUInt32LE(Buffer.byteLength(element));
			return [length, Buffer.from(element)];
		})
	);

const eventsOf = async (query) => (await harper.get(`/monitoring/events?${query}`)).body.events;

describe('server and models', () => {
	test('the server says what it is', async () => {
		const { body } = await harper.get('/v2');
		assert.equal(body.name, 'harper-edge-ai');
		assert.match(body.version, /^\d+\.\d+\.\d+$/);
		assert.ok(body.extensions.includes('binary_tensor_data'));
		assert.deepEqual((await harper.get('/v2/')).body, body);
	});

	test('the server is live and ready', async () => {
		for (const path of ['/v2/health/live', '/v2/health/ready']) {
			const { status, body } = await harper.get(path);
			assert.deepEqual([status, body], [200, { live: true, ready: true }]);
		}
	});

	test('a model is described in the words of the protocol', async () => {
		const { body } = await harper.get('/v2/models/iris_mixed_columns');
		assert.deepEqual(body, {
			name: 'iris_mixed_columns',
			versions: ['1'],
			platform: 'onnx_onnxv1',
			inputs: [
				{ name: 'petal_length', datatype: 'FP32', shape: [-1, 1] },
				{ name: 'sepal_length', datatype: 'FP32', shape: [-1, 1] },
				{ name: 'species', datatype: 'BYTES', shape: [-1, 1] },
			],
			outputs: [{ name: 'variable', datatype: 'FP32', shape: [-1, 1] }],
		});
	});

	test('class maps are described as a row for each map', async () => {
		const { body } = await harper.get('/v2/models/iris');
		assert.deepEqual(body.outputs, [
			{ name: 'output_label', datatype: 'INT64', shape: [-1] },
			{ name: 'output_probability', datatype: 'FP32', shape: [-1, -1] },
		]);
	});

	test('versions are listed in the order of upload, and each has its own signature', async () => {
		const latest = await harper.get('/v2/models/versions');
		assert.deepEqual(latest.body.versions, ['v1', 'v2']);
		assert.equal(latest.body.inputs[0].datatype, 'FP64');
		const first = await harper.get('/v2/models/versions/versions/v1');
		assert.equal(first.body.inputs[0].datatype, 'FP32');
		const byName = await harper.get('/v2/models/versions/versions/latest');
		assert.deepEqual(byName.body, latest.body);
		assert.equal((await harper.get('/v2/models/nobody/versions/latest')).status, 404);
	});

	test('models are listed by their names, each once', async () => {
		const { status, body } = await harper.get('/v2/models');
		assert.equal(status, 200);
		assert.ok(body.models.includes('iris') && body.models.includes('versions'));
		assert.deepEqual(body.models, [...new Set(body.models)].sort());
		assert.deepEqual((await harper.get('/v1/models')).body, body);
		for (const path of ['/v1/models', '/v2/models']) assert.equal((await harper.get(path, { user: null })).status, 401);
	});

	test('what is registered is ready', async () => {
		assert.equal((await harper.get('/v2/models/iris/ready')).status, 200);
		assert.equal((await harper.get('/v2/models/iris/versions/1/ready')).status, 200);
		assert.equal((await harper.get('/v2/models/iris/versions/2/ready')).status, 404);
		assert.equal((await harper.get('/v2/models/nobody/ready')).status, 404);
	});

	test('the configuration has the dimensions of a row', async () => {
		const { body } = await harper.get('/v2/models/iris/versions/1/config');
		assert.equal(body.name, 'iris');
		assert.equal(body.max_batch_size, 64);
		assert.deepEqual(body.input, [{ name: 'float_input', data_type: 'TYPE_FP32', dims: [4] }]);
		assert.deepEqual(body.output[0], { name: 'output_label', data_type: 'TYPE_INT64', dims: [] });
	});
});

describe('inference', () => {
	test('answers with the fields of the protocol and echoes the id', async () => {
		const { parameters, ...body } = await inferred('iris', { id: 'mine', inputs: [ROW] });
		assert.deepEqual(Object.keys(body), ['model_name', 'model_version', 'id', 'outputs']);
		assert.deepEqual([body.model_name, body.model_version, body.id], ['iris', '1', 'mine']);
		assert.deepEqual(body.outputs[0], { name: 'output_label', shape: [1], datatype: 'INT64', data: [0] });
		assert.deepEqual(body.outputs[1].shape, [1, 3]);
		assert.ok(Math.abs(body.outputs[1].data[0] - 0.9781179) < 1e-5);
		assert.match(parameters.inferenceId, /^[0-9a-f-]{36}$/);
	});

	test('gives what /predict gives', async () => {
		for (const modelId of ['iris', 'wine_string_labels', 'linear_float64', 'digits_int64']) {
			const { inputs } = (await harper.get(`/v2/models/${modelId}`)).body;
			const { features } = models.find(({ name }) => name === modelId).cases.at(-1);
			const [[name, rows]] = Object.entries(features);
			const predicted = await harper.predict({ modelId, features });
			const shape = [rows.length, rows[0].length];
			const { parameters } = await inferred(modelId, {
				inputs: [{ name, shape, datatype: inputs[0].datatype, data: rows }],
			});
			const [event] = await eventsOf(`modelId=${modelId}&limit=1`);
			assert.equal(event.id, parameters.inferenceId);
			assert.deepEqual(JSON.parse(event.prediction), predicted.body.prediction, modelId);
			assert.deepEqual(event.confidence ?? null, predicted.body.confidence, modelId);
		}
	});

	test('takes data flat or nested, in the order of rows', async () => {
		for (const data of [
			[...SETOSA, ...VIRGINICA],
			[SETOSA, VIRGINICA],
		]) {
			const { outputs } = await inferred('iris', { inputs: [{ ...ROW, shape: [2, 4], data }] });
			assert.deepEqual(outputs[0].data, [0, 2]);
		}
	});

	test('takes several inputs in any order', async () => {
		const inputs = [
			{ name: 'species', shape: [2, 1], datatype: 'BYTES', data: ['setosa', 'versicolor'] },
			{ name: 'sepal_length', shape: [2, 1], datatype: 'FP32', data: [4.6, 6.7] },
			{ name: 'petal_length', shape: [2, 1], datatype: 'FP32', data: [1.5, 5] },
		];
		const { outputs } = await inferred('iris_mixed_columns', { inputs });
		const features = { petal_length: [1.5, 5], sepal_length: [4.6, 6.7], species: ['setosa', 'versicolor'] };
		const { body } = await harper.predict({ modelId: 'iris_mixed_columns', features });
		assert.deepEqual(outputs[0].data, body.prediction.variable.flat());
	});

	test('computes the outputs asked for, in their order', async () => {
		const names = async (outputs) =>
			(await inferred('iris', { inputs: [ROW], outputs })).outputs.map(({ name }) => name);
		assert.deepEqual(await names([{ name: 'output_label' }]), ['output_label']);
		assert.deepEqual(await names([{ name: 'output_probability' }, { name: 'output_label' }]), [
			'output_probability',
			'output_label',
		]);
		assert.deepEqual(await names([]), ['output_label', 'output_probability']);
		assert.deepEqual(await names(null), ['output_label', 'output_probability']);
	});

	test('keeps all digits of integers', async () => {
		const data = '[9007199254740993,-9223372036854775808,9223372036854775807]';
		const response = await fetch(`${harper.base}/v2/models/identity_int64/infer`, {
			method: 'POST',
			headers: credentials(ADMIN),
			body: `{"inputs":[{"name":"x","shape":[1,3],"datatype":"INT64","data":${data}}]}`,
		});
		assert.ok((await response.text()).includes(`"data":${data}`));
	});

	test('writes floats as short as they are exact, and what JSON lacks as strings', async () => {
		const data = '[0.1,1e-45,3.4028235e38,16777216,-0.0,"NaN"]';
		const x = `{"name":"x","shape":[1,6],"datatype":"FP32","data":${data}}`;
		const { outputs } = await inferred('identity_float', `{"inputs":[${x}]}`);
		assert.deepEqual(outputs[0].data, JSON.parse(data));
	});

	test('of a version is answered by that version', async () => {
		const x = { name: 'x', shape: [1, 6], data: [1, 2, 3, 4, 5, 6] };
		for (const [path, datatype, version] of [
			['versions', 'FP64', 'v2'],
			['versions/versions/v1', 'FP32', 'v1'],
		]) {
			const body = await inferred(path, { inputs: [{ ...x, datatype }] });
			assert.equal(body.model_version, version);
		}
	});

	test('many at once, beside /predict, each get their own', async () => {
		const rows = Array.from({ length: 150 }, (_, at) => [at, at + 0.5, -at - 1, 0, 1, 2]);
		const answers = await Promise.all(
			rows.map(async (row, at) => {
				if (at % 3 === 0) {
					const { body } = await harper.predict({ modelId: 'identity_float', features: { x: row } });
					return body.prediction.y;
				}
				const x = { name: 'x', shape: [1, 6], datatype: 'FP32' };
				if (at % 3 === 1) {
					return (await inferred('identity_float', { inputs: [{ ...x, data: row }] })).outputs[0].data;
				}
				const parameters = { binary_data_size: 24 };
				const sent = { inputs: [{ ...x, parameters }], parameters: { binary_data_output: true } };
				const { bytes } = parted(await inferBinary('identity_float', sent, new Float32Array(row)));
				return [...new Float32Array(new Uint8Array(bytes).buffer)];
			})
		);
		assert.deepEqual(answers, rows);
	});

	test('reads packed bodies', async () => {
		const json = JSON.stringify({ inputs: [ROW] });
		for (const [encoding, pack] of [
			['gzip', gzipSync],
			['deflate', deflateSync],
		]) {
			const { status, body } = await infer('iris', pack(json), { headers: { 'content-encoding': encoding } });
			assert.equal(status, 200, JSON.stringify(body));
			assert.deepEqual(body.outputs[0].data, [0]);
		}
	});
});

describe('binary data', () => {
	const bits = (Type, values) => new Type(values);
	for (const [model, datatype, elements] of [
		['identity_float', 'FP32', bits(Float32Array, [0.1, -0, NaN, Infinity, 1e-45, 6])],
		['identity_double', 'FP64', bits(Float64Array, [0.1, -0, NaN, -Infinity, 5e-324, 6])],
		['identity_float16', 'FP16', bits(Uint16Array, [0x3c00, 0xc000, 0x7c00, 0x0001, 0, 0x7bff])],
		['identity_bfloat16', 'BF16', bits(Uint16Array, [0x3f80, 0xc000, 0x7f80, 0x0001, 0, 0x4049])],
		['identity_int8', 'INT8', bits(Int8Array, [-128, 127, 0])],
		['identity_int16', 'INT16', bits(Int16Array, [-32768, 32767, 0])],
		['identity_int32', 'INT32', bits(Int32Array, [-(2 ** 31), 2 ** 31 - 1, 0])],
		['identity_int64', 'INT64', bits(BigInt64Array, [-(2n ** 63n), 2n ** 63n - 1n, 0n])],
		['identity_uint8', 'UINT8', bits(Uint8Array, [0, 255, 1])],
		['identity_uint16', 'UINT16', bits(Uint16Array, [0, 65535, 1])],
		['identity_uint32', 'UINT32', bits(Uint32Array, [0, 2 ** 32 - 1, 1])],
		['identity_uint64', 'UINT64', bits(BigUint64Array, [0n, 2n ** 64n - 1n, 1n])],
		['identity_bool', 'BOOL', bits(Uint8Array, [1, 0])],
	]) {
		test(`${datatype} goes in and comes out`, async () => {
			const { inputs } = (await harper.get(`/v2/models/${model}`)).body;
			assert.equal(inputs[0].datatype, datatype);
			const shape = [1, elements.length];
			const size = elements.byteLength;
			const json = {
				inputs: [{ name: 'x', shape, datatype, parameters: { binary_data_size: size } }],
				outputs: [{ name: 'y', parameters: { binary_data: true } }],
			};
			const { json: head, bytes } = parted(await inferBinary(model, json, elements));
			assert.deepEqual(head.outputs, [{ name: 'y', shape, datatype, parameters: { binary_data_size: size } }]);
			assert.ok(bytes.equals(Buffer.from(elements.buffer)), bytes.toString('hex'));
		});
	}

	test('BYTES goes in and comes out, with what is not ASCII', async () => {
		const { inputs } = (await harper.get('/v2/models/identity_string')).body;
		assert.equal(inputs[0].datatype, 'BYTES');
		const elements = texts('', 'Grüße', ' ', '"');
		const json = {
			inputs: [{ name: 'x', shape: [1, 4], datatype: 'BYTES', parameters: { binary_data_size: elements.length } }],
			parameters: { binary_data_output: true },
		};
		const { json: head, bytes } = parted(await inferBinary('identity_string', json, elements));
		assert.equal(head.outputs[0].parameters.binary_data_size, elements.length);
		assert.ok(bytes.equals(elements), bytes.toString('hex'));
	});

	test('of several inputs follows in their order, beside JSON', async () => {
		const petals = new Float32Array([1.5]);
		const sepals = new Float32Array([4.6]);
		const column = (name) => ({
			name,
			shape: [1, 1],
			datatype: 'FP32',
			parameters: { binary_data_size: petals.byteLength },
		});
		const inputs = [
			column('sepal_length'),
			{ name: 'species', shape: [1, 1], datatype: 'BYTES', data: ['setosa'] },
			column('petal_length'),
		];
		const { body } = await inferBinary('iris_mixed_columns', { inputs }, sepals, petals);
		const features = { petal_length: 1.5, sepal_length: 4.6, species: 'setosa' };
		const predicted = await harper.predict({ modelId: 'iris_mixed_columns', features });
		assert.deepEqual(body.outputs[0].data, [predicted.body.prediction.variable].flat());
	});

	test('is given for the outputs that are asked for as such', async () => {
		const outputs = [{ name: 'output_label', parameters: { binary_data: false } }, { name: 'output_probability' }];
		const parameters = { binary_data_output: true };
		const { json, bytes } = parted(await infer('iris', { inputs: [ROW], outputs, parameters }));
		assert.deepEqual(json.outputs[0].data, [0]);
		assert.equal(json.outputs[1].data, undefined);
		assert.equal(bytes.length, 12);
	});

	test('may be none at all', async () => {
		const json = {
			inputs: [{ name: 'x', shape: [0, 6], datatype: 'FP32', parameters: { binary_data_size: 0 } }],
			parameters: { binary_data_output: true },
		};
		const { json: head, bytes } = parted(await inferBinary('identity_float', json));
		assert.deepEqual([head.outputs[0].shape, bytes.length], [[0, 6], 0]);
	});
});

describe('a body without JSON', () => {
	const shapes = { matrix: ['rows', 'columns'], cube: ['a', 'b', 'c'], fixed: [2, 3], any: undefined };
	before(async () => {
		for (const [modelId, shape] of Object.entries(shapes)) {
			const tensors = ['x', 'y'].map((name) => [name, FLOAT, shape]);
			const content = onnxModel({ nodes: [['Identity', ['x'], ['y']]], inputs: [tensors[0]], outputs: [tensors[1]] });
			await upload(modelId, '1', { name: 'model.onnx', content });
		}
	});

	const raw = (modelId, bytes, headers) => {
		const body = Buffer.from(bytes.buffer ?? bytes, bytes.byteOffset, bytes.byteLength);
		return infer(modelId, body, { headers: { 'inference-header-content-length': '0', ...headers } });
	};

	test('is the bytes of the one input, and is answered in JSON', async () => {
		for (const rows of [[SETOSA], [SETOSA, VIRGINICA]]) {
			const said = { inputs: [{ ...ROW, shape: [rows.length, 4], data: rows }] };
			const expected = await inferred('iris', said);
			for (const path of ['iris', 'iris/versions/1']) {
				const { status, body } = await raw(path, Float32Array.from(rows.flat()));
				assert.equal(status, 200, JSON.stringify(body));
				assert.deepEqual(body.outputs, expected.outputs);
			}
		}
		const [event] = await eventsOf('modelId=iris&limit=1');
		assert.deepEqual(JSON.parse(event.featuresIn), { float_input: { data: [...SETOSA, ...VIRGINICA], shape: [2, 4] } });
	});

	test('is answered in binary data when that is accepted', async () => {
		const elements = Float32Array.of(0.1, -0, NaN, Infinity, 1e-45, 6);
		const answer = await raw('identity_float', elements, { accept: 'application/octet-stream' });
		const { json, bytes } = parted(answer);
		assert.deepEqual(json.outputs[0].shape, [1, 6]);
		assert.ok(bytes.equals(Buffer.from(elements.buffer)));
	});

	test('has elements of the datatype of the input', async () => {
		for (const [model, elements, data] of [
			['identity_double', Float64Array.of(1, 2, 3, 4, 5, 6), [1, 2, 3, 4, 5, 6]],
			['identity_float16', Uint16Array.of(0x3c00, 0, 0, 0, 0, 0xc000), [1, 0, 0, 0, 0, -2]],
			['identity_int64', BigInt64Array.of(1n, -2n, 3n), [1, -2, 3]],
			['identity_uint8', Uint8Array.of(1, 2, 255), [1, 2, 255]],
			['identity_bool', Uint8Array.of(1, 0), [true, false]],
		]) {
			const { status, body } = await raw(model, elements);
			assert.equal(status, 200, `${model}: ${JSON.stringify(body)}`);
			assert.deepEqual([body.outputs[0].shape, body.outputs[0].data], [[1, data.length], data], model);
		}
	});

	test('is one text for an input of texts', async () => {
		const text = 'a wonderful film, "Grüße"\n';
		const inputs = [{ name: 'text', shape: [1, 1], datatype: 'BYTES', data: [text] }];
		const expected = await inferred('review_tfidf', { inputs });
		const { status, body } = await raw('review_tfidf', Buffer.from(text));
		assert.equal(status, 200, JSON.stringify(body));
		assert.deepEqual(body.outputs, expected.outputs);
		assert.equal((await raw('review_tfidf', Buffer.alloc(0))).status, 200, 'a text may be empty');
	});

	test('has the shape that follows from its length', async () => {
		const six = Float32Array.of(1, 2, 3, 4, 5, 6);
		for (const [model, elements, shape] of [
			['identity_float', new Float32Array(18), [3, 6]],
			['identity_float', new Float32Array(0), [0, 6]],
			['fixed', six, [2, 3]],
			// A batch of one, as Triton has it.
			['matrix', six, [1, 6]],
		]) {
			const { status, body } = await raw(model, elements);
			assert.equal(status, 200, `${model}: ${JSON.stringify(body)}`);
			assert.deepEqual(body.outputs[0].shape, shape, model);
		}
	});

	test('may be packed', async () => {
		const { status, body } = await raw('iris', gzipSync(Float32Array.from(SETOSA)), { 'content-encoding': 'gzip' });
		assert.deepEqual([status, body.outputs?.[0].data], [200, [0]], JSON.stringify(body));
	});

	for (const [what, model, bytes, message] of [
		['for a model with several inputs', 'iris_mixed_columns', Buffer.alloc(4), /one input.*petal_length, sepal_length/],
		['of a part of a row', 'iris', new Float32Array(6), /"float_input".*\[-1, 4\].*multiple of 16 bytes, received 24/],
		['of a part of an element', 'iris', Buffer.alloc(15), /multiple of 16 bytes, received 15/],
		['that is larger than the shape', 'fixed', new Float32Array(7), /\[2, 3\].*24 bytes, received 28/],
		['that is smaller than the shape', 'fixed', Buffer.alloc(0), /24 bytes, received 0/],
		['for a shape with several free dimensions', 'cube', new Float32Array(8), /\[-1, -1, -1\].*one dimension/],
		['for any number of dimensions', 'any', new Float32Array(8), /any number of dimensions/],
		['of one text where there are several', 'identity_string', Buffer.from('a'), /one element.*\[-1, 4\]/],
		['that is no text', 'review_tfidf', Buffer.of(255), /UTF-8/],
	]) {
		test(`${what} is refused`, async () => {
			const answer = await raw(model, bytes);
			assert.deepEqual([answer.status, Object.keys(answer.body)], [400, ['error']], JSON.stringify(answer.body));
			assert.match(answer.body.error, message);
		});
	}
});

describe('the record of an inference', () => {
	test('is an event like any other, and takes feedback', async () => {
		const parameters = { userId: 'v2 user', sessionId: 'v2 session', segment: 'v2 segment' };
		const sent = { id: 'request 7', inputs: [ROW], parameters };
		const { inferenceId } = (await inferred('iris', sent)).parameters;
		const [event] = await eventsOf('userId=v2%20user');
		assert.equal(event.id, inferenceId);
		assert.equal(event.segment, 'v2 segment');
		assert.deepEqual([event.sessionId, event.requestId, event.modelVersion], ['v2 session', 'request 7', '1']);
		assert.deepEqual(JSON.parse(event.featuresIn), { float_input: { data: SETOSA, shape: [1, 4] } });
		assert.deepEqual(JSON.parse(event.prediction).output_label, [0]);
		assert.equal(event.confidence.length, 1);
		assert.ok(event.latencyMs > 0);
		assert.equal((await harper.feedback({ inferenceId, outcome: [0] })).status, 200);
		assert.equal((await eventsOf('userId=v2%20user'))[0].correct, true);
	});

	test('of binary data has the same features', async () => {
		const input = { ...ROW, data: undefined, parameters: { binary_data_size: 16 } };
		await inferBinary('iris', { inputs: [input], parameters: { userId: 'binary' } }, new Float32Array(SETOSA));
		const [event] = await eventsOf('userId=binary');
		assert.deepEqual(JSON.parse(event.featuresIn), { float_input: { data: SETOSA, shape: [1, 4] } });
	});

	test('of many rows is a summary', async () => {
		const rows = 20_000;
		const elements = new Float32Array(rows * 4).fill(1.25);
		const size = elements.byteLength;
		const input = { ...ROW, shape: [rows, 4] };
		const parameters = { userId: 'large' };
		const binaryInput = { ...input, data: undefined, parameters: { binary_data_size: size } };
		const { status } = await inferBinary('iris', { inputs: [binaryInput], parameters }, elements);
		assert.equal(status, 200);
		await inferred('iris', { inputs: [{ ...input, data: [...elements] }], parameters });
		for (const event of await eventsOf('userId=large')) {
			const { summary, bytes, digest } = JSON.parse(event.featuresIn);
			assert.deepEqual(summary, [{ name: 'float_input', shape: [rows, 4], dtype: 'float32' }]);
			assert.ok(bytes >= size);
			assert.match(digest, /^[0-9a-f]{64}$/);
		}
	});

	test('is absent when record is false', async () => {
		await inferred('iris', { inputs: [ROW], parameters: { userId: 'unrecorded', record: false } });
		assert.deepEqual(await eventsOf('userId=unrecorded'), []);
	});

	for (const [what, modelId, inputs, parameters, status, code] of [
		[
			'fails',
			'int64_div_zero',
			['a', 'b'].map((name) => ({ name, shape: [1], datatype: 'INT64', data: [0] })),
			{},
			500,
			'RUN_FAILED',
		],
		[
			'takes longer than its timeout in microseconds',
			'endless_loop',
			undefined,
			{ timeout: 200_000 },
			503,
			'DEADLINE_EXCEEDED',
		],
	]) {
		test(`has the error of a run that ${what}`, async () => {
			const { body: described } = await harper.get(`/v2/models/${modelId}`);
			const given =
				inputs ??
				described.inputs.map(({ name, shape, datatype }) => {
					const sizes = shape.map((size) => Math.max(size, 1));
					return { name, datatype, shape: sizes, data: Array(sizes.reduce((a, b) => a * b, 1)).fill(1) };
				});
			const sent = { inputs: given, parameters: { ...parameters, userId: what } };
			const answer = await infer(modelId, sent);
			assert.equal(answer.status, status, JSON.stringify(answer.body));
			assert.deepEqual(Object.keys(answer.body), ['error']);
			const [event] = await eventsOf(`userId=${encodeURIComponent(what)}`);
			assert.equal(event.error.code, code);
		});
	}
});

describe('what is refused', () => {
	const x = { name: 'x', shape: [1, 6], datatype: 'FP32', data: [1, 2, 3, 4, 5, 6] };
	const without = ({ data, ...rest }) => rest; // eslint-disable-line no-unused-vars
	for (const [what, modelId, body, status, said] of [
		['an unknown model', 'nobody', { inputs: [x] }, 404, /"nobody"/],
		['an unknown version', 'iris/versions/9', { inputs: [ROW] }, 404, /"9"/],
		['a name that is none', 'a%20b', { inputs: [ROW] }, 400, /model/],
		['no body', 'iris', '', 400, /JSON/],
		['half of it', 'iris', '{"inputs":[', 400, /JSON/],
		['a list', 'iris', '[]', 400, /object/],
		[
			'a broken number',
			'identity_float',
			'{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1e]}]}',
			400,
			/JSON/,
		],
		['brackets that do not match', 'iris', '{"inputs":[{"name":"float_input"]}}', 400, /JSON/],
		['no inputs', 'iris', {}, 400, /inputs is required/],
		['an input that is missing', 'iris', { inputs: [] }, 400, /"float_input" is missing/],
		['an unknown input', 'iris', { inputs: [{ ...ROW, name: 'y' }] }, 400, /"y".*"float_input"/],
		['an input twice', 'iris', { inputs: [ROW, ROW] }, 400, /twice/],
		['another datatype', 'iris', { inputs: [{ ...ROW, datatype: 'FP64' }] }, 400, /FP32.*"FP64"/],
		['no datatype', 'iris', { inputs: [{ ...ROW, datatype: undefined }] }, 400, /FP32.*null/],
		['no shape', 'iris', { inputs: [{ ...ROW, shape: undefined }] }, 400, /shape/],
		['a negative size', 'iris', { inputs: [{ ...ROW, shape: [-1, 4] }] }, 400, /shape/],
		['a shape of another rank', 'iris', { inputs: [{ ...ROW, shape: [4] }] }, 400, /\[4\]/],
		['a shape that does not fit the data', 'iris', { inputs: [{ ...ROW, shape: [2, 4] }] }, 400, /\[2, 4\].*4/],
		[
			'data nested otherwise than the shape',
			'iris',
			{
				inputs: [
					{
						...ROW,
						shape: [2, 4],
						data: [
							[1, 2],
							[3, 4],
							[5, 6],
							[7, 8],
						],
					},
				],
			},
			400,
			/\[4, 2\].*\[2, 4\]/,
		],
		['ragged data', 'iris', { inputs: [{ ...ROW, shape: [2, 2], data: [[1, 2], [3]] }] }, 400, /ragged|float_input/],
		['data that is no list', 'iris', { inputs: [{ ...ROW, data: 5 }] }, 400, /list/],
		['no data', 'iris', { inputs: [without(ROW)] }, 400, /data/],
		['data twice', 'iris', { inputs: [{ ...ROW, parameters: { binary_data_size: 16 } }] }, 400, /either/],
		['a text among numbers', 'iris', { inputs: [{ ...ROW, data: [1, 2, 3, 'x'] }] }, 400, /"x"/],
		['an unknown output', 'iris', { inputs: [ROW], outputs: [{ name: 'z' }] }, 400, /"z".*"output_label"/],
		[
			'an output twice',
			'iris',
			{ inputs: [ROW], outputs: [{ name: 'output_label' }, { name: 'output_label' }] },
			400,
			/twice/,
		],
		['a negative timeout', 'iris', { inputs: [ROW], parameters: { timeout: -1 } }, 400, /timeout/],
		['a priority that is a text', 'iris', { inputs: [ROW], parameters: { priority: 'high' } }, 400, /priority/],
		['an id that is a number', 'iris', { id: 7, inputs: [ROW] }, 400, /id/],
		['parameters that are a list', 'iris', { inputs: [ROW], parameters: [] }, 400, /parameters/],
		['a sequence', 'iris', { inputs: [ROW], parameters: { sequence_id: 1 } }, 501, /sequence/],
		[
			'classification',
			'iris',
			{ inputs: [ROW], outputs: [{ name: 'output_label', parameters: { classification: 1 } }] },
			501,
			/classification/,
		],
		[
			'an input in shared memory',
			'iris',
			{ inputs: [{ ...without(ROW), parameters: { shared_memory_region: 'r', shared_memory_byte_size: 16 } }] },
			501,
			/shared memory/,
		],
		[
			'an output in shared memory',
			'iris',
			{ inputs: [ROW], outputs: [{ name: 'output_label', parameters: { shared_memory_region: 'r' } }] },
			501,
			/shared memory/,
		],
		[
			'a model whose outputs are no tensors',
			'sequence_optional',
			{ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }] },
			501,
			/datatype/,
		],
	]) {
		test(what, async () => {
			const answer = await infer(modelId, body);
			assert.equal(answer.status, status, JSON.stringify(answer.body));
			assert.deepEqual(Object.keys(answer.body), ['error']);
			assert.match(answer.body.error, said);
		});
	}

	const wanted = (parameters, more) => ({ inputs: [{ ...without(ROW), parameters, ...more }] });
	for (const [what, modelId, json, bytes, said] of [
		['less binary data than stated', 'iris', wanted({ binary_data_size: 16 }), Buffer.alloc(8), /16.*8/],
		['more binary data than stated', 'iris', wanted({ binary_data_size: 16 }), Buffer.alloc(24), /16.*24/],
		['binary data that does not fit the shape', 'iris', wanted({ binary_data_size: 8 }), Buffer.alloc(8), /16.*8/],
		['a size that is none', 'iris', wanted({ binary_data_size: -1 }), Buffer.alloc(16), /binary_data_size/],
		[
			'a text that ends behind the data',
			'identity_string',
			{ inputs: [{ name: 'x', shape: [1, 1], datatype: 'BYTES', parameters: { binary_data_size: 5 } }] },
			Buffer.from([9, 0, 0, 0, 65]),
			/element 0/,
		],
		[
			'bytes that are no UTF-8',
			'identity_string',
			{ inputs: [{ name: 'x', shape: [1, 1], datatype: 'BYTES', parameters: { binary_data_size: 5 } }] },
			Buffer.from([1, 0, 0, 0, 255]),
			/UTF-8/,
		],
	]) {
		test(what, async () => {
			const answer = await inferBinary(modelId, json, bytes);
			assert.equal(answer.status, 400, JSON.stringify(answer.body));
			assert.match(answer.body.error, said);
		});
	}

	test('a length of the JSON that is none', async () => {
		const body = JSON.stringify({ inputs: [ROW] });
		for (const length of ['-1', '1e3', '99999', 'all', '']) {
			const answer = await infer('iris', body, { headers: { 'inference-header-content-length': length } });
			assert.equal(answer.status, 400, length);
			assert.match(answer.body.error, /Inference-Header-Content-Length/);
		}
	});

	test('what cannot be unpacked, and what unpacked is too large', async () => {
		const send = (body, encoding) => infer('iris', body, { headers: { 'content-encoding': encoding } });
		assert.equal((await send(Buffer.from('no gzip'), 'gzip')).status, 400);
		assert.equal((await send(Buffer.from('{}'), 'br')).status, 400);
		const large = await send(gzipSync(Buffer.alloc(65 * 2 ** 20, ' ')), 'gzip');
		assert.equal(large.status, 413);
		assert.match(large.body.error, /maxBodyBytes/);
	});

	test('what is no route, and methods that a route does not have', async () => {
		const unknown = await harper.get('/v2/models/iris/generate');
		assert.deepEqual([unknown.status, Object.keys(unknown.body)], [404, ['error']]);
		const wrong = await harper.request('DELETE', '/v2/models/iris');
		assert.deepEqual([wrong.status, Object.keys(wrong.body)], [405, ['error']]);
		assert.equal(wrong.headers.get('allow'), 'GET');
		assert.equal((await harper.get('/v2/models/iris/infer')).status, 405);
	});
});

describe('the repository', () => {
	test('lists every version', async () => {
		const { body } = await harper.request('POST', '/v2/repository/index');
		assert.ok(body.every(({ state }) => state === 'READY'));
		const versions = body.filter(({ name }) => name === 'versions').map(({ version }) => version);
		assert.deepEqual(versions.sort(), ['v1', 'v2']);
		const ready = await harper.request('POST', '/v2/repository/index', { body: { ready: true } });
		assert.equal(ready.body.length, body.length);
	});

	test('loads and unloads', async () => {
		const { digest } = (await harper.get('/model/logic_bool/1')).body;
		const isLoaded = async () => (await harper.get('/status')).body.sessions.some((found) => found.digest === digest);
		const change = (verb, body) => harper.request('POST', `/v2/repository/models/logic_bool/${verb}`, { body });
		assert.equal((await change('load')).status, 200);
		assert.equal(await isLoaded(), true);
		assert.equal((await change('unload', { parameters: { unload_dependents: false } })).status, 200);
		assert.equal(await isLoaded(), false);
		const row = { shape: [1, 3], datatype: 'BOOL', data: [true, false, true] };
		const inputs = ['a', 'b'].map((name) => ({ name, ...row }));
		const { outputs } = await inferred('logic_bool', { inputs });
		assert.deepEqual(outputs.find(({ name }) => name === 'both').data, [true, false, true]);
		assert.equal(await isLoaded(), true, 'the next request loads it');
	});

	test('refuses what it does not have and does not do', async () => {
		for (const verb of ['load', 'unload']) {
			const { status, body } = await harper.request('POST', `/v2/repository/models/nobody/${verb}`);
			assert.deepEqual([status, Object.keys(body)], [404, ['error']]);
		}
		const parameters = { config: '{"max_batch_size": 1}' };
		const configured = await harper.request('POST', '/v2/repository/models/iris/load', { body: { parameters } });
		assert.equal(configured.status, 501);
		assert.equal((await harper.request('POST', '/v2/repository/index', { body: '[]' })).status, 400);
	});
});

describe('statistics and settings', () => {
	test('count what ran', async () => {
		const count = async (path) => {
			const { body } = await harper.get(path);
			return body.model_stats.find(({ name }) => name === 'review_tfidf').inference_count;
		};
		const paths = ['models/stats', 'models/review_tfidf/stats', 'models/review_tfidf/versions/1/stats'];
		const before = await count(`/v2/${paths[0]}`);
		const inputs = [{ name: 'text', shape: [1, 1], datatype: 'BYTES', data: ['boring'] }];
		for (let at = 0; at < 3; at += 1) await inferred('review_tfidf', { inputs });
		for (const path of paths) assert.equal(await count(`/v2/${path}`), before + 3, path);
		assert.equal((await harper.get('/v2/models/nobody/stats')).status, 404);
	});

	for (const [path, name, other] of [
		['/v2/trace/setting', 'trace_level', ['TIMESTAMPS']],
		['/v2/models/iris/trace/setting', 'trace_level', ['TENSORS']],
		['/v2/logging', 'log_verbose_level', 5],
	]) {
		test(`${path} can be read, and set to what it is`, async () => {
			const { body } = await harper.get(path);
			assert.ok(name in body);
			for (const given of [{ [name]: body[name] }, { [name]: null }, {}]) {
				const answer = await harper.request('POST', path, { body: given });
				assert.deepEqual([answer.status, answer.body], [200, body]);
			}
			const changed = await harper.request('POST', path, { body: { [name]: other } });
			assert.deepEqual([changed.status, Object.keys(changed.body)], [501, ['error']]);
			const unknown = await harper.request('POST', path, { body: { nothing: 1 } });
			assert.equal(unknown.status, 400);
		});
	}

	test('the log settings are those of Harper', async () => {
		const { log_warning: warnings, log_info: infos } = (await harper.get('/v2/logging')).body;
		assert.deepEqual([warnings, infos], [true, false], "Harper's level in prod mode is warn");
	});

	for (const kind of ['system', 'cuda']) {
		test(`there is no ${kind} shared memory`, async () => {
			const path = `/v2/${kind}sharedmemory`;
			assert.deepEqual((await harper.get(`${path}/status`)).body, []);
			assert.equal((await harper.get(`${path}/region/r/status`)).status, 404);
			const registered = await harper.request('POST', `${path}/region/r/register`, { body: { byte_size: 8 } });
			assert.deepEqual([registered.status, Object.keys(registered.body)], [501, ['error']]);
			assert.equal((await harper.request('POST', `${path}/region/r/unregister`)).status, 200);
			assert.equal((await harper.request('POST', `${path}/unregister`)).status, 200);
		});
	}
});

describe('access', () => {
	const READERS = ['viewer', 'predictor', 'operator'];
	const PREDICTORS = ['predictor', 'operator'];
	const OPERATORS = ['operator'];
	const request = { inputs: [ROW] };
	for (const [method, path, body, allowed, status = 200] of [
		['GET', '/v2', undefined, READERS],
		['GET', '/v2/models/iris', undefined, READERS],
		['GET', '/v2/models/iris/ready', undefined, READERS],
		['GET', '/v2/models/iris/config', undefined, READERS],
		['GET', '/v2/models/iris/stats', undefined, READERS],
		['GET', '/v2/models/iris/trace/setting', undefined, READERS],
		['POST', '/v2/models/iris/trace/setting', {}, OPERATORS],
		['POST', '/v2/models/iris/infer', request, PREDICTORS],
		['GET', '/v2/models/iris/versions/1', undefined, READERS],
		['GET', '/v2/models/iris/versions/1/ready', undefined, READERS],
		['GET', '/v2/models/iris/versions/1/config', undefined, READERS],
		['GET', '/v2/models/iris/versions/1/stats', undefined, READERS],
		['POST', '/v2/models/iris/versions/1/infer', request, PREDICTORS],
		['GET', '/v2/models/stats', undefined, READERS],
		['POST', '/v2/repository/index', undefined, READERS],
		['POST', '/v2/repository/models/iris/load', undefined, OPERATORS],
		['POST', '/v2/repository/models/iris/unload', undefined, OPERATORS],
		['GET', '/v2/trace/setting', undefined, READERS],
		['POST', '/v2/trace/setting', {}, OPERATORS],
		['GET', '/v2/logging', undefined, READERS],
		['POST', '/v2/logging', {}, OPERATORS],
		['GET', '/v2/systemsharedmemory/status', undefined, READERS],
		['GET', '/v2/cudasharedmemory/region/r/status', undefined, READERS, 404],
		['POST', '/v2/systemsharedmemory/region/r/register', {}, OPERATORS, 501],
		['POST', '/v2/cudasharedmemory/unregister', undefined, OPERATORS],
	]) {
		test(`${method} ${path}`, async () => {
			for (const user of [...ROLES, ADMIN]) {
				const answer = await harper.request(method, path, { body, user });
				const expected = user === ADMIN || allowed.includes(user) ? status : 403;
				assert.equal(answer.status, expected, `${user}: ${JSON.stringify(answer.body)}`);
				if (expected === 403) assert.deepEqual(Object.keys(answer.body), ['error']);
			}
			for (const headers of [{}, credentials(ADMIN, 'guess')]) {
				const answer = await harper.request(method, path, { body, user: null, headers });
				assert.equal(answer.status, 401);
				assert.deepEqual(Object.keys(answer.body), ['error']);
			}
		});
	}

	test('probes need no credentials', async () => {
		for (const path of ['/v2/health/live', '/v2/health/ready']) {
			assert.equal((await harper.get(path, { user: null })).status, 200);
		}
	});

	test('the rest of the roots that others share stays with Harper', async () => {
		for (const path of ['/v2/other', '/v1', '/v1/other']) {
			const { status, body } = await harper.get(path);
			assert.equal(status, 404);
			assert.ok(!String(body).includes('error'), 'Harper answers, not we');
		}
	});
});

describe('with anonymousPredict', () => {
	let open;
	before(async () => {
		open = await startHarper({ options: { anonymousPredict: true } });
		await open.upload({ modelId: 'iris', version: '1' }, ['examples/iris/model.onnx']);
	});
	after(() => open?.dispose());

	test('inference is open, and nothing else', async () => {
		const body = { inputs: [ROW] };
		assert.equal((await open.request('POST', '/v2/models/iris/infer', { body, user: null })).status, 200);
		const rows = { instances: [SETOSA] };
		assert.equal((await open.request('POST', '/v1/models/iris:predict', { body: rows, user: null })).status, 200);
		for (const path of ['/v2', '/v2/models/iris', '/v1/models/iris']) {
			assert.equal((await open.get(path, { user: null })).status, 401, path);
		}
	});
});
