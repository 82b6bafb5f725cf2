// An operator's word that requests for a model do not run together, and what the status says of batches.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startHarper } from './support/harper.js';
import { FLOAT, onnxModel } from './support/onnx.js';
import { until } from './support/until.js';

const WIDTH = 8;

const model = (nodes) =>
	onnxModel({ nodes, inputs: [['x', FLOAT, ['rows', WIDTH]]], outputs: [['y', FLOAT, ['rows', WIDTH]]] });

let harper;
before(async () => (harper = await startHarper()));
after(() => harper?.stop());

const upload = async (modelId, bytes, fields = {}) => {
	const answer = await harper.upload({ modelId, version: 'v1', ...fields }, [{ name: 'model.onnx', content: bytes }]);
	assert.equal(answer.status, 201, JSON.stringify(answer.body));
	return answer.body.digest;
};

async function batchingOf(digest) {
	const { body } = await harper.request('GET', '/status');
	return body.sessions.find((session) => session.digest === digest)?.batching;
}

const predict = (modelId, at) =>
	harper.request('POST', '/predict', { body: { modelId, features: { x: [Array(WIDTH).fill(at)] }, record: false } });

/** Forty requests at once, which must get what is theirs. */
async function crowd(modelId) {
	const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => predict(modelId, at)));
	for (const [at, { status, body }] of answers.entries()) {
		assert.equal(status, 200, JSON.stringify(body));
		assert.deepEqual(body.prediction.y, [Array(WIDTH).fill(-at)]);
	}
}

const NEGATION = [['Neg', ['x'], ['y']]];

describe('metadata.batching', () => {
	test('false keeps the requests of a model apart, and those of another with the same bytes may run together', async () => {
		const digest = await upload('apart', model(NEGATION), { metadata: '{"batching": false}' });
		await upload('together', model(NEGATION));
		await crowd('apart');
		await until('the model is checked', async () => (await batchingOf(digest)).batchable === true);
		for (let round = 0; round < 5; round += 1) await crowd('apart');
		let batching = await batchingOf(digest);
		assert.equal(batching.batches, 0);
		assert.deepEqual(batching.forbiddenBy, ['apart:v1']);
		await until('requests run together', async () => {
			await crowd('together');
			return (await batchingOf(digest)).batches > 0;
		});

		// It counts at once, and may be taken back.
		const patch = (modelId, metadata) => harper.request('PATCH', `/model/${modelId}/v1`, { body: { metadata } });
		assert.equal((await patch('together', { batching: false, note: 'rounding' })).status, 200);
		const { batches } = await batchingOf(digest);
		for (let round = 0; round < 5; round += 1) await crowd('together');
		batching = await batchingOf(digest);
		assert.equal(batching.batches, batches);
		assert.deepEqual(batching.forbiddenBy.sort(), ['apart:v1', 'together:v1']);
		assert.equal((await patch('together', { batching: true })).status, 200);
		assert.deepEqual((await batchingOf(digest)).forbiddenBy, ['apart:v1']);
	});

	test('must be a truth', async () => {
		const refused = await harper.upload({ modelId: 'wrong', version: 'v1', metadata: '{"batching": "false"}' }, [
			{ name: 'model.onnx', content: model(NEGATION) },
		]);
		assert.equal(refused.status, 400);
		assert.match(refused.body.error, /metadata\.batching must be true or false, received "false"/);
		const patched = await harper.request('PATCH', '/model/apart/v1', { body: { metadata: { batching: 0 } } });
		assert.equal(patched.status, 400);
	});
});

test('the status says why a model is not batched', async () => {
	const nodes = [
		['ReduceMax', ['x'], ['scale']],
		['Div', ['x', 'scale'], ['y']],
	];
	const digest = await upload('scaled', model(nodes));
	assert.equal((await predict('scaled', 1)).status, 200);
	const { batchable, reason } = await batchingOf(digest);
	assert.equal(batchable, false);
	assert.match(reason, /^ReduceMax node "scale" computes over all rows$/);
});
