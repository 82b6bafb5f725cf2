// A refusal in the middle of a body leaves its connection in order, and those of others alone.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { dropUnread } from '../resources/http/unread.js';
import { ADMIN, credentials, startHarper } from './support/harper.js';
import { RawConnection } from './support/raw-http.js';

const MAX_BODY_BYTES = 1 << 20;
const IRIS = 'examples/iris/model.onnx';
const BOMB = gzipSync(Buffer.alloc(64 * MAX_BODY_BYTES, ' '));
const JSON_TYPE = { 'content-type': 'application/json' };
const NDJSON = { 'content-type': 'application/x-ndjson' };
const FORM = { 'content-type': 'multipart/form-data; boundary=xyz' };
const part = (headers, content) => `--xyz\r\n${headers}\r\n\r\n${content}\r\n`;
const file = (bytes) =>
	part('Content-Disposition: form-data; name="file"; filename="a.onnx"', Buffer.alloc(bytes).toString('latin1'));

const JSON_ROUTES = [
	['POST', '/predict'],
	['POST', '/predict/batch'],
	['POST', '/jobs/predict'],
	['POST', '/feedback'],
	['POST', '/benchmark/compare'],
	['PUT', '/features/a'],
	['PATCH', '/model/iris/v1'],
	['POST', '/v1/models/iris:predict'],
	['POST', '/v2/models/iris/infer'],
	['POST', '/v2/logging'],
	['POST', '/v2/repository/index'],
];

/** Requests that are refused while their body is still coming: why, method, path, headers, body. */
const REFUSED = [
	...JSON_ROUTES.flatMap(([method, path]) => [
		[`a gzip bomb to ${method} ${path}`, method, path, { ...JSON_TYPE, 'content-encoding': 'gzip' }, BOMB],
		[`a large body to ${method} ${path}`, method, path, JSON_TYPE, Buffer.alloc(3 * MAX_BODY_BYTES, ' ')],
		[`an unknown encoding to ${method} ${path}`, method, path, { ...JSON_TYPE, 'content-encoding': 'x' }, BOMB],
		[
			`a chunked body to ${method} ${path}`,
			method,
			path,
			{ ...JSON_TYPE, 'transfer-encoding': 'chunked' },
			`300000\r\n${' '.repeat(3 << 20)}\r\n0\r\n\r\n`,
		],
	]),
	['another type', 'POST', '/predict', { 'content-type': 'text/plain' }, Buffer.alloc(MAX_BODY_BYTES)],
	['a huge part header', 'POST', '/model/upload', FORM, part(`X: ${'x'.repeat(3 << 20)}`, '')],
	[
		'an unknown field before a large file',
		'POST',
		'/model/upload',
		FORM,
		part('Content-Disposition: form-data; name="x"', '1') + file(8 << 20),
	],
	['a broken form', 'POST', '/model/upload', FORM, file(2 << 20)],
	['no form', 'POST', '/model/upload', JSON_TYPE, Buffer.alloc(2 << 20)],
	['no right', 'POST', '/model/upload', { ...FORM, ...credentials('viewer') }, file(2 << 20)],
	['bad credentials', 'POST', '/predict', { ...JSON_TYPE, ...credentials(ADMIN, 'guess') }, Buffer.alloc(2 << 20)],
	['no route', 'POST', '/v2/models/a/b/c/d', JSON_TYPE, Buffer.alloc(2 << 20)],
	['another method', 'PUT', '/predict', JSON_TYPE, Buffer.alloc(2 << 20)],
	['a row that is too large', 'POST', '/predict/batch?modelId=iris', NDJSON, Buffer.alloc(3 << 20, '1')],
	[
		'a row that is too large behind good ones',
		'POST',
		'/predict/batch?modelId=iris',
		NDJSON,
		`{"float_input":[1,2,3,4]}\n${'1'.repeat(3 << 20)}`,
	],
	['an unknown model', 'POST', '/predict/batch?modelId=nobody', NDJSON, '{}\n'.repeat(1 << 20)],
];

