// TensorFlow.js models: uploaded in every form that there is, answered as TensorFlow.js answers, refused by name.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { InferenceEngine, ModelRegistry, Tensor } from '../index.js';
import { tarGzOf, zipOf } from './support/archives.js';
import { flatDifference } from './support/comparison.js';
import { ADMIN, credentials, root, startHarper } from './support/harper.js';
import {
	artifactsOf,
	elementsOf,
	filesOf,
	graphArtifacts,
	inOneFile,
	random,
	seedWeights,
	tf,
} from './support/tfjs.js';

const TOLERANCE = { rtol: 1e-4, atol: 1e-5 };

const { layers } = tf;
const chain = (...list) => tf.sequential({ layers: list });

/** Two inputs and two outputs. */
function twoByTwo() {
	const [left, right] = ['left', 'right'].map((name) => tf.input({ shape: [3], name }));
	const joined = layers.concatenate().apply([left, layers.dense({ units: 4, activation: 'elu' }).apply(right)]);
	const outputs = ['first', 'second'].map((name, at) => layers.dense({ units: 2 + at, name }).apply(joined));
	return tf.model({ inputs: [left, right], outputs });
}

/** Models by what they are made of. */
const MODELS = {
	'a dense classifier': () =>
		chain(
			layers.dense({ inputShape: [4], units: 8, activation: 'relu' }),
			layers.dense({ units: 3, activation: 'softmax' })
		),
	'a convolutional network': () =>
		chain(
			layers.conv2d({ inputShape: [8, 8, 3], filters: 4, kernelSize: 3, padding: 'same', activation: 'relu6' }),
			layers.batchNormalization(),
			layers.maxPooling2d({ poolSize: 2 }),
			layers.depthwiseConv2d({ kernelSize: 3 }),
			layers.flatten(),
			layers.dense({ units: 2, activation: 'sigmoid' })
		),
	'a recurrent network': () =>
		chain(
			layers.embedding({ inputShape: [6], inputDim: 10, outputDim: 5 }),
			layers.bidirectional({ layer: layers.lstm({ units: 3, returnSequences: true }), mergeMode: 'concat' }),
			layers.gru({ units: 4 }),
			layers.dense({ units: 1 })
		),
	'two inputs and outputs': twoByTwo,
};

/** An input of `rows` rows for each input of a model: small whole numbers for an embedding. */
function inputsOf(model, rows, seed) {
	const next = random(seed);
	const [first] = model.layers.filter((layer) => layer.getClassName() !== 'InputLayer');
	return model.inputs.map(({ shape }) => {
		const full = [rows, ...shape.slice(1)];
		const value = first.getClassName() === 'Embedding' ? () => Math.floor(next() * 10) : () => 2 * next() - 1;
		return tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape(full) }, value), full);
	});
}

/** Features of the REST interface for tensors. */
const featuresOf = (model, tensors) =>
	Object.fromEntries(model.inputNames.map((name, at) => [name, tensors[at].arraySync()]));

/** Fails unless a prediction is what TensorFlow.js predicts. */
function assertSame(prediction, expected) {
	const values = Object.values(prediction).map((value) => (value instanceof Tensor ? Array.from(value.data) : value));
	const lists = elementsOf(expected);
	assert.equal(values.length, lists.length);
	lists.forEach((list, at) => assert.equal(flatDifference(values[at], list, TOLERANCE), undefined, `output ${at}`));
}

/** A small classifier that the forms of upload are tried with, and what it answers. */
const classifier = seedWeights(MODELS['a dense classifier'](), 7);
const artifacts = await artifactsOf(classifier);
const ROWS = [
	[5.1, 3.5, 1.4, 0.2],
	[6.3, 3.3, 6, 2.5],
];
const SCORES = classifier.predict(tf.tensor(ROWS));

/** Changes the layers of a topology. */
function withLayers(change) {
	const changed = structuredClone({ ...artifacts, weightData: undefined });
	changed.modelTopology.config.layers.forEach(change);
	return filesOf({ ...changed, weightData: artifacts.weightData });
}

