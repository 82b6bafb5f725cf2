// Uploads, and all else that writes, on a disk that is nearly full, or gets full while it is written: a small file system of its
// own, which needs the right to mount one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { openAsBlob } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { credentials, ADMIN, startHarper } from './support/harper.js';
import { postJob } from './support/jobs.js';
import { writeLargeModel } from './support/large-model.js';
import { until } from './support/until.js';

const MiB = 2 ** 20;
const DISK_BYTES = 512 * MiB;
/** No answer takes that long, though the disk is full. */
const ANSWER_MS = 30_000;
/** Of the model that is uploaded; it is written as it comes, as a blob, and with its weights laid out for mapping. */
const MODEL_MIB = 30;
const IRIS = 'examples/iris/model.onnx';

const disk = await mkdtemp(join(tmpdir(), 'edge ai disk '));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk]);
const skip = mounted.status === 0 ? false : 'no file system can be mounted here';
const elsewhere = await mkdtemp(join(tmpdir(), 'edge ai model '));

const remount = (bytes) => spawnSync('mount', ['-o', `remount,size=${Math.ceil(bytes / 4096) * 4096}`, disk]);
const resize = (bytes) => {
	const { status, stderr } = remount(bytes);
	assert.equal(status, 0, String(stderr));
};
const space = async () => {
	const { bavail, blocks, bsize } = await statfs(disk);
	return { free: bavail * bsize, used: (blocks - bavail) * bsize };
};
/** Makes the file system as large as leaves so many MiB free. */
const leave = async (mebibytes) => resize((await space()).used + mebibytes * MiB);
/** Fills it, also while somebody writes to it: it cannot be made smaller than what it holds by then. */
const fill = () => until('the disk is full', async () => remount((await space()).used).status === 0);

