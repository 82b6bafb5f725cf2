import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { difference, flatDifference } from './support/comparison.js';
import { root, startHarper } from './support/harper.js';
import { readTensor } from './support/tensor-proto.js';

const corpus = process.env.EDGE_AI_CORPUS ?? join(root, '../shared/corpus');
const skip = !existsSync(corpus) && 'skipped: no corpus';

const PRETRAINED_TOLERANCE = { rtol: 1e-3, atol: 1e-3 };
/** A hostile model that is accepted may run so long. */
const HOSTILE_TIMEOUT_MS = 2000;
const NOT_OF_THE_MODEL = ['SOURCE', 'README.md', 'metadata.json', 'cases.json'];

const foldersIn = (name) =>
	skip
		? []
		: readdirSync(join(corpus, name), { withFileTypes: true }).flatMap((entry) =>
				entry.isDirectory() ? entry.name : []
			);
const filesIn = (folder) =>
	readdirSync(folder, { withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => entry.name)
		.sort();
const json = (...path) => JSON.parse(readFileSync(join(...path), 'utf8'));

describe('the corpus', { skip }, () => {
	let harper;
	before(async () => (harper = await startHarper({ threads: 1 })));
	after(() => harper?.dispose());

	const upload = async (modelId, folder) => {
		const files = filesIn(folder)
			.filter((name) => !NOT_OF_THE_MODEL.includes(name))
			.map((name) => ({ name, content: readFileSync(join(folder, name)) }));
		const { status, body } = await harper.upload({ modelId, version: 'v1', framework: 'onnx' }, files);
		assert.equal(status, 201, JSON.stringify(body));
	};
	const predict = async (modelId, features) => {
		const { status, body } = await harper.predict({ modelId, features });
		assert.equal(status, 200, JSON.stringify(body));
		return body.prediction;
	};

	describe('of scikit-learn models', () => {
		const names = foldersIn('sklearn');
		test('has 15 models', () => assert.equal(names.length, 15));
		for (const name of names) {
			test(name, async () => {
				const folder = join(corpus, 'sklearn', name);
				await upload(name, folder);
				const { suggested_tolerance: tolerance } = json(folder, 'metadata.json');
				for (const { features, expected } of json(folder, 'cases.json')) {
					const prediction = await predict(name, features);
					assert.equal(difference(prediction, expected, tolerance), undefined);
				}
			});
		}
	});

	describe('of pretrained models', () => {
		const names = foldersIn('pretrained');
		test('has 19 models', () => assert.equal(names.length, 19));

		/** What a case must give, by the name of the output. */
		const expectedOf = (folder, outputs) => {
			const files = filesIn(folder).filter((file) => file.startsWith('output_'));
			return files.flatMap((file) => {
				const at = Number(/\d+/.exec(file)[0]);
				if (file.endsWith('.json')) return [[outputs[at], json(folder, file)]];
				// A sequence of maps, which is no tensor, is in the JSON file beside it.
				if (files.includes(file.replace('.pb', '.json'))) return [];
				const { name, data } = readTensor(readFileSync(join(folder, file)));
				return [[name || outputs[at], data]];
			});
		};

		for (const name of names) {
			test(name, async () => {
				const folder = join(corpus, 'pretrained', name);
				await upload(`pretrained-${name}`, folder);
				const metadata = json(folder, 'metadata.json');
				const [inputs, outputs] = [metadata.inputs, metadata.outputs].map((list) => list.map(([first]) => first));
				const cases = readdirSync(folder).filter((entry) => entry.startsWith('test_data_set_'));
				assert.ok(cases.length > 0);
				for (const each of cases.map((entry) => join(folder, entry))) {
					const features = {};
					for (const file of filesIn(each).filter((entry) => entry.startsWith('input_'))) {
						const { name: input, data, shape } = readTensor(readFileSync(join(each, file)));
						features[input || inputs[Number(/\d+/.exec(file)[0])]] = { data, shape };
					}
					const prediction = await predict(`pretrained-${name}`, features);
					for (const [output, expected] of expectedOf(each, outputs)) {
						const value = prediction[output];
						const isMaps = typeof [expected].flat(Infinity)[0] === 'object';
						const compare = isMaps ? difference : flatDifference;
						assert.equal(compare(value, expected, PRETRAINED_TOLERANCE), undefined, `${each} ${output}`);
					}
				}
			});
		}
	});

	describe('of malformed input', () => {
		const isClear = ({ status, body }) => {
			assert.ok((status >= 400 && status < 500) || status === 504, JSON.stringify({ status, body }));
			assert.match(body.code, /^[A-Z_]+$/);
			assert.ok(body.error.length > 10);
			assert.ok(!body.error.includes(harper.rootPath) && !body.error.includes('/etc/passwd:'), body.error);
		};
		const files = skip ? [] : filesIn(join(corpus, 'malformed')).filter((name) => !/\.(md|json|txt)$/.test(name));

		for (const [at, name] of files.entries()) {
			test(name, async () => {
				const modelId = `malformed-${at}`;
				const content = readFileSync(join(corpus, 'malformed', name));
				const uploaded = await harper.upload({ modelId, version: 'v1', framework: 'onnx' }, [{ name, content }]);
				if (uploaded.status !== 201) isClear(uploaded);
				else {
					const { body: record } = await harper.get(`/model/${modelId}/v1`);
					const lowest = ['-9223372036854775808', -1];
					const values = (input) => (input.dtype === 'int64' && /div/.test(name) ? lowest : [1, 1]);
					const features = Object.fromEntries(
						record.signature.inputs.map((input, position) => [
							input.name,
							{ data: [values(input)[position % 2]], shape: [1] },
						])
					);
					const answer = await harper.predict({ modelId, features, timeoutMs: HOSTILE_TIMEOUT_MS });
					if (answer.status !== 200) isClear(answer);
					assert.ok(!JSON.stringify(answer.body).includes('root:x'));
				}
				assert.ok(await harper.isAlive());
			});
		}

		const bodies = skip ? [] : filesIn(join(corpus, 'malformed/json'));
		/** Sound after all: what each must give. */
		const SOUND = {
			'bool-value.json': [[1, 0, 1, 0]],
			'control-good.json': [[1, 0, 3, 0]],
			// No rows.
			'empty-batch.json': [],
			'int-2pow63.json': [[9223372000000000000, 1, 2, 3]],
			'null-value.json': [[1, 'NaN', 3, 4]],
			// The model has a single input, which goes by any name.
			'wrong-name.json': [[1, 2, 3, 4]],
			// A row without the batch dimension.
			'wrong-rank.json': [1, 2, 3, 4],
		};
		for (const name of bodies) {
			test(`json/${name}`, async () => {
				const content = readFileSync(join(corpus, 'malformed/ok-relu.onnx'));
				await harper.upload({ modelId: 'ok-relu', version: 'v1' }, [{ name: 'model.onnx', content }]);
				const features = readFileSync(join(corpus, 'malformed/json', name));
				const body = Buffer.concat([Buffer.from('{"modelId":"ok-relu","features":'), features, Buffer.from('}')]);
				const answer = await harper.predict(body, { headers: { 'content-type': 'application/json' } });
				if (SOUND[name]) assert.deepEqual([answer.status, answer.body.prediction], [200, { y: SOUND[name] }]);
				else {
					isClear(answer);
					// The file alone is no request either.
					isClear(await harper.predict(features, { headers: { 'content-type': 'application/json' } }));
				}
				assert.ok(await harper.isAlive());
			});
		}

		test('a compressed body that is none of JSON', async () => {
			const body = readFileSync(join(corpus, 'malformed/gzipbomb.json.gz'));
			const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
			isClear(await harper.predict(body, { headers }));
			assert.ok(await harper.isAlive());
		});
	});
});
