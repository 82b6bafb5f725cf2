// POST /predict/batch against a real Harper.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { credentials, startHarper, ADMIN } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { until, untilStill } from './support/until.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const NDJSON = 'application/x-ndjson';
const JSON_TYPE = 'application/json';
const CSV = 'text/csv';
const MiB = 2 ** 20;

/** y = max(x, 0) for rows of one number: each answer tells its row. */
const RELU = onnxModel({
	nodes: [['Relu', ['x'], ['y']]],
	inputs: [['x', FLOAT, ['rows', 1]]],
	outputs: [['y', FLOAT, ['rows', 1]]],
});

let harper;
before(async () => {
	harper = await startHarper({ variables: { HTTP_TIMEOUT: '600000' } });
	for (const [modelId, file] of [
		['iris', 'examples/iris/model.onnx'],
		['relu', { name: 'model.onnx', content: RELU }],
		['columns', '__test__/fixtures/iris_mixed_columns.onnx'],
		['strings', '__test__/fixtures/identity_string.onnx'],
		['integers', '__test__/fixtures/identity_int64.onnx'],
		['booleans', '__test__/fixtures/identity_bool.onnx'],
		['floats', '__test__/fixtures/identity_float.onnx'],
		['loop', '__test__/fixtures/hostile/endless_loop.onnx'],
	]) {
		const { status, body } = await harper.upload({ modelId, version: 'v1' }, [file]);
		assert.equal(status, 201, JSON.stringify(body));
	}
});
after(() => harper?.dispose());

const send = (query, type, body, headers = {}) =>
	harper.request('POST', `/predict/batch${query}`, { body, headers: { 'content-type': type, ...headers } });

const parsed = (text) =>
	text
		.toString()
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => JSON.parse(line));

/** The answers to a batch that is answered with lines. */
async function answers(query, type, body) {
	const answer = await send(query, type, body);
	assert.equal(answer.status, 200, JSON.stringify(answer.body));
	assert.equal(answer.headers.get('content-type'), NDJSON);
	return parsed(answer.body);
}

