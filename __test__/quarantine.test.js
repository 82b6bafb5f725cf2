// Models that end the process: counted, quarantined after the second time, released by an operator; and others beside them.
//
// A signal from outside ends Harper while a model runs that never stops: as real a crash as one of the model's own, and no
// later guard of the engine makes it go away.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startHarper } from './support/harper.js';
import { underWay } from './support/journal.js';
import { until } from './support/until.js';

const ENDLESS = '__test__/fixtures/hostile/endless_loop.onnx';
const IRIS = 'examples/iris/model.onnx';
const SETOSA = { float_input: [5.1, 3.5, 1.4, 0.2] };
const HOUR_MS = 3_600_000;

const journalOf = (harper) => join(harper.rootPath, 'edge-ai-journal');
const status = async (harper) => (await harper.get('/status')).body;

/** Two models of production: one that can only be stopped, and one that never does any harm. */
async function uploadBoth(harper) {
	const digests = [];
	for (const [modelId, file] of [
		['endless', ENDLESS],
		['iris', IRIS],
	]) {
		const { status, body } = await harper.upload({ modelId, version: 'v1', stage: 'production' }, [file]);
		assert.equal(status, 201, JSON.stringify(body));
		digests.push(body.digest);
	}
	return digests;
}

/** Whether the model runs; its load goes before. */
const isUnderWay = async (harper, digest) =>
	(await underWay(journalOf(harper), harper.pid)).some((model) => model.digest === digest && model.phase !== 'load');

/** Ends Harper by a signal while the endless model runs, and nothing else. */
async function endDuringRun(harper, digest, signal) {
	const asked = harper.predict({ modelId: 'endless', features: { x: [1] }, timeoutMs: HOUR_MS }).catch(() => undefined);
	await until('the run', () => isUnderWay(harper, digest));
	await harper.kill(signal);
	await asked;
}

describe('a model under way at two crashes', () => {
	let harper;
	let digest;
	let irisDigest;
	let crashedAt;
	before(async () => {
		harper = await startHarper({ options: { preload: 'none' } });
		[digest, irisDigest] = await uploadBoth(harper);
		await harper.addUser('predictor');
		await harper.addUser('operator');
	});
	after(() => harper?.dispose());

	test('is only a suspect after the first, and is run', async () => {
		assert.deepEqual((await status(harper)).journal, { enabled: true });
		crashedAt = Date.now();
		await endDuringRun(harper, digest, 'SIGFPE');
		await harper.start();
		const { quarantine, suspects } = await status(harper);
		assert.deepEqual(quarantine, []);
		assert.deepEqual(
			suspects.map(({ crashes, ...suspect }) => ({ ...suspect, signals: crashes.map(({ signal }) => signal) })),
			[{ digest, models: [{ modelId: 'endless', version: 'v1' }], signals: ['SIGFPE'] }]
		);
		const { status: code } = await harper.predict({ modelId: 'endless', features: { x: [1] }, timeoutMs: 100 });
		assert.equal(code, 504);
	});

	test('is quarantined after the second, and the one beside it is preloaded', async () => {
		await endDuringRun(harper, digest, 'SIGSEGV');
		await harper.start({ preload: 'production' });
		await until('the preload', async () => (await status(harper)).preload?.done);
		const { quarantine, suspects, preload } = await status(harper);
		assert.deepEqual(suspects, []);
		assert.equal(quarantine.length, 1);
		const [{ models, since, crashes }] = quarantine;
		assert.deepEqual(models, [{ modelId: 'endless', version: 'v1' }]);
		assert.deepEqual(
			crashes.map(({ signal }) => signal),
			['SIGFPE', 'SIGSEGV']
		);
		assert.ok(crashes.every(({ phase }) => phase === 'run' || phase === 'warm-up'));
		assert.ok(crashes[0].at >= crashedAt && crashes[1].at > crashes[0].at && crashes[1].at <= Date.now());
		assert.equal(since, crashes[1].at);
		assert.deepEqual([preload.models, preload.loaded], [2, 1]);
		assert.deepEqual(
			preload.failures.map(({ modelId, code }) => [modelId, code]),
			[['endless', 'MODEL_QUARANTINED']]
		);
		assert.equal((await harper.get('/v2/health/ready')).status, 200);
		assert.match(await harper.log(), /the model is quarantined since/);
	});

	const x = { x: [1] };
	const tensor = { name: 'x', shape: [1], datatype: 'FP32', data: [1] };
	for (const [what, method, path, body] of [
		['/predict', 'POST', '/predict', { modelId: 'endless', features: x }],
		['/predict/batch', 'POST', '/predict/batch', { modelId: 'endless', rows: [{ features: x }] }],
		['/benchmark/compare', 'POST', '/benchmark/compare', { models: [{ modelId: 'endless' }], features: x }],
	]) {
		test(`is refused by ${what}, with when and why`, async () => {
			for (const answer of await harper.onEveryThread(method, path, { body })) {
				assert.deepEqual([answer.status, answer.body.code], [503, 'MODEL_QUARANTINED'], JSON.stringify(answer.body));
				const { error, details } = answer.body;
				assert.match(error, /quarantined since \d{4}-\d\d-\d\dT.*2 crashes.*\((SIGSEGV)\).*releases it$/);
				assert.deepEqual([details.since, details.crashes.length], [details.crashes[1].at, 2]);
				assert.equal(answer.headers.get('retry-after'), null);
			}
		});
	}

	test('is refused by the other protocols, which say that it is not ready', async () => {
		const reason = /quarantined since/;
		for (const [path, body] of [
			['/v2/models/endless/infer', { inputs: [tensor] }],
			['/v2/repository/models/endless/load', {}],
			['/v1/models/endless:predict', { instances: [1] }],
		]) {
			const answer = await harper.request('POST', path, { body });
			assert.deepEqual([answer.status, Object.keys(answer.body)], [503, ['error']], path);
			assert.match(answer.body.error, reason);
		}
		const ready = await harper.get('/v2/models/endless/versions/v1/ready');
		assert.deepEqual([ready.status, ready.body.ready], [503, false]);
		assert.match(ready.body.error, reason);
		assert.equal((await harper.get('/v2/models/iris/ready')).status, 200);

		const index = async (body) => (await harper.request('POST', '/v2/repository/index', { body })).body;
		const [endless, iris] = (await index({})).sort((a, b) => a.name.localeCompare(b.name));
		assert.deepEqual([endless.state, iris.state], ['UNAVAILABLE', 'READY']);
		assert.match(endless.reason, reason);
		assert.deepEqual(
			(await index({ ready: true })).map(({ name }) => name),
			['iris']
		);

		const { body } = await harper.get('/v1/models/endless');
		assert.equal(body.ready, false);
		assert.equal(body.model_version_status[0].state, 'END');
		assert.match(body.model_version_status[0].status.error_message, reason);
	});

	test('is shown as such, and its bytes are not taken under another name', async () => {
		const { body } = await harper.get('/model/endless/v1');
		assert.equal(body.quarantine.crashes.length, 2);
		assert.equal((await harper.get('/model/iris/v1')).body.quarantine, undefined);
		const again = await harper.upload({ modelId: 'other', version: 'v1' }, [ENDLESS]);
		assert.deepEqual([again.status, again.body.code], [503, 'MODEL_QUARANTINED']);
		assert.equal((await harper.upload({ modelId: 'other', version: 'v1' }, [IRIS])).status, 201);
	});

	test('does not touch the one beside it', async () => {
		for (const { status: code, body } of await harper.onEveryThread('POST', '/predict', {
			body: { modelId: 'iris', features: SETOSA },
		})) {
			assert.equal(code, 200, JSON.stringify(body));
		}
		const none = await harper.request('DELETE', `/status/quarantine/${irisDigest}`);
		assert.deepEqual([none.status, none.body.code], [404, 'NOT_FOUND']);
	});

	test('stays quarantined over restarts, those by force too', async () => {
		await harper.restart();
		assert.equal((await status(harper)).quarantine.length, 1);
		await harper.kill();
		await harper.start({ preload: 'none' });
		assert.equal((await status(harper)).quarantine.length, 1);
	});

	test('is released by an operator, on every thread and for good, and starts at zero', async () => {
		const path = '/model/endless/v1/quarantine';
		assert.equal((await harper.request('DELETE', path, { user: 'predictor' })).status, 403);
		assert.equal((await harper.request('DELETE', `/status/quarantine/${digest}`, { user: 'predictor' })).status, 403);
		const released = await harper.request('DELETE', path, { user: 'operator' });
		assert.deepEqual([released.status, released.body], [200, { success: true, modelId: 'endless', version: 'v1' }]);
		const body = { modelId: 'endless', features: x, timeoutMs: 50 };
		for (const answer of await harper.onEveryThread('POST', '/predict', { body })) assert.equal(answer.status, 504);
		await endDuringRun(harper, digest, 'SIGABRT');
		await harper.start();
		const { quarantine, suspects } = await status(harper);
		assert.deepEqual([quarantine.length, suspects.length], [0, 1]);
		assert.equal(suspects[0].crashes[0].signal, 'SIGABRT');
		const answer = await harper.request('DELETE', `/status/quarantine/${digest}`, { user: 'operator' });
		assert.deepEqual([answer.status, answer.body], [200, { success: true, digest }]);
		assert.deepEqual((await status(harper)).suspects, []);
	});
});

