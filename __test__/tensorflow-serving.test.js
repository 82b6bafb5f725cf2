// TensorFlow Serving's REST interface, with what KServe's v1 adds to it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { models } from './support/fixtures.js';
import { ADMIN, credentials, startHarper } from './support/harper.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const VIRGINICA = [6.7, 2.5, 5.8, 1.8];
const ROLES = ['viewer', 'predictor', 'operator'];

let harper;
before(async () => {
	harper = await startHarper();
	for (const role of ROLES) await harper.addUser(role);
	const uploads = [
		...models.map(({ name, file }) => [name, '1', file]),
		['versions', 'a', '__test__/fixtures/identity_float.onnx'],
		['versions', 'b', '__test__/fixtures/identity_float.onnx'],
		['versions', 'c', '__test__/fixtures/identity_float.onnx'],
	];
	for (const [modelId, version, file] of uploads) {
		const { status, body } = await harper.upload({ modelId, version }, [file]);
		assert.equal(status, 201, `${modelId}: ${JSON.stringify(body)}`);
	}
	for (const [version, stage] of [
		['a', 'production'],
		['b', 'production'],
	]) {
		await harper.request('PATCH', `/model/versions/${version}`, { body: { stage } });
	}
});
after(() => harper?.dispose());

const send = (model, body, how) => harper.request('POST', `/v1/models/${model}:predict`, { body, ...how });

/** A prediction that succeeds. */
async function predicted(model, body, how) {
	const answer = await send(model, body, how);
	assert.equal(answer.status, 200, JSON.stringify(answer.body));
	return answer.body;
}

const plain = async (modelId, features) => {
	const { status, body } = await harper.predict({ modelId, features });
	assert.equal(status, 200, JSON.stringify(body));
	return body.prediction;
};

describe('status', () => {
	test('lists the versions, the newest first, and says that the model is ready', async () => {
		const { body } = await harper.get('/v1/models/versions');
		assert.deepEqual([body.name, body.ready], ['versions', true]);
		assert.deepEqual(
			body.model_version_status.map(({ version }) => version),
			['c', 'b', 'a']
		);
		for (const { state, status } of body.model_version_status) {
			assert.deepEqual([state, status], ['AVAILABLE', { error_code: 'OK', error_message: '' }]);
		}
	});

	for (const [path, version] of [
		['versions/a', 'a'],
		['labels/production', 'b'],
		['labels/development', 'c'],
		['labels/latest', 'c'],
	]) {
		test(`of ${path} is that of one version`, async () => {
			const { body } = await harper.get(`/v1/models/versions/${path}`);
			assert.deepEqual(
				body.model_version_status.map((entry) => entry.version),
				[version]
			);
			const metadata = await harper.get(`/v1/models/versions/${path}/metadata`);
			assert.equal(metadata.body.model_spec.version, version);
		});
	}

	for (const [path, status] of [
		['nobody', 404],
		['versions/versions/z', 404],
		['versions/labels/staging', 404],
		['versions/labels/canary', 400],
	]) {
		test(`of ${path} is ${status}`, async () => {
			for (const suffix of ['', '/metadata']) {
				const answer = await harper.get(`/v1/models/${path}${suffix}`);
				assert.deepEqual([answer.status, Object.keys(answer.body)], [status, ['error']]);
			}
			const answer = await send(path, { instances: [[1]] });
			assert.deepEqual([answer.status, Object.keys(answer.body)], [status, ['error']]);
		});
	}
});

test('the metadata is the signature in the words of TensorFlow', async () => {
	const { body } = await harper.get('/v1/models/iris_mixed_columns/metadata');
	const { inputs, outputs, method_name: method } = body.metadata.signature_def.signature_def.serving_default;
	const column = [
		{ size: '-1', name: '' },
		{ size: '1', name: '' },
	];
	assert.deepEqual(inputs.species, {
		name: 'species',
		dtype: 'DT_STRING',
		tensor_shape: { dim: column, unknown_rank: false },
	});
	assert.equal(outputs.variable.dtype, 'DT_FLOAT');
	assert.equal(method, 'tensorflow/serving/predict');
	const named = (await harper.get('/v1/models/identity_float/metadata')).body.metadata.signature_def.signature_def;
	assert.deepEqual(named.serving_default.inputs.x.tensor_shape.dim[0], { size: '-1', name: 'rows' });
});

