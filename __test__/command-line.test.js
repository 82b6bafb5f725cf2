// The tool on the command line, as it is called.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { InferenceEngine } from '../index.js';
import { modelPath } from './support/fixtures.js';
import { root } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { artifactsOf, filesOf, seedWeights, tf } from './support/tfjs.js';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const tool = join(root, manifest.bin['harper-edge-ai']);
const folder = mkdtempSync(join(tmpdir(), 'edge ai tool '));
after(() => rmSync(folder, { recursive: true, force: true }));

const iris = modelPath('iris');
const flower = '[5.1, 3.5, 1.4, 0.2]';
const TIMEOUT_MS = 60_000;

/** Calls the tool. */
async function call(args, { input = '' } = {}) {
	const child = spawn(process.execPath, [tool, ...args], { cwd: folder, timeout: TIMEOUT_MS });
	let stdout = '';
	let stderr = '';
	child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
	child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
	// It may end without reading.
	child.stdin.on('error', () => {});
	child.stdin.end(input);
	const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
	return { code, stdout, stderr };
}

/** What the tool prints on success. */
async function output(args, options) {
	const { code, stdout, stderr } = await call(args, options);
	assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, stdout);
	return stdout;
}

const json = async (args, options) => JSON.parse(await output([...args, '--json'], options));

/** Fails unless the tool says this and nothing else. */
async function assertRefused(args, code, message, options) {
	const refused = await call(args, options);
	assert.deepEqual([refused.code, refused.stdout], [code, ''], refused.stderr);
	assert.match(refused.stderr, message);
	assert.equal(refused.stderr.trimEnd().split('\n').length, 1, refused.stderr);
}

const write = (name, content) => {
	writeFileSync(join(folder, name), content);
	return name;
};

test('tells what there is, and its version', async () => {
	const help = await output(['--help']);
	assert.equal(await output(['-h']), help);
	const listed = [...help.matchAll(/^ {2}([a-z]+) [A-Z]/gm)].map(([, name]) => name);
	assert.deepEqual(listed, ['inspect', 'translate', 'predict', 'bench']);
	for (const name of listed) {
		const own = await output([name, '--help']);
		assert.match(own, new RegExp(`^harper-edge-ai ${name} `));
		assert.match(own, /--json/);
	}
	assert.equal(await output(['--version']), `${manifest.version}\n`);
	const documented = readFileSync(join(root, 'docs/command-line.md'), 'utf8');
	for (const name of listed) assert.ok(documented.includes(`\`${name} `), name);
});

describe('inspect', () => {
	test('tells inputs, outputs and the digest', async () => {
		const { digest, signature } = await new InferenceEngine().load(iris);
		const told = await json(['inspect', iris]);
		assert.deepEqual(
			{ ...told, bytes: undefined },
			{
				file: iris,
				bytes: undefined,
				digest,
				framework: 'onnx',
				engine: 'onnxruntime',
				executionProvider: 'cpu',
				inputs: signature.inputs,
				outputs: signature.outputs,
			}
		);
		assert.equal(told.bytes, readFileSync(iris).length);
		const text = await output(['inspect', iris]);
		assert.match(text, /onnx, runs with onnxruntime on cpu\n/);
		assert.match(text, /\n {2}float_input {2}float32 {2}\[\?, 4\]\n/);
		assert.match(text, /\n {2}output_probability {2}seq\(map\(int64,tensor\(float32\)\)\)\n$/);
		assert.ok(text.includes(digest));
	});

	test('with another engine', async () => {
		assert.equal((await json(['inspect', modelPath('linear_float64'), '--engine', 'tract'])).engine, 'tract');
	});
});

