import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestCosts } from '../benchmark/request.js';

const ROUNDS = 31;

test('a request with an image of 224x224x3 floats costs less without its run than JSON.parse of its body', async () => {
	const { parseMs, costsMs } = await requestCosts(ROUNDS);
	assert.ok(Object.keys(costsMs).length >= 3);
	for (const [form, costMs] of Object.entries(costsMs)) {
		assert.ok(costMs < parseMs, `${form}: ${(costMs / parseMs).toFixed(2)} of JSON.parse`);
	}
	// Bytes are copied and not converted.
	for (const form of ['cbor, typed array', 'msgpack, bytes']) assert.ok(costsMs[form] < costsMs.json, form);
});
