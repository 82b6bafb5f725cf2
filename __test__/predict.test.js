import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { difference } from './support/comparison.js';
import { root, startHarper } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { until } from './support/until.js';

const { models } = JSON.parse(readFileSync(join(root, '__test__/fixtures/manifest.json'), 'utf8'));
const caseOf = (name, at) => models.find((model) => model.name === name).cases[at];

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const SETOSA = [5.1, 3.5, 1.4, 0.2];
const VIRGINICA = [6.7, 2.5, 5.8, 1.8];
const TOLERANCE = { rtol: 1e-4, atol: 1e-5 };

/** A model of one operator on float rows. */
const operator = (name, width) =>
	onnxModel({
		nodes: [[name, ['x'], ['y']]],
		inputs: [['x', FLOAT, ['rows', width]]],
		outputs: [['y', FLOAT, ['rows', width]]],
	});

const MADE = { sigmoid: operator('Sigmoid', 1), softmax: operator('Softmax', 3), relu: operator('Relu', 1) };
const HOSTILE = ['endless_loop', 'int64_div_zero'];

let harper;
before(async () => {
	harper = await startHarper({ variables: { HTTP_CORS: 'true', HTTP_CORSACCESSLIST: '["http://elsewhere.example"]' } });
	const uploads = [
		...models.map(({ name, file }) => [name, file]),
		...HOSTILE.map((name) => [name, `__test__/fixtures/hostile/${name}.onnx`]),
		...Object.entries(MADE).map(([name, content]) => [name, { name: 'model.onnx', content }]),
	];
	for (const [modelId, file] of uploads) {
		const { status, body } = await harper.upload({ modelId, version: 'v1' }, [file]);
		assert.equal(status, 201, JSON.stringify(body));
	}
});
after(() => harper?.dispose());

/** A prediction that succeeds. */
const predict = async (modelId, features, fields) => {
	const { status, body } = await harper.predict({ modelId, features, ...fields });
	assert.equal(status, 200, JSON.stringify(body));
	return body;
};

const eventCount = async (query) => (await harper.get(`/monitoring/events?${query}`)).body.count;

describe('the answer', () => {
	test('goes to other origins with the headers that Harper gives them, and is the same without', async () => {
		const ask = (headers) => harper.predict({ modelId: 'iris', features: { float_input: SETOSA } }, { headers });
		const [own, other] = [await ask({}), await ask({ origin: 'http://elsewhere.example' })];
		for (const { status, headers } of [own, other]) {
			assert.equal(status, 200);
			assert.equal(headers.get('content-type'), 'application/json');
			assert.ok(Number(headers.get('content-length')) > 0);
		}
		assert.equal(other.headers.get('access-control-allow-origin'), 'http://elsewhere.example');
		assert.deepEqual(other.body.prediction, own.body.prediction);
	});

	test('is its own for each of many at once, of which some run together', async () => {
		const { digest } = (await harper.get('/model/sigmoid/v1')).body;
		const batches = async () => {
			const { sessions } = (await harper.get('/status')).body;
			return sessions.find((session) => session.digest === digest)?.batching.batches ?? 0;
		};
		for (let rounds = 0; rounds < 3 || (await batches()) === 0; rounds += 1) {
			assert.ok(rounds < 50, 'nothing ran together');
			const values = Array.from({ length: 200 }, (_, at) => (at - 100) / 25);
			const answers = await Promise.all(
				values.map((x, at) => predict('sigmoid', { x: [x] }, { record: at % 5 === 0 }))
			);
			assert.equal(new Set(answers.map(({ inferenceId }) => inferenceId)).size, values.length);
			for (const [at, { prediction }] of answers.entries()) {
				assert.ok(Math.abs(prediction.y[0] - 1 / (1 + Math.exp(-values[at]))) < 1e-6, `${values[at]}`);
			}
		}
	});

	test('has the fields of the specification', async () => {
		const startedAt = performance.now();
		const body = await predict('iris', { float_input: SETOSA });
		const tookMs = performance.now() - startedAt;
		const { inferenceId, prediction, confidence, latencyMs, ...rest } = body;
		assert.match(inferenceId, UUID_V7);
		assert.deepEqual(Object.keys(prediction), ['output_label', 'output_probability']);
		assert.equal(prediction.output_label, 0);
		assert.deepEqual(Object.keys(prediction.output_probability), ['0', '1', '2']);
		assert.equal(confidence, Math.max(...Object.values(prediction.output_probability)));
		assert.ok(latencyMs > 0 && latencyMs <= tookMs, `${latencyMs} of ${tookMs} ms`);
		assert.equal(latencyMs, Math.round(latencyMs * 1000) / 1000, 'microseconds');
		assert.deepEqual(rest, { modelId: 'iris', modelVersion: 'v1', framework: 'onnx' });
	});

	test('comes from the version asked for, else from the latest', async () => {
		for (const version of ['v1', 'v2']) {
			await harper.upload({ modelId: 'versions', version }, [
				`__test__/fixtures/identity_${version === 'v1' ? 'float' : 'double'}.onnx`,
			]);
		}
		const features = { x: [[0.1, 0, 0, 0, 0, 0]] };
		assert.equal((await predict('versions', features)).modelVersion, 'v2');
		assert.equal((await predict('versions', features, { version: null })).modelVersion, 'v2');
		const older = await predict('versions', features, { version: 'v1' });
		assert.equal(older.modelVersion, 'v1');
		assert.equal(older.prediction.y[0][0], 0.1, 'a float32 is written as short as it is exact');
	});

	test('belongs to its request, with many in flight', async () => {
		const rows = Array.from({ length: 200 }, (_, at) => [at, at + 0.5, -at - 1, 0, 1, 2]);
		const answers = await Promise.all(rows.map((row) => predict('identity_float', { x: row })));
		assert.deepEqual(
			answers.map(({ prediction }) => prediction.y),
			rows
		);
		assert.equal(new Set(answers.map(({ inferenceId }) => inferenceId)).size, rows.length);
	});

	test('holds only the outputs asked for', async () => {
		const features = { float_input: SETOSA };
		const label = await predict('iris', features, { outputs: ['output_label'] });
		assert.deepEqual(label.prediction, { output_label: 0 });
		const both = await predict('iris', features, { outputs: ['output_probability', 'output_label'] });
		assert.deepEqual(Object.keys(both.prediction).sort(), ['output_label', 'output_probability']);
	});
});

