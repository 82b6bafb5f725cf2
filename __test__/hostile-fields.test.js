// Whatever a caller sends in any field of any route: an answer in the right form, and never one that says that we are at fault.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ADMIN, credentials, startHarper } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';

const IRIS = 'examples/iris/model.onnx';
const SETOSA = [5.1, 3.5, 1.4, 0.2];
const ID = '01900000-0000-7000-8000-000000000000';
const deep = (depth, open = '[', close = ']') => open.repeat(depth) + close.repeat(depth);

/** Values as JSON text. */
const VALUES = {
	null: 'null',
	true: 'true',
	zero: '0',
	'a negative number': '-1',
	'a fraction': '0.5',
	'2^53': '9007199254740992',
	'2^62': '4611686018427387904',
	'2^64': '18446744073709551616',
	'a number beyond float64': '1e999',
	'a large number': '1e308',
	NaN: 'NaN',
	'an empty text': '""',
	'a text': '"x"',
	'a text with NUL': '"\\u0000"',
	'a text with LF': '"a\\nb"',
	'a text with "|"': '"a|b"',
	'half a character': '"\\ud800"',
	__proto__: '"__proto__"',
	'a path': '"../../etc/passwd"',
	'300 bytes': `"${'x'.repeat(300)}"`,
	'1,000 control characters': `"${'\\u0001'.repeat(1000)}"`,
	'1,024 bytes': `"${'x'.repeat(1024)}"`,
	'2,000 bytes': `"${'x'.repeat(2000)}"`,
	'100,000 bytes': `"${'x'.repeat(100_000)}"`,
	'an empty list': '[]',
	'a list of null': '[null]',
	'an empty object': '{}',
	'an object with __proto__': '{"__proto__":{"a":1}}',
	'an object with a name twice': '{"a":1,"a":2}',
	'64 lists': deep(64),
	'20,000 lists': deep(20_000),
	'20,000 objects': `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
	'a shape without elements': '[0,4611686018427387904]',
	'an empty shape': '{"data":[],"shape":[0,4611686018427387904]}',
	'a shape of large sizes': '{"data":[1],"shape":[4294967295,4294967295,4294967295]}',
	'a shape of fractions': '{"data":[1],"shape":[0.5]}',
	'a shape below zero': '{"data":[1],"shape":[-1]}',
};

/** Routes with a body that is right, whose every part is replaced in turn. */
const BODIES = [
	[
		'POST',
		'/predict',
		{
			modelId: 'iris',
			version: 'v1',
			features: { float_input: SETOSA },
			userId: 'u',
			sessionId: 's',
			requestId: 'r',
			entityId: 'e',
			outputs: ['label'],
			labels: false,
			timeoutMs: 1000,
			priority: 0,
			record: true,
		},
	],
	['POST', '/predict', { modelId: 'iris', features: { float_input: { data: SETOSA, shape: [1, 4] } } }],
	['POST', '/predict', { modelId: 'any', features: { x: { data: [1, 2], shape: [1, 2] } } }],
	['POST', '/v2/models/any/infer', { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] }],
	['POST', '/v1/models/any:predict', { instances: [[1, 2]] }],
	[
		'POST',
		'/predict/batch',
		{
			modelId: 'iris',
			version: 'v1',
			userId: 'u',
			sessionId: 's',
			requestId: 'r',
			outputs: ['label'],
			rows: [{ float_input: SETOSA }],
		},
	],
	['POST', '/feedback', { inferenceId: ID, outcome: { a: 1 }, correct: true }],
	['PUT', '/features/e', { features: { a: 1 }, timestamp: 1 }],
	['PATCH', '/model/iris/v1', { stage: 'staging', metadata: { a: 1 } }],
	[
		'POST',
		'/jobs/predict',
		{
			modelId: 'iris',
			version: 'v1',
			source: {
				database: 'edge_hostile',
				table: 'Source',
				conditions: [
					{ attribute: 'id', comparator: 'equals', value: 'a' },
					{ operator: 'or', conditions: [{ attribute: 'id', value: 'b' }] },
				],
				fields: { float_input: ['a', 'b', 'c', 'd'] },
			},
			target: { database: 'edge_hostile', table: 'Target', fields: { y: 'prediction' } },
			record: false,
			timeoutMs: 1000,
		},
	],
	[
		'POST',
		'/benchmark/compare',
		{ models: [{ modelId: 'iris', version: 'v1' }], features: { float_input: SETOSA }, iterations: 1 },
	],
	['POST', '/v1/models/iris:predict', { signature_name: 'serving_default', instances: [SETOSA] }],
	['POST', '/v1/models/iris:predict', { instances: [{ float_input: SETOSA }] }],
	['POST', '/v1/models/iris:predict', { inputs: { float_input: [SETOSA] } }],
	[
		'POST',
		'/v2/models/iris/infer',
		{
			id: 'r',
			parameters: { userId: 'u', sessionId: 's', record: true, priority: 1, timeout: 1e6, binary_data_output: false },
			inputs: [{ name: 'float_input', datatype: 'FP32', shape: [1, 4], parameters: { a: 1 }, data: SETOSA }],
			outputs: [{ name: 'label', parameters: { binary_data: false } }],
		},
	],
	['POST', '/v2/logging', { log_file: '', log_info: false, log_verbose_level: 0 }],
	['POST', '/v2/trace/setting', { trace_level: ['OFF'], trace_rate: '0' }],
	['POST', '/v2/repository/index', { ready: true }],
	['POST', '/v2/repository/models/iris/load', { parameters: {} }],
	['POST', '/v2/repository/models/iris/unload', { parameters: { unload_dependents: false } }],
];

/** Texts for parts of a path and parameters. */
const TEXTS = {
	'a space': ' ',
	NUL: '\0',
	LF: '\n',
	'"|"': 'a|b',
	__proto__: '__proto__',
	'the largest number': '1e308',
	NaN: 'NaN',
	'below zero': '-1',
	'1,000 control characters': '\x01'.repeat(1000),
	'1,500 bytes': 'x'.repeat(1500),
	'2,000 bytes': 'x'.repeat(2000),
	'6,000 bytes': 'x'.repeat(6000),
	'700 characters of three bytes': '日'.repeat(700),
};

/** Routes with a part to be replaced, marked by "*". */
const PATHS = [
	['GET', '/model/*/v1'],
	['GET', '/model/iris/*'],
	['GET', '/model/*/*/file'],
	['GET', '/model/iris/v1/file?name=*'],
	['GET', '/model/iris/v1/file/*'],
	['GET', '/model/*/v1/file/a/b'],
	['GET', '/model/versions?modelId=*'],
	['DELETE', '/model/*/*'],
	['GET', '/jobs/*'],
	['DELETE', '/jobs/*'],
	['GET', '/jobs?cursor=*'],
	['GET', '/jobs?limit=*'],
	['GET', '/jobs?state=*'],
	['GET', '/features/*'],
	['GET', '/features/e?names=*'],
	['GET', '/features/e?asOf=*'],
	...['modelId', 'version', 'userId', 'sessionId', 'startTime', 'endTime', 'limit', 'cursor'].map((name) => [
		'GET',
		`/monitoring/events?${name}=*`,
	]),
	['GET', '/monitoring/metrics?modelId=*'],
	['GET', '/monitoring/metrics?modelId=iris&version=*'],
	['GET', '/status?*=1'],
	['GET', '/v1/models/*'],
	['GET', '/v1/models/iris/labels/*'],
	['GET', '/v1/models/iris/versions/*/metadata'],
	['GET', '/v2/models/*'],
	['GET', '/v2/models/iris/versions/*/stats'],
	['GET', '/v2/systemsharedmemory/region/*/status'],
	['POST', '/v2/repository/models/*/load'],
	['POST', '/predict/batch?modelId=*', '[]'],
	...['version', 'userId', 'sessionId', 'segment', 'requestId', 'outputs', 'timeoutMs', 'priority', 'record'].map(
		(name) => ['POST', `/predict/batch?modelId=iris&${name}=*`, JSON.stringify([{ float_input: SETOSA }])]
	),
	['PUT', '/features/*', '{"features":{}}'],
	['PATCH', '/model/*/*', '{"stage":"staging"}'],
];

const FIELDS = ['modelId', 'version', 'framework', 'inputSchema', 'outputSchema', 'metadata', 'stage'];

let harper;
before(async () => {
	harper = await startHarper({ threads: 1 });
	assert.equal((await harper.upload({ modelId: 'iris', version: 'v1' }, [IRIS])).status, 201);
	const content = onnxModel({
		nodes: [['Identity', ['x'], ['y']]],
		inputs: [['x', FLOAT, ['N', 'M']]],
		outputs: [['y', FLOAT, ['N', 'M']]],
	});
	assert.equal((await harper.upload({ modelId: 'any', version: 'v1' }, [{ name: 'm.onnx', content }])).status, 201);
	for (const table of ['Source', 'Target']) {
		await harper.operation({ operation: 'create_table', database: 'edge_hostile', table, primary_key: 'id' });
	}
});
after(() => harper?.dispose());

/** Places of an object, each with a way to write the object with other JSON text there. */
function* placesOf(value, name = 'the body', write = (text) => text) {
	yield [name, write];
	if (value === null || typeof value !== 'object') return;
	for (const key of Object.keys(value)) {
		const others = (text) => {
			const parts = Object.entries(value).map(([other, part]) => {
				const own = other === key ? text : JSON.stringify(part);
				return Array.isArray(value) ? own : `${JSON.stringify(other)}:${own}`;
			});
			return write(Array.isArray(value) ? `[${parts.join(',')}]` : `{${parts.join(',')}}`);
		};
		yield* placesOf(value[key], `${name}.${key}`, others);
	}
}

async function isAnswered(what, method, path, body, type = 'application/json') {
	const headers = { ...credentials(ADMIN), ...(body === undefined ? {} : { 'content-type': type }) };
	const response = await fetch(harper.base + path, { method, headers, body });
	const text = await response.text();
	const shown = `${what}: ${response.status} ${text.slice(0, 300)}`;
	assert.ok(response.status < 500 || response.status === 501, shown);
	if (response.status < 400) {
		// A batch tells of each row in a line of its own.
		assert.ok(!text.includes('"INTERNAL"'), shown);
		return;
	}
	assert.match(response.headers.get('content-type'), /^application\/json/, shown);
	const answer = JSON.parse(text);
	assert.equal(typeof answer.error, 'string', shown);
	const isProtocol = /^\/v[12]\//.test(path);
	assert.deepEqual(
		Object.keys(answer).sort(),
		isProtocol ? ['error'] : [...('details' in answer ? ['code', 'details', 'error'] : ['code', 'error'])],
		shown
	);
	assert.ok(text.length < 4000, shown);
}

for (const [method, path, body] of BODIES) {
	describe(`${method} ${path}`, () => {
		for (const [place, write] of placesOf(body)) {
			test(`${place} may be anything`, async () => {
				for (const [what, text] of Object.entries(VALUES)) {
					await isAnswered(`${place} is ${what}`, method, path, write(text));
				}
			});
		}

		test('a field that is given twice is refused, and null for an optional one is absence', async () => {
			const [name] = Object.keys(body);
			const twice = `{${JSON.stringify(name)}:${JSON.stringify(body[name])},${JSON.stringify(body).slice(1)}`;
			const { status, body: answer } = await harper.request(method, path, {
				body: twice,
				headers: { 'content-type': 'application/json' },
			});
			assert.deepEqual([status, /twice/.test(answer.error)], [400, true], JSON.stringify(answer));
		});
	});
}

describe('paths and parameters', () => {
	for (const [method, path, body] of PATHS) {
		test(`${method} ${path}`, async () => {
			for (const [what, text] of Object.entries(TEXTS)) {
				await isAnswered(what, method, path.replaceAll('*', encodeURIComponent(text)), body);
			}
		});
	}
});

describe('uploads', () => {
	for (const field of FIELDS) {
		test(`${field} may be anything`, async () => {
			for (const [what, value] of [...Object.entries(TEXTS), ...Object.entries(VALUES)]) {
				const form = new FormData();
				for (const [name, text] of Object.entries({ modelId: 'm', version: 'v', [field]: value })) {
					form.append(name, text);
				}
				form.append('file', new Blob(['no model']), 'model.onnx');
				const response = await fetch(`${harper.base}/model/upload`, {
					method: 'POST',
					headers: credentials(ADMIN),
					body: form,
				});
				const text = await response.text();
				assert.ok(response.status >= 400 && response.status < 500, `${what}: ${response.status} ${text.slice(0, 300)}`);
				assert.equal(typeof JSON.parse(text).code, 'string');
			}
		});
	}

	test('JSON in fields is checked as that of bodies is', async () => {
		for (const field of ['metadata', 'inputSchema', 'outputSchema']) {
			for (const [value, part] of [
				[deep(20_000), '64 deep'],
				['{"a":1,"a":2}', 'twice'],
				['{', 'JSON'],
			]) {
				const { status, body } = await harper.upload({ modelId: 'm', version: 'v', [field]: value }, [IRIS]);
				assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST']);
				assert.ok(body.error.startsWith(field) && body.error.includes(part), body.error);
			}
		}
	});

	for (const [what, name, isTaken] of [
		['NUL', 'y\0z', false],
		['LF', 'y\nz', true],
		['a quote', 'y"z', true],
		['nothing but a space', ' ', true],
		['"|"', 'y|z', true],
	]) {
		test(`an output with ${what} in its name ${isTaken ? 'works' : 'is refused at once'}`, async () => {
			for (const [input, output] of [
				['x', name],
				[name, 'out'],
			]) {
				const content = onnxModel({
					nodes: [['Identity', [input], [output]]],
					inputs: [[input, FLOAT, ['N']]],
					outputs: [[output, FLOAT, ['N']]],
				});
				const modelId = `named-${Buffer.from(input + output).toString('hex')}`;
				const { status, body } = await harper.upload({ modelId, version: 'v' }, [{ name: 'm.onnx', content }]);
				assert.equal(status, isTaken ? 201 : 422, JSON.stringify(body));
				if (!isTaken) continue;
				const predicted = await harper.predict({ modelId, features: { [input]: [1, 2] } });
				assert.deepEqual([predicted.status, predicted.body.prediction], [200, { [output]: [1, 2] }]);
				const inputs = [{ name: input, datatype: 'FP32', shape: [2], data: [1, 2] }];
				const answer = await harper.request('POST', `/v2/models/${modelId}/infer`, { body: { inputs } });
				assert.deepEqual([answer.status, answer.body.outputs?.[0].name], [200, output], JSON.stringify(answer.body));
			}
		});
	}
});

describe('how bodies are read', () => {
	const json = { 'content-type': 'application/json' };

	for (const depth of [2000, 16_000, 400_000]) {
		test(`${depth} lists in each other are refused at once on every protocol`, async () => {
			const lists = deep(depth);
			for (const [path, body] of [
				['/predict', `{"modelId":"iris","features":{"float_input":${lists}}}`],
				['/v1/models/iris:predict', `{"instances":${lists}}`],
				['/v1/models/iris:predict', `{"instances":[{"float_input":${lists}}]}`],
				['/v1/models/iris:predict', `{"inputs":${lists}}`],
				[
					'/v2/models/iris/infer',
					`{"inputs":[{"name":"float_input","datatype":"FP32","shape":[1,4],"data":${lists}}]}`,
				],
				['/v2/models/iris/infer', `{"inputs":${lists}}`],
			]) {
				const { status, body: answer } = await harper.request('POST', path, { body, headers: json });
				assert.deepEqual([status, /64 deep/.test(answer.error)], [400, true], `${path}: ${JSON.stringify(answer)}`);
			}
		});
	}

	/** Bodies whose reading took time by the square of their length. */
	const LONG = {
		'a CSV of 1,000,000 columns': [
			'/predict/batch?modelId=iris',
			'text/csv',
			`${Array.from({ length: 1_000_000 }, (_, at) => `float_input[${at}]`).join(',')}\n1\n`,
		],
		'1,000,000 empty columns': ['/predict/batch?modelId=iris', 'text/csv', `${','.repeat(1_000_000)}\n1\n`],
		'many lists before the rows': [
			'/predict/batch',
			json['content-type'],
			`{"a":[${'],"a":['.repeat(140_000)}],"rows":[]}`,
		],
		'63 lists around 1,000,000 numbers': [
			'/v2/models/iris/infer',
			json['content-type'],
			`{"inputs":[{"name":"float_input","datatype":"FP32","shape":[1,4],"data":${'['.repeat(60)}${'1,'.repeat(1_000_000)}1${']'.repeat(60)}}]}`,
		],
		'1,000,000 fields': [
			'/feedback',
			json['content-type'],
			`{${Array.from({ length: 1_000_000 }, (_, at) => `"f${at}":1`).join(',')}}`,
		],
		'1,000,000 inputs': ['/v2/models/iris/infer', json['content-type'], `{"inputs":[${'1,'.repeat(1_000_000)}1]}`],
		'1,000,000 instances of other names': [
			'/v1/models/iris:predict',
			json['content-type'],
			`{"instances":[${'{"a":1},'.repeat(1_000_000)}{}]}`,
		],
	};
	for (const [what, [path, type, body]] of Object.entries(LONG)) {
		test(`${what} are refused while others are answered`, { timeout: 60_000 }, async () => {
			const answer = await harper.request('POST', path, { body, headers: { 'content-type': type } });
			assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${JSON.stringify(answer.body)}`);
		});
	}

	test('rows begin only where a list of rows can', async () => {
		for (const [body, status] of [
			['[]', 400],
			[' \n[{"float_input":[1,2,3,4]}]', 200],
			['{"modelId":"iris","rows" :\n[{"float_input":[1,2,3,4]}]}', 200],
			['x[{"float_input":[1,2,3,4]}]', 400],
			['{}[{"float_input":[1,2,3,4]}]', 400],
			['"rows":[{"float_input":[1,2,3,4]}]', 400],
			['{"modelId":"iris","x":"\\"rows\\":",[{"float_input":[1,2,3,4]}]}', 400],
			['{"modelId":"iris","record":["rows"],"rows":[{"float_input":[1,2,3,4]}]}', 400],
			['{"modelId":"iris","rows":1,"rows":[{"float_input":[1,2,3,4]}]}', 400],
		]) {
			const query = body.trim().startsWith('{"modelId') ? '' : '?modelId=iris';
			const answer = await harper.request('POST', `/predict/batch${query}`, { body, headers: json });
			const isEmpty = body === '[]';
			assert.equal(answer.status, isEmpty ? 200 : status, `${body}: ${answer.body}`);
		}
	});
});