describe('predict', () => {
	test('takes JSON, names, files and standard input', async () => {
		const expected = await json(['predict', iris, '--input', flower]);
		assert.equal(expected.prediction.output_label, 0);
		assert.ok(expected.confidence > 0.97 && expected.latencyMs > 0);
		const features = JSON.stringify({ float_input: JSON.parse(flower) });
		write('features.json', features);
		write('row.json', flower);
		for (const [given, options] of [
			[['-i', features]],
			[['-i', `float_input=${flower}`]],
			[['--input=@features.json']],
			[['-i', '@row.json']],
			[['-i', 'float_input=@row.json']],
			[['-i', '-'], { input: features }],
			[['-i', 'float_input=-'], { input: flower }],
		]) {
			const { prediction, confidence } = await json(['predict', iris, ...given], options);
			assert.deepEqual(
				{ prediction, confidence },
				{ prediction: expected.prediction, confidence: expected.confidence }
			);
		}
		const text = await output(['predict', iris, '-i', flower, '--output', 'output_label']);
		assert.match(text, /^output_label: 0\nconfidence: (0\.9\d+|null)\nlatency: [\d.]+ ms\n$/);
	});

	test('keeps digits, and texts without quotation marks', async () => {
		const digits = ['9007199254740993', '-9223372036854775808', '7'];
		const { prediction } = await json(['predict', modelPath('identity_int64'), '-i', `x=[${digits}]`]);
		assert.deepEqual(prediction.y, [...digits.slice(0, 2), 7]);
		for (const text of ['text=A LOVELY, clever story', 'text="A LOVELY, clever story"', '"A LOVELY, clever story"']) {
			const review = await json(['predict', modelPath('review_tfidf'), '-i', text]);
			assert.equal(review.prediction.output_label, 'good', text);
		}
	});

	test('of several inputs', async () => {
		const path = write(
			'sum.onnx',
			onnxModel({
				nodes: [['Add', ['a', 'b=c'], ['y']]],
				inputs: [
					['a', FLOAT, ['n']],
					['b=c', FLOAT, ['n']],
				],
				outputs: [['y', FLOAT, ['n']]],
			})
		);
		const { prediction } = await json(['predict', path, '-i', 'a=[1, 2]', '-i', 'b=c=[3, 4]']);
		assert.deepEqual(prediction, { y: [4, 6] });
		await assertRefused(['predict', path, '-i', '[1, 2]'], 2, /several inputs, a, b=c: say NAME=VALUE/);
		await assertRefused(['predict', path, '-i', 'a=[1]', '-i', 'a=[2]'], 2, /gives "a" twice/);
		await assertRefused(['predict', path, '-i', 'a=[1]', '-i', '{"b=c":[2]}'], 2, /one JSON object, or NAME=VALUE/);
		await assertRefused(['predict', path, '-i', 'a=1,"b=c":2'], 2, /is not JSON/);
		await assertRefused(['predict', path, '-i', 'a=[1]'], 1, /"b=c".*\(INVALID_INPUT\)/);
	});
});

describe('bench', () => {
	test('measures with an input and without one', async () => {
		for (const more of [[], ['--input', flower], ['--concurrency', '8']]) {
			const measured = await json(['bench', iris, '--seconds', '1', ...more]);
			assert.equal(measured.concurrency, more.includes('8') ? 8 : 1);
			assert.ok(measured.runs > 0 && measured.runsPerSecond > 0);
			for (const { p50, p90, p99 } of [measured.runMs, measured.callMs]) assert.ok(0 < p50 && p50 <= p90 && p90 <= p99);
		}
		assert.match(await output(['bench', modelPath('review_tfidf'), '--seconds', '1']), /^\d+ runs with onnxruntime/);
	});
});

