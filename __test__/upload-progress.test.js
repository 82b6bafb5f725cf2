// How far an upload is: what is written of it, and what a route tells of it on every thread.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '../resources/errors.js';
import { UploadProgress } from '../resources/registry/upload-progress.js';
import { settled } from './support/clock.js';
import { root, startHarper } from './support/harper.js';
import { until } from './support/until.js';

const MODEL = readFileSync(join(root, 'examples/iris/model.onnx'));

describe('the progress of an upload', () => {
	const user = { username: 'ann' };
	/** With what it wrote; a write ends when it is told to. */
	const make = (write) => {
		const written = [];
		let now = 0;
		const how = {
			write: async (row) => {
				written.push(row);
				await write?.();
			},
			now: () => now,
		};
		return { progress: new UploadProgress(user, how), written, advance: (ms) => (now += ms) };
	};

	test('is written once a second at most while bytes come', async () => {
		const { progress, written, advance } = make();
		progress.begin('a');
		progress.expect(1000);
		for (let at = 0; at < 100; at += 1) {
			progress.received(10);
			advance(25);
			await settled();
		}
		assert.deepEqual(
			written.map(({ receivedBytes }) => receivedBytes),
			[0, 410, 810]
		);
		assert.ok(written.slice(1).every(({ totalBytes, id }) => totalBytes === 1000 && id === 'ann|a'));
	});

	test('has every step that lasts, and its end', async () => {
		const { progress, written } = make();
		progress.begin('a');
		for (const step of ['checking', 'trying', 'storing']) {
			progress.enter(step);
			await settled();
		}
		progress.stored(7);
		await progress.end();
		assert.deepEqual(
			written.map(({ step, state, storedBytes }) => [step, state, storedBytes]),
			[
				['receiving', 'running', undefined],
				['checking', 'running', undefined],
				['trying', 'running', undefined],
				['storing', 'running', undefined],
				['storing', 'completed', 7],
			]
		);
	});

	test('waits for no write but the last, whatever happened during one', async () => {
		let release;
		const first = new Promise((resolve) => (release = resolve));
		const { progress, written } = make(() => first);
		progress.begin('a');
		progress.enter('checking');
		progress.enter('trying');
		assert.equal(written.length, 1);
		const ended = progress.end(new ApiError('INVALID_MODEL', 'it is none'));
		release();
		await ended;
		assert.equal(written.length, 2);
		const { step, state, error } = written[1];
		assert.deepEqual([step, state, error], ['trying', 'failed', { code: 'INVALID_MODEL', error: 'it is none' }]);
	});

	test('tells nothing of what is a defect of ours', async () => {
		const { progress, written } = make();
		progress.begin('a');
		await progress.end(new Error('a secret'));
		assert.deepEqual(written.at(-1).error, { code: 'INTERNAL', error: 'internal error' });
	});

	test('writes nothing without an id, and no more when it cannot be written', async () => {
		const { progress, written } = make(() => Promise.reject(new Error('the disk is full')));
		progress.received(1);
		progress.enter('checking');
		assert.equal(written.length, 0);
		progress.begin('a');
		await settled();
		progress.enter('trying');
		await progress.end();
		assert.equal(written.length, 1);
	});

	test('refuses an id that is none', () => {
		for (const id of ['', 'a/b c', 'x'.repeat(5000)]) {
			assert.throws(() => make().progress.begin(id), { code: 'INVALID_REQUEST' });
		}
	});
});

