// From the start of Harper to the end of a session: restarts, damaged files, preloading, idle models.
import assert from 'node:assert/strict';
import { openAsBlob } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startHarper } from './support/harper.js';
import { BLOCK_ROWS, COLUMNS, writeLargeModel } from './support/large-model.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { artifactsOf, filesOf, seedWeights, tf } from './support/tfjs.js';
import { until } from './support/until.js';

const BLOCKS = 12;
const TABLE_ROWS = [0, 7, BLOCK_ROWS * BLOCKS - 1];
/** What the large model answers for those rows: their numbers within their blocks. */
const TABLE_ANSWER = [0, 7, BLOCK_ROWS - 1];

let harper;
let folder;
before(async () => {
	folder = await mkdtemp(join(tmpdir(), 'lifecycle '));
	harper = await startHarper();
});
after(async () => {
	await harper?.dispose();
	await rm(folder, { recursive: true, force: true });
});

const upload = async (modelId, files, fields) => {
	const { status, body } = await harper.upload({ modelId, version: 'v1', ...fields }, files);
	assert.equal(status, 201, JSON.stringify(body));
	return body;
};
const status = async () => (await harper.get('/status')).body;
const predicted = async (modelId, features) => {
	const { status: code, body } = await harper.predict({ modelId, features, record: false });
	assert.equal(code, 200, JSON.stringify(body));
	return body.prediction;
};
const sessionOf = async (digest) => (await status()).sessions.find((session) => session.digest === digest);

/** A model whose bytes, and so whose digest, depend on the name. */
const smallModel = (name) => ({
	name: 'model.onnx',
	content: onnxModel({
		nodes: [['Relu', ['x'], [name]]],
		inputs: [['x', FLOAT, ['n', 2]]],
		outputs: [[name, FLOAT, ['n', 2]]],
	}),
});

async function largeModel() {
	const path = join(folder, 'model.onnx');
	await writeLargeModel(path, BLOCKS);
	return [{ name: 'model.onnx', content: await openAsBlob(path) }];
}

async function assertLarge(modelId) {
	const { y } = await predicted(modelId, { index: TABLE_ROWS });
	assert.deepEqual(
		y.map((row) => [row[0], row[COLUMNS - 1]]),
		TABLE_ANSWER.map((number) => [number, number])
	);
}

/** A TensorFlow.js model with more than 8 MiB of weights. */
async function tensorflowModel() {
	const model = tf.sequential({
		layers: [
			tf.layers.dense({ units: 1100, inputShape: [1000], activation: 'relu' }),
			tf.layers.dense({ units: 1000, activation: 'relu' }),
			tf.layers.dense({ units: 2 }),
		],
	});
	const files = filesOf(await artifactsOf(seedWeights(model, 1)));
	model.dispose();
	return files.map(({ name, bytes }) => ({ name, content: bytes }));
}
const TENSORFLOW_ROW = Array.from({ length: 1000 }, (_, at) => (at % 5) / 5);

const cacheOf = (digest) => join(harper.rootPath, 'edge-ai-cache', digest);