describe('connections', () => {
	let harper;
	before(async () => {
		harper = await startHarper({ options: { maxBodyBytes: MAX_BODY_BYTES } });
		await harper.addUser('viewer');
		assert.equal((await harper.upload({ modelId: 'iris', version: 'v1' }, [IRIS])).status, 201);
	});
	after(() => harper?.dispose());

	const admin = credentials(ADMIN);

	for (const [why, method, path, headers, body] of REFUSED) {
		test(`${why}: the next request of the connection is answered`, async () => {
			const connection = await RawConnection.to(harper.base);
			connection.send(method, path, { ...admin, ...headers }, body);
			connection.send('GET', '/status', admin);
			const refused = await connection.answer();
			// A batch that has begun says what is wrong in its last line.
			const isBegun = refused.status === 200 && /"code":"TOO_LARGE"}\n$/.test(refused.body);
			assert.ok(isBegun || (refused.status >= 400 && refused.status < 500), `${refused.status} ${refused.body}`);
			const next = await connection.answer();
			assert.deepEqual([next?.status, typeof next?.body.version], [200, 'string']);
			connection.close();
		});
	}

	test('what is known to be too much closes the connection, and says so', async () => {
		const connection = await RawConnection.to(harper.base);
		connection.send('POST', '/predict', { ...admin, ...JSON_TYPE, 'content-length': 1 << 30 }, Buffer.alloc(1 << 20));
		const { status, headers, body } = await connection.answer();
		assert.deepEqual([status, headers.connection, body.code], [413, 'close', 'TOO_LARGE']);
		connection.write(Buffer.alloc(1 << 20));
		await connection.closed();
	});

	test('a body that never ends closes the connection', async () => {
		const connection = await RawConnection.to(harper.base);
		const headers = { ...admin, 'content-type': 'text/plain', 'transfer-encoding': 'chunked' };
		connection.send('POST', '/predict', headers, '1\r\n \r\n');
		assert.equal((await connection.answer()).status, 415);
		const drip = setInterval(() => connection.write('1\r\n \r\n'), 100);
		try {
			await connection.closed();
		} finally {
			clearInterval(drip);
		}
	});

	test('twenty bombs at once disturb nobody', async () => {
		const bombs = Array.from({ length: 20 }, async () => {
			const connection = await RawConnection.to(harper.base);
			connection.send('POST', '/predict', { ...admin, ...JSON_TYPE, 'content-encoding': 'gzip' }, BOMB);
			connection.send('GET', '/status', admin);
			const answers = [await connection.answer(), await connection.answer()];
			connection.close();
			return answers.map((answer) => answer?.status);
		});
		const innocent = Array.from({ length: 40 }, async () => {
			const answer = await harper.predict({ modelId: 'iris', features: { float_input: [1, 2, 3, 4] } });
			return answer.status;
		});
		assert.deepEqual(new Set(await Promise.all(innocent)), new Set([200]));
		assert.deepEqual(await Promise.all(bombs), Array(20).fill([413, 200]));
	});
});

test('what is left of a body is dropped within limits', async () => {
	const request = () => Object.assign(new PassThrough(), { complete: false });
	const socket = { destroyed: false, destroy: () => (socket.destroyed = true) };
	const limits = { bytes: 100, timeMs: 60_000 };

	const short = request();
	short.end(Buffer.alloc(100));
	await dropUnread(short, socket, limits);
	assert.equal(socket.destroyed, false);

	const long = request();
	long.write(Buffer.alloc(101));
	await dropUnread(long, socket, limits);
	assert.equal(socket.destroyed, true);

	socket.destroyed = false;
	await dropUnread(request(), socket, { bytes: 100, timeMs: 1 });
	assert.equal(socket.destroyed, true);
});