describe('features', () => {
	for (const [what, modelId, features, expected] of [
		['a flat list is a row', 'iris', { float_input: SETOSA }, { output_label: 0 }],
		['a nested list is a batch', 'iris', { float_input: [SETOSA] }, { output_label: [0] }],
		['a batch of several', 'iris', { float_input: [SETOSA, VIRGINICA] }, { output_label: [0, 2] }],
		[
			'a flat list of two rows is a batch',
			'iris',
			{ float_input: [...SETOSA, ...VIRGINICA] },
			{ output_label: [0, 2] },
		],
		['data with a shape', 'iris', { float_input: { data: SETOSA, shape: [1, 4] } }, { output_label: [0] }],
		[
			'data with a shape of two rows',
			'iris',
			{ float_input: { data: [...SETOSA, ...VIRGINICA], shape: [2, 4] } },
			{ output_label: [0, 2] },
		],
		['a single input under any name', 'iris', { input: SETOSA }, { output_label: 0 }],
		[
			'a scalar per column',
			'iris_mixed_columns',
			caseOf('iris_mixed_columns', 0).features,
			caseOf('iris_mixed_columns', 0).expected,
		],
		[
			'a list per column',
			'iris_mixed_columns',
			{ petal_length: [1.5, 5], sepal_length: [4.6, 6.7], species: ['setosa', 'versicolor'] },
			{ variable: caseOf('iris_mixed_columns', 1).expected.variable.slice(0, 2) },
		],
		['a text', 'review_tfidf', { text: 'A LOVELY, clever story' }, { output_label: 'good' }],
		[
			'a list of texts is a batch',
			'review_tfidf',
			{ text: ['A LOVELY, clever story', 'Boring and noisy'] },
			{ output_label: ['good', 'bad'] },
		],
		['string labels', 'wine_string_labels', caseOf('wine_string_labels', 0).features, { output_label: 'barolo' }],
		[
			'booleans',
			'logic_bool',
			{ a: [true, true, false], b: [true, false, false] },
			{ both: [true, false, false], one: [false, true, false], not_a: [false, false, true] },
		],
		[
			'null is NaN',
			'identity_float',
			{ x: [null, 'NaN', 'Infinity', '-Infinity', 0, -0.5] },
			{ y: ['NaN', 'NaN', 'Infinity', '-Infinity', 0, -0.5] },
		],
		['whole numbers for floats', 'identity_double', { x: [1, 2, 3, 4, 5, 6] }, { y: [1, 2, 3, 4, 5, 6] }],
		['1.0 for an integer', 'identity_int64', { x: [1.0, 2, 3] }, { y: [1, 2, 3] }],
	]) {
		test(what, async () => {
			const { prediction } = await predict(modelId, features, { outputs: Object.keys(expected) });
			assert.equal(difference(prediction, expected, TOLERANCE), undefined);
		});
	}

	test('class maps are objects keyed by class', async () => {
		const { features, expected } = caseOf('wine_string_labels', 1);
		const { prediction } = await predict('wine_string_labels', features);
		assert.equal(difference(prediction, expected, TOLERANCE), undefined);
	});

	for (const [given, expected] of [
		['9007199254740991', '9007199254740991'],
		['9007199254740993', '"9007199254740993"'],
		['"9007199254740993"', '"9007199254740993"'],
		['9223372036854775807', '"9223372036854775807"'],
		['-9223372036854775808', '"-9223372036854775808"'],
		['"42"', '42'],
	]) {
		test(`the int64 ${given} comes back as ${expected}`, async () => {
			const request = `{"modelId": "identity_int64", "features": {"x": [0, ${given}, 1]}}`;
			const { status, body } = await harper.predict(request, { headers: { 'content-type': 'application/json' } });
			assert.equal(status, 200, JSON.stringify(body));
			assert.deepEqual(body.prediction, { y: [0, JSON.parse(expected), 1] });
		});
	}

	const mixed = { petal_length: 1.5, sepal_length: 4.6, species: 'setosa' };
	for (const [what, modelId, features, said] of [
		['too few numbers', 'iris', { float_input: [1, 2, 3] }, /float_input.*\[3\]/],
		['a batch of wrong rows', 'iris', { float_input: [[1, 2, 3]] }, /float_input.*\[1, 3\]/],
		['a ragged batch', 'iris', { float_input: [SETOSA, [1, 2]] }, /ragged/],
		['a list beside a number', 'iris', { float_input: [1, [2], 3, 4] }, /ragged/],
		[
			'a shape that does not fit the data',
			'iris',
			{ float_input: { data: SETOSA, shape: [2, 4] } },
			/\[2, 4\].*4 values/,
		],
		[
			'a shape that does not fit the model',
			'iris',
			{ float_input: { data: SETOSA, shape: [4] } },
			/float_input.*\[4\]/,
		],
		['a negative shape', 'iris', { float_input: { data: SETOSA, shape: [-1, 4] } }, /shape.*\[-1,4\]/],
		['an object', 'iris', { float_input: { 0: 1 } }, /\{data, shape\}/],
		['a text for a number', 'iris', { float_input: [1, 2, 3, '4'] }, /float32.*"4"/],
		['a number beyond float32', 'iris', { float_input: [1, 2, 3, 1e39] }, /float32/],
		['1.5 for an int64', 'identity_int64', { x: [1.5, 2, 3] }, /int64.*1\.5/],
		['null for an int64', 'identity_int64', { x: [null, 2, 3] }, /int64.*null/],
		['2^63 for an int64', 'identity_int64', { x: ['9223372036854775808', 2, 3] }, /int64/],
		['128 for an int8', 'identity_int8', { x: [128, 2, 3] }, /128.*int8/],
		['-1 for a uint8', 'identity_uint8', { x: [-1, 2, 3] }, /-1.*uint8/],
		['a number for a text', 'review_tfidf', { text: 7 }, /string.*7/],
		['2 for a boolean', 'identity_bool', { x: [2, 0] }, /boolean, 0 or 1, received 2/],
		['a missing column', 'iris_mixed_columns', { petal_length: 1.5, sepal_length: 4.6 }, /"species" is missing/],
		['an unknown column', 'iris_mixed_columns', { ...mixed, sepal_width: 1 }, /"sepal_width".*"species"/],
		['columns of different lengths', 'iris_mixed_columns', { ...mixed, species: [['a'], ['b']] }, /received 1 and 2/],
		['no features', 'iris_mixed_columns', {}, /is missing/],
	]) {
		test(`${what} is refused`, async () => {
			const { status, body } = await harper.predict({ modelId, features });
			assert.equal(status, 422, JSON.stringify(body));
			assert.ok(['INVALID_INPUT', 'RUN_FAILED'].includes(body.code), body.code);
			assert.match(body.error, said);
		});
	}

	test('a wrong name lists the right ones', async () => {
		const { body } = await harper.predict({ modelId: 'iris_mixed_columns', features: { ...mixed, petal_len: 1 } });
		assert.deepEqual([body.code, body.details.inputs.sort()], ['INVALID_INPUT', Object.keys(mixed).sort()]);
	});
});