describe('a crash loop under preload', () => {
	let harper;
	before(async () => (harper = await startHarper()));
	after(() => harper?.dispose());

	test('ends with the third start, which serves', async () => {
		const [digest] = await uploadBoth(harper);
		await harper.stop();
		for (const signal of ['SIGSEGV', 'SIGFPE']) {
			const before = harper.pid;
			// It may come so far as to answer: the endless model is tried out for seconds.
			const started = harper.start({ preload: 'production' }).then(
				() => true,
				() => false
			);
			await until('the preload', async () => harper.pid !== before && (await isUnderWay(harper, digest)), 120_000);
			await harper.kill(signal);
			await started;
		}
		await harper.start({ preload: 'production' });
		await until('the preload', async () => (await status(harper)).preload?.done);
		const { preload, quarantine } = await status(harper);
		assert.deepEqual([preload.loaded, preload.failures.length], [1, 1]);
		assert.deepEqual(
			quarantine.map((model) => model.digest),
			[digest]
		);
		assert.ok(quarantine[0].crashes.every(({ phase }) => phase === 'load' || phase === 'warm-up'));
		assert.equal((await harper.predict({ modelId: 'iris', features: SETOSA })).status, 200);
	});
});

describe('a model under way at an end by force', () => {
	let harper;
	before(async () => (harper = await startHarper({ options: { preload: 'none' } })));
	after(() => harper?.dispose());

	test('is not to blame', async () => {
		const [digest] = await uploadBoth(harper);
		for (let times = 0; times < 2; times += 1) {
			await endDuringRun(harper, digest, 'SIGKILL');
			await harper.start();
			const { quarantine, suspects } = await status(harper);
			assert.deepEqual([quarantine, suspects], [[], []]);
		}
		// The journals of processes that have ended are gone.
		const left = await readdir(journalOf(harper));
		assert.equal(left.filter((name) => name.endsWith('.slots')).length, 1);
	});
});
