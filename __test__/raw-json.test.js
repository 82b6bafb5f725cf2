import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fieldsOf, itemsOf, sizesOf, valueOf } from '../resources/raw-json.js';

const OBJECTS = [
	'{}',
	' { } ',
	'{"a":1}',
	'\n{ "a" : [1, {"b": "]}"}] ,\t"c":"\\"}","d":null, "e":-1.5e-3,"":true}\r\n',
	'{"\\u0061\\"b":"\\\\","c":"\\\\\\""}',
	'{"a":"{[","b":{"a":{"a":[[],[]]}}}',
	'{"ü":"日本","e":"\u2028"}',
];
const LISTS = ['[]', ' [ ] ', '[1]', '[ 1 , "a,b" ,[2,[3]],{"a":[4]}, "\\\\" ]', '[[],{},""]', '["\\"","]"]'];
const BROKEN = [
	'',
	'{',
	'[',
	'{]',
	'{"a"}',
	'{"a":}',
	'{"a":1,}',
	'{,}',
	'{a:1}',
	'{1:1}',
	'{"a":1}x',
	'{"a":"',
	'{"a":[}',
];

describe('JSON text taken apart', () => {
	for (const text of OBJECTS) {
		test(`${JSON.stringify(text)} has the fields that JSON.parse finds`, () => {
			const fields = [...fieldsOf(text)].map(([name, value]) => [name, JSON.parse(value)]);
			assert.deepEqual(Object.fromEntries(fields), JSON.parse(text));
		});
	}

	for (const text of LISTS) {
		test(`${JSON.stringify(text)} has the items that JSON.parse finds`, () => {
			const items = itemsOf(text);
			assert.deepEqual(
				items.map((item) => JSON.parse(item)),
				JSON.parse(text)
			);
		});
	}

	for (const text of BROKEN) {
		test(`${JSON.stringify(text)} is refused`, () => {
			assert.throws(() => fieldsOf(text), { code: 'INVALID_JSON' });
			assert.throws(() => itemsOf(`${text.replaceAll('{', '[').replaceAll('}', ']')},`), { code: 'INVALID_JSON' });
		});
	}

	for (const text of ['"a"', 'null', '1']) {
		test(`${text} has neither fields nor items`, () => {
			assert.throws(() => fieldsOf(text), { code: 'INVALID_REQUEST', message: /expected an object/ });
			assert.throws(() => itemsOf(text), { code: 'INVALID_REQUEST', message: /expected a list/ });
		});
	}

	test('deep texts are refused and cost no more than long ones', () => {
		for (const depth of [65, 16_000, 4_000_000]) {
			const deep = '['.repeat(depth) + ']'.repeat(depth);
			for (const read of [itemsOf, sizesOf, valueOf]) {
				assert.throws(() => read(deep), { code: 'INVALID_REQUEST', message: /64 deep/ }, `${depth}`);
			}
		}
	});

	test('a field that is given twice is refused, however it is escaped', () => {
		assert.throws(() => fieldsOf('{"a":1,"\\u0061":2}'), { code: 'INVALID_REQUEST', message: /"a".*twice/ });
	});

	test('a list that is too long is refused', () => {
		assert.throws(() => itemsOf('[1,2,3]', 2), { code: 'INVALID_REQUEST', message: /at most 2/ });
	});

	test('numbers keep all digits', () => {
		assert.deepEqual(itemsOf('[9007199254740993,1.00]'), ['9007199254740993', '1.00']);
	});

	test('sizes are those of the first lists', () => {
		assert.deepEqual(sizesOf('[[[1,2],[3,4],[5,6]]]'), [1, 3, 2]);
		assert.deepEqual(sizesOf('[]'), [0]);
		assert.deepEqual(sizesOf('5'), []);
	});

	test('long texts take time in proportion', () => {
		const long = `{"a":"${'\\\\'.repeat(500_000)}","b":[${'"\\"",'.repeat(200_000)}1]}`;
		const startedAt = performance.now();
		assert.equal(itemsOf(fieldsOf(long).get('b'), 200_001).length, 200_001);
		assert.ok(performance.now() - startedAt < 5000);
	});
});
