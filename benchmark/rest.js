// npm run bench:rest: POST /predict of this component against a resource that calls onnxruntime-node, against the least that a
// durable answer can cost, and against the other protocols of this component. Prints ratios only: Harper's licence does not allow to publish its figures.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './measures.js';
import { inputOf, MODELS } from './models.js';
import { application, startServer } from './rest/server.js';

const ROUNDS = 5;
const WARM_UP_MS = 300;
/** Of each side before anything is measured, so that its code is compiled. */
const FIRST_MS = 4000;
const DURATION_MS = 1000;
const CONNECTIONS = [1, 8, 32];

const root = fileURLToPath(new URL('..', import.meta.url));
const [model] = MODELS;
const { data, shape } = inputOf(model, 1);
const features = { x: Array.from(data) };
const body = (fields) => JSON.stringify({ modelId: 'regression', features, ...fields });

/** The same row in the Open Inference Protocol and in that of TensorFlow Serving, which always records. */
const inferred = (parameters) =>
	JSON.stringify({ inputs: [{ name: 'x', shape, datatype: 'FP32', data: features.x }], parameters });
const served = JSON.stringify({ instances: [features.x] });

const folder = mkdtempSync(join(tmpdir(), 'edge-ai-rest-'));
const servers = [];
const start = async (...how) => {
	servers.push(await startServer(...how));
	return servers.at(-1);
};
try {
	const file = join(folder, 'model.onnx');
	writeFileSync(file, model.make());
	const ours = await start(root, join(folder, 'ours-data'), '/status');
	await upload(ours, model.make());
	const deferred = await start(root, join(folder, 'deferred-data'), '/status', {
		EDGE_AI_EVENT_DURABILITY: 'deferred',
	});
	await upload(deferred, model.make());
	const peer = await start(application('peer', folder), join(folder, 'peer-data'), '/Predict', { PEER_MODEL: file });
	const bare = await start(application('bare', folder), join(folder, 'bare-data'), '/bare');

	const sides = {
		ours: { ...ours, path: '/predict', body: body() },
		oursUnrecorded: { ...ours, path: '/predict', body: body({ record: false }) },
		deferred: { ...deferred, path: '/predict', body: body() },
		deferredUnrecorded: { ...deferred, path: '/predict', body: body({ record: false }) },
		v2: { ...ours, path: '/v2/models/regression/infer', body: inferred() },
		v2Unrecorded: { ...ours, path: '/v2/models/regression/infer', body: inferred({ record: false }) },
		v1: { ...ours, path: '/v1/models/regression:predict', body: served },
		peer: { ...peer, path: '/Predict', body: body() },
		peerUnrecorded: { ...peer, path: '/Predict', body: body({ record: false }) },
		bare: { ...bare, path: '/bare', body: body() },
	};
	const callers = fork(new URL('rest/load.js', import.meta.url));
	console.log(`POST /predict, ${model.name}. Medians of ${ROUNDS} rounds, all in turn. Above 1 is to our advantage.\n`);
	console.log(`${''.padEnd(44)}${CONNECTIONS.map((count) => `${count} conn.`.padStart(10)).join('')}`);
	const measured = [];
	for (const name of Object.keys(sides)) await callAt(callers, sides[name], CONNECTIONS.at(-1), FIRST_MS);
	for (const connections of CONNECTIONS) measured.push(await inTurn(callers, sides, connections));
	callers.disconnect();

	printRow('against onnxruntime-node in a resource', measured, ({ ours, peer }) => ours.perSecond / peer.perSecond);
	printRow('  99th percentile', measured, ({ ours, peer }) => peer.p99Ms / ours.p99Ms);
	printRow(
		'  both without recording',
		measured,
		({ oursUnrecorded, peerUnrecorded }) => oursUnrecorded.perSecond / peerUnrecorded.perSecond
	);
	printRow('    99th percentile', measured, (of) => of.peerUnrecorded.p99Ms / of.oursUnrecorded.p99Ms);
	printRow('against a route that only puts the event', measured, ({ ours, bare }) => ours.perSecond / bare.perSecond);
	printRow('against itself without recording', measured, (of) => of.ours.perSecond / of.oursUnrecorded.perSecond);
	printRow(
		'  with eventDurability: deferred',
		measured,
		(of) => of.deferred.perSecond / of.deferredUnrecorded.perSecond
	);
	printRow('    99th percentile', measured, (of) => of.deferredUnrecorded.p99Ms / of.deferred.p99Ms);
	printRow('/v2 against /predict', measured, ({ v2, ours }) => v2.perSecond / ours.perSecond);
	printRow(
		'  both without recording',
		measured,
		({ v2Unrecorded, oursUnrecorded }) => v2Unrecorded.perSecond / oursUnrecorded.perSecond
	);
	printRow('/v1 against /predict', measured, ({ v1, ours }) => v1.perSecond / ours.perSecond);
} finally {
	await Promise.all(servers.map((server) => server.stop()));
	rmSync(folder, { recursive: true, force: true });
}

async function upload({ base }, bytes) {
	const form = new FormData();
	form.append('modelId', 'regression');
	form.append('version', 'v1');
	form.append('file', new Blob([bytes]), 'model.onnx');
	const response = await fetch(`${base}/model/upload`, { method: 'POST', body: form });
	if (!response.ok) throw new Error(await response.text());
}

/** The medians of each side, measured in turn, each round in the other order. */
async function inTurn(callers, sides, connections) {
	const results = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
	for (let round = 0; round < ROUNDS; round += 1) {
		const names = Object.keys(sides);
		if (round % 2 === 1) names.reverse();
		for (const name of names) {
			results[name].push(await callAt(callers, sides[name], connections, DURATION_MS));
		}
	}
	const medianOf = (name, key) => median(results[name].map((result) => result[key]));
	return Object.fromEntries(
		Object.keys(sides).map((name) => [name, { perSecond: medianOf(name, 'perSecond'), p99Ms: medianOf(name, 'p99Ms') }])
	);
}

async function callAt(callers, { port, path, body: sent }, connections, durationMs) {
	callers.send({ host: '127.0.0.1', port, path, body: sent, connections, warmUpMs: WARM_UP_MS, durationMs });
	const [result] = await once(callers, 'message');
	return result;
}

function printRow(name, measured, ratioOf) {
	console.log(`${name.padEnd(44)}${measured.map((of) => ratioOf(of).toFixed(2).padStart(10)).join('')}`);
}