describe('GET /model/upload/:uploadId/progress', () => {
	let harper;
	before(async () => {
		harper = await startHarper();
		for (const role of ['viewer', 'operator']) await harper.addUser(role);
	});
	after(() => harper?.dispose());

	const progress = (id, how) => harper.get(`/model/upload/${id}/progress`, how);

	/** An upload whose body comes as the test sends it. */
	function slowUpload(uploadId, version) {
		const boundary = 'boundary';
		const part = (disposition, content) =>
			Buffer.concat([
				Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`),
				content,
				Buffer.from('\r\n'),
			]);
		const body = Buffer.concat([
			part('name="modelId"', Buffer.from('iris')),
			part('name="version"', Buffer.from(version)),
			part('name="file"; filename="model.onnx"', MODEL),
			Buffer.from(`--${boundary}--\r\n`),
		]);
		const { readable, writable } = new TransformStream();
		const writer = writable.getWriter();
		const answer = harper.request('POST', `/model/upload?uploadId=${uploadId}`, {
			body: readable,
			headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
		});
		answer.catch(() => {});
		return { body, answer, writer };
	}

	test('tells on every thread how far it is, and how it ended', async () => {
		const uploadId = randomUUID();
		const { body, answer, writer } = slowUpload(uploadId, '1');
		await writer.write(body.subarray(0, 300));
		await until('something is known', async () => (await progress(uploadId)).status === 200);
		for (const { status, body: told } of await harper.onEveryThread('GET', `/model/upload/${uploadId}/progress`)) {
			assert.equal(status, 200);
			assert.deepEqual([told.uploadId, told.state, told.step], [uploadId, 'running', 'receiving']);
		}
		let sent = 300;
		await until('more is known as more comes', async () => {
			if (sent < body.length - 1) await writer.write(body.subarray(sent, (sent += 1)));
			const { receivedBytes } = (await progress(uploadId)).body;
			assert.ok(receivedBytes <= sent);
			return receivedBytes > 0;
		});
		await writer.write(body.subarray(sent));
		await writer.close();
		assert.equal((await answer).status, 201);
		const { body: told } = await progress(uploadId);
		assert.deepEqual(told, {
			uploadId,
			state: 'completed',
			step: 'storing',
			receivedBytes: body.length,
			storedBytes: MODEL.length,
		});
	});

	test('knows the whole where the caller says how much it is, and why it failed', async () => {
		const uploadId = randomUUID();
		const fields = { uploadId, modelId: 'iris', version: 'broken' };
		const refused = await harper.upload(fields, [{ name: 'model.onnx', content: Buffer.alloc(100_000, 7) }]);
		assert.equal(refused.status, 422);
		const { body } = await progress(uploadId);
		const { code, error } = refused.body;
		assert.deepEqual([body.state, body.error], ['failed', { code, error }]);
		assert.ok(body.totalBytes >= 100_000 && body.receivedBytes <= body.totalBytes, JSON.stringify(body));
	});

	test('is for who made it, and for who may upload only', async () => {
		const uploadId = randomUUID();
		const uploaded = await harper.upload(
			{ uploadId, modelId: 'iris', version: '2' },
			[{ name: 'model.onnx', content: MODEL }],
			{
				user: 'operator',
			}
		);
		assert.equal(uploaded.status, 201);
		assert.equal((await progress(uploadId, { user: 'operator' })).body.state, 'completed');
		assert.equal((await progress(uploadId)).status, 404);
		assert.equal((await progress(uploadId, { user: 'viewer' })).status, 403);
		assert.equal((await progress(uploadId, { user: null })).status, 401);
		assert.equal((await progress(randomUUID(), { user: 'operator' })).body.code, 'NOT_FOUND');
	});

	test('refuses an id that is none, before anything is received', async () => {
		const { status, body } = await harper.upload({ uploadId: 'a b/c', modelId: 'iris', version: '3' }, [
			{ name: 'model.onnx', content: MODEL },
		]);
		assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST']);
		assert.match(body.error, /uploadId/);
	});

	test('hides no model of the name "upload"', async () => {
		assert.equal(
			(await harper.upload({ modelId: 'upload', version: '1' }, [{ name: 'model.onnx', content: MODEL }])).status,
			201
		);
		assert.equal((await harper.get('/model/upload/1')).body.modelId, 'upload');
	});

	test('is over when the process is', async () => {
		const uploadId = randomUUID();
		const { body, writer } = slowUpload(uploadId, '4');
		await writer.write(body.subarray(0, 300));
		await until('something is known', async () => (await progress(uploadId)).status === 200);
		await harper.kill();
		await writer.abort().catch(() => {});
		await harper.start();
		assert.equal((await progress(uploadId)).status, 404);
	});
});
