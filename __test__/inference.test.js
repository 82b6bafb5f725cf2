// There is one way to run a model and to record what became of it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { signatureOf } from '../resources/registry/signature.js';
import { root } from './support/harper.js';

const RESOURCES = join(root, 'resources');
const COMMENT_LINE = /^\s*(\/\/|\/\*|\*).*$/gm;
const IMPORT = /\bimport\s+([\w*\s{},]+?)\s+from\s+'([^']+)'/g;

/** What runs a model or records an event, by its file, and who may import it. */
const ONLY = {
	'binding.js': {
		predictJson: ['resources/serving/inference.js'],
		runSession: [],
	},
	'resources/monitoring/events.js': {
		recordEvent: ['resources/serving/inference.js'],
		writeEvent: ['resources/serving/inference.js'],
		// The events that inference.js made of its rows, in the transaction of their step.
		putEvents: ['resources/jobs/run.js'],
	},
};

/** The names that a file imports, each with the file that it comes from; `*` for all of them. */
function importsOf(path, text) {
	return [...text.matchAll(IMPORT)].flatMap(([, names, from]) => {
		if (!from.startsWith('.')) return [];
		const source = relative(root, join(root, path, '..', from));
		const list = names.includes('*') ? ['*'] : names.replace(/[{}]/g, '').split(',');
		return list.map((name) => ({ name: name.trim().split(/\s+as\s+/)[0], source })).filter(({ name }) => name);
	});
}

/** What of its imports a file may not have. */
const forbiddenIn = (path, text) =>
	importsOf(path, text)
		.filter(({ name, source }) => {
			const rules = ONLY[source];
			if (!rules) return false;
			return name === '*' || (Object.hasOwn(rules, name) && !rules[name].includes(path));
		})
		.map(({ name }) => name);

const files = readdirSync(RESOURCES, { recursive: true })
	.filter((name) => name.endsWith('.js'))
	.map((name) => ({ path: `resources/${name}`, text: readFileSync(join(RESOURCES, name), 'utf8') }));

describe('running and recording', () => {
	test('is the business of inference.js alone', () => {
		for (const { path, text } of files) {
			assert.deepEqual(forbiddenIn(path, text), [], path);
			const code = text.replace(COMMENT_LINE, '');
			// A package is no file of ours.
			const isSeen = path === 'resources/harper.js' || !/import\((?!'[a-z])/.test(code);
			assert.ok(isSeen, `${path}: what is imported when it runs is not seen here`);
		}
	});

	test('is done by all who may', () => {
		for (const [source, rules] of Object.entries(ONLY)) {
			for (const [name, paths] of Object.entries(rules)) {
				for (const path of paths) {
					const { text } = files.find((file) => file.path === path);
					assert.ok(
						importsOf(path, text).some((found) => found.name === name && found.source === source),
						`${path}: ${name}`
					);
				}
			}
		}
	});

	test('elsewhere is seen', () => {
		for (const [text, name] of [
			["import { predictJson } from '../../binding.js';", 'predictJson'],
			["import {\n\tcreateId,\n\trunSession as run,\n} from '../../binding.js';", 'runSession'],
			["import * as native from '../../binding.js';", '*'],
			["import { writeEvent } from '../monitoring/events.js';", 'writeEvent'],
		]) {
			assert.deepEqual(forbiddenIn('resources/serving/other.js', text), [name]);
		}
	});
});

describe('the signature of a record', () => {
	test('is parsed once, as long as the record is the same', () => {
		const record = { inputSchema: '{"inputs":[{"name":"x"}]}', outputSchema: '{"outputs":[{"name":"y"}]}' };
		const signature = signatureOf(record);
		assert.deepEqual(signature, { inputs: [{ name: 'x' }], outputs: [{ name: 'y' }] });
		assert.equal(signatureOf(record), signature);
		assert.notEqual(signatureOf({ ...record }), signature);
	});

	test('is parsed in one place', () => {
		const parsing = files.filter(({ text }) => /JSON\.parse\([^)]*(input|output)Schema/.test(text));
		assert.deepEqual(
			parsing.map(({ path }) => path),
			['resources/registry/signature.js']
		);
	});
});
