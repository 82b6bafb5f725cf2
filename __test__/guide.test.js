import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { root, startHarper } from './support/harper.js';
import { FLOAT, message, number, onnxModel } from './support/onnx.js';

const run = promisify(execFile);

/** Where the guide says that Harper listens. */
const PORT = 9926;
const PYTHON = join(root, '.venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

const guide = readFileSync(join(root, '__test__/support/guide-examples.md'), 'utf8');
const blocks = [...guide.matchAll(/^### (.*?)\n+```(\w+)\n(.*?)^```|^```(bash)\n(.*?)^```/gms)].map(
	([, title, language, code, bash, plain]) => ({ title, language: language ?? bash, code: code ?? plain })
);
const example = (title) => blocks.find((block) => block.title === title).code;

const codeIn = (text, language) =>
	[...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code);

/** The code of a language below a heading of the README. */
const readmeBlocks = (heading, language) => {
	const [section] = readFileSync(join(root, 'README.md'), 'utf8').match(
		new RegExp(`^## ${heading}\n.*?(?=^## )`, 'ms')
	);
	return codeIn(section, language);
};

/** Asserts that a value has what is printed of it; numbers may differ by their rounding. */
function assertHas(value, printed, path = '') {
	if (typeof printed === 'number') {
		assert.ok(Math.abs(value - printed) <= 1e-9 * Math.abs(printed), `${path}: ${value}, printed is ${printed}`);
	} else if (printed !== null && typeof printed === 'object') {
		for (const [name, part] of Object.entries(printed)) assertHas(value?.[name], part, `${path}.${name}`);
	} else assert.equal(value, printed, path);
}

const isFree = (port) =>
	new Promise((resolve) => {
		const server = createServer()
			.once('error', () => resolve(false))
			.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
	});

const skip = !(await isFree(PORT)) && `skipped: port ${PORT}, which the guide names, is taken`;

describe('the examples of the guide, as printed', { skip }, () => {
	let harper;
	let folder;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), 'guide '));
		// The guide's callers send no credentials.
		harper = await startHarper({
			mode: 'dev',
			address: `127.0.0.1:${PORT}`,
			options: { ruleInterval: 1, webhookAllow: '127.0.0.1' },
		});
	});
	after(async () => {
		await harper?.dispose();
		await rm(folder, { recursive: true, force: true });
	});

	/** Runs commands of a shell and gives each line of their output that is JSON. */
	const shell = async (script) => {
		const { stdout } = await run('bash', ['-e', '-o', 'pipefail', '-c', script], { cwd: folder });
		return stdout.split(/(?<=\})(?=\{)|\n/).flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
	};

	test('all of them are here', () => {
		assert.deepEqual(
			blocks.map(({ title, language }) => [title, language]),
			[
				['Python: Train and Export ONNX Model', 'python'],
				['Upload to Harper', 'bash'],
				['Run Inference', 'bash'],
				['JavaScript: Using the API', 'javascript'],
				[undefined, 'bash'],
			]
		);
	});

	test(
		'Python and curl',
		{ skip: !existsSync(PYTHON) && 'skipped: no .venv, see scripts/requirements.txt' },
		async () => {
			await writeFile(join(folder, 'train.py'), example('Python: Train and Export ONNX Model'));
			await run(PYTHON, ['train.py'], { cwd: folder });

			const [uploaded] = await shell(example('Upload to Harper'));
			assert.deepEqual(
				[uploaded.success, uploaded.modelId, uploaded.version, typeof uploaded.uploadedAt],
				[true, 'sklearn-classifier', 'v1', 'number']
			);

			const [predicted] = await shell(example('Run Inference'));
			const { output_label: label, output_probability: probability } = predicted.prediction;
			assert.ok(label === 0 || label === 1);
			assert.deepEqual(Object.keys(probability), ['0', '1']);
			assert.ok(Math.abs(probability[0] + probability[1] - 1) < 1e-6);
			assert.equal(predicted.confidence, probability[label]);
			assert.equal(predicted.modelVersion, 'v1');
			assert.match(predicted.inferenceId, /^[0-9a-f-]{36}$/);
			assert.equal(typeof predicted.latencyMs, 'number');

			const { body } = await harper.get('/monitoring/events?userId=user-123&modelId=sklearn-classifier', {
				user: null,
			});
			assert.equal(body.events[0].id, predicted.inferenceId);
		}
	);

	test('JavaScript', async () => {
		const names = ['uploadModel', 'predict', 'recordFeedback', 'getMetrics'];
		const path = join(folder, 'api.mjs');
		await writeFile(path, `${example('JavaScript: Using the API')}\nexport { ${names.join(', ')} };\n`);
		const { uploadModel, predict, recordFeedback, getMetrics } = await import(path);

		// Two classes: the sum of ten numbers, and its opposite.
		const weights = Buffer.from(Float32Array.from({ length: 20 }, (_, at) => (at % 2 ? -1 : 1)).buffer);
		const tensor = [number(1, 10), number(1, 2), number(2, FLOAT), message(8, 'weights'), message(9, weights)];
		const model = onnxModel({
			nodes: [
				['MatMul', ['input', 'weights'], ['scores']],
				['Softmax', ['scores'], ['output']],
			],
			inputs: [['input', FLOAT, ['rows', 10]]],
			outputs: [['output', FLOAT, ['rows', 2]]],
			initializer: message(5, tensor),
		});
		const uploaded = await uploadModel('my-model', 'v1', 'onnx', new File([model], 'model.onnx'));
		assert.equal(uploaded.success, true, JSON.stringify(uploaded));

		const predicted = await predict('my-model', { input: Array(10).fill(-0.1) });
		const [first, second] = predicted.prediction.output;
		assert.ok(Math.abs(second - 1 / (1 + Math.exp(-2))) < 1e-6);
		assert.ok(Math.abs(first + second - 1) < 1e-6);
		assert.equal(predicted.confidence, second);

		assert.deepEqual(await recordFeedback(predicted.inferenceId, true), {
			success: true,
			inferenceId: predicted.inferenceId,
		});
		const metrics = await getMetrics('my-model');
		assert.deepEqual([metrics.modelId, metrics.count, metrics.accuracy], ['my-model', 1, 1]);
		assert.equal(metrics.avgConfidence, predicted.confidence);
		assert.equal(metrics.avgLatency, predicted.latencyMs);
	});

	test('metrics of two frameworks', async () => {
		const answers = await shell(blocks.at(-1).code);
		assert.deepEqual(
			answers.map(({ modelId, count, accuracy }) => [modelId, count, accuracy]),
			[
				['model-onnx', 0, null],
				['model-tf', 0, null],
			]
		);
	});

	test("the README's first prediction", async () => {
		const metadata = readFileSync(join(root, 'examples/iris/metadata.json'), 'utf8');
		const uploaded = await harper.upload({ modelId: 'iris', version: '1.0.0', metadata }, ['examples/iris/model.onnx']);
		assert.equal(uploaded.status, 201);
		const [command] = readmeBlocks('Predict', 'bash');
		const [answered] = await shell(command);
		const [printed] = readmeBlocks('Predict', 'json').map((text) => JSON.parse(text));
		const varying = { inferenceId: null, latencyMs: null };
		assert.deepEqual({ ...answered, ...varying }, { ...printed, ...varying });
	});

	test(
		"the README's own model, from training to metrics",
		{ skip: !existsSync(PYTHON) && 'skipped: no .venv, see scripts/requirements.txt' },
		async () => {
			const [training] = readmeBlocks('Your own model', 'python');
			await writeFile(join(folder, 'wine.py'), training);
			await run(PYTHON, ['wine.py'], { cwd: folder });
			// One script, as in one terminal: the variable of one command is read by another.
			const commands = readmeBlocks('Your own model', 'bash').join('\necho\n');
			const [uploaded, told, { events }, metrics] = await shell(commands);
			assert.deepEqual([uploaded.success, uploaded.modelId, told.success], [true, 'wine', true]);
			assert.deepEqual(
				events.map(({ id, userId, correct }) => [id, userId, correct]),
				[[told.inferenceId, 'user-123', true]]
			);
			assert.deepEqual([metrics.count, metrics.accuracy], [1, 1]);
		}
	);

	test('the pages that follow upload models of their own, since one server runs them all', () => {
		const pages = ['alerts', 'page', 'labels', 'retraining', 'monitoring'];
		const uploaded = pages.flatMap((name) => {
			const text = readFileSync(join(root, `docs/${name}.md`), 'utf8');
			return [...new Set([...text.matchAll(/\/model\/upload\?modelId=([\w-]+)/g)].map(([, modelId]) => modelId))];
		});
		assert.equal(uploaded.length, pages.length);
		assert.equal(new Set(uploaded).size, pages.length, uploaded.join());
	});

	/** The examples of this repository, where commands of a page look for them. */
	const LINK = `mkdir -p examples\nln -sfn '${join(root, 'examples/iris')}' examples/iris`;

	/** Runs the commands of a page: each answer has what is printed. */
	async function answersAsPrinted(path) {
		const page = readFileSync(join(root, path), 'utf8');
		const answers = await shell([LINK, ...codeIn(page, 'bash')].join('\necho\n'));
		const printed = codeIn(page, 'json').map((text) => JSON.parse(text));
		assert.equal(answers.length, printed.length);
		for (const [at, answer] of answers.entries()) assertHas(answer, printed[at], `answer ${at + 1}`);
		return answers;
	}

	test('docs/alerts.md, from a rule to somebody who looks after its alert', () => answersAsPrinted('docs/alerts.md'));

	test('docs/page.md, what the page knows of its user', async () => {
		const answers = await answersAsPrinted('docs/page.md');
		assert.equal(answers.length, 1);
		const { body } = await harper.get('/monitoring/metrics?modelId=meadow');
		assert.equal(body.count, 5);
	});

	test('docs/labels.md, from a draw to an accuracy', async () => {
		const answers = await answersAsPrinted('docs/labels.md');
		const { lower } = answers.at(-1).accuracy;
		assert.ok(lower > 0.8 && lower < 1, `${lower}`);
	});

	test('docs/retraining.md, from a rule to the version that answers', () => answersAsPrinted('docs/retraining.md'));

	test('docs/monitoring.md, from the first prediction to a drift report', async () => {
		const page = readFileSync(join(root, 'docs/monitoring.md'), 'utf8');
		const commands = codeIn(page, 'bash');
		const scrape = commands.pop();
		const [told, ...answers] = await shell([LINK, ...commands].join('\necho\n'));
		assert.equal(told.success, true);
		const printed = codeIn(page, 'json').map((text) => JSON.parse(text));
		assert.equal(answers.length, printed.length);
		for (const [at, answer] of answers.entries()) assertHas(answer, printed[at], `answer ${at + 1}`);
		const { stdout } = await run('bash', ['-e', '-o', 'pipefail', '-c', scrape]);
		assert.match(stdout, /^edge_ai_predictions_total\{model="flowers",version="autumn"\} 1$/m);
	});
});