describe('over REST', () => {
	let harper;
	// `model.save(url)` sends no credentials: loopback requests are the superuser's.
	before(
		async () => (harper = await startHarper({ threads: 1, variables: { AUTHENTICATION_AUTHORIZELOCAL: 'true' } }))
	);
	after(() => harper?.dispose());

	/** How TensorFlow.js sends credentials when it loads. */
	const asAdmin = { requestInit: { headers: credentials(ADMIN) } };

	const upload = (files, fields = {}) =>
		harper.upload(
			{ modelId: 'm', version: randomUUID(), ...fields },
			files.map(({ name, bytes, part }) => ({ name, content: bytes, part }))
		);

	/** Uploads and compares with TensorFlow.js; gives what the upload answered. */
	const assertServed = async (files) => {
		const { status, body } = await upload(files);
		assert.equal(status, 201, JSON.stringify(body));
		assert.equal(body.framework, 'tensorflow');
		const { modelId, version } = body;
		const answer = await harper.predict({ modelId, version, features: { x: ROWS } });
		assert.equal(answer.status, 200, JSON.stringify(answer.body));
		assertSame(answer.body.prediction, SCORES);
		return body;
	};

	const assertRefused = async (files, code, ...parts) => {
		const version = randomUUID();
		const { status, body } = await upload(files, { version });
		assert.deepEqual([status, body.code], [422, code], JSON.stringify(body));
		for (const part of parts) assert.ok(body.error.includes(part), `${part}: ${body.error}`);
		assert.equal((await harper.get(`/model/m/${version}`)).status, 404, 'nothing is stored');
		return body;
	};

	describe('save(url) of TensorFlow.js', () => {
		for (const [at, [what, make]] of Object.entries(MODELS).entries()) {
			test(what, async () => {
				const model = seedWeights(make(), at);
				const { responses } = await model.save(`${harper.base}/model/upload?modelId=saved-${at}&version=v1`);
				const saved = await responses[0].json();
				assert.deepEqual([responses[0].status, saved.framework], [201, 'tensorflow']);

				const { body: record } = await harper.get(`/model/saved-${at}/v1`);
				assert.deepEqual(
					[record.signature.inputs, record.signature.outputs].map((list) => list.map(({ name }) => name)),
					[model.inputNames, model.outputNames]
				);
				assert.deepEqual(
					record.files.map(({ name }) => name),
					['model.json', 'model.weights.bin']
				);
				for (const rows of [1, 3]) {
					const inputs = inputsOf(model, rows, rows);
					const { status, body } = await harper.predict({
						modelId: `saved-${at}`,
						features: featuresOf(model, inputs),
					});
					assert.equal(status, 200, JSON.stringify(body));
					assertSame(body.prediction, model.predict(inputs));
				}

				const loaded = await tf.loadLayersModel(`${harper.base}/model/saved-${at}/v1/file/model.json`, asAdmin);
				const [input] = [inputsOf(model, 2, 1)];
				assert.deepEqual(elementsOf(loaded.predict(input)), elementsOf(model.predict(input)));
			});
		}

		test('a model is loaded back only by who may read it', async () => {
			const stranger = { requestInit: { headers: { authorization: 'Basic bm86Ym9keQ==' } } };
			const url = `${harper.base}/model/saved-0/v1/file/model.json`;
			await assert.rejects(tf.loadLayersModel(url, stranger), /401/);
		});

		test('a model in folders, whose paths have queries, is loaded back', async () => {
			const { weightData, weightSpecs, ...rest } = artifacts;
			const bytes = new Uint8Array(weightData);
			// Behind both weights of the first layer: TensorFlow.js 4.22 misreads weights that lie in two shards.
			const cut = 4 * (4 * 8 + 8);
			const paths = ['a/w 1.bin?v=2', 'b/w%201.bin'];
			const main = Buffer.from(JSON.stringify({ ...rest, weightsManifest: [{ paths, weights: weightSpecs }] }));
			const { modelId, version } = await assertServed([
				{ name: 'web/model.json', bytes: main },
				{ name: 'web/b/W 1.bin', bytes: bytes.slice(cut) },
				{ name: 'web/a/w 1.bin', bytes: bytes.slice(0, cut) },
			]);
			const url = `${harper.base}/model/${modelId}/${version}/file/model.json?token=1`;
			const loaded = await tf.loadLayersModel(url, asAdmin);
			assertSame({ y: Array.from(loaded.predict(tf.tensor(ROWS)).dataSync()) }, SCORES);
		});

		test('the same model again is the same version, another one is refused', async () => {
			const url = `${harper.base}/model/upload?modelId=twice&version=v1`;
			await classifier.save(url);
			const { responses } = await classifier.save(url);
			assert.equal(responses[0].status, 200);
			await assert.rejects(seedWeights(MODELS['a dense classifier'](), 8).save(url), /409/);
		});
	});

	describe('forms of an upload', () => {
		const sharded = filesOf(artifacts, 3);

		test('model.json and shards, in any order and under any folder', async () => {
			await assertServed([...sharded].reverse().map(({ name, bytes }) => ({ name: `web_model/${name}`, bytes })));
		});

		test('a name of its own for model.json', async () => {
			const [main, ...shards] = sharded;
			await assertServed([{ ...main, name: 'my-model.json' }, ...shards]);
		});

		test('.zip', async () => {
			const entries = sharded.map(({ name, bytes }) => ({ name: `my model/${name}`, bytes }));
			await assertServed([{ name: 'model.zip', bytes: zipOf(entries) }]);
		});

		test('.tar.gz', async () => {
			const entries = sharded.map(({ name, bytes }) => ({ name: `./model/${name}`, bytes }));
			await assertServed([{ name: 'model.tar.gz', bytes: tarGzOf(entries) }]);
		});

		test('ModelArtifacts as one JSON text', async () => {
			await assertServed([{ name: 'artifacts.json', bytes: inOneFile(artifacts) }]);
		});

		test('what was uploaded comes back as it was', async () => {
			const bytes = zipOf(sharded);
			const { modelId, version } = await assertServed([{ name: 'model.zip', bytes }]);
			const { body } = await harper.get(`/model/${modelId}/${version}/file`);
			assert.ok(body.equals(bytes));
		});

		test('a graph-model', async () => {
			const next = random(3);
			const weight = (shape) =>
				tf.tensor(
					Array.from({ length: tf.util.sizeFromShape(shape) }, () => next() - 0.5),
					shape
				);
			const graph = graphArtifacts(
				[
					[
						'x',
						'Placeholder',
						[],
						{ dtype: { type: 'DT_FLOAT' }, shape: { shape: { dim: [{ size: '-1' }, { size: '4' }] } } },
					],
					['product', 'MatMul', ['x', 'kernel']],
					['sum', 'BiasAdd', ['product', 'bias']],
					['Identity', 'Softmax', ['sum']],
				],
				{ kernel: weight([4, 3]), bias: weight([3]) },
				{ inputs: { measurements: 'x' }, outputs: { scores: 'Identity' } }
			);
			const { status, body } = await upload(filesOf(graph), { modelId: 'graph' });
			assert.equal(status, 201, JSON.stringify(body));
			const url = `${harper.base}/model/graph/${body.version}/file/model.json`;
			const loaded = await tf.loadGraphModel(url, asAdmin);
			const { weightData } = graph;
			const memory = { ...graph, weightData: new Uint8Array(weightData).buffer };
			const model = await tf.loadGraphModel(tf.io.fromMemory(memory));
			const answer = await harper.predict({ modelId: 'graph', features: { measurements: ROWS } });
			assert.deepEqual(Object.keys(answer.body.prediction), ['scores'], JSON.stringify(answer.body));
			assertSame(answer.body.prediction, model.predict(tf.tensor(ROWS)));
			assertSame(answer.body.prediction, loaded.predict(tf.tensor(ROWS)));
		});

		test('a .zip with what else Keras saved beside the model', async () => {
			const keras = { name: 'my model/model.h5', bytes: Buffer.from('\x89HDF\r\n\x1a\n and more', 'latin1') };
			const entries = sharded.map(({ name, bytes }) => ({ name: `my model/tfjs/${name}`, bytes }));
			await assertServed([{ name: 'model.zip', bytes: zipOf([keras, ...entries]) }]);
		});

		test('bytes behind the last weight, as old versions saved them', async () => {
			const [main, shard] = filesOf(artifacts);
			await assertServed([main, { ...shard, bytes: Buffer.concat([shard.bytes, Buffer.alloc(1000)]) }]);
		});
	});

	describe('labels', () => {
		const metadata = { name: 'metadata.json', bytes: Buffer.from(JSON.stringify({ labels: ['a', 'b', 'c'] })) };

		test("Teachable Machine's are kept, and name the scores when asked", async () => {
			const { modelId, version } = await assertServed([...filesOf(artifacts), metadata]);
			const { body: record } = await harper.get(`/model/${modelId}/${version}`);
			assert.deepEqual(record.labels, ['a', 'b', 'c']);

			const [name] = classifier.outputNames;
			const ask = (x) => harper.predict({ modelId, version, features: { x }, labels: true });
			const { body: plain } = await harper.predict({ modelId, version, features: { x: ROWS } });
			const { body: batch } = await ask(ROWS);
			assert.deepEqual(
				batch.prediction[name],
				plain.prediction[name].map(([a, b, c]) => ({ a, b, c }))
			);
			const { body: row } = await ask(ROWS[0]);
			assert.deepEqual(row.prediction[name], batch.prediction[name][0]);
			assert.equal(row.confidence, Math.max(...plain.prediction[name][0]));
		});

		for (const [what, name, content] of [
			['the sounds of Teachable Machine', 'metadata.json', { wordLabels: ['a', 'b', 'c'] }],
			[
				'ml5',
				'model_meta.json',
				{ outputs: { y: { dtype: 'string', legend: { b: [0, 1, 0], a: [1, 0, 0], c: [0, 0, 1] } } } },
			],
		]) {
			test(`those of ${what} are kept`, async () => {
				const file = { name, bytes: Buffer.from(JSON.stringify(content)) };
				const { modelId, version } = await assertServed([...filesOf(artifacts), file]);
				assert.deepEqual((await harper.get(`/model/${modelId}/${version}`)).body.labels, ['a', 'b', 'c']);
			});
		}

		test('feedback by the name of a class is compared', async () => {
			const { modelId, version } = await assertServed([...filesOf(artifacts), metadata]);
			const { body } = await harper.predict({ modelId, version, features: { x: ROWS[0] }, labels: true });
			const [scores] = Object.values(body.prediction);
			const best = Object.keys(scores).reduce((a, b) => (scores[a] >= scores[b] ? a : b));
			await harper.feedback({ inferenceId: body.inferenceId, outcome: { class: best } });
			const { body: metrics } = await harper.get(`/monitoring/metrics?modelId=${modelId}&version=${version}`);
			assert.deepEqual([metrics.feedbackCount, metrics.accuracy], [1, 1]);
		});

		test('asking for what the model does not have is refused', async () => {
			const without = await assertServed(filesOf(artifacts));
			const few = { ...metadata, bytes: Buffer.from(JSON.stringify({ labels: ['a', 'b'] })) };
			const fewer = await assertServed([...filesOf(artifacts), few]);
			for (const [{ modelId, version }, part] of [
				[without, 'without class names'],
				[fewer, 'rows of 2 scores'],
			]) {
				const { status, body } = await harper.predict({ modelId, version, features: { x: ROWS }, labels: true });
				assert.deepEqual([status, body.code], [422, 'INVALID_INPUT']);
				assert.ok(body.error.includes(part), body.error);
			}
		});
	});

	describe('refusals', () => {
		test('every layer that is not supported is named', async () => {
			const files = withLayers((layer, at) => (layer.class_name = ['Lambda', 'MyLayer'][at]));
			const names = classifier.layers.map(({ name }) => name);
			await assertRefused(files, 'UNSUPPORTED_MODEL', 'Lambda', 'MyLayer', ...names);
		});

		test('every operation that is not supported is named', async () => {
			const graph = graphArtifacts(
				[
					['x', 'Placeholder', [], { dtype: { type: 'DT_FLOAT' }, shape: { shape: { dim: [{ size: '4' }] } } }],
					['first', 'Bucketize', ['x']],
					['second', 'Bucketize', ['first']],
					['third', 'StaticRegexReplace', ['second']],
				],
				{},
				{ inputs: { x: 'x' }, outputs: { y: 'third' } }
			);
			const { details } = await assertRefused(filesOf(graph), 'UNSUPPORTED_MODEL', 'Bucketize', 'StaticRegexReplace');
			assert.deepEqual(details.unsupported, [
				{ reason: 'operation Bucketize', nodes: ['first', 'second'] },
				{ reason: 'operation StaticRegexReplace', nodes: ['third'] },
			]);
		});

		test('shards that are missing, too short, too long, or of another model', async () => {
			const [main, ...shards] = filesOf(artifacts, 3);
			await assertRefused([main, shards[0], shards[2]], 'INVALID_MODEL', shards[1].name);
			const short = { ...shards[2], bytes: shards[2].bytes.slice(0, -4) };
			await assertRefused([main, shards[0], shards[1], short], 'INVALID_MODEL');
			const paths = [...shards.map(({ name }) => name), 'more.bin'];
			const json = JSON.parse(main.bytes);
			json.weightsManifest[0].paths = paths;
			const longer = { name: 'model.json', bytes: Buffer.from(JSON.stringify(json)) };
			const more = { name: 'more.bin', bytes: Buffer.alloc(4) };
			await assertRefused([longer, ...shards, more], 'INVALID_MODEL', '4 bytes');
			await assertRefused([main, ...shards, { ...shards[0], bytes: shards[1].bytes }], 'INVALID_MODEL', shards[0].name);
		});

		test('weights that do not fit their layers', async () => {
			const files = withLayers((layer) => layer.config.batch_input_shape?.splice(1, 1, 5));
			await assertRefused(files, 'INVALID_MODEL', 'kernel');
			const renamed = withLayers((layer) => (layer.config.name += '_too'));
			await assertRefused(renamed, 'INVALID_MODEL', 'weight');
		});

		test('what is no model', async () => {
			await assertRefused([{ name: 'model.json', bytes: Buffer.from('{"modelTopology": 7}') }], 'INVALID_MODEL');
			await assertRefused([{ name: 'model.json', bytes: Buffer.from('{"a": 7}') }], 'INVALID_MODEL', 'modelTopology');
			await assertRefused([{ name: 'model.zip', bytes: zipOf([]) }], 'INVALID_MODEL');
			await assertRefused(
				[...filesOf(artifacts), { ...filesOf(artifacts)[0], name: 'b.json' }],
				'INVALID_MODEL',
				'two'
			);
		});

		test('files of Keras, with what converts them', async () => {
			const bytes = Buffer.from('\x89HDF\r\n\x1a\n and more', 'latin1');
			await assertRefused([{ name: 'model.h5', bytes }], 'UNSUPPORTED_MODEL', 'tensorflowjs_converter');
			const keras = [
				{ name: 'config.json', bytes: Buffer.from('{}') },
				{ name: 'metadata.json', bytes: Buffer.from('{"keras_version": "3.0.0"}') },
				{ name: 'model.weights.h5', bytes },
			];
			await assertRefused(
				[{ name: 'model.keras', bytes: zipOf(keras) }],
				'UNSUPPORTED_MODEL',
				'tensorflowjs_converter'
			);
		});

		test('a framework that the bytes contradict', async () => {
			const { status, body } = await upload(filesOf(artifacts), { framework: 'onnx' });
			assert.deepEqual([status, body.code], [422, 'INVALID_MODEL']);
		});
	});

	describe('archives', () => {
		const zeros = { name: 'group1-shard1of1.bin', bytes: Buffer.alloc(64 << 20) };
		const many = Array.from({ length: 10_001 }, (_, at) => ({ name: `${at}.bin`, bytes: Buffer.from([at]) }));
		const forms = [
			['zip', zipOf],
			['tar.gz', tarGzOf],
		];

		for (const [ending, pack] of forms) {
			test(`.${ending}: what unpacks to much more than its size is refused`, async () => {
				const bytes = pack([...filesOf(artifacts).slice(0, 1), zeros]);
				assert.ok(bytes.length < 1 << 20);
				await assertRefused([{ name: `m.${ending}`, bytes }], 'INVALID_MODEL', 'times its size');
			});

			test(`.${ending}: too many entries are refused`, async () => {
				await assertRefused([{ name: `m.${ending}`, bytes: pack(many) }], 'INVALID_MODEL', 'more than 10000 files');
			});

			test(`.${ending}: names that lead elsewhere name nothing elsewhere`, async () => {
				const mark = randomUUID();
				const paths = [`../${mark}`, `../../../../../../../../..${tmpdir()}/${mark}`, `${tmpdir()}/${mark}`];
				const entries = paths.flatMap((path) =>
					filesOf(artifacts).map(({ name, bytes }) => ({ name: `${path}/${name}`, bytes }))
				);
				// The three copies are the same files, and each goes by its base name.
				await assertRefused([{ name: `m.${ending}`, bytes: pack(entries) }], 'INVALID_MODEL', 'two of the files');
				await assertServed([{ name: `m.${ending}`, bytes: pack(entries.slice(0, 2)) }]);
				for (const folder of [tmpdir(), dirname(harper.rootPath), harper.rootPath, root]) {
					assert.ok(!existsSync(join(folder, mark)), folder);
				}
			});

			test(`.${ending}: one that is cut off is refused`, async () => {
				const bytes = pack(filesOf(artifacts));
				await assertRefused([{ name: `m.${ending}`, bytes: bytes.subarray(0, bytes.length / 2) }], 'INVALID_MODEL');
			});
		}

		test('a model inside an archive may not name files of this machine', async () => {
			const files = filesOf(artifacts);
			const main = JSON.parse(files[0].bytes);
			main.weightsManifest[0].paths = ['../../../../../../etc/passwd'];
			await assertRefused(
				[{ name: 'model.json', bytes: Buffer.from(JSON.stringify(main)) }],
				'INVALID_MODEL',
				'missing'
			);
		});
	});

	test('it is still alive', async () => assert.ok(await harper.isAlive()));
});

