// The rows to train with: how events become rows, how those are written and read back, and how they are resumed.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { depthOf, elementsOf, membersOf, soundText } from '../resources/monitoring/training-data/json-text.js';
import { weightOf } from '../resources/monitoring/training-data/columns.js';
import { rowsOf } from '../resources/monitoring/training-data/event-rows.js';
import { timeOf } from '../resources/monitoring/record.js';
import { chunksOf, rowsAfter } from '../resources/monitoring/training-data/training-data.js';
import { FORMATS } from '../resources/monitoring/training-data/formats.js';
import { root, startHarper } from './support/harper.js';
import { onnxModel, STRING } from './support/onnx.js';

const ROUTE = '/monitoring/training-data';
const PYTHON = join(root, '.venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
const skip = !existsSync(PYTHON) && 'skipped: no .venv, see scripts/requirements.txt';
const always = () => true;

describe('parts of JSON text', () => {
	test('are as they stand, digit by digit', () => {
		assert.deepEqual(elementsOf('[1.50, 9007199254740993 ,"a,]\\"",[2,[3]],{"b":[4]} ,null]'), [
			'1.50',
			'9007199254740993',
			'"a,]\\""',
			'[2,[3]]',
			'{"b":[4]}',
			'null',
		]);
		assert.deepEqual([elementsOf('[]'), elementsOf('[ ]')], [[], []]);
		assert.deepEqual(
			[...membersOf('{ "a" : 1 ,"b\\n":{"c":"}"}, "__proto__":[1,2] }')],
			[
				['a', '1'],
				['b\n', '{"c":"}"}'],
				['__proto__', '[1,2]'],
			]
		);
		assert.deepEqual([...membersOf('{}')], []);
		assert.equal(soundText(' [1,\r\n2] '), '[1,  2]');
		assert.deepEqual([soundText('{'), soundText(5), soundText(undefined)], [undefined, undefined, undefined]);
		assert.deepEqual(['5', '[5]', '[ [5]]', '"[["'].map(depthOf), [0, 1, 2, 0]);
	});

	test('of whatever JSON are those that JSON.parse finds', () => {
		const values = ['', 'a"b', '\\', ']', '{', -1.5e-7, 0, true, null, [], {}, [[1], {}], { '"': ['x', { y: 1 }] }];
		const lists = [values, [values, { values }], values.toReversed()];
		for (const list of lists) {
			for (const space of [0, 1]) {
				const parts = elementsOf(JSON.stringify(list, undefined, space)).map((text) => JSON.parse(text));
				assert.deepEqual(parts, list);
			}
		}
	});
});

const ID = '01a209ff-2ab1-70c9-a62c-863a8622e457';
const eventOf = (fields) => ({
	...{ id: ID, timestamp: 1, modelVersion: 'v1', featuresIn: '{"x":[1,2]}', prediction: '{"y":0}' },
	...fields,
});
const signatureOf = (shape) => ({ inputs: [{ name: 'x', shape }], outputs: [] });

describe('an event is a row', () => {
	const seen = (fields, shape = [-1, 2]) =>
		rowsOf(eventOf(fields), shape && signatureOf(shape)).map(({ id, features, prediction, groundTruth }) => [
			id.slice(ID.length),
			features.get('x'),
			prediction.get('y'),
			groundTruth,
		]);

	test('or one for each row of a batch', () => {
		assert.deepEqual(seen({}), [['', '[1,2]', '0', undefined]]);
		const batch = { featuresIn: '{"x":[[1,2],[3,4]]}', prediction: '{"y":[0,1]}', actualOutcome: '["a","b"]' };
		const rows = [
			[':0', '[1,2]', '0', '"a"'],
			[':1', '[3,4]', '1', '"b"'],
		];
		assert.deepEqual(seen(batch), rows);
		assert.deepEqual(seen({ ...batch, confidence: [0.5, 0.6] }, null), rows, 'a model that is deleted');
		assert.deepEqual(seen({ featuresIn: '{"x":[[1,2]]}', prediction: '{"y":[0]}', actualOutcome: '1' }), [
			[':0', '[1,2]', '0', '1'],
		]);
		assert.deepEqual(seen({ featuresIn: '{"x":[5,6]}', prediction: '{"y":[0,1]}' }, [-1]).length, 2);
		assert.deepEqual(seen({}, [2]).length, 1, 'a list whose length the model fixes is one row');
		assert.deepEqual(
			seen({ ...batch, actualOutcome: '["a"]' }).map(([, , , truth]) => truth),
			[undefined, undefined],
			'outcomes that do not fit'
		);
	});

	test('also of features that have their shape beside them', () => {
		const x = (data, shape, signature) =>
			seen({ featuresIn: `{"x":{"data":${data},"shape":${shape}}}`, prediction: '{"y":0}' }, signature).map(
				([, text]) => text
			);
		assert.deepEqual(x('[1, 2.50,3,4]', '[2,2]'), ['[1,2.50]', '[3,4]']);
		assert.deepEqual(x('[[1,2],[3,4]]', '[2,2]'), ['[1,2]', '[3,4]'], 'nested as well');
		assert.deepEqual(x('[1,2,3,4,5,6,7,8]', '[2,2,2]', [-1, 2, 2]), ['[[1,2],[3,4]]', '[[5,6],[7,8]]']);
		assert.deepEqual(x('["a,]","b"]', '[2,1]', [-1, 1]), ['["a,]"]', '["b"]']);
		assert.deepEqual(x('[1,2]', '[2]', [2]), ['[1,2]']);
		assert.deepEqual(x('[7]', '[]', []), ['7']);
		// What somebody wrote around the component.
		for (const shape of ['[3]', '"x"', '[2,0]', '[-2,-1]', `[2${',1'.repeat(64)}]`]) {
			assert.equal(x('[1,2]', shape).length, 1, shape);
		}
	});

	test('with the outcome as it is, whatever it stands under', () => {
		const truth = (actualOutcome, more) => seen({ actualOutcome, ...more })[0][3];
		assert.equal(truth('"a"'), '"a"');
		for (const name of ['class', 'label', 'value', 'target', 'y']) assert.equal(truth(`{"${name}": 1.50}`), '1.50');
		assert.equal(truth('{"other":1}'), '{"other":1}');
		assert.equal(truth('[7]'), '7');
		assert.equal(truth('[7,8]'), '[7,8]');
		const batch = { featuresIn: '{"x":[[1,2],[3,4]]}', prediction: '{"y":[0,1]}' };
		assert.equal(truth('{"y":[7,8]}', batch), '7');
		assert.equal(truth('[{"class":7},{"class":8}]', batch), '7');
	});

	test('that counts for those that were not drawn to be labelled, unless its outcome was known before', () => {
		const drawn = { samplingProbability: 0.25, labelDraw: ID };
		const drawnAt = timeOf(ID);
		assert.equal(weightOf({}), 1);
		assert.equal(weightOf(drawn), 4, 'not answered yet');
		assert.equal(weightOf({ ...drawn, feedbackTimestamp: drawnAt + 1 }), 4);
		assert.equal(weightOf({ ...drawn, feedbackTimestamp: drawnAt - 1 }), 1);
		for (const wrong of [0, -1, 2, NaN, '']) assert.equal(weightOf({ ...drawn, samplingProbability: wrong }), 1);
	});

	test('unless there is nothing to train with', () => {
		assert.deepEqual(seen({ featuresIn: undefined }), []);
		assert.deepEqual(seen({ featuresIn: '{"summary":[],"bytes":9,"digest":"d"}' }), []);
		assert.deepEqual(seen({ prediction: undefined, error: { code: 'RUN_FAILED', message: '' } }), []);
		assert.deepEqual(seen({ featuresIn: '{' }), [], 'what somebody wrote around the component');
	});
});

describe('memory', () => {
	test('does not grow with the rows, and nothing is read ahead of a caller', async () => {
		const TOTAL = 100_000;
		let read = 0;
		const idOf = (at) => `${ID.slice(0, 24)}${String(at).padStart(12, '0')}`;
		/** Events as the table gives them: the newest first, before one. */
		async function* events({ before }) {
			const first = before === undefined ? TOTAL - 1 : Number(before.slice(24)) - 1;
			for (let at = first; at >= 0; at -= 1) {
				read += 1;
				yield eventOf({ id: idOf(at), featuresIn: `{"x":[${at},2]}`, actualOutcome: '1' });
			}
		}
		const rows = rowsAfter(undefined, events, { of: async () => signatureOf([-1, 2]) });
		const chunks = chunksOf(rows, always, FORMATS.ndjson.writer(always), new AbortController().signal);
		let [count, longest, ahead] = [0, 0, 0];
		const { heapUsed } = process.memoryUsage();
		let most = 0;
		for await (const chunk of chunks) {
			longest = Math.max(longest, chunk.length);
			count += chunk.split('\n').length - 1;
			ahead = Math.max(ahead, read - count);
			most = Math.max(most, process.memoryUsage().heapUsed);
		}
		assert.equal(count, TOTAL);
		assert.ok(longest < 70_000, `${longest} characters at once`);
		assert.ok(ahead <= 256, `${ahead} events ahead`);
		// The rows are 17 MB of text, their events more.
		assert.ok(most - heapUsed < 100e6, `${most - heapUsed} bytes`);
	});

	test('an event with much in it is read alone', async () => {
		let read = 0;
		async function* events() {
			for (let at = 99; ; at -= 1) {
				read += 1;
				yield eventOf({ id: `${ID.slice(0, 34)}${at}`, featuresIn: `{"x":[${'1,'.repeat(1 << 20)}1]}` });
			}
		}
		const rows = rowsAfter(undefined, events, { of: async () => undefined });
		assert.equal((await rows.next()).value.length, 1);
		assert.equal(read, 1);
		await rows.return();
	});

	test('a caller that leaves ends it; an error is the last line, or breaks a table', async () => {
		const leaving = new AbortController();
		async function* rows() {
			yield [{ id: 'a', event: eventOf(), features: new Map(), prediction: new Map() }];
			leaving.abort();
			yield [];
			assert.fail('nobody is there');
		}
		const lines = () => FORMATS.ndjson.writer(always);
		const all = async (chunks) => {
			const list = [];
			for await (const chunk of chunks) list.push(chunk);
			return list;
		};
		assert.deepEqual(await all(chunksOf(rows(), always, lines(), leaving.signal)), []);
		const failing = async function* () {
			yield [];
			throw Object.assign(new Error('not now'), { code: 'CLOSED' });
		};
		const { signal } = new AbortController();
		assert.deepEqual(await all(chunksOf(failing(), always, lines(), signal)), [
			'{"error":"not now","code":"CLOSED"}\n',
		]);
		const table = FORMATS.csv.writer(always, signatureOf([-1, 2]));
		await assert.rejects(all(chunksOf(failing(), always, table, signal)), /not now/);
	});
});

let harper;
const ids = [];
const HOSTILE = ['=1+1', '@x', "'q", 'a,"b"\r\nc', ' space ', '-', 'null', ''];
before(async () => {
	harper = await startHarper({ threads: 1 });
	const columns = ['sepal length', 'sepal width', 'petal length', 'output.x'];
	const inputSchema = JSON.stringify({ inputs: [{ name: 'float_input', columns }] });
	const fields = { modelId: 'iris', version: 'v1', inputSchema };
	assert.equal((await harper.upload(fields, ['examples/iris/model.onnx'])).status, 201);
	for (let at = 0; at < 5; at += 1) {
		const row = [5 + at / 10, 3.5, 1.4, 0.2];
		const float_input = at === 2 ? [row, [6.3, 2.9, 5.6, 1.8], [1, 2, 3, 4]] : row;
		const { body } = await harper.predict({ modelId: 'iris', features: { float_input } });
		ids.unshift(body.inferenceId);
	}
	await harper.feedback({ inferenceId: ids[0], outcome: { class: 'setosa' } });
	await harper.feedback({ inferenceId: ids[2], outcome: [0, 2, 1] });
	// Two inputs of texts, which come out as they are.
	const content = onnxModel({
		nodes: [['Identity', ['id'], ['out']]],
		inputs: [['id', STRING, ['n', 1]]],
		outputs: [['out', STRING, ['n', 1]]],
	});
	assert.equal((await harper.upload({ modelId: 'texts', version: 'v1' }, [{ name: 'm.onnx', content }])).status, 201);
	for (const text of HOSTILE) await harper.predict({ modelId: 'texts', features: { id: [text] } });
	await harper.addRole('blind', { edge_ai: { tables: { InferenceEvent: someOf('modelId', 'prediction') } } });
});
after(() => harper?.dispose());

const ALL = { read: true, insert: true, update: true, delete: true };
const someOf = (...names) => ({
	...ALL,
	attribute_permissions: names.map((attribute_name) => ({ attribute_name, read: true, insert: true, update: true })),
});
const textOf = async (query, how) => {
	const answer = await harper.get(`${ROUTE}?${query}`, how);
	assert.equal(answer.status, 200, JSON.stringify(answer.body));
	return answer.body.toString();
};
const linesOf = (text) =>
	text
		.split('\n')
		.filter(Boolean)
		.map((line) => JSON.parse(line));
const rows = async (query, how) => linesOf(await textOf(`modelId=iris&${query}`, how));
const table = (text) => parse(text, { columns: true });

describe('lines of JSON', () => {
	test('the newest first, one a row, with what really happened', async () => {
		const all = await rows('');
		assert.deepEqual(
			all.map(({ id, groundTruth }) => [id, groundTruth]),
			[
				[ids[0], 'setosa'],
				[ids[1], undefined],
				[`${ids[2]}:0`, 0],
				[`${ids[2]}:1`, 2],
				[`${ids[2]}:2`, 1],
				[ids[3], undefined],
				[ids[4], undefined],
			]
		);
		const { timestamp, prediction, confidence, ...rest } = all[3];
		assert.deepEqual(rest, {
			...{ id: `${ids[2]}:1`, version: 'v1', weight: 1, groundTruth: 2 },
			features: { float_input: [6.3, 2.9, 5.6, 1.8] },
		});
		assert.equal(prediction.output_label, 2);
		assert.equal(confidence, Math.max(...Object.values(prediction.output_probability)));
		const { events } = (await harper.get(`/monitoring/events?inferenceId=${ids[2]}`)).body;
		assert.equal(timestamp, events[0].timestamp);
	});

	test('a prediction of an open protocol is rows as any other', async () => {
		const data = [5.1, 3.5, 1.4, 0.2, 6.3, 2.9, 5.6, 1.8];
		const fields = { modelId: 'open', version: 'v1' };
		assert.equal((await harper.upload(fields, ['examples/iris/model.onnx'])).status, 201);
		const inputs = [{ name: 'float_input', datatype: 'FP32', shape: [2, 4], data }];
		const { body } = await harper.request('POST', '/v2/models/open/infer', { body: { inputs } });
		await harper.feedback({ inferenceId: body.parameters.inferenceId, outcome: [0, 2] });
		const lines = linesOf(await textOf('modelId=open'));
		assert.deepEqual(
			lines.map(({ id, features, groundTruth }) => [id.split(':')[1], features.float_input, groundTruth]),
			[
				['0', data.slice(0, 4), 0],
				['1', data.slice(4), 2],
			]
		);
		const cells = table(await textOf('modelId=open&format=csv')).map((row) =>
			data.slice(0, 4).map((_, at) => Number(row[`float_input[${at}]`]))
		);
		assert.deepEqual(cells, [data.slice(0, 4), data.slice(4)]);
	});

	test('of what is asked for', async () => {
		assert.equal((await rows('labelled=true')).length, 4);
		assert.equal((await rows('labelled=false')).length, 3);
		assert.equal((await rows('version=v2')).length, 0);
		const [{ timestamp }] = await rows('');
		assert.deepEqual(
			(await rows(`from=${timestamp}`)).map(({ id }) => id),
			[ids[0]]
		);
		assert.equal((await rows(`to=${timestamp - 1}`)).length, 6);
		for (const [query, message] of [
			['', /modelId is required/],
			['modelId=iris&format=xml', /format must be one of ndjson, csv, arrow/],
			['modelId=iris&labelled=maybe', /labelled must be true or false/],
			['modelId=iris&cursor=x', /cursor must be the id of a row/],
			[`modelId=iris&cursor=${ID}:1:2`, /cursor must be the id of a row/],
			['modelId=iris&from=2&to=1', /from must not be after to/],
			['modelId=iris&label=1', /did you mean "labelled"/],
		]) {
			const { status, body } = await harper.get(`${ROUTE}?${query}`);
			assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST'], query);
			assert.match(body.error, message);
		}
		const unknown = await harper.get(`${ROUTE}?modelId=nobody&format=csv`);
		assert.deepEqual([unknown.status, unknown.body.code], [404, 'MODEL_NOT_FOUND']);
		assert.equal(await textOf('modelId=nobody'), '');
	});

	test('resumed behind any row', async () => {
		for (const format of ['ndjson', 'csv']) {
			const read = async (query) => {
				const text = await textOf(`modelId=iris&format=${format}&${query}`);
				return format === 'csv' ? table(text) : linesOf(text);
			};
			const all = await read('');
			assert.equal(all.length, 7);
			for (const [at, { id }] of all.entries()) assert.deepEqual(await read(`cursor=${id}`), all.slice(at + 1), id);
			const labelled = await read('labelled=true');
			assert.deepEqual(await read(`labelled=true&cursor=${labelled[1].id}`), labelled.slice(2));
		}
	});
});

describe('CSV', () => {
	test('has the columns of the version, called as those of profiles, and the same values', async () => {
		const text = await textOf('modelId=iris&format=csv');
		const found = table(text);
		const [profile] = (await harper.get('/monitoring/profile?modelId=iris')).body.profiles;
		const header = text.slice(0, text.indexOf('\r\n')).split(',');
		const own = ['id', 'timestamp', 'version', 'confidence', 'groundTruth', 'weight'];
		const named = Object.keys(profile.columns).map((name) => (name === 'output.x' ? 'input.output.x' : name));
		assert.deepEqual(header.toSorted(), [...own, ...named].toSorted());
		const all = await rows('');
		assert.equal(found.length, all.length);
		for (const [at, row] of found.entries()) {
			const { id, features, prediction, groundTruth, version } = all[at];
			assert.deepEqual([row.id, row.version, row.weight], [id, version, '1']);
			assert.deepEqual(
				['sepal length', 'sepal width', 'petal length', 'input.output.x'].map((name) => Number(row[name])),
				features.float_input
			);
			assert.equal(Number(row['output.output_label']), prediction.output_label);
			assert.equal(Number(row['output.output_probability[1]']), prediction.output_probability[1]);
			assert.equal(row.groundTruth, String(groundTruth ?? ''));
		}
	});

	test('no text breaks out of its cell, or is a formula to a spreadsheet', async () => {
		const text = await textOf('modelId=texts&format=csv');
		const found = table(text).toReversed();
		assert.deepEqual(
			found.map((row) => row['input.id'].replace(/^'/, '')),
			HOSTILE
		);
		assert.deepEqual(
			found.map((row) => row['output.out'].startsWith("'")),
			HOSTILE.map((value) => /^[=+\-@']/.test(value))
		);
		const asJson = linesOf(await textOf('modelId=texts')).toReversed();
		assert.deepEqual(
			asJson.map(({ features }) => features.id[0] ?? features.id),
			HOSTILE
		);
	});
});

describe('Arrow', () => {
	/** A stream as another implementation reads it: its fields, the sizes of its batches, and its rows. */
	async function readBy(bytes) {
		const script = `
import json, math, sys
import pyarrow
reader = pyarrow.ipc.open_stream(sys.stdin.buffer)
batches = list(reader)
rows = [row for batch in batches for row in batch.to_pylist()]
for row in rows:
    if "timestamp" in row:
        row["timestamp"] = int(row["timestamp"].timestamp() * 1000 + 0.5)
    for name, value in row.items():
        if isinstance(value, float) and not math.isfinite(value) or type(value) is int and abs(value) > 2**53:
            row[name] = str(value) if isinstance(value, int) else {"nan": "NaN"}.get(str(value), str(value))
types = {field.name: str(field.type) for field in reader.schema}
print(json.dumps({"types": types, "batches": [len(batch) for batch in batches], "rows": rows}))`;
		const child = execFile(PYTHON, ['-c', script], { maxBuffer: 1 << 28 });
		const { promise, resolve, reject } = withResolvers();
		let [text, problems] = ['', ''];
		child.stdout.on('data', (part) => (text += part));
		child.stderr.on('data', (part) => (problems += part));
		child.once('close', (code) => (code === 0 ? resolve(JSON.parse(text)) : reject(new Error(problems))));
		child.stdin.end(bytes);
		return promise;
	}

	function withResolvers() {
		const made = {};
		made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
		return made;
	}

	/** What a cell of CSV says, where there is a number in Arrow. */
	const same = (value, cell) =>
		typeof value === 'number' ? Math.abs(value - Number(cell)) <= 1e-6 * Math.abs(value) : (value ?? '') === cell;

	test('has the columns and values of CSV, with the types of the model', { skip }, async () => {
		const { body, headers } = await harper.get(`${ROUTE}?modelId=iris&format=arrow`);
		assert.equal(headers.get('content-type'), 'application/vnd.apache.arrow.stream');
		const { types, rows: found, batches } = await readBy(body);
		const expected = table(await textOf('modelId=iris&format=csv'));
		assert.deepEqual(Object.keys(types), Object.keys(expected[0]));
		assert.deepEqual(batches, [7]);
		for (const [name, type] of Object.entries({
			...{ id: 'string', timestamp: 'timestamp[ms, tz=UTC]', version: 'string', confidence: 'double' },
			...{ 'sepal length': 'float', 'output.output_label': 'int64', 'output.output_probability[0]': 'float' },
			...{ groundTruth: 'string', weight: 'double' },
		})) {
			assert.equal(types[name], type, name);
		}
		for (const [at, row] of found.entries()) {
			for (const [name, value] of Object.entries(row)) {
				assert.ok(same(value, expected[at][name]), `${at} ${name}: ${value}`);
			}
		}
	});

	test('has texts as they are, and is resumed behind a row', { skip }, async () => {
		const { body } = await harper.get(`${ROUTE}?modelId=texts&format=arrow`);
		const { rows: found } = await readBy(body);
		assert.deepEqual(found.map((row) => row['input.id']).toReversed(), HOSTILE);
		const { body: rest } = await harper.get(`${ROUTE}?modelId=texts&format=arrow&cursor=${found[3].id}`);
		assert.deepEqual((await readBy(rest)).rows, found.slice(4));
		const { body: none } = await harper.get(`${ROUTE}?modelId=texts&format=arrow&cursor=${found.at(-1).id}`);
		assert.deepEqual((await readBy(none)).rows, []);
	});

	test('keeps whole numbers of 64 bits, and what is no number of its type is absent', { skip }, async () => {
		const inputs = ['int64', 'uint64', 'int8', 'float32', 'bool'].map((dtype) => ({ name: dtype, dtype, shape: [-1] }));
		const writer = await FORMATS.arrow.writer(always, { inputs, outputs: [] });
		const rowsOfTexts = [
			['9007199254740993', '18446744073709551615', '-128', '"NaN"', 'true'],
			['-9223372036854775808', '-1', '128', '"x"', '1'],
			['1.5', 'null', '"5"', '1e400', '"true"'],
			// What predictions take for their type as well.
			['5.0', '1.8e1', '1e2', 'true', '1.0'],
			['"9223372036854775807"', '12300e-2', '-0', 'false', '0'],
			['123e-2', '1e20', 'true', '1e-7', '2'],
			['1e999999999', '0.5', '""', '-1.5E+2', '0e5'],
		];
		for (const texts of rowsOfTexts) {
			const features = new Map(inputs.map(({ name }, at) => [name, texts[at]]));
			writer.take({ id: ID, event: eventOf(), features, prediction: new Map() });
		}
		const { rows: found } = await readBy(writer.end());
		assert.deepEqual(
			found.map((row) => inputs.map(({ name }) => row[name])),
			[
				['9007199254740993', '18446744073709551615', -128, 'NaN', true],
				['-9223372036854775808', null, null, null, true],
				[null, null, 5, 'inf', null],
				[5, 18, 100, 1, true],
				['9223372036854775807', 123, 0, 0, false],
				[null, null, 1, Math.fround(1e-7), null],
				[null, null, null, -150, false],
			]
		);
	});

	test('comes batch by batch', { skip }, async () => {
		const writer = await FORMATS.arrow.writer(always, signatureOf([-1, 2]));
		const rowsToWrite = (async function* () {
			for (let at = 0; at < 3000; at += 1) {
				yield rowsOf(eventOf({ featuresIn: `{"x":[${at},0.5]}` }), signatureOf([-1, 2]));
			}
		})();
		const chunks = [];
		for await (const chunk of chunksOf(rowsToWrite, always, writer, new AbortController().signal)) chunks.push(chunk);
		assert.ok(
			chunks.length > 2 && chunks.every(({ length }) => length < 200_000),
			chunks.map(({ length }) => length).join()
		);
		const { batches, rows: found } = await readBy(Buffer.concat(chunks));
		assert.equal(batches.length, chunks.length);
		assert.deepEqual(
			found.map((row) => Number(row['x[0]'])),
			Array.from({ length: 3000 }, (_, at) => at)
		);
	});
});

describe('who may not read an attribute', () => {
	const user = 'blind';

	test('is not shown it, and does not find it out', async () => {
		const [row] = await rows('', { user });
		assert.deepEqual(Object.keys(row), ['id', 'prediction']);
		const [cells] = table(await textOf('modelId=iris&format=csv', { user }));
		assert.ok(Object.keys(cells).every((name) => name === 'id' || name.startsWith('output.')));
		for (const [query, attribute] of [
			['labelled=true', 'actualOutcome'],
			['from=1', 'timestamp'],
			['version=v1', 'modelVersion'],
		]) {
			const { status, body } = await harper.get(`${ROUTE}?modelId=iris&${query}`, { user });
			assert.equal(status, 403);
			assert.match(body.error, new RegExp(`InferenceEvent.${attribute}$`));
		}
	});
});
