// What is left over is removed: after a crash, after a failure, and never what somebody still needs.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { configure } from '../resources/options.js';
import { Sweeper } from '../resources/registry/sweep.js';
import { openAsBlob } from 'node:fs';
import { startHarper } from './support/harper.js';
import { writeLargeModel } from './support/large-model.js';
import { until } from './support/until.js';

const HOUR_MS = 3_600_000;
const IRIS = 'examples/iris/model.onnx';
const [KEPT, LEFT] = ['a'.repeat(64), 'b'.repeat(64)];

describe('a sweep', () => {
	const origin = { node: 'here', process: 'this' };
	let cacheDirectory;
	let files;
	let models;
	before(async () => {
		cacheDirectory = await mkdtemp(join(tmpdir(), 'sweep '));
		configure({ cacheDirectory });
		const rows = (list) =>
			async function* () {
				yield* list();
			};
		globalThis.databases = {
			edge_ai: {
				Model: { search: rows(() => models) },
				ModelFile: { search: rows(() => [...files.values()]), delete: async (id) => files.delete(id) },
			},
		};
	});
	after(async () => {
		delete globalThis.databases;
		delete globalThis.server;
		configure();
		await rm(cacheDirectory, { recursive: true });
	});

	const stored = (...list) => (files = new Map(list.map((file) => [file.id, file])));
	const left = () => [...files.keys()].sort();

	test('removes what a dead process of this node has left, at once', async () => {
		models = [{ digest: KEPT, files: [{ fileId: 'named' }] }];
		stored(
			{ id: 'named', node: 'here', process: 'dead' },
			{ id: 'dead', node: 'here', process: 'dead' },
			{ id: 'under way', ...origin },
			{ id: 'of another node', node: 'there', process: 'dead' },
			{ id: 'of an earlier release' }
		);
		globalThis.server = { nodes: [{}] };
		await new Sweeper(() => 0, origin).sweep();
		assert.deepEqual(left(), ['named', 'of an earlier release', 'of another node', 'under way']);
		globalThis.server = {};
		await new Sweeper(() => 0, origin).sweep();
		assert.deepEqual(left(), ['named', 'of another node', 'under way']);
	});

	test('removes what this process has left when nobody has named it for an hour', async () => {
		models = [];
		let now = 0;
		const sweeper = new Sweeper(() => now, origin);
		stored({ id: 'left', ...origin });
		await sweeper.sweep();
		now = HOUR_MS - 1;
		files.set('under way', { id: 'under way', ...origin });
		await sweeper.sweep();
		assert.deepEqual(left(), ['left', 'under way']);
		now = HOUR_MS;
		await sweeper.sweep();
		assert.deepEqual(left(), ['under way']);
		models = [{ digest: KEPT, files: [{ fileId: 'under way' }] }];
		now = 9 * HOUR_MS;
		await sweeper.sweep();
		assert.deepEqual(left(), ['under way']);
	});

	test('removes the folders of models that are gone, and no others', async () => {
		models = [{ digest: KEPT, files: [] }];
		stored();
		const uploading = `upload.${randomUUID()}`;
		for (const name of [KEPT, LEFT, uploading, 'of somebody else']) await mkdir(join(cacheDirectory, name));
		await new Sweeper(() => 0, origin).sweep();
		assert.deepEqual((await readdir(cacheDirectory)).sort(), [KEPT, 'of somebody else', uploading].sort());
	});
});

describe('a process that is killed during an upload', () => {
	const MODEL_MIB = 60;
	let harper;
	let folder;
	let model;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), 'killed '));
		await writeLargeModel(join(folder, 'model.onnx'), MODEL_MIB);
		model = { name: 'model.onnx', content: await openAsBlob(join(folder, 'model.onnx')) };
		harper = await startHarper();
		assert.equal((await harper.upload({ modelId: 'iris', version: 'v1' }, [IRIS])).status, 201);
	});
	after(async () => {
		await harper?.dispose();
		await rm(folder, { recursive: true, force: true });
	});

	const cache = () => join(harper.rootPath, 'edge-ai-cache');
	const bytesBelow = async (path) => {
		const names = await readdir(path, { recursive: true }).catch(() => []);
		const found = await Promise.all(names.map((name) => stat(join(path, name)).catch(() => undefined)));
		return found.reduce((sum, file) => sum + (file?.isFile() ? file.size : 0), 0);
	};

	// The bytes come, are prepared, and are stored; what is written where tells how far it is.
	for (const [stage, begun] of [
		['comes', async () => (await uploading()) > 2 ** 20],
		['is prepared', async () => (await uploading()) > (MODEL_MIB + 5) * 2 ** 20],
		['is stored', async () => (await bytesBelow(join(harper.rootPath, 'blobs'))) > blobBytes + 2 ** 20],
		['is there', async () => (await harper.get('/model/killed/v1')).status === 200],
	]) {
		test(`while it ${stage}: what is listed runs, and nothing else is left`, async () => {
			blobBytes = await bytesBelow(join(harper.rootPath, 'blobs'));
			const answer = harper.upload({ modelId: 'killed', version: 'v1' }, [model]).catch(() => undefined);
			await until(`the upload ${stage}`, begun);
			await harper.kill();
			const answered = await answer;
			await harper.start();

			const { status } = await harper.get('/model/killed/v1');
			assert.ok(status === 200 || answered?.status !== 201, 'what was acknowledged is there');
			if (status === 200) {
				const { body } = await harper.predict({ modelId: 'killed', features: { index: [0] }, record: false });
				assert.equal(body.prediction.y.length, 1);
			}
			await until('nothing is left', async () => {
				const models = await harper.rows('Model', ['id', 'digest', 'files']);
				const named = models.flatMap(({ files }) => files.map(({ fileId }) => fileId));
				const files = (await harper.rows('ModelFile', ['id'])).map(({ id }) => id);
				const folders = await readdir(cache());
				const digests = new Set(models.map(({ digest }) => digest));
				return (
					JSON.stringify(files.sort()) === JSON.stringify(named.sort()) && folders.every((name) => digests.has(name))
				);
			});
			if (status === 200) await harper.request('DELETE', '/model/killed/v1');
			const { body } = await harper.predict({ modelId: 'iris', features: { float_input: [5.1, 3.5, 1.4, 0.2] } });
			assert.ok(body.prediction, JSON.stringify(body));
		});
	}
	let blobBytes;

	test('leaves stored bytes without a model, which the next start removes', async () => {
		const left = { id: randomUUID(), node: 'localhost', process: randomUUID() };
		const foreign = { id: randomUUID(), node: 'another node', process: randomUUID() };
		await harper.operation({ operation: 'insert', database: 'edge_ai', table: 'ModelFile', records: [left, foreign] });
		const ids = async () => (await harper.rows('ModelFile', ['id'])).map(({ id }) => id);
		const before = await ids();
		await harper.kill();
		await harper.start();
		await until('they are gone', async () => !(await ids()).includes(left.id));
		assert.deepEqual((await ids()).sort(), before.filter((id) => id !== left.id).sort());
	});

	const uploading = async () => {
		const folders = await readdir(cache());
		const name = folders.find((folder) => folder.startsWith('upload.'));
		return name ? bytesBelow(join(cache(), name)) : 0;
	};
});