describe('rows', () => {
	test('of the one input give a prediction each', async () => {
		const instances = [
			[1, 2, 3, 4, 5, 6],
			[0.1, 0, 0, 0, 0, -1],
		];
		assert.deepEqual(await predicted('identity_float', { instances }), { predictions: instances });
	});

	test('that are one row are still a list', async () => {
		const instances = [[1, 2, 3, 4, 5, 6]];
		assert.deepEqual(await predicted('identity_float', { instances }), { predictions: instances });
	});

	test('of several outputs give objects', async () => {
		const { predictions } = await predicted('iris', { instances: [SETOSA, VIRGINICA] });
		const { output_label: labels, output_probability: probabilities } = await plain('iris', {
			float_input: [SETOSA, VIRGINICA],
		});
		assert.deepEqual(
			predictions,
			labels.map((label, at) => ({ output_label: label, output_probability: probabilities[at] }))
		);
	});

	test('may name the inputs', async () => {
		const rows = [
			{ species: 'setosa', petal_length: 1.5, sepal_length: 4.6 },
			{ petal_length: 5, sepal_length: 6.7, species: 'versicolor' },
		];
		const expected = await plain('iris_mixed_columns', {
			petal_length: [1.5, 5],
			sepal_length: [4.6, 6.7],
			species: ['setosa', 'versicolor'],
		});
		const whole = { instances: rows };
		assert.deepEqual(await predicted('iris_mixed_columns', whole), { predictions: expected.variable });
		const nested = rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, [value]])));
		assert.deepEqual(await predicted('iris_mixed_columns', { instances: nested }), { predictions: expected.variable });
	});

	test('may hold bytes', async () => {
		const text = 'A LOVELY, clever story';
		const b64 = Buffer.from(text).toString('base64');
		const expected = (await predicted('review_tfidf', { instances: [text] })).predictions;
		assert.equal(expected[0].output_label, 'good');
		for (const instances of [[{ b64 }], [{ text: { b64 } }], [[{ b64 }]]]) {
			assert.deepEqual((await predicted('review_tfidf', { instances })).predictions, expected);
		}
	});

	test('many at once, each get their own', async () => {
		const rows = Array.from({ length: 100 }, (_, at) => [at, at + 0.5, -at - 1, 0, 1, 2]);
		const answers = await Promise.all(
			rows.map(async (row) => (await predicted('identity_float', { instances: [row] })).predictions[0])
		);
		assert.deepEqual(answers, rows);
	});

	test('keep all digits of integers on the way in', async () => {
		const { predictions } = await predicted('identity_int64', '{"instances": [[9007199254740993, -1, 0]]}');
		assert.deepEqual(predictions, [['9007199254740993', -1, 0]]);
	});
});

describe('columns', () => {
	test('of the one input and output have no names', async () => {
		const inputs = [[1, 2, 3, 4, 5, 6]];
		assert.deepEqual(await predicted('identity_float', { inputs }), { outputs: inputs });
		assert.deepEqual(await predicted('identity_float', { inputs: { x: inputs } }), { outputs: inputs });
	});

	test('of several outputs have names', async () => {
		const { outputs } = await predicted('iris', { inputs: [SETOSA, VIRGINICA] });
		assert.deepEqual(outputs, await plain('iris', { float_input: [SETOSA, VIRGINICA] }));
	});

	test('of several inputs have names', async () => {
		const inputs = { petal_length: [1.5, 5], sepal_length: [[4.6], [6.7]], species: ['setosa', 'versicolor'] };
		const features = { ...inputs, sepal_length: [4.6, 6.7] };
		const { outputs } = await predicted('iris_mixed_columns', { inputs });
		assert.deepEqual(outputs, (await plain('iris_mixed_columns', features)).variable);
	});
});

describe('a prediction', () => {
	test('comes from the version or label of the path', async () => {
		const instances = [[1, 2, 3, 4, 5, 6]];
		for (const [path, version] of [
			['versions', 'c'],
			['versions/versions/a', 'a'],
			['versions/labels/production', 'b'],
			['versions/labels/latest', 'c'],
		]) {
			const { status, headers } = await send(path, { instances, signature_name: 'serving_default' });
			assert.equal(status, 200, path);
			const { body } = await harper.get('/monitoring/events?modelId=versions&limit=1');
			assert.equal(body.events[0].modelVersion, version, path);
			assert.equal(body.events[0].id, headers.get('inference-id'));
		}
	});

	test('is an event like any other, and takes feedback', async () => {
		const { headers } = await send('iris', { instances: [SETOSA] });
		const inferenceId = headers.get('inference-id');
		assert.equal((await harper.feedback({ inferenceId, outcome: [0] })).status, 200);
		const { events } = (await harper.get('/monitoring/events?modelId=iris&limit=1')).body;
		assert.equal(events[0].id, inferenceId);
		assert.equal(events[0].correct, true);
		assert.deepEqual(JSON.parse(events[0].featuresIn), { float_input: { data: [SETOSA], shape: [1, 4] } });
	});
});

