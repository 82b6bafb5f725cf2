// Part of npm run bench:rest: a start of Harper and the first answer of a large model with 20 models registered, beside the same with
// one. Prints ratios only: Harper's licence does not allow to publish its figures.
import { openAsBlob } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHarper } from '../__test__/support/harper.js';
import { writeLargeModel } from '../__test__/support/large-model.js';
import { FLOAT, onnxModel } from '../__test__/support/onnx.js';
import { median } from './measures.js';

const ROUNDS = 3;
const MODELS = 20;
const LARGE_MIB = 64;

const small = (name) => ({
	name: 'model.onnx',
	content: onnxModel({
		nodes: [['Relu', ['x'], [name]]],
		inputs: [['x', FLOAT, ['n', 2]]],
		outputs: [[name, FLOAT, ['n', 2]]],
	}),
});

const folder = await mkdtemp(join(tmpdir(), 'edge-ai-restart-'));
const harper = await startHarper();
try {
	const path = join(folder, 'model.onnx');
	await writeLargeModel(path, LARGE_MIB);
	await upload('large', { name: 'model.onnx', content: await openAsBlob(path) });
	const withOne = await measured();
	for (let at = 1; at < MODELS; at += 1) await upload(`small-${at}`, small(`y${at}`));
	const withAll = await measured();
	console.log(`\nWith ${MODELS} models, of the time with one. Medians of ${ROUNDS}; about 1 is well.\n`);
	for (const what of ['start', 'first answer']) {
		console.log(`${what.padEnd(44)}${(withAll[what] / withOne[what]).toFixed(2).padStart(10)}`);
	}
} finally {
	await harper.dispose();
	await rm(folder, { recursive: true, force: true });
}

async function upload(modelId, file) {
	const { status, body } = await harper.upload({ modelId, version: 'v1' }, [file]);
	if (status !== 201) throw new Error(JSON.stringify(body));
}

async function timed(act) {
	const startedAt = performance.now();
	await act();
	return performance.now() - startedAt;
}

async function answer() {
	const { status, body } = await harper.predict({ modelId: 'large', features: { index: [0] }, record: false });
	if (status !== 200) throw new Error(JSON.stringify(body));
}

async function measured() {
	const times = { start: [], 'first answer': [] };
	for (let round = 0; round < ROUNDS; round += 1) {
		await harper.stop();
		times.start.push(await timed(() => harper.start()));
		times['first answer'].push(await timed(answer));
	}
	return Object.fromEntries(Object.entries(times).map(([what, each]) => [what, median(each)]));
}