describe('from Node.js', () => {
	const engine = new InferenceEngine();
	let folder;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), 'edge ai tensorflow '));
		for (const { name, bytes } of filesOf(artifacts, 2)) await writeFile(join(folder, name), bytes);
	});
	after(() => rm(folder, { recursive: true, force: true }));

	const named = () =>
		filesOf(artifacts, 2).map(({ name }) => ({
			name,
			path: join(folder, name),
		}));

	test('load takes the files by their paths', async () => {
		const model = await engine.load(named());
		assert.equal(model.framework, 'tensorflow');
		const { outputs, confidence } = await model.predict({ x: ROWS });
		assertSame(outputs, SCORES);
		assert.equal(confidence.length, ROWS.length);
	});

	test('load takes model.json, with the shards beside it', async () => {
		const model = await engine.load(join(folder, 'model.json'));
		assertSame((await model.predict({ x: ROWS })).outputs, SCORES);
	});

	test('load finds shards under other spellings of their paths, and labels', async () => {
		const other = join(folder, 'other');
		await mkdir(other);
		const [main, ...shards] = filesOf(artifacts, 2);
		const json = JSON.parse(main.bytes);
		json.weightsManifest[0].paths = ['w%201.bin?v=1', 'W2.bin'];
		await writeFile(join(other, 'model.json'), `\uFEFF${JSON.stringify(json)}`);
		await writeFile(join(other, 'w 1.bin'), shards[0].bytes);
		await writeFile(join(other, 'w2.bin'), shards[1].bytes);
		const classes = { y: { dtype: 'string', legend: { b: [0, 1, 0], a: [1, 0, 0], c: [0, 0, 1] } } };
		await writeFile(join(other, 'model_meta.json'), JSON.stringify({ meta: { outputs: classes } }));
		const model = await engine.load(join(other, 'model.json'));
		assertSame((await model.predict({ x: ROWS })).outputs, SCORES);
		assert.deepEqual(model.signature.labels, ['a', 'b', 'c']);
	});

	test('load takes bytes', async () => {
		const model = await engine.load(filesOf(artifacts, 2), { framework: 'tensorflow' });
		assertSame((await model.predict({ x: ROWS })).outputs, SCORES);
		const packed = await engine.load(zipOf(filesOf(artifacts)));
		assertSame((await packed.predict({ x: ROWS })).outputs, SCORES);
		await assert.rejects(engine.load(filesOf(artifacts, 3), { framework: 'onnx' }), { code: 'INVALID_MODEL' });
	});

	test('labels are part of the signature', async () => {
		const metadata = { name: 'metadata.json', bytes: Buffer.from('{"labels": ["a", "b", "c"]}') };
		const model = await engine.load([...filesOf(artifacts), metadata]);
		assert.deepEqual(model.signature.labels, ['a', 'b', 'c']);
	});

	test('a registry takes it', async () => {
		const registry = new ModelRegistry();
		await registry.register({ modelId: 'm', version: 'v1', file: named() });
		const { outputs } = await new InferenceEngine({ registry }).predict('m', { x: ROWS });
		assertSame(outputs, SCORES);
	});

	test('tract runs it too', async () => {
		const model = await engine.load(named(), { engine: 'tract' });
		assertSame((await model.predict({ x: ROWS })).outputs, SCORES);
	});

	test('what is refused says why', async () => {
		const files = withLayers((layer) => (layer.class_name = 'Lambda'));
		await assert.rejects(engine.load(files), { code: 'UNSUPPORTED_MODEL', message: /Lambda/ });
		const bytes = readFileSync(join(folder, 'model.json'));
		await assert.rejects(engine.load(bytes), { code: 'INVALID_MODEL', message: /missing/ });
	});
});