/** Every file in the cache folder of a model, as it is on disk: nobody has written it again while this stays. */
async function filesIn(digest) {
	const entries = await readdir(cacheOf(digest), { recursive: true, withFileTypes: true });
	const files = entries
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
	const described = files.map(async (path) => {
		const { ino, mtimeMs, size } = await stat(path);
		return [path.slice(cacheOf(digest).length + 1), { ino, mtimeMs, size }];
	});
	return Object.fromEntries((await Promise.all(described)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Changes one byte in the middle of a file. */
async function flip(path) {
	const file = await open(path, 'r+');
	const at = Math.floor((await file.stat()).size / 2);
	const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
	buffer[0] ^= 1;
	await file.write(buffer, 0, 1, at);
	await file.close();
}

describe('a restart with 20 models', () => {
	const MODELS = 20;
	const LARGE = 2;
	let large;

	test('loads nothing, and the first answer takes one load', async () => {
		const files = await largeModel();
		large = await upload('large-0', files);
		for (let at = 1; at < LARGE; at += 1) await upload(`large-${at}`, [...files], { metadata: `${at}` });
		for (let at = LARGE; at < MODELS; at += 1) await upload(`small-${at}`, [smallModel(`y${at}`)]);
		const before = await filesIn(large.digest);
		await harper.restart();
		const { cache, preload } = await status();
		assert.deepEqual([cache.loads, preload], [0, null], 'nothing is loaded that nobody asked for');
		assert.equal((await harper.get('/v2/health/ready')).status, 200);
		await assertLarge('large-0');
		assert.equal((await status()).cache.loads, 1);
		assert.deepEqual(await filesIn(large.digest), before, 'nothing is unpacked or laid out again');
	});

	test(
		'weights are mapped from the file that is named by the digest',
		{ skip: process.platform !== 'linux' },
		async () => {
			const maps = await readFile(`/proc/${harper.pid}/maps`, 'utf8');
			const mapped = maps.split('\n').filter((line) => line.endsWith(join(large.digest, 'prepared', 'weights')));
			const bytes = mapped
				.map((line) => line.match(/^(\w+)-(\w+)/))
				.map(([, from, to]) => parseInt(to, 16) - parseInt(from, 16));
			assert.ok(bytes.reduce((sum, length) => sum + length, 0) >= BLOCKS * 2 ** 20, mapped.join('\n'));
		}
	);
});

describe('files in the cache that are damaged', () => {
	let onnx;
	let tensorflow;
	let expected;
	before(async () => {
		onnx = await upload('damaged-onnx', [smallModel('damaged')]);
		tensorflow = await upload('damaged-tensorflow', await tensorflowModel());
		expected = await predicted('damaged-tensorflow', { x: TENSORFLOW_ROW });
		assert.ok((await filesIn(tensorflow.digest))['prepared/weights'].size > 8 * 2 ** 20);
	});

	/** Harper is stopped, damage is done, Harper is started again. */
	const damage = async (act) => {
		await harper.stop();
		await act();
		await harper.start();
	};
	const assertAnswers = async () => {
		assert.deepEqual(await predicted('damaged-onnx', { x: [[-1, 2]] }), { damaged: [[0, 2]] });
		assert.deepEqual(await predicted('damaged-tensorflow', { x: TENSORFLOW_ROW }), expected);
	};

	test('what was translated is not translated again', async () => {
		const before = await filesIn(tensorflow.digest);
		// Nothing but the translation is there to be read.
		await damage(() => truncate(join(cacheOf(tensorflow.digest), 'file-1'), 10));
		await assertAnswers();
		const { 'file-1': shard, ...others } = await filesIn(tensorflow.digest);
		assert.equal(shard.size, 10);
		delete before['file-1'];
		assert.deepEqual(others, before);
	});

	test('shortened, changed or gone, they are made again from the table', async () => {
		await damage(async () => {
			await truncate(join(cacheOf(onnx.digest), 'file-0'), 20);
			await flip(join(cacheOf(tensorflow.digest), 'prepared', 'weights'));
		});
		await assertAnswers();
		assert.match(await harper.log(), /cached files of model damaged-onnx:v1 are damaged/);
		await damage(async () => {
			await flip(join(cacheOf(onnx.digest), 'file-0'));
			await rm(join(cacheOf(tensorflow.digest), 'prepared', 'model.onnx'));
		});
		// Many callers at once, on both threads.
		await Promise.all(Array.from({ length: 16 }, assertAnswers));
	});
});

describe('preload', () => {
	let digest;
	before(async () => {
		({ digest } = await upload('preloaded', [smallModel('preloaded')], { stage: 'production' }));
		await upload('broken', [smallModel('broken')], { stage: 'production' });
		await upload('staged', [smallModel('staged')], { stage: 'staging' });
		await upload('older', [smallModel('older')], { stage: 'production' });
		await harper.predict({ modelId: 'preloaded', features: { x: [[1, 2]] } });
	});

	const preloaded = async () => {
		let answer;
		await until('models are preloaded', async () => {
			answer = await status();
			return answer.preload?.done;
		});
		assert.equal((await harper.get('/v2/health/ready', { user: null })).status, 200);
		return answer;
	};

	test('production: models of that stage are loaded and warm before anybody asks', async () => {
		await harper.restart({ preload: 'production' });
		const { cache, preload, sessions } = await preloaded();
		assert.deepEqual(preload, { done: true, models: 3, loaded: 3, skipped: 0, failures: [] });
		assert.equal(cache.loads, 3, 'by one thread, once');
		assert.ok(sessions.every(({ warmUpMs, runs }) => warmUpMs > 0 && runs === 0));
		assert.deepEqual(await predicted('preloaded', { x: [[-1, 2]] }), { preloaded: [[0, 2]] });
		assert.equal((await status()).cache.loads, 3);
	});

	test('the one that was used last goes first, and what the cache has no room for is left', async () => {
		await harper.restart({ preload: 'production', cacheMaxModels: 1 });
		const { preload, sessions, cache } = await preloaded();
		assert.deepEqual(preload, { done: true, models: 3, loaded: 1, skipped: 2, failures: [] });
		assert.deepEqual([sessions.map((session) => session.digest), cache.evictions], [[digest], 0]);
	});

	test('a model that fails is logged and listed, and the others are loaded', async () => {
		const { body } = await harper.get('/model/broken/v1');
		// Only its record stays.
		const database = 'edge_ai';
		const wanted = { ids: ['broken:v1'], get_attributes: ['files'] };
		const [{ files }] = await harper.operation({ operation: 'search_by_id', database, table: 'Model', ...wanted });
		await harper.operation({ operation: 'delete', database, table: 'ModelFile', ids: [files[0].fileId] });
		await harper.stop();
		await rm(cacheOf(body.digest), { recursive: true });
		await harper.start({ preload: 'production' });
		const { preload } = await preloaded();
		assert.deepEqual([preload.models, preload.loaded, preload.failures.length], [3, 2, 1]);
		assert.equal(preload.failures[0].modelId, 'broken');
		assert.match(await harper.log(), /model broken:v1 was not preloaded/);
	});
});

describe('idleUnloadMs', () => {
	test('a model that nobody uses goes, and the next request loads it again', async () => {
		await harper.restart({ idleUnloadMs: 300 });
		const { digest } = await upload('idle', [smallModel('idle')]);
		const rounds = 2;
		for (let round = 1; round <= rounds; round += 1) {
			assert.deepEqual(await predicted('idle', { x: [[-1, round]] }), { idle: [[0, round]] });
			assert.ok((await status()).cache.loads >= round);
			await until('it is unloaded', async () => !(await sessionOf(digest)));
			const { cache } = await status();
			assert.deepEqual([cache.idleUnloads, cache.models, cache.bytes, cache.evictions], [round, 0, 0, 0]);
		}
		assert.equal((await status()).cache.loads, rounds);
	});
});