describe('a disk that is nearly full', { skip }, () => {
	let harper;
	let model;
	let modelBytes;
	before(async () => {
		await writeLargeModel(join(elsewhere, 'model.onnx'), MODEL_MIB);
		model = { name: 'model.onnx', content: await openAsBlob(join(elsewhere, 'model.onnx')) };
		modelBytes = await readFile(join(elsewhere, 'model.onnx'));
		harper = await startHarper({ threads: 1, folder: disk });
		const { status } = await harper.upload({ modelId: 'iris', version: 'v1' }, [IRIS]);
		assert.equal(status, 201);
	});
	after(() => harper?.dispose());

	const predict = (fields) =>
		harper.predict(
			{ modelId: 'iris', features: { float_input: [5.1, 3.5, 1.4, 0.2] }, ...fields },
			{ signal: AbortSignal.timeout(ANSWER_MS) }
		);
	const upload = (modelId) =>
		harper.upload({ modelId, version: 'v1' }, [model], { signal: AbortSignal.timeout(ANSWER_MS) });
	const told = ({ status, body }) => [status, body.code];
	const FULL = [503, 'STORAGE_UNAVAILABLE'];

	/** What is there of uploads: folders of the cache, and ids of stored bytes. */
	const leftovers = async () => {
		const folders = await readdir(join(harper.rootPath, 'edge-ai-cache'));
		const files = await harper.rows('ModelFile', ['id']);
		return { folders: folders.sort(), files: files.map(({ id }) => id).sort() };
	};

	const assertRefused = async (answer, before) => {
		assert.deepEqual(told(answer), FULL);
		assert.deepEqual(await leftovers(), before);
		assert.equal((await predict({ record: false })).status, 200);
		assert.equal((await harper.get('/model/')).status, 200);
	};
	const remove = async (modelId) => assert.equal((await harper.request('DELETE', `/model/${modelId}/v1`)).status, 200);

	test('takes no uploads, and nothing of them stays, whatever step lacks room', async () => {
		const before = await leftovers();
		const answers = [];
		// Nothing can be taken; not the body; not its blob; not the weights that are laid out.
		for (const mebibytes of [5, 40, 70, 90, 115, 130]) {
			await leave(mebibytes);
			const { free } = await space();
			const answer = await upload('large');
			answers.push(answer.status);
			if (answer.status !== 503) continue;
			await assertRefused(answer, before);
			assert.equal((await harper.get('/model/large/v1')).status, 404);
			assert.ok((await space()).free > free - 4 * MiB, 'what was written is removed');
		}
		assert.deepEqual(answers.slice(0, 4), [503, 503, 503, 503]);
		resize(DISK_BYTES);
		assert.equal((await upload('large')).status, 201);
		await remove('large');
	});

	test('uploads at once do not share the space that is there for one', async () => {
		await leave(155);
		const answers = await Promise.all(['one', 'two', 'three'].map(upload));
		assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 503, 503]);
		assert.equal((await predict()).status, 200, 'there is room for events still');
		resize(DISK_BYTES);
		for (const [at, { status }] of answers.entries()) if (status === 201) await remove(['one', 'two', 'three'][at]);
	});

	/** An upload whose second half is sent when `act` has been done. */
	const inTwoHalves = async (modelId, act, headers = {}) => {
		const boundary = 'a boundary of parts';
		const head = Buffer.from(
			`--${boundary}\r\ncontent-disposition: form-data; name="modelId"\r\n\r\n${modelId}\r\n` +
				`--${boundary}\r\ncontent-disposition: form-data; name="version"\r\n\r\nv1\r\n` +
				`--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="model.onnx"\r\n\r\n`
		);
		const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
		const half = modelBytes.length / 2;
		const body = async function* () {
			yield Buffer.concat([head, modelBytes.subarray(0, half)]);
			await act();
			yield Buffer.concat([modelBytes.subarray(half), tail]);
		};
		const response = await fetch(`${harper.base}/model/upload`, {
			method: 'POST',
			headers: { ...credentials(ADMIN), 'content-type': `multipart/form-data; boundary="${boundary}"`, ...headers },
			body: ReadableStream.from(body()),
			duplex: 'half',
			signal: AbortSignal.timeout(ANSWER_MS),
		});
		return { status: response.status, body: await response.json() };
	};
	const arrived = async () => {
		const cache = join(harper.rootPath, 'edge-ai-cache');
		const name = (await readdir(cache)).find((folder) => folder.startsWith('upload.'));
		const files = name ? await readdir(join(cache, name)) : [];
		const sizes = await Promise.all(files.map((file) => stat(join(cache, name, file)).then(({ size }) => size)));
		return sizes.reduce((sum, size) => sum + size, 0) > (modelBytes.length / 2) * 0.9;
	};

	test('that gets full while an upload comes in', async () => {
		const before = await leftovers();
		const answer = await inTwoHalves('streamed', async () => {
			await until('half of the upload has arrived', arrived);
			await fill();
		});
		await leave(5);
		await assertRefused(answer, before);
		resize(DISK_BYTES);
		assert.equal((await inTwoHalves('streamed', () => {})).status, 201);
		await remove('streamed');
	});

	test('that gets full while the blob is stored', async () => {
		const before = await leftovers();
		const blobs = join(harper.rootPath, 'blobs');
		const known = new Set(await readdir(blobs, { recursive: true }));
		const isStoring = async () => {
			for (const name of await readdir(blobs, { recursive: true })) {
				const found = await stat(join(blobs, name)).catch(() => undefined);
				if (!known.has(name) && found?.isFile()) return true;
			}
			return false;
		};
		let done = false;
		const answer = upload('blob').finally(() => (done = true));
		while (!done && !(await isStoring()));
		await fill();
		const told = await answer;
		await leave(5);
		// It may have been faster.
		if (told.status !== 201) await assertRefused(told, before);
		resize(DISK_BYTES);
		if (told.status === 201) await remove('blob');
		assert.ok(await harper.isAlive());
	});

	test('that has no room to unpack a model for the engine', async () => {
		assert.equal((await upload('packed')).status, 201);
		await harper.stop();
		await rm(join(harper.rootPath, 'edge-ai-cache'), { recursive: true });
		await harper.start();
		const run = () => predict({ modelId: 'packed', features: { index: [0] }, record: false });
		assert.equal((await predict({ record: false })).status, 200);
		const before = await leftovers();
		await leave(60);
		await assertRefused(await run(), before);
		resize(DISK_BYTES);
		assert.equal((await run()).status, 200);
		await remove('packed');
		// So that no session has files mapped, which then give their space back in the middle of what follows.
		await harper.restart();
	});

	test('takes no other writes but deletions; what is read is answered', async () => {
		await harper.operation({ operation: 'create_table', database: 'data', table: 'Flower', primary_key: 'id' });
		const { body } = await predict();
		const { inferenceId } = body;
		const definition = {
			modelId: 'iris',
			source: { database: 'data', table: 'Flower', fields: { float_input: 'x' } },
			target: { database: 'data', table: 'Flower', fields: { y: 'prediction.output_label' } },
		};
		const writes = {
			predict: () => predict(),
			feedback: () => harper.feedback({ inferenceId, outcome: 'x' }),
			features: () => harper.request('PUT', '/features/flower', { body: { features: { a: 1 } } }),
			job: () => harper.request('POST', '/jobs/predict', { body: definition }),
			patch: () => harper.request('PATCH', '/model/iris/v1', { body: { stage: 'staging' } }),
		};
		for (const mebibytes of [20, 2]) {
			await leave(mebibytes);
			for (const [name, write] of Object.entries(writes)) assert.deepEqual(told(await write()), FULL, name);
			for (const path of ['/model/iris/v1', '/monitoring/events', '/monitoring/metrics?modelId=iris', '/jobs']) {
				assert.equal((await harper.get(path)).status, 200, path);
			}
		}
		await remove('iris');
		resize(DISK_BYTES);
		assert.equal((await harper.upload({ modelId: 'iris', version: 'v1' }, [IRIS])).status, 201);
		// Each thread tries its events again a second after a failure.
		for (const [name, write] of Object.entries(writes)) {
			await until(`${name} is taken again`, async () => (await write()).status < 300);
		}
	});

	test('lets a job wait until there is room', async () => {
		const ROWS = 6000;
		const records = Array.from({ length: ROWS }, (_, at) => ({ id: `k${at}`, x: [5.1, 3.5, 1.4, (at % 20) / 10] }));
		await harper.operation({ operation: 'create_table', database: 'data', table: 'Many', primary_key: 'id' });
		for (let at = 0; at < ROWS; at += 5000) {
			await harper.operation({ operation: 'insert', table: 'Many', records: records.slice(at, at + 5000) });
		}
		const side = { database: 'data', table: 'Many' };
		const { status, body } = await postJob(harper, {
			modelId: 'iris',
			source: { ...side, fields: { float_input: 'x' } },
			target: { ...side, fields: { y: 'prediction.output_label' } },
		});
		assert.equal(status, 202, JSON.stringify(body));
		const job = async () => (await harper.get(`/jobs/${body.id}`)).body;
		await until('the job has begun', async () => (await job()).processed > 0);
		await leave(20);
		let last;
		let unchanged = 0;
		await until('the job waits', async () => {
			const { state, processed } = await job();
			assert.equal(state, 'running');
			unchanged = processed === last ? unchanged + 1 : 0;
			last = processed;
			return unchanged > 150;
		});
		assert.ok(last < ROWS);
		resize(DISK_BYTES);
		await until('the job is done', async () => (await job()).state !== 'running', 120_000);
		const { state, processed, written, failed } = await job();
		assert.deepEqual([state, processed, written, failed], ['completed', ROWS, ROWS, 0]);
	});

	test('refuses a large body that would fill it', async () => {
		await leave(60);
		const large = { features: { text: 'x'.repeat(20 * MiB) } };
		const put = () => harper.request('PUT', '/features/large', { body: large });
		assert.deepEqual(told(await put()), FULL);
		resize(DISK_BYTES);
		assert.equal((await put()).status, 200);
	});
});

after(async () => {
	if (!skip) spawnSync('umount', ['-l', disk]);
	await rm(disk, { recursive: true, force: true });
	await rm(elsewhere, { recursive: true, force: true });
});
