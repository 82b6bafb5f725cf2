// Tables as people and programs write them, as rows of features.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { cellText } from '../resources/serving/rows/cell.js';
import { columnFields } from '../resources/serving/rows/columns.js';
import { csvRows } from '../resources/serving/rows/csv.js';
import { readDelimiter } from '../resources/serving/rows/header.js';
import { jsonRows } from '../resources/serving/rows/json.js';
import { ndjsonRows } from '../resources/serving/rows/ndjson.js';

const MAX_ROW_BYTES = 10_000;
const MARK = '\uFEFF';
const IRIS = [{ name: 'float_input', dtype: 'float32', shape: [-1, 4] }];
const WIDE = { name: 'x', dtype: 'float32', shape: [-1, -1] };
const MIXED = [
	{ name: 'age', dtype: 'float32', shape: [-1, 1] },
	{ name: 'town', dtype: 'string', shape: [-1, 1] },
	{ name: 'rooms', dtype: 'int64', shape: [-1, 1] },
];

/** Pieces of a body, cut wherever it hurts. */
async function* pieces(text, size) {
	const bytes = Buffer.from(text);
	for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function rowsOf(rows) {
	const found = [];
	for await (const { features, error } of rows) found.push(error ? error.message : JSON.parse(features));
	return found;
}

const csv = (text, inputs, how, size = 1 << 16) => rowsOf(csvRows(pieces(text, size), inputs, MAX_ROW_BYTES, how));

describe('a cell', () => {
	for (const [dtype, cells] of Object.entries({
		float32: {
			1.5: '1.5',
			'+5': '5',
			'.5': '0.5',
			'-.5': '-0.5',
			'5.': '5',
			'5.e3': '5e3',
			'007': '7',
			'-007.10': '-7.10',
			'-0': '-0',
			' 1e-7 ': '1e-7',
			'9007199254740993': '9007199254740993',
			nan: 'null',
			NaN: 'null',
			NA: 'null',
			'N/A': 'null',
			NULL: 'null',
			None: 'null',
			'<NA>': 'null',
			'': 'null',
			inf: '"Infinity"',
			'-Infinity': '"-Infinity"',
			'+INF': '"Infinity"',
			True: '1',
			false: '0',
			'1,5': '"1,5"',
			'0x10': '"0x10"',
			abc: '"abc"',
			'.': '"."',
		},
		int64: {
			'+5': '5',
			'007': '7',
			'5.': '5',
			'5.0': '5',
			5.5: '5.5',
			'9007199254740993': '9007199254740993',
			TRUE: '1',
			NA: '"NA"',
			nan: '"nan"',
			inf: '"inf"',
			'': 'null',
		},
		bool: { True: 'true', FALSE: 'false', 1: 'true', 0: 'false', '1.0': 'true', 2: '"2"', NA: '"NA"' },
		string: { '007': '"007"', NA: '"NA"', ' a ': '" a "', True: '"True"', '+5': '"+5"', '': '""' },
	})) {
		test(`of ${dtype} is read by its kind`, () => {
			for (const [cell, text] of Object.entries(cells)) assert.equal(cellText(cell, dtype), text, cell);
		});
	}

	test('of a million characters is read in linear time', { timeout: 20_000 }, () => {
		for (const cell of ['1', '0', '.', ' ', '1.0', '-'].map((part) => part.repeat(1_000_000))) {
			assert.equal(typeof cellText(`${cell}x`, 'float32'), 'string');
			assert.equal(typeof cellText(`1.${cell}1`, 'int64'), 'string');
		}
	});
});

describe('a table', () => {
	const mixed = [{ age: 5, town: '007', rooms: 3 }];
	for (const [what, text, inputs, expected] of [
		['with commas', 'age,town,rooms\n5,007,3\n', MIXED, mixed],
		['with a byte order mark', `${MARK}age,town,rooms\n5,007,3\n`, MIXED, mixed],
		['with empty lines in front', `${MARK}\r\n\r\nage,town,rooms\r\n5,007,3\r\n`, MIXED, mixed],
		['with semicolons in a title', 'a;b,c\n1,2', [IRIS[0], { name: 'c' }, { name: 'a;b' }], [{ c: 2, 'a;b': 1 }]],
		['with an input of such a name', 'Unnamed: 0\n3\n', [{ name: 'Unnamed: 0' }], [{ 'Unnamed: 0': 3 }]],
		['of elements in another order', 'x[1],x[0]\n2,1\n', [{ name: 'x', dtype: 'int64' }], [{ x: [1, 2] }]],
		['of the columns of one input', 'a,b,c,d\n1,2,.5,NA\n', IRIS, [{ float_input: [1, 2, 0.5, null] }]],
		['of as many as there are', 'a,b\n1,2\n', [WIDE], [{ x: [1, 2] }]],
		['of pixels', 'a,b\n1,2\n', [{ name: 'x', dtype: 'float32', shape: [-1, 2, 1, 1] }], [{ x: [1, 2] }]],
		['of one column', 'a\n1\n', [{ name: 'x', dtype: 'float32', shape: [-1] }], [{ x: 1 }]],
		['without rows', 'age,town,rooms\n', MIXED, []],
	]) {
		test(`${what} is read`, async () => {
			for (const size of [1 << 16, 1, 2, 3]) {
				assert.deepEqual(await csv(text, inputs, {}, size), expected, `in ${size}`);
			}
		});
	}

	for (const [what, text, inputs, how, expected] of [
		['a delimiter', 'a:b\n1:2', [{ name: 'a' }, { name: 'b' }], { delimiter: ':' }, [{ a: 1, b: 2 }]],
		['a semicolon', 'age;town;rooms\n5;"a,b";3', MIXED, { delimiter: ';' }, [{ ...mixed[0], town: 'a,b' }]],
		[
			'a semicolon in a title',
			'"a,b";c\n1;2',
			[{ name: 'c' }, { name: 'a,b' }],
			{ delimiter: ';' },
			[{ c: 2, 'a,b': 1 }],
		],
		['fields beside an index', ',a,b\n9,1,2', [IRIS[0]], { fields: 'a,b' }, [{ float_input: [1, 2] }]],
		['fields', 'id,a,b,c,d\n7,1,2,3,4', IRIS, { fields: 'd,c,b,a' }, [{ float_input: [4, 3, 2, 1] }]],
		[
			'fields with semicolons',
			'id;a;b\n7;1;2',
			[IRIS[0]],
			{ fields: 'a,b', delimiter: ';' },
			[{ float_input: [1, 2] }],
		],
		['a list', 'x,"a,b"\n1,2', [{ name: 'y', dtype: 'float32' }], { fields: '["a,b"]' }, [{ y: [2] }]],
		['an object', 'a,t\n1,02', MIXED, { fields: '{"age":"a","town":["t"]}' }, [{ age: 1, town: ['02'] }]],
	]) {
		test(`is read as ${what} says`, async () => {
			assert.deepEqual(await csv(text, inputs, { ...how, fields: how.fields && columnFields(how.fields) }), expected);
		});
	}

	for (const [what, text, inputs, how, message] of [
		[
			'too few columns',
			'a,b,c\n1,2,3',
			IRIS,
			{},
			/"float_input" has rows of 4 values, the table has 3 columns.*fields=/,
		],
		['a column that is no input', 'age,town,room\n1,a,2', MIXED, {}, /"room" is no input.*did you mean "rooms"/],
		['such a column with semicolons', 'age;town;room\n1;a;2', MIXED, {}, /"room" is no input/],
		['semicolons', 'age;town;rooms\n5;007;3\n', MIXED, {}, /separated by another character: say \?delimiter=semicolon/],
		['tabs', 'age\ttown\trooms\n5\t007\t3', MIXED, {}, /say \?delimiter=tab/],
		['bars', 'age|town|rooms\n5|007|3', MIXED, {}, /say \?delimiter=pipe/],
		['semicolons between the columns of one input', 'a;b;c;d\n1;2;3;4\n', IRIS, {}, /say \?delimiter=semicolon/],
		['semicolons where any number of columns fits', 'a;b\n1;2\n', [WIDE], {}, /say \?delimiter=semicolon/],
		[
			'the index of pandas',
			',age,town,rooms\n0,5,007,3\n',
			MIXED,
			{},
			/has no title, as pandas writes an index.*index=False/,
		],
		[
			'that index read and written again',
			'Unnamed: 0,age,town,rooms\n0,5,007,3\n',
			MIXED,
			{},
			/is "Unnamed: 0", as pandas/,
		],
		['an index beside the columns of one input', ',a,b,c,d\n9,1,2,3,4\n', IRIS, {}, /pandas writes an index/],
		['a first column without a title among as many as fit', ',b,c,d\n1,2,3,4\n', IRIS, {}, /pandas writes an index/],
		['a column twice', 'age,age\n1,2', MIXED, {}, /"age" is given twice/],
		['the only column twice', 'x,x\n1,2', [{ name: 'x', dtype: 'float32', shape: [-1, 1] }], {}, /"x" is given twice/],
		['an unknown field', 'a,b\n1,2', IRIS, { fields: ['c'] }, /fields names "c", which is no column.*a, b/],
		['an unknown input', 'a,b\n1,2', IRIS, { fields: { x: 'a' } }, /no input "x"; its inputs are float_input/],
		['a list for several inputs', 'a,b\n1,2', MIXED, { fields: ['a'] }, /has 3 inputs.*\{"age"/],
		['nothing', '', MIXED, {}, /no header/],
		['a quote in the header', 'a"b,c\n1,2', MIXED, {}, /not valid CSV/],
		['a header that does not end', `"${'a'.repeat(20_000)}`, MIXED, {}, /a row may have at most 10000 bytes/],
	]) {
		test(`of ${what} is refused`, async () => {
			await assert.rejects(csv(text, inputs, how), message);
		});
	}

	for (const delimiter of [undefined, ';']) {
		test(`of too many columns is refused when so many were read, with ${delimiter ?? 'commas'}`, async () => {
			const header = `a${delimiter ?? ','}`.repeat(1_000_000);
			let count = 0;
			const counted = async function* () {
				for await (const piece of pieces(header, 1 << 16)) {
					count += 1;
					yield piece;
				}
			};
			const rows = csvRows(counted(), IRIS, header.length * 2, { delimiter });
			await assert.rejects(rows.next(), { code: 'TOO_LARGE', message: /at most 65536 columns/ });
			assert.ok(count <= 3, `${count} pieces`);
		});
	}

	test('takes parameters that are sound', () => {
		assert.equal(readDelimiter('tab'), '\t');
		assert.equal(readDelimiter(';'), ';');
		for (const delimiter of ['', ';;', '"', '\n', 'constructor']) {
			assert.throws(() => readDelimiter(delimiter), /delimiter must be one character/);
		}
		for (const fields of ['{', '[]', '[1]', '{"a":1}', '{"a":[]}']) {
			assert.throws(() => columnFields(fields), /fields must be titles/, fields);
		}
	});
});

describe('JSON', () => {
	for (const size of [1 << 16, 1, 2]) {
		test(`may begin with a byte order mark, in pieces of ${size}`, async () => {
			const lines = ndjsonRows(pieces(`${MARK}{"x":1}\n{"x":2}`, size), MAX_ROW_BYTES);
			assert.deepEqual(await rowsOf(lines), [{ x: 1 }, { x: 2 }]);
			const { rows } = await jsonRows(pieces(`${MARK}[{"x":1}]`, size), MAX_ROW_BYTES);
			assert.deepEqual(await rowsOf(rows), [{ x: 1 }]);
		});
	}

	for (const [what, text, isHinted] of [
		['df.to_json()', '{"a":{"0":1,"1":2},"b":{"0":3,"1":4}}', true],
		['that in rows', '{"modelId":"m","rows":{"a":{"0":1}}}', true],
		['orient="split"', '{"columns":["a","b"],"index":[0,1],"data":[[1,3],[2,4]]}', true],
		['orient="table"', '{"schema":{"fields":[]},"data":[{"a":1}]}', true],
		['one prediction', '{"modelId":"m","features":[1]}', false],
		['an empty object', '{}', false],
	]) {
		test(`${what} is no list of rows`, async () => {
			await assert.rejects(jsonRows(pieces(text, 7), MAX_ROW_BYTES), ({ code, message }) => {
				assert.equal(code, 'INVALID_REQUEST');
				assert.match(message, /^the body must be a list of rows/);
				assert.equal(message.includes('df.to_json(orient="records")'), isHinted);
				return true;
			});
		});
	}
});