describe('translate', () => {
	test('writes what gives the same answers, and replaces nothing', async () => {
		const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3], activation: 'softmax' })] });
		seedWeights(model, 1);
		for (const { name, bytes } of filesOf(await artifactsOf(model), 2)) write(name, bytes);
		const told = await json(['translate', 'model.json', 'made.onnx']);
		const made = readFileSync(join(folder, 'made.onnx'));
		assert.deepEqual(told, { file: 'made.onnx', bytes: made.length });
		const [original, translated] = await Promise.all(
			['model.json', 'made.onnx'].map((file) => json(['predict', file, '-i', '[0.5, -1, 2]']))
		);
		assert.deepEqual(Object.values(translated.prediction), Object.values(original.prediction));

		// The topology and both shards.
		const { bytes } = await json(['inspect', 'model.json']);
		const files = readdirSync(folder).filter((name) => name === 'model.json' || name.endsWith('.bin'));
		const sizes = files.map((name) => readFileSync(join(folder, name)).length);
		assert.deepEqual([sizes.length, bytes], [3, sizes.reduce((sum, size) => sum + size)]);

		await assertRefused(
			['translate', 'model.json', 'made.onnx'],
			2,
			/made\.onnx is there already; --force replaces it/
		);
		write('made.onnx', 'something else');
		assert.match(await output(['translate', 'model.json', 'made.onnx', '--force']), /^wrote made\.onnx, \d+ bytes\n$/);
		assert.deepEqual(readFileSync(join(folder, 'made.onnx')), made);
		await assertRefused(['translate', 'model.json', './model.json', '--force'], 2, /cannot take the place/);
		await assertRefused(['translate', 'model.json', 'none/made.onnx'], 2, /there is no folder none/);
		await assertRefused(['translate', iris, 'other.onnx'], 1, /the bytes look like "onnx" \(INVALID_MODEL\)/);
		assert.ok(!existsSync(join(folder, 'other.onnx')));
		assert.deepEqual(
			readdirSync(folder).filter((name) => name.endsWith('.tmp')),
			[]
		);
	});
});

describe('errors', () => {
	const cases = {
		'no command': [[], 2, /a command is missing: inspect, translate, predict, bench/],
		'an unknown command': [['infer'], 2, /there is no command infer: there are inspect/],
		'a name of every object': [['constructor'], 2, /there is no command constructor/],
		'no file': [['inspect'], 2, /inspect takes FILE, received nothing/],
		'too many files': [['inspect', 'a', 'b'], 2, /inspect takes FILE, received a b/],
		'an unknown option': [['predict', iris, '--inputs', '1'], 2, /'--inputs'.*predict --help/],
		'an option without its value': [['predict', iris, '--input'], 2, /--input.*predict --help/],
		'no input': [['predict', iris], 2, /predict needs --input; the model takes float_input/],
		'what is not JSON': [['predict', iris, '-i', '[1, 2'], 2, /--input \[1, 2 is not JSON/],
		'a file that is not there': [
			['predict', iris, '-i', '@none.json'],
			2,
			/--input @none\.json cannot be read: ENOENT/,
		],
		'an unknown engine': [['inspect', iris, '--engine', 'cuda'], 2, /engine must be one of auto, .*received "cuda"/],
		'no time at all': [
			['bench', iris, '--seconds', '0'],
			2,
			/--seconds takes a whole number from 1 to 3600, received 0/,
		],
		'a deadline in words': [['predict', iris, '-i', '1', '--timeout', 'soon'], 2, /--timeout takes .*received soon/],
		'a model that is not there': [['inspect', 'none.onnx'], 1, /none\.onnx/],
		'a model that is none': [['inspect', tool], 1, /\(INVALID_MODEL\)/],
		'values that do not fit': [['predict', iris, '-i', '[1]'], 1, /received shape \[1\] \(INVALID_INPUT\)/],
		'a field twice': [['predict', iris, '-i', '{"float_input":1,"float_input":2}'], 1, /float_input/],
		'another input': [
			['predict', modelPath('endless_loop'), '-i', '[1]', '--timeout', '50'],
			1,
			/\(DEADLINE_EXCEEDED\)/,
		],
	};
	for (const [what, [args, code, message]] of Object.entries(cases)) {
		test(what, () => assertRefused(args, code, message));
	}

	test('as JSON', async () => {
		const { code, stdout, stderr } = await call(['predict', iris, '-i', '[1]', '--json']);
		assert.deepEqual([code, stdout], [1, '']);
		const told = JSON.parse(stderr);
		assert.equal(told.code, 'INVALID_INPUT');
		assert.deepEqual(told.details.received, [1]);
		assert.match(JSON.parse((await call(['predict', iris, '--json'])).stderr).error, /needs --input/);
	});
});