const lines = (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const eventCount = async (query) => (await harper.get(`/monitoring/events?limit=1000&${query}`)).body.count;

/** Says that each answer is that of its row: what `relu` makes of its number. */
function assertRelu(given, from, to) {
	assert.deepEqual(
		given.map(({ row, prediction }) => [row, prediction?.y]),
		Array.from({ length: to - from }, (_, at) => [at, [from + at]])
	);
}

describe('rows', () => {
	const rows = Array.from({ length: 3000 }, (_, at) => ({ x: at }));

	for (const [what, query, type, body] of [
		['lines of JSON', '?modelId=relu&record=false', NDJSON, lines(rows)],
		['a list', '?modelId=relu&record=false', JSON_TYPE, JSON.stringify(rows)],
		['an indented list', '?modelId=relu&record=false', JSON_TYPE, JSON.stringify(rows, undefined, '\t')],
		['an object with rows', '', JSON_TYPE, JSON.stringify({ modelId: 'relu', version: 'v1', record: false, rows })],
		['CSV', '?modelId=relu&record=false', CSV, `x\n${rows.map(({ x }) => x).join('\r\n')}`],
	]) {
		test(`come as ${what} and are answered in their order`, async () => {
			assertRelu(await answers(query, type, body), 0, rows.length);
		});
	}

	test('may be cut anywhere by the network', async () => {
		const few = [{ x: 1, '"]},\\': 2 }, { x: 'ü€😀' }, { x: 3 }];
		for (const [type, text] of [
			[NDJSON, lines(few)],
			[JSON_TYPE, JSON.stringify(few)],
			[CSV, 'x\n1\n"2"\n3\n'],
		]) {
			const whole = (await answers('?modelId=relu&record=false', type, text)).map(withoutChance);
			const bytes = Buffer.from(text);
			const single = (async function* () {
				for (const byte of bytes) yield Buffer.of(byte);
			})();
			assert.deepEqual((await answers('?modelId=relu&record=false', type, single)).map(withoutChance), whole);
		}
	});

	test('are answered as single predictions are', async () => {
		const features = { float_input: SETOSA };
		const single = await harper.predict({ modelId: 'iris', features });
		const [row] = await answers('?modelId=iris', NDJSON, lines([features]));
		assert.deepEqual(withoutChance(row), { row: 0, ...withoutChance(single.body) });
		assert.deepEqual(Object.keys(row), ['row', ...Object.keys(single.body)]);
	});

	test('come back as a list when that is asked for', async () => {
		for (const count of [0, 1, 300]) {
			const some = rows.slice(0, count);
			const answer = await send('?modelId=relu', JSON_TYPE, JSON.stringify(some), { accept: JSON_TYPE });
			assert.equal(answer.headers.get('content-type'), JSON_TYPE);
			assertRelu(answer.body, 0, count);
		}
	});

	test('of nothing are nothing', async () => {
		for (const [type, body] of [
			[NDJSON, ''],
			[NDJSON, '\n \r\n'],
			[JSON_TYPE, ' [ ] '],
			[CSV, 'x\n'],
		]) {
			assert.deepEqual(await answers('?modelId=relu', type, body), []);
		}
	});

	test('share what the request says', async () => {
		const row = { float_input: SETOSA };
		const query =
			'?modelId=iris&version=v1&outputs=output_label&timeoutMs=5000&priority=3&userId=u&sessionId=s&requestId=r';
		const [byQuery] = await answers(query, NDJSON, lines([row]));
		assert.deepEqual(byQuery.prediction, { output_label: 0 });
		const fields = {
			modelId: 'iris',
			outputs: ['output_label'],
			timeoutMs: 5000,
			priority: 3,
			userId: 'u',
			rows: [row],
		};
		const [byFields] = await answers('', JSON_TYPE, JSON.stringify(fields));
		assert.deepEqual(byFields.prediction, { output_label: 0 });
		assert.equal(await eventCount('userId=u'), 2);
	});

	test('are events like other predictions, unless record is false', async () => {
		const some = rows.slice(0, 50);
		const recorded = await answers('?modelId=relu&sessionId=recorded', NDJSON, lines(some));
		await answers('?modelId=relu&sessionId=recorded&record=false', NDJSON, lines(some));
		const { body } = await harper.get('/monitoring/events?sessionId=recorded&limit=1000');
		const events = new Map(body.events.map((event) => [event.id, event]));
		assert.equal(events.size, some.length);
		for (const { row, inferenceId } of recorded) {
			assert.deepEqual(JSON.parse(events.get(inferenceId).featuresIn), some[row]);
		}
		const feedback = await harper.feedback({ inferenceId: recorded[7].inferenceId, outcome: 7 });
		assert.equal(feedback.status, 200);
	});

	test('of which some are bad have one error each', async () => {
		const body = [
			'{"x": 0}',
			'{"x": [1, "b"]}',
			'{"x": 2',
			'[3]',
			'{"z": 4, "y": 1}',
			'{"x": 5, "x": 5}',
			'{"x": 6}, "record": false',
			Buffer.from('7b22ff223a317d', 'hex'),
			'{"x": 8}',
		];
		const given = await answers(
			'?modelId=relu',
			NDJSON,
			Buffer.concat(body.flatMap((line) => [Buffer.from(line), Buffer.from('\n')]))
		);
		assert.deepEqual(
			given.map(({ row, code, prediction }) => [row, code ?? prediction.y]),
			[
				[0, [0]],
				[1, 'INVALID_INPUT'],
				[2, 'INVALID_JSON'],
				[3, 'INVALID_REQUEST'],
				[4, 'INVALID_INPUT'],
				[5, 'INVALID_REQUEST'],
				[6, 'INVALID_JSON'],
				[7, 'INVALID_JSON'],
				[8, [8]],
			]
		);
		assert.match(given[2].error, /^the row is not valid JSON/);
	});

	test('whose runs fail do not hold up the others for good, and are recorded', async () => {
		const body = '{"x": [1]}\n{"x": [2]}\n';
		const given = await answers('?modelId=loop&timeoutMs=300&userId=late', NDJSON, body);
		assert.deepEqual(
			given.map(({ row, code }) => [row, code]),
			[
				[0, 'DEADLINE_EXCEEDED'],
				[1, 'DEADLINE_EXCEEDED'],
			]
		);
		assert.equal(await eventCount('userId=late'), 2);
	});

	test('that are answered while others are still to come', async () => {
		const call = open('?modelId=relu&record=false', NDJSON);
		let text = '';
		call.on('response', (response) => response.setEncoding('utf8').on('data', (chunk) => (text += chunk)));
		for (let at = 0; at < 3; at += 1) {
			call.write(`{"x": ${at}}\n`);
			await until('the answer to a row', () => parsed(text.slice(0, text.lastIndexOf('\n') + 1)).length === at + 1);
		}
		call.end();
		assertRelu(parsed(text), 0, 3);
	});
});

describe('CSV', () => {
	test('has quotes, commas, line breaks and a byte order mark as RFC 4180 says', async () => {
		const cells = ['plain', 'with "quotes"', 'a,b', 'two\r\nlines', ' spaces ', '', 'ü€😀'];
		const quoted = cells.map((cell) => `"${cell.replaceAll('"', '""')}"`);
		const body = `\ufeffx[0],x[1],x[2],x[3]\r\n${quoted.map((cell) => `${cell},,"",end`).join('\r\n')}`;
		const given = await answers('?modelId=strings&record=false', CSV, body);
		assert.deepEqual(
			given.map(({ prediction }) => Object.values(prediction)[0]),
			cells.map((cell) => [cell, '', '', 'end'])
		);
	});

	test('columns are inputs by name, in any order', async () => {
		const [given] = await answers('?modelId=columns', CSV, 'species,sepal_length,petal_length\nsetosa,4.6,1.5\n');
		const features = { petal_length: 1.5, sepal_length: 4.6, species: 'setosa' };
		const { body } = await harper.predict({ modelId: 'columns', features });
		assert.deepEqual(given.prediction, body.prediction);
	});

	test('columns are elements of an input, in any order', async () => {
		const header = 'float_input[3],float_input[1],float_input[0],float_input[2]';
		const [given] = await answers('?modelId=iris&userId=elements', CSV, `${header}\n0.2,3.5,5.1,1.4\n`);
		assert.equal(given.prediction.output_label, 0);
		const { body } = await harper.get('/monitoring/events?userId=elements');
		assert.deepEqual(JSON.parse(body.events[0].featuresIn), { float_input: SETOSA });
	});

	test('cells are values of the dtype', async () => {
		const values = async (modelId, text) =>
			(await answers(`?modelId=${modelId}&record=false`, CSV, text)).map(
				({ prediction, code }) => code ?? Object.values(prediction)[0]
			);
		assert.deepEqual(await values('integers', 'x[0],x[1],x[2]\n9223372036854775807,-1,0\n1.5,0,0\na,0,0\n,0,0\n'), [
			['9223372036854775807', -1, 0],
			...Array(3).fill('INVALID_INPUT'),
		]);
		assert.deepEqual(await values('integers', 'x[0],x[1],x[2]\n+5,007,5.\nTrue,5.0,NA\n'), [
			[5, 7, 5],
			'INVALID_INPUT',
		]);
		assert.deepEqual(await values('booleans', 'x[0],x[1]\ntrue,FALSE\n1,0\n1,2\n'), [
			[true, false],
			[true, false],
			'INVALID_INPUT',
		]);
		const header = Array.from({ length: 6 }, (_, at) => `x[${at}]`).join(',');
		assert.deepEqual(await values('floats', `${header}\n1e3, -2 ,NaN,Infinity,-Infinity,\n.5,5.,NA,inf,None,True\n`), [
			[1000, -2, 'NaN', 'Infinity', '-Infinity', 'NaN'],
			[0.5, 5, 'NaN', 'Infinity', 'NaN', 1],
		]);
		const [refused] = await answers('?modelId=integers', CSV, 'x[0],x[1],x[2]\n1,2,NA\n');
		assert.match(refused.error, /expected int64, received "NA"/);
	});

	test('columns without names of inputs are the row of the only one', async () => {
		for (const [query, text] of [
			['&delimiter=semicolon', 'sepal length;sepal width;petal length;petal width\n5.1;3.5;1.4;0.2\n'],
			['&fields=d,c,b,a', 'id,a,b,c,d\n7,0.2,1.4,3.5,5.1\n'],
			['&delimiter=tab', 'a\tb\tc\td\n5.1\t3.5\t1.4\t0.2\n'],
		]) {
			const [given] = await answers(`?modelId=iris&userId=order${query}`, CSV, text);
			assert.equal(given.prediction?.output_label, 0, JSON.stringify(given));
			const { body } = await harper.get('/monitoring/events?userId=order');
			assert.deepEqual(JSON.parse(body.events[0].featuresIn), { float_input: SETOSA });
		}
	});

	test('rows of JSON that pandas writes for columns are told what the input takes', async () => {
		const rows = '[{"sepal length":5.1,"sepal width":3.5},{"float_input":{"0":5.1,"1":4.9}}]';
		const [columns, column] = await answers('?modelId=iris', 'application/json', rows);
		assert.deepEqual([columns.code, column.code], ['INVALID_INPUT', 'INVALID_INPUT']);
		assert.match(columns.error, /no input "sepal length".*one list: \{"float_input": \[\.\.\.\]\}/);
		assert.match(column.error, /expected a list or \{data, shape\}.*orient="list"/);
	});

	test('a record of another length is one bad row, a quote in the wrong place ends the rows', async () => {
		const given = await answers('?modelId=relu', CSV, 'x\n1\n2,3\n4\n"5"6\n7\n');
		assert.deepEqual(
			given.map(({ row, code, prediction }) => [row, code ?? prediction.y]),
			[
				[0, [1]],
				[1, 'INVALID_REQUEST'],
				[2, [4]],
				[undefined, 'INVALID_REQUEST'],
			]
		);
		assert.match(given.at(-1).error, /not valid CSV.*line 5/);
	});

	for (const [what, modelId, body, said] of [
		['no header', 'relu', '', /header/],
		['a column that is no input', 'columns', 'species,sepal_lenght\n', /"sepal_lenght".*"sepal_length"/],
		['too few columns', 'iris', 'a,b,c\n', /4 values.*3 columns.*fields=/],
		['a column twice', 'relu', 'x,x\n', /"x".*twice/],
		['an element twice', 'iris', 'float_input[0],float_input[0]\n', /twice/],
		['a gap between elements', 'iris', 'float_input[0],float_input[4000000000]\n', /"float_input\[1\]" is missing/],
		['an input and its elements', 'iris', 'float_input,float_input[0]\n', /twice/],
		['bytes that are no UTF-8', 'relu', Buffer.from('x\n\xff\n', 'latin1'), /UTF-8/],
	]) {
		test(`with ${what} is refused`, async () => {
			const { status, body: refused } = await send(`?modelId=${modelId}`, CSV, body);
			assert.deepEqual([status, refused.code], [400, 'INVALID_REQUEST'], JSON.stringify(refused));
			assert.match(refused.error, said);
		});
	}
});

describe('the request', () => {
	const row = '{"x": 1}';
	for (const [what, query, type, body, status, code, said] of [
		['no modelId', '', NDJSON, row, 400, 'INVALID_REQUEST', /modelId/],
		['an unknown model', '?modelId=nobody', NDJSON, row, 404, 'MODEL_NOT_FOUND', /nobody/],
		['an unknown version', '?modelId=relu&version=v9', NDJSON, row, 404, 'MODEL_NOT_FOUND', /v9/],
		['an unknown parameter', '?modelId=relu&recrod=false', NDJSON, row, 400, 'INVALID_REQUEST', /"recrod".*"record"/],
		['record that is no boolean', '?modelId=relu&record=no', NDJSON, row, 400, 'INVALID_REQUEST', /record.*"no"/],
		[
			'a timeout that is no number',
			'?modelId=relu&timeoutMs=soon',
			NDJSON,
			row,
			400,
			'INVALID_REQUEST',
			/timeoutMs.*"soon"/,
		],
		[
			'an unknown field',
			'',
			JSON_TYPE,
			`{"modelId": "relu", "model": 1, "rows": [${row}]}`,
			400,
			'INVALID_REQUEST',
			/"model"/,
		],
		[
			'a field twice',
			'',
			JSON_TYPE,
			`{"modelId": "relu", "modelId": "iris", "rows": [${row}]}`,
			400,
			'INVALID_REQUEST',
			/twice/,
		],
		[
			'an entityId',
			'',
			JSON_TYPE,
			`{"modelId": "relu", "entityId": "e", "rows": [${row}]}`,
			400,
			'INVALID_REQUEST',
			/entityId/,
		],
		[
			'fields and parameters',
			'?modelId=relu',
			JSON_TYPE,
			`{"modelId": "relu", "rows": [${row}]}`,
			400,
			'INVALID_REQUEST',
			/modelId/,
		],
		['rows that are no list', '', JSON_TYPE, '{"modelId": "relu", "rows": {}}', 400, 'INVALID_REQUEST', /rows/],
		['no rows', '', JSON_TYPE, '{"modelId": "relu", "outputs": ["y"]}', 400, 'INVALID_REQUEST', /rows/],
		['a list that does not end', '?modelId=relu', JSON_TYPE, '[{"x": 1}', 400, 'INVALID_JSON', /ends too early/],
		['a list that ends twice', '?modelId=relu', JSON_TYPE, '[]]', 400, 'INVALID_JSON', /follows/],
		['a comma too many', '?modelId=relu', JSON_TYPE, '[,]', 400, 'INVALID_JSON', /comma/],
		['another type', '?modelId=relu', 'text/plain', row, 415, 'UNSUPPORTED_MEDIA_TYPE', /text\/csv/],
	]) {
		test(`with ${what} is refused`, async () => {
			const answer = await send(query, type, body);
			assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
			assert.match(answer.body.error, said);
		});
	}

	test('that breaks off behind good rows ends with the reason', async () => {
		for (const [text, code] of [
			['[{"x": 0}, {"x": 1}, ]', 'INVALID_JSON'],
			['[{"x": 0}, {"x": 1}', 'INVALID_JSON'],
			['[{"x": 0}, {"x": 1}] [', 'INVALID_JSON'],
		]) {
			const given = await answers('?modelId=relu', JSON_TYPE, text);
			const last = given.pop();
			assert.deepEqual([last.row, last.code], [undefined, code], text);
			assertRelu(given, 0, text.includes('}]') || text.includes(', ]') ? 2 : 1);
		}
		const wrapped = await answers('', JSON_TYPE, '{"modelId": "relu", "rows": [{"x": 0}], "record": false}');
		assert.match(wrapped.at(-1).error, /rows must be the last field/);
	});

	test('may be as large as it likes, a row may not', async () => {
		const small = await startHarper({ options: { maxBodyBytes: 1000 }, threads: 1 });
		try {
			await small.upload({ modelId: 'relu', version: 'v1' }, [{ name: 'model.onnx', content: RELU }]);
			const long = `{"x": 1, "y": "${'y'.repeat(1000)}"}`;
			for (const [type, many, one] of [
				[NDJSON, '{"x": 0}\n'.repeat(1000), long],
				[JSON_TYPE, `[${Array(1000).fill('{"x": 0}').join()}]`, `[${long}]`],
				[CSV, `x\n${'0\n'.repeat(1000)}`, `x\n${'1'.repeat(3000)}\n`],
			]) {
				const post = (body) =>
					small.request('POST', '/predict/batch?modelId=relu&record=false', {
						body,
						headers: { 'content-type': type },
					});
				assert.equal(parsed((await post(many)).body).length, 1000, type);
				const refused = await post(one);
				const { code } = refused.status === 200 ? parsed(refused.body)[0] : refused.body;
				assert.equal(code, 'TOO_LARGE', type);
			}
		} finally {
			await small.dispose();
		}
	});
});

describe('a long batch', () => {
	const ROWS = 40_000;
	const CHUNK_ROWS = 100;
	/**
	 * More than the process needs for rows in flight (16 MiB of text, 1,024 rows), sockets and a young generation of garbage in
	 * each thread; less than a third of the body.
	 */
	const MAX_GROWTH_BYTES = 100 * MiB;
	const features = JSON.stringify({ float_input: SETOSA.map((value) => value + 1 / 3) });
	// Spaces make the body long without work for the model.
	const chunk = `${features}${' '.repeat(8000)}\n`.repeat(CHUNK_ROWS);

	test('takes no memory for its length', { skip: process.platform !== 'linux' && 'reads /proc' }, async () => {
		// So much garbage later the heap has its size.
		const warm = `${features}\n`.repeat(20_000);
		await answers('?modelId=iris&record=false', NDJSON, warm);
		const { VmRSS: before } = await harper.memory();
		let peak = 0;
		let count = 0;
		let bytes = 0;
		const call = open('?modelId=iris&record=false', NDJSON);
		const answered = (async () => {
			const response = await new Promise((resolve, reject) => call.once('response', resolve).once('error', reject));
			for await (const part of response) {
				bytes += part.length;
				for (let at = part.indexOf(10); at !== -1; at = part.indexOf(10, at + 1)) count += 1;
			}
		})();
		const watching = setInterval(async () => (peak = Math.max(peak, (await harper.memory()).VmRSS)), 200);
		for (let sent = 0; sent < ROWS; sent += CHUNK_ROWS) {
			if (!call.write(chunk)) await new Promise((resolve) => call.once('drain', resolve));
		}
		call.end();
		await answered;
		clearInterval(watching);
		assert.equal(count, ROWS);
		assert.ok(bytes + (ROWS / CHUNK_ROWS) * chunk.length > 3 * MAX_GROWTH_BYTES, `${bytes} bytes`);
		assert.ok(peak - before < MAX_GROWTH_BYTES, `${Math.round((peak - before) / MiB)} MiB`);
	});

	test('waits for a slow reader, and its sender for it', async () => {
		const call = open('?modelId=iris&record=false', NDJSON);
		const response = new Promise((resolve) => call.once('response', resolve));
		let written = 0;
		// Without an end, so that only being held back ends it.
		const write = () => {
			do written += CHUNK_ROWS;
			while (call.write(chunk));
		};
		call.on('drain', write);
		write();
		(await response).pause();
		// Nobody reads: what fits into buffers and rows in flight goes through, and then nothing more.
		const last = Number(
			(await untilStill('the sender is held back', async () => `${await runs()} ${written}`)).split(' ')[0]
		);
		assert.ok(written < 100_000, `${written} rows`);
		const reading = await response;
		reading.resume();
		await until('it goes on when somebody reads', async () => (await runs()) > last);
		call.destroy();
	});

	test('stops when its caller leaves', async () => {
		const call = open('?modelId=iris&record=false', NDJSON);
		call.on('error', () => {});
		let isGone = false;
		call.on('response', (response) => response.on('error', () => {}).resume());
		const write = () => {
			while (!isGone && call.write(chunk));
		};
		call.on('drain', write);
		const start = await runs();
		write();
		await until('rows run', async () => (await runs()) > start + 2000);
		isGone = true;
		call.destroy();
		await untilStill('nothing runs any more', runs);
		assert.equal((await harper.get('/status')).body.running, 0);
	});

	test('that waits for a run that takes long stops too', async () => {
		const call = open('?modelId=loop&record=false', NDJSON);
		call.on('error', () => {});
		call.end('{"x": [1]}\n');
		const running = async () => (await harper.get('/status')).body.running;
		await until('the row runs', async () => (await running()) > 0);
		call.destroy();
		await until('the run is stopped', async () => (await running()) === 0, 10_000);
	});

	test('leaves the queue to single predictions', async () => {
		const rows = `${features}\n`.repeat(2000);
		const busy = Array.from({ length: 12 }, () => answers('?modelId=iris&record=false', NDJSON, rows));
		let isDone = false;
		const all = Promise.all(busy).then((given) => {
			isDone = true;
			return given;
		});
		let count = 0;
		while (!isDone) {
			const { status, body } = await harper.predict({
				modelId: 'iris',
				features: { float_input: SETOSA },
				record: false,
			});
			assert.equal(status, 200, JSON.stringify(body));
			count += 1;
		}
		assert.ok(count > 5, `${count} predictions`);
		for (const given of await all) assert.deepEqual([given.length, given.at(-1).row], [2000, 1999]);
	});
});

/** A request whose body and answer are streams. */
function open(query, type) {
	return request(`${harper.base}/predict/batch${query}`, {
		method: 'POST',
		headers: { 'content-type': type, ...credentials(ADMIN) },
		agent: false,
	});
}

/** Runs of the model iris so far. */
async function runs() {
	const { body } = await harper.get('/status');
	return body.sessions.reduce((sum, session) => sum + session.runs, 0);
}

/** An answer without what differs from one run to the next. */
function withoutChance(answer) {
	const rest = { ...answer };
	delete rest.inferenceId;
	delete rest.latencyMs;
	return rest;
}