describe('record', () => {
	const ask = (query) =>
		harper.request('POST', `/v1/models/digits_int64:predict${query}`, {
			body: { inputs: models.find(({ name }) => name === 'digits_int64').cases.at(-1).features },
		});
	const count = async () => (await harper.get('/monitoring/events?modelId=digits_int64')).body.count;

	test('as a parameter says whether there is an event, as of /predict', async () => {
		for (const [query, events] of [
			['?record=false', 0],
			['?record=false&unknown=1', 0],
			['?record=true', 1],
			['', 2],
		]) {
			const { status, body } = await ask(query);
			assert.equal(status, 200, JSON.stringify(body));
			assert.equal(await count(), events, query);
		}
	});

	test('is true or false', async () => {
		for (const value of ['', 'no', '0', 'False']) {
			const { status, body } = await ask(`?record=${value}`);
			assert.deepEqual([status, Object.keys(body)], [400, ['error']]);
			assert.match(body.error, /record must be true or false/);
		}
	});
});

describe('what is refused', () => {
	const mixed = { petal_length: 1.5, sepal_length: 4.6, species: 'setosa' };
	for (const [what, modelId, body, said] of [
		['no body', 'iris', '', /JSON/],
		['malformed JSON', 'iris', '{"instances": [[1, 2}', /JSON/],
		['neither rows nor columns', 'iris', {}, /"instances".*"inputs"/],
		['rows and columns', 'iris', { instances: [SETOSA], inputs: [SETOSA] }, /either/],
		['no rows', 'iris', { instances: [] }, /at least one/],
		['rows that are no list', 'iris', { instances: 5 }, /list/],
		['rows that are too short', 'iris', { instances: [[1, 2, 3]] }, /\[1, 3\]/],
		['ragged rows', 'iris', { instances: [SETOSA, [1]] }, /ragged/],
		['a flat list for rows', 'iris', { instances: SETOSA }, /\[4\]/],
		['another signature', 'iris', { signature_name: 'train', instances: [SETOSA] }, /"train"/],
		['a text for a number', 'iris', { instances: [[1, 2, 3, 'x']] }, /"x"/],
		['no names for several inputs', 'iris_mixed_columns', { instances: [[1]] }, /by name/],
		['an unknown name', 'iris_mixed_columns', { instances: [{ ...mixed, width: 1 }] }, /"width"/],
		['a name that is missing', 'iris_mixed_columns', { inputs: { species: ['setosa'] } }, /is missing/],
		[
			'a row with another name',
			'iris_mixed_columns',
			{ instances: [mixed, { ...mixed, width: 1 }] },
			/instances\[1\].*"width"/,
		],
		['a row without a name', 'iris_mixed_columns', { instances: [mixed, { species: 'a' }] }, /instances\[1\].*lacks/],
		['what is no Base64', 'review_tfidf', { instances: [{ b64: '%%' }] }, /Base64/],
	]) {
		test(what, async () => {
			const answer = await send(modelId, body);
			assert.equal(answer.status, 400, JSON.stringify(answer.body));
			assert.deepEqual(Object.keys(answer.body), ['error']);
			assert.match(answer.body.error, said);
		});
	}

	test('what is no route, and methods that a route does not have', async () => {
		const unknown = await harper.request('POST', '/v1/models/iris:explain', { body: {} });
		assert.deepEqual([unknown.status, Object.keys(unknown.body)], [405, ['error']]);
		const wrong = await harper.request('DELETE', '/v1/models/iris');
		assert.deepEqual([wrong.status, Object.keys(wrong.body)], [405, ['error']]);
	});
});

describe('access', () => {
	const READERS = ['viewer', 'predictor', 'operator'];
	const PREDICTORS = ['predictor', 'operator'];
	const body = { instances: [SETOSA] };
	for (const place of ['', '/versions/1', '/labels/latest']) {
		for (const [method, path, sent, allowed] of [
			['GET', `/v1/models/iris${place}`, undefined, READERS],
			['GET', `/v1/models/iris${place}/metadata`, undefined, READERS],
			['POST', `/v1/models/iris${place}:predict`, body, PREDICTORS],
		]) {
			test(`${method} ${path}`, async () => {
				for (const user of [...ROLES, ADMIN]) {
					const answer = await harper.request(method, path, { body: sent, user });
					assert.equal(answer.status, user === ADMIN || allowed.includes(user) ? 200 : 403, user);
				}
				for (const headers of [{}, credentials(ADMIN, 'guess')]) {
					const answer = await harper.request(method, path, { body: sent, user: null, headers });
					assert.deepEqual([answer.status, Object.keys(answer.body)], [401, ['error']]);
				}
			});
		}
	}
});