describe('the request', () => {
	const valid = { modelId: 'iris', features: { float_input: SETOSA } };

	for (const [what, change, status, code, said] of [
		['no modelId', { modelId: undefined }, 400, 'INVALID_REQUEST', /modelId/],
		['a modelId that is a number', { modelId: 7 }, 400, 'INVALID_REQUEST', /modelId.*7/],
		['a modelId that is none', { modelId: '../iris' }, 400, 'INVALID_REQUEST', /modelId.*\.\.\/iris/],
		['an unknown model', { modelId: 'nobody' }, 404, 'MODEL_NOT_FOUND', /nobody/],
		['an unknown version', { version: 'v9' }, 404, 'MODEL_NOT_FOUND', /v9/],
		['the version "latest"', { version: 'latest' }, 404, 'MODEL_NOT_FOUND', /latest/],
		['no features', { features: undefined }, 400, 'INVALID_REQUEST', /features/],
		['features that are a list', { features: [1] }, 400, 'INVALID_REQUEST', /features.*object/],
		['a misspelt field', { timeoutMS: 5 }, 400, 'INVALID_REQUEST', /"timeoutMS".*"timeoutMs"/],
		['another misspelt field', { userid: 'u' }, 400, 'INVALID_REQUEST', /"userid".*"userId"/],
		['a timeout of 0', { timeoutMs: 0 }, 400, 'INVALID_REQUEST', /timeoutMs.*0/],
		['a timeout that is a text', { timeoutMs: '5' }, 400, 'INVALID_REQUEST', /timeoutMs/],
		['record that is no boolean', { record: 'no' }, 400, 'INVALID_REQUEST', /record.*"no"/],
		['a userId that is a number', { userId: 1 }, 400, 'INVALID_REQUEST', /userId.*1/],
		['outputs that are a text', { outputs: 'y' }, 400, 'INVALID_REQUEST', /outputs/],
		['an unknown output', { outputs: ['y'] }, 422, 'INVALID_INPUT', /"y".*output_label/],
		['an output twice', { outputs: ['output_label', 'output_label'] }, 422, 'INVALID_INPUT', /twice/],
	]) {
		test(`with ${what} is refused`, async () => {
			const answer = await harper.predict({ ...valid, ...change });
			assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
			assert.match(answer.body.error, said);
		});
	}

	for (const [what, body] of [
		['nothing', ''],
		['half of it', '{"modelId": "iris"'],
		['a comma too many', '{"modelId": "iris",}'],
		['a literal NaN', '{"modelId": "iris", "features": {"float_input": [NaN, 1, 2, 3]}}'],
		['single quotes', "{'modelId': 'iris'}"],
		['something after the end', '{"modelId": "iris"} {}'],
		['a byte order mark', '\ufeff{"modelId": "iris"}'],
		['bytes that are no UTF-8', Buffer.from('7b22ff223a317d', 'hex')],
	]) {
		test(`of malformed JSON, ${what}, is refused`, async () => {
			const answer = await harper.predict(body, { headers: { 'content-type': 'application/json' } });
			assert.deepEqual([answer.status, answer.body.code], [400, 'INVALID_JSON'], JSON.stringify(answer.body));
		});
	}

	test('of another type than JSON is refused', async () => {
		const answer = await harper.predict(JSON.stringify(valid), { headers: { 'content-type': 'text/csv' } });
		assert.deepEqual([answer.status, answer.body.code], [415, 'UNSUPPORTED_MEDIA_TYPE']);
	});

	test('that takes longer than timeoutMs is 504, and others are answered meanwhile', async () => {
		const timeoutMs = 400;
		const startedAt = performance.now();
		const answered = [];
		const late = harper
			.predict({ modelId: 'endless_loop', features: { x: [1] }, timeoutMs })
			.finally(() => answered.push('late'));
		await predict('iris', { float_input: SETOSA });
		answered.push('other');
		const { status, body } = await late;
		assert.deepEqual([status, body.code], [504, 'DEADLINE_EXCEEDED']);
		assert.deepEqual(answered, ['other', 'late']);
		assert.ok(performance.now() - startedAt >= timeoutMs, 'not before its time');
	});

	for (const [protocol, path, body] of [
		['/predict', '/predict', { modelId: 'endless_loop', features: { x: [1] } }],
		[
			'the Open Inference Protocol',
			'/v2/models/endless_loop/infer',
			{ inputs: [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }] },
		],
		['TensorFlow Serving', '/v1/models/endless_loop:predict', { inputs: { x: [1] } }],
	]) {
		test(`of a caller who leaves is stopped: ${protocol}`, async () => {
			const running = async () => (await harper.get('/status')).body.running;
			const leaving = new AbortController();
			const request = harper.request('POST', path, { body, signal: leaving.signal });
			const left = assert.rejects(request);
			await until('a run', async () => (await running()) > 0);
			leaving.abort();
			await left;
			await until('the end of the run', async () => (await running()) === 0);
		});
	}

	test('with record: false leaves no event', async () => {
		await predict('iris', { float_input: SETOSA }, { userId: 'recorded' });
		await predict('iris', { float_input: SETOSA }, { userId: 'recorded', record: false });
		assert.equal(await eventCount('userId=recorded'), 1);
	});

	for (const [what, modelId, features, fields, code] of [
		['fails', 'int64_div_zero', { a: [1], b: [0] }, {}, 'RUN_FAILED'],
		['takes too long', 'endless_loop', { x: [1] }, { timeoutMs: 200 }, 'DEADLINE_EXCEEDED'],
	]) {
		test(`whose run ${what} leaves an event with the error, unless record is false`, async () => {
			for (const record of [true, false]) {
				const { body } = await harper.predict({ modelId, features, record, userId: `run ${what}`, ...fields });
				assert.equal(body.code, code);
			}
			const { body } = await harper.get(`/monitoring/events?userId=${encodeURIComponent(`run ${what}`)}`);
			assert.equal(body.count, 1);
			const [event] = body.events;
			assert.equal(event.error.code, code);
			assert.deepEqual(JSON.parse(event.featuresIn), features);
			assert.equal(event.prediction, undefined);
		});
	}

	test('that does not fit the model leaves no event', async () => {
		await harper.predict({ modelId: 'iris', features: { float_input: [1] }, userId: 'misfit' });
		assert.equal(await eventCount('userId=misfit'), 0);
	});
});

