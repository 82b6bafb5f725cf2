import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startHarper } from './support/harper.js';
import { INT64, onnxModel } from './support/onnx.js';
import { until } from './support/until.js';

let harper;
before(async () => (harper = await startHarper({ threads: 1 })));
after(() => harper?.dispose());

const put = async (entityId, features, timestamp) => {
	const body = timestamp === undefined ? { features } : { features, timestamp };
	const answer = await harper.request('PUT', `/features/${entityId}`, { body });
	assert.equal(answer.status, 200, JSON.stringify(answer.body));
	return answer.body;
};

const get = (entityId, query = '') => harper.get(`/features/${entityId}${query}`);

describe('features of an entity', () => {
	test('come back as they were written', async () => {
		const features = { age: 41, name: 'Zoë', tags: ['a', 'b'], nested: { x: [[1.5]] }, nothing: null, yes: true };
		const startedAt = Date.now();
		const { success, entityId, timestamp } = await put('customer-1', features);
		assert.deepEqual([success, entityId], [true, 'customer-1']);
		assert.ok(Number.isInteger(timestamp) && timestamp >= startedAt && timestamp <= Date.now());
		const { status, body } = await get('customer-1');
		assert.equal(status, 200);
		assert.deepEqual(body, { entityId: 'customer-1', features, timestamp });
	});

	test('are merged, the newest value of each name counts', async () => {
		await put('merged', { a: 1, b: 1 }, 1000);
		await put('merged', { b: 2, c: 2 }, 2000);
		await put('merged', { a: 0, c: 0, d: 0 }, 500);
		const { body } = await get('merged');
		assert.deepEqual(body, { entityId: 'merged', features: { a: 1, b: 2, c: 2, d: 0 }, timestamp: 2000 });
	});

	test('written twice for one time are those written last', async () => {
		for (const a of [1, 2, 3]) await put('twice', { a }, 1000);
		assert.deepEqual((await get('twice')).body.features, { a: 3 });
	});

	test('of a list of names', async () => {
		await put('named', { a: 1, b: 2, c: 3 }, 1000);
		assert.deepEqual((await get('named', '?names=c,a')).body.features, { c: 3, a: 1 });
		assert.deepEqual((await get('named', '?names=b,unknown')).body.features, { b: 2 });
		assert.deepEqual((await get('named', '?names=unknown')).body.features, {});
	});

	test('are those that held, and had been written, at the time asked for', async () => {
		const past = (time) => until('the clock goes on', () => Date.now() > time + 2);
		const first = await put('history', { a: 1 });
		await past(first.timestamp);
		const second = await put('history', { a: 2 });
		assert.ok(second.timestamp > first.timestamp);
		await past(second.timestamp);
		const backfilledAt = Date.now();
		await put('history', { a: 9 }, second.timestamp + 1);
		const at = async (asOf) => {
			const { status, body } = await get('history', `?asOf=${asOf}`);
			return status === 200 ? body.features.a : body.code;
		};
		assert.equal(await at(first.timestamp - 1), 'ENTITY_NOT_FOUND');
		assert.equal(await at(first.timestamp + 1), 1);
		assert.equal(await at(backfilledAt - 1), 2, 'what was written later was not known then');
		assert.equal(await at(Date.now()), 9);
	});

	test('that are to hold later do not hold yet', async () => {
		await put('future', { a: 1 });
		await put('future', { a: 2 }, Date.now() + 3_600_000);
		assert.deepEqual((await get('future')).body.features, { a: 1 });
	});

	test('belong to one entity, whatever its name looks like', async () => {
		const names = ['a', 'a b', 'a:b', 'a.1', 'a/b', 'ä', 'a~', 'A'];
		for (const name of names) await put(encodeURIComponent(name), { name });
		for (const name of names) {
			const { body } = await get(encodeURIComponent(name));
			assert.deepEqual([body.entityId, body.features], [name, { name }]);
		}
	});

	test('outlast a kill -9', async () => {
		await put('durable', { a: 1 });
		await harper.kill();
		await harper.start();
		assert.deepEqual((await get('durable')).body.features, { a: 1 });
	});

	test('keep the digits that they were given with', async () => {
		const headers = { 'content-type': 'application/json' };
		const digits = '"id":9007199254740993,"zero":-0,"price":1.10,"deep":[{"x":123456789012345678901}]';
		const write = (features) =>
			harper.request('PUT', '/features/digits', { body: `{"features": {${features}}}`, headers });
		assert.equal((await write(digits)).status, 200);
		assert.match((await get('digits')).text, new RegExp(`"features":\\{${digits.replace(/[[\]{}.]/g, '\\$&')}\\}`));
		assert.equal((await write('"zero":1')).status, 200);
		assert.match((await get('digits', '?names=id,zero')).text, /"features":\{"zero":1,"id":9007199254740993\}/);
		const refused = await write('"big":1e400');
		assert.deepEqual([refused.status, refused.body.code], [400, 'INVALID_REQUEST']);
		assert.match(refused.body.error, /1e400 does not fit/);
		const bare = await write('"nan":NaN');
		assert.deepEqual([bare.status, bare.body.code], [400, 'INVALID_JSON']);
		assert.match(bare.body.error, /JSON has no NaN; send null or the string "NaN"/);
	});

	test('named like parts of an object are features like others', async () => {
		const text = '{"features": {"__proto__": 1, "constructor": 2, "hasOwnProperty": 3}}';
		const headers = { 'content-type': 'application/json' };
		const { status } = await harper.request('PUT', '/features/odd', { body: text, headers });
		assert.equal(status, 200);
		const { body } = await get('odd');
		assert.deepEqual(Object.entries(body.features), [
			['__proto__', 1],
			['constructor', 2],
			['hasOwnProperty', 3],
		]);
	});
});

