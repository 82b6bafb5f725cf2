// Options: every value that an option does not take is refused, in Harper, in the Node.js API and in Rust, with a message that names
// the option, what it takes and what was received; and Rust has the same options as the table.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { configureEngine, engineOptions } from '../binding.js';
import { InferenceEngine } from '../index.js';
import { EFFECT, ENGINE_OPTIONS, variableOf } from '../library/engine-options.js';
import { checkOptions, LOAD_OPTIONS, PREDICT_OPTIONS } from '../library/options.js';
import { readOptions, SCHEMA } from '../resources/options.js';
import { root } from './support/harper.js';

/** As they are before any test sets one. */
const untouched = engineOptions();

const isNumber = ({ type }) => type === 'number';
/** Options of the engine that Rust has too. */
const ofRust = Object.entries(ENGINE_OPTIONS).filter(([name]) => name !== 'journalDirectory');

/** The files of a folder. Rust's table of options names them all, so it does not count. */
const textsIn = (folder, ending) =>
	readdirSync(join(root, folder), { recursive: true })
		.filter((path) => path.endsWith(ending) && path !== 'options.rs')
		.map((path) => readFileSync(join(root, folder, path), 'utf8'));

/** Values that an option does not take, and how a message shows them. */
function wrongValues({ type, least, most, check }) {
	const any = [
		[null, 'null'],
		['', '""'],
		[NaN, 'NaN'],
		[Infinity, 'Infinity'],
		[7n, '7'],
		[{}, 'a value of type Object'],
		[() => {}, 'a value of type function'],
		[Symbol('x'), 'a value of type symbol'],
	];
	if (type !== 'boolean') any.push([true, 'true']);
	if (type !== 'string') any.push(['surprise', '"surprise"']);
	if (isNumber({ type })) {
		any.push([least - 1, String(least - 1)], [least + 0.5, String(least + 0.5)], [String(least), `"${least}"`]);
		for (const beyond of [most + 1, 2 ** 64]) any.push([beyond, String(beyond)]);
		if (most < 2 ** 53 - 1) any.push([2 ** 32 + 1, String(2 ** 32 + 1)]);
	} else {
		any.push([7, '7'], [[], '[]']);
	}
	return any.filter(([value]) => !check(value));
}

/** Whether a message is that of an option and names what is needed. */
const tells = (name, expected, received) => (error) => {
	assert.equal(error.message, `${name} must be ${expected}, received ${received}`);
	return true;
};

describe('a value that is refused', () => {
	for (const [name, option] of Object.entries(SCHEMA)) {
		test(`of ${name} in Harper`, () => {
			for (const [value, received] of wrongValues(option)) {
				assert.throws(() => readOptions({ [name]: value }, {}), tells(`option ${name}`, option.expected, received));
			}
		});
	}

	for (const [name, option] of Object.entries(ENGINE_OPTIONS)) {
		test(`of ${name} in the Node.js API`, () => {
			for (const [value, received] of wrongValues(option)) {
				assert.throws(() => new InferenceEngine({ [name]: value }), TypeError);
				assert.throws(() => new InferenceEngine({ [name]: value }), tells(name, option.expected, received));
			}
		});
	}

	for (const [name, option] of Object.entries({ ...LOAD_OPTIONS, ...PREDICT_OPTIONS })) {
		test(`of ${name} of a call`, () => {
			for (const value of [null, NaN, 1e300, -1e300, {}, () => {}, Symbol('x'), 7n]) {
				const set = () => checkOptions('predict', { [name]: value }, { [name]: option });
				assert.throws(set, (error) => error instanceof TypeError && error.message.startsWith(`${name} must be `));
			}
		});
	}

	for (const [name, option] of Object.entries(SCHEMA).filter(([, { type }]) => type !== 'string')) {
		test(`of ${variableOf(name)}`, () => {
			const fractions = option.hasFractions ? [] : ['1.5'];
			const texts = ['surprise', ...fractions, '1e3', 'NaN', '-1', ' 1', '99999999999999999999'];
			for (const text of texts) {
				const set = () => readOptions({}, { [variableOf(name)]: text });
				const says = ({ message }) => message.startsWith(`${variableOf(name)} must be ${option.expected}, received `);
				assert.throws(set, says, text);
			}
		});
	}
});

describe('a value that is taken', () => {
	for (const [name, option] of Object.entries(SCHEMA).filter(([, option]) => isNumber(option))) {
		test(`of ${name}: both bounds, also as text`, () => {
			for (const value of [option.least, option.most, ...(option.hasFractions ? [0.25] : [])]) {
				assert.equal(readOptions({ [name]: value }, {})[name], value);
				assert.equal(readOptions({}, { [variableOf(name)]: String(value) })[name], value);
			}
		});
	}
});

describe('Rust', () => {
	after(() => configureEngine(untouched));

	test('has the options and defaults of the table', () => {
		const expected = Object.fromEntries(ofRust.map(([name, option]) => [name, option.default]));
		// The addon's own library is set when it is loaded.
		assert.deepEqual({ ...untouched, libraryPath: null }, expected);
	});

	for (const [name, option] of ofRust.filter(([, option]) => isNumber(option))) {
		test(`has the bounds of ${name}`, () => {
			const { least, most } = option;
			for (const value of [least, most]) {
				configureEngine({ [name]: value });
				assert.equal(engineOptions()[name], value);
			}
			const beyond = [least - 1, most + 1, least + 0.5, 2 ** 64, NaN, Infinity, '7', true];
			for (const value of beyond) {
				const problem = (error) =>
					error.code === 'INVALID_REQUEST' &&
					error.message.startsWith(`${name} must be a whole number from ${least} to ${most}, received `);
				assert.throws(() => configureEngine({ [name]: value }), problem, String(value));
				assert.equal(engineOptions()[name], most);
			}
		});
	}

	test('reads each of them somewhere', () => {
		const [, body] = readFileSync(join(root, 'src/engine/options.rs'), 'utf8').match(
			/pub struct EngineOptions \{\n([^]*?)^\}/m
		);
		const fields = [...body.matchAll(/^ {4}pub (\w+):/gm)].map(([, field]) => field);
		assert.equal(fields.length, ofRust.length);
		const texts = textsIn('src/engine', '.rs');
		for (const field of fields) {
			const reading = new RegExp(`options(?:\\.read\\(\\))?\\s*\\.${field}\\b`);
			assert.ok(
				texts.some((text) => reading.test(text)),
				field
			);
		}
	});

	test('sets all options or none', () => {
		const before = engineOptions();
		assert.throws(() => configureEngine({ maxBatchSize: 7, runThreads: 0 }), /runThreads/);
		assert.deepEqual(engineOptions(), before);
	});
});

describe('the table', () => {
	test('says of every option all there is to say', () => {
		for (const [name, option] of Object.entries({ ...ENGINE_OPTIONS, ...SCHEMA })) {
			assert.ok(Object.values(EFFECT).includes(option.effect), name);
			assert.match(option.meaning, /\.$/, name);
			assert.ok(option.inWords !== undefined || option.check(option.default), name);
		}
	});

	test('has only options of the component that are read', () => {
		const texts = textsIn('resources', '.js');
		const own = Object.keys(SCHEMA).filter((name) => !Object.hasOwn(ENGINE_OPTIONS, name));
		for (const name of own) {
			const reading = new RegExp(`options\\(\\)\\.${name}\\b|\\b${name}\\b[^=;]*\\} = options\\(\\)|option: '${name}'`);
			assert.ok(
				texts.some((text) => reading.test(text)),
				name
			);
		}
	});
});