describe('confidence', () => {
	const { exp } = Math;
	const [softest, softmax] = [exp(2) / (exp(0) + exp(1) + exp(2)), [0, 1, 2]];
	const sigmoid = (x) => 1 / (1 + exp(-x));
	for (const [what, modelId, features, expected] of [
		['is the largest probability of a class map', 'iris', caseOf('iris', 0).features, 0.8370164472616568],
		['is a list for a batch', 'review_tfidf', caseOf('review_tfidf', 1).features, [0.85062506, 0.81042984, 0.76032158]],
		['is a list for a batch of one', 'softmax', { x: [softmax] }, [softest]],
		['is the largest of a probability vector', 'softmax', { x: softmax }, softest],
		['is p for a sigmoid above one half', 'sigmoid', { x: 2 }, sigmoid(2)],
		['is 1 - p for a sigmoid below one half', 'sigmoid', { x: -2 }, sigmoid(2)],
		['is a list for a batch of sigmoids', 'sigmoid', { x: [[2], [-3]] }, [sigmoid(2), sigmoid(3)]],
		['is null for a number that happens to lie within [0, 1]', 'relu', { x: 0.25 }, null],
		['is null for a regression', 'linear_float64', caseOf('linear_float64', 0).features, null],
		['is null for values that do not sum to 1', 'identity_float', { x: [0.5, 0.5, 0.5, 0, 0, 0] }, null],
		['is null for shares that sum to 1 without a softmax', 'identity_float', { x: [0.5, 0.3, 0.2, 0, 0, 0] }, null],
		['is of each row for itself', 'softmax', { x: [softmax, [null, 0, 0]] }, [softest, null]],
		['is null for labels alone', 'identity_int64', { x: [0, 1, 0] }, null],
	]) {
		test(what, async () => {
			const { confidence } = await predict(modelId, features);
			const [rows, expectedRows] = [confidence, expected].map((value) => [value].flat());
			assert.equal(Array.isArray(confidence), Array.isArray(expected));
			assert.deepEqual(
				rows.map((row) => row === null),
				expectedRows.map((row) => row === null)
			);
			for (const [at, row] of rows.entries()) {
				if (row !== null) assert.equal(difference(row, expectedRows[at], TOLERANCE), undefined);
			}
		});
	}
});