describe('refused are', () => {
	for (const [what, method, path, body, status, code, said] of [
		['an unknown entity', 'GET', '/features/nobody', undefined, 404, 'ENTITY_NOT_FOUND', /"nobody"/],
		['features that are a list', 'PUT', '/features/e', { features: [1] }, 400, 'INVALID_REQUEST', /features.*\[1\]/],
		['no features', 'PUT', '/features/e', {}, 400, 'INVALID_REQUEST', /features/],
		[
			'a time that is a text',
			'PUT',
			'/features/e',
			{ features: {}, timestamp: '1' },
			400,
			'INVALID_REQUEST',
			/timestamp.*"1"/,
		],
		['a negative time', 'PUT', '/features/e', { features: {}, timestamp: -1 }, 400, 'INVALID_REQUEST', /timestamp.*-1/],
		['a misspelt field', 'PUT', '/features/e', { feature: {} }, 400, 'INVALID_REQUEST', /"feature".*"features"/],
		['an entityId with a bar', 'PUT', '/features/a%7Cb', { features: {} }, 400, 'INVALID_REQUEST', /entityId/],
		['a long entityId', 'PUT', `/features/${'e'.repeat(257)}`, { features: {} }, 400, 'INVALID_REQUEST', /entityId/],
		['a misspelt parameter', 'GET', '/features/e?asof=1', undefined, 400, 'INVALID_REQUEST', /"asof".*"asOf"/],
		['a time that is none', 'GET', '/features/e?asOf=now', undefined, 400, 'INVALID_REQUEST', /asOf.*"now"/],
	]) {
		test(what, async () => {
			const answer = await harper.request(method, path, { body });
			assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
			assert.match(answer.body.error, said);
		});
	}
});

describe('a prediction with entityId', () => {
	const stored = { petal_length: 1.5, sepal_length: 4.6, species: 'setosa', unrelated: [1, 2, 3] };
	before(async () => {
		const file = '__test__/fixtures/iris_mixed_columns.onnx';
		const { status } = await harper.upload({ modelId: 'columns', version: 'v1' }, [file]);
		assert.equal(status, 201);
		await put('flower', stored);
	});

	const width = async (fields) => {
		const { status, body } = await harper.predict({ modelId: 'columns', ...fields });
		assert.equal(status, 200, JSON.stringify(body));
		return body.prediction.variable[0];
	};
	const inputs = { petal_length: 1.5, sepal_length: 4.6, species: 'setosa' };

	test('takes the inputs that features lacks from there', async () => {
		const expected = await width({ features: inputs });
		assert.equal(await width({ entityId: 'flower' }), expected);
		assert.equal(await width({ entityId: 'flower', features: {} }), expected);
		assert.equal(await width({ entityId: 'flower', features: { species: 'setosa' } }), expected);
	});

	test('prefers the features of the request', async () => {
		const expected = await width({ features: { ...inputs, species: 'virginica' } });
		assert.notEqual(expected, await width({ features: inputs }));
		assert.equal(await width({ entityId: 'flower', features: { species: 'virginica' } }), expected);
	});

	test('runs on all digits, and records them', async () => {
		const column = [INT64, ['n', 1]];
		const model = onnxModel({
			nodes: [['Identity', ['x'], ['y']]],
			inputs: [['x', ...column]],
			outputs: [['y', ...column]],
		});
		await harper.upload({ modelId: 'digits', version: 'v1' }, [{ name: 'model.onnx', content: model }]);
		const body = '{"features": {"x": 9007199254740993.0}}';
		await harper.request('PUT', '/features/exact', { body, headers: { 'content-type': 'application/json' } });
		const answer = await harper.predict({ modelId: 'digits', entityId: 'exact' });
		assert.deepEqual(answer.body.prediction, { y: ['9007199254740993'] });
		const { body: found } = await harper.get('/monitoring/events?modelId=digits');
		assert.equal(found.events[0].featuresIn, '{"x":9007199254740993.0}');
	});

	test('takes what was written last, and records what it took', async () => {
		await put('growing', stored);
		const young = await width({ entityId: 'growing' });
		await put('growing', { petal_length: 5.5 });
		const grown = await width({ entityId: 'growing', userId: 'gardener' });
		assert.ok(grown > young + 1, `${young} -> ${grown}`);
		const { body } = await harper.get('/monitoring/events?userId=gardener');
		assert.deepEqual(JSON.parse(body.events[0].featuresIn), { ...inputs, petal_length: 5.5 });
	});

	for (const [what, fields, status, code] of [
		['is unknown', { entityId: 'nobody' }, 404, 'ENTITY_NOT_FOUND'],
		['lacks an input', { entityId: 'half' }, 422, 'INVALID_INPUT'],
	]) {
		test(`is refused when the entity ${what}`, async () => {
			await put('half', { petal_length: 1.5 });
			const answer = await harper.predict({ modelId: 'columns', ...fields });
			assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
		});
	}
});
