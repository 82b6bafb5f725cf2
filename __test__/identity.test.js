// What makes two uploads the same model, and what must never do so.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { InferenceEngine } from '../index.js';
import { root, startHarper } from './support/harper.js';

/** It answers with the 16 bytes of its external data, `weights.bin`. */
const MODEL = readFileSync(join(root, '__test__/fixtures/hostile/external_missing.onnx'));
const IRIS = readFileSync(join(root, 'examples/iris/model.onnx'));
const digestOf = (bytes) => createHash('sha256').update(bytes).digest('hex');

let harper;
before(async () => (harper = await startHarper()));
after(() => harper?.dispose());

const files = (weights, ...further) => [
	{ name: 'model.onnx', content: MODEL },
	{ name: 'weights.bin', content: weights },
	...further,
];
const predicted = async (modelId) => {
	const { status, body } = await harper.predict({ modelId, features: {} });
	assert.equal(status, 200, JSON.stringify(body));
	return body.prediction.y;
};

describe('the digest of an upload', () => {
	test('is that of its bytes, and of several files that of names, sizes and digests', async () => {
		const weights = randomBytes(16);
		const one = await harper.upload({ modelId: 'one', version: 'v1' }, [{ name: 'm.onnx', content: IRIS }]);
		assert.equal(one.body.digest, digestOf(IRIS));
		const two = await harper.upload({ modelId: 'two', version: 'v1' }, files(weights));
		const lines = files(weights).map(({ name, content }) => `${name}\0${content.length}\0${digestOf(content)}\n`);
		assert.equal(two.body.digest, digestOf(lines.sort().join('')));
	});

	test('is the same in whatever order the files come, and each model gets its own files', async () => {
		const weights = randomBytes(16);
		const order = { forth: files(weights), back: files(weights).reverse() };
		const digests = [];
		for (const [modelId, given] of Object.entries(order)) {
			const { status, body } = await harper.upload({ modelId, version: 'v1' }, given);
			assert.equal(status, 201);
			digests.push(body.digest);
		}
		assert.equal(digests[0], digests[1]);
		await harper.restart();
		for (const modelId of Object.keys(order)) {
			assert.deepEqual(await predicted(modelId), [...weights]);
			await harper.restart();
		}
		assert.doesNotMatch(await harper.log(), /damaged/);
	});

	test('belongs to one model: names that occur twice or have control characters are refused', async () => {
		const [first, second] = [randomBytes(16), randomBytes(16)];
		const twice = { name: 'weights.bin', content: second };
		const forged = `weights.bin\0${first.length}\0${digestOf(first)}\nx`;
		for (const given of [
			files(first, twice),
			[...files(second), { name: 'weights.bin', content: first }],
			[files(first)[0], { name: forged, content: second }],
			files(first, { name: 'a\nb', content: second }),
			files(first, { name: 'a\u0000', content: second }),
			files(first, { name: 'x'.repeat(1025), content: second }),
			[{ name: 'a\tb.onnx', content: IRIS }],
		]) {
			const { status, body } = await harper.request(
				'POST',
				'/model/upload?modelId=refused&version=v1',
				multipart(given)
			);
			assert.deepEqual([status, body.code], [422, 'INVALID_MODEL'], JSON.stringify(body));
			assert.equal((await harper.get('/model/refused/v1')).status, 404);
		}
	});

	test('tells names in capitals from others', async () => {
		const [lower, upper] = [randomBytes(16), randomBytes(16)];
		const { status } = await harper.upload(
			{ modelId: 'capitals', version: 'v1' },
			files(lower, { name: 'WEIGHTS.bin', content: upper })
		);
		assert.equal(status, 201);
		assert.deepEqual(await predicted('capitals'), [...lower]);
	});
});

test('the Node.js API refuses them as well', async () => {
	const engine = new InferenceEngine();
	const [first, second] = [randomBytes(16), randomBytes(16)];
	const asBytes = (given) => given.map(({ name, content }) => ({ name, bytes: content }));
	for (const given of [
		files(first, { name: 'weights.bin', content: second }),
		files(first, { name: 'a\nb', content: second }),
	]) {
		await assert.rejects(engine.load(asBytes(given)), { code: 'INVALID_MODEL' });
	}
	const model = await engine.load(asBytes(files(first)));
	assert.deepEqual([...(await model.predict({})).outputs.y.data], [...first]);
});

/** A multipart body with names as they are: FormData would escape them. */
function multipart(given) {
	const boundary = 'a-boundary-of-parts';
	const parts = given.map(({ name, content }) =>
		Buffer.concat([
			Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="file"; filename*=UTF-8''`),
			Buffer.from(`${encodeURIComponent(name)}\r\n\r\n`),
			content,
			Buffer.from('\r\n'),
		])
	);
	return {
		body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
		headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
	};
}
