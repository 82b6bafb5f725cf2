// Execution providers: the option in the Node.js API and in Harper, the fallback and its reason, the errors.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { executionProviderNames } from '../binding.js';
import { InferenceEngine } from '../index.js';
import { readOptions } from '../resources/options.js';
import { root, startHarper } from './support/harper.js';

const IRIS = 'examples/iris/model.onnx';
const SETOSA = { float_input: [5.1, 3.5, 1.4, 0.2] };

const sessionOf = (engine, { digest }) => engine.status().sessions.find((session) => session.digest === digest);

describe('the option', () => {
	test('takes names and options of providers', () => {
		const read = (executionProviders, environment = {}) =>
			readOptions({ executionProviders }, environment).executionProviders;
		assert.deepEqual(read(), ['cpu']);
		assert.deepEqual(read(undefined, { EDGE_AI_EXECUTION_PROVIDERS: 'cuda, cpu' }), ['cuda', 'cpu']);
		const cuda = { name: 'cuda', options: { device_id: 1 } };
		assert.deepEqual(read([cuda, 'cpu'], { EDGE_AI_EXECUTION_PROVIDERS: 'tensorrt' }), [cuda, 'cpu']);
	});

	test('refuses what it does not know, and says what it knows', () => {
		const wrong = [
			[],
			'cuda',
			['gpu'],
			['cuda', 7],
			[{ name: 'cuda', device: 1 }],
			[{ name: 'cuda', options: { a: [] } }],
		];
		for (const executionProviders of wrong) {
			const said = (error) => executionProviderNames().every((name) => error.message.includes(name));
			assert.throws(() => readOptions({ executionProviders }, {}), said);
			assert.throws(() => new InferenceEngine({ executionProviders }), { name: 'TypeError' });
			assert.throws(() => new InferenceEngine({ executionProviders }), said);
		}
		assert.throws(
			() => readOptions({}, { EDGE_AI_EXECUTION_PROVIDERS: 'cuda,gpu' }),
			/^Error: EDGE_AI_EXECUTION_PROVIDERS must be .*, received \["cuda","gpu"\]$/
		);
		assert.throws(() => new InferenceEngine({ executionProviders: ['gpu'] }), /received \["gpu"\]$/);
	});

	test('refuses lists that cannot be meant', () => {
		for (const [executionProviders, message] of [
			[['cpu', 'cuda'], /"cpu" last/],
			[['cuda', 'cuda'], /"cuda" twice/],
			[[{ name: 'directml', options: { device_id: 1 } }], /takes no options/],
		]) {
			assert.throws(() => new InferenceEngine({ executionProviders }), { code: 'INVALID_REQUEST', message });
		}
	});

	test('has the same names in Rust, the declarations and the documentation', () => {
		const read = (path) => readFileSync(join(root, path), 'utf8');
		const [, union] = read('index.d.ts').match(/type ExecutionProviderName =([^;]*);/);
		assert.deepEqual([...union.matchAll(/'(\w+)'/g)].map(([, name]) => name).sort(), executionProviderNames().sort());
		const [, section] = read('docs/configuration.md').match(/^## Execution providers\n([\s\S]*?)^## /m);
		for (const name of executionProviderNames()) assert.ok(section.includes(`\`${name}\``), name);
	});
});

describe('in the Node.js API', () => {
	after(() => new InferenceEngine({ executionProviders: ['cpu'] }));

	test('the default is the CPU', async () => {
		const engine = new InferenceEngine();
		const model = await engine.load(join(root, IRIS));
		assert.equal(model.executionProvider, 'cpu');
		const { executionProvider, nodes, unusedProviders } = sessionOf(engine, model);
		assert.deepEqual(
			{ executionProvider, nodes, unusedProviders },
			{ executionProvider: 'cpu', nodes: undefined, unusedProviders: undefined }
		);
		const { onnxruntime, tract } = engine.status().engines;
		assert.ok(onnxruntime.executionProviders.includes('cpu'));
		assert.deepEqual(tract.executionProviders, ['cpu']);
	});

	test('a provider that cannot be used gives way to the CPU, also for a model that is loaded already', async () => {
		const onCpu = await new InferenceEngine({ executionProviders: ['cpu'] }).load(join(root, IRIS));
		const engine = new InferenceEngine({ executionProviders: ['qnn', 'cpu'] });
		const model = await engine.load(join(root, IRIS));
		assert.equal(model.digest, onCpu.digest);
		assert.equal(model.executionProvider, 'cpu');
		const session = engine
			.status()
			.sessions.find(({ digest, unusedProviders }) => digest === model.digest && unusedProviders);
		assert.equal(session.unusedProviders[0].name, 'qnn');
		assert.match(session.unusedProviders[0].reason, /has only .*cpu/);
		assert.equal((await model.predict(SETOSA)).outputs.output_label.toArray(), 0n);
	});

	test('without the CPU in the list it is an error that says why', async () => {
		const engine = new InferenceEngine({ executionProviders: [{ name: 'qnn', options: { backend_type: 'htp' } }] });
		for (const options of [{}, { engine: 'tract' }]) {
			await assert.rejects(engine.load(join(root, IRIS), options), { code: 'ENGINE_UNAVAILABLE', message: /qnn/ });
		}
	});
});

describe('in Harper', () => {
	let harper;
	before(async () => (harper = await startHarper({ threads: 1, options: { executionProviders: 'cuda,cpu' } })));
	after(() => harper?.dispose());

	test('/status shows the provider in use and why another one is not', async () => {
		assert.equal((await harper.upload({ modelId: 'iris', version: 'v1' }, [IRIS])).status, 201);
		assert.equal((await harper.predict({ modelId: 'iris', features: SETOSA })).status, 200);
		const { body } = await harper.get('/status');
		assert.deepEqual(body.options.executionProviders, ['cuda', 'cpu']);
		assert.ok(body.engines.onnxruntime.executionProviders.includes('cpu'));
		const [session] = body.sessions;
		assert.equal(session.executionProvider, 'cpu');
		assert.equal(session.unusedProviders[0].name, 'cuda');
		assert.doesNotMatch(session.unusedProviders[0].reason, /[/\\]/);
	});

	test('without the CPU in the list predictions and uploads say what is missing', async () => {
		await harper.stop();
		await harper.start({ executionProviders: 'cuda' });
		for (const { status, body } of [
			await harper.predict({ modelId: 'iris', features: SETOSA }),
			await harper.upload({ modelId: 'iris', version: 'v2' }, [IRIS]),
		]) {
			assert.deepEqual([status, body.code], [503, 'ENGINE_UNAVAILABLE']);
			assert.match(body.error, /^no execution provider can be used: cuda: /);
		}
	});
});
