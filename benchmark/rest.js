// npm run bench:rest: POST /predict of this component against a resource that calls onnxruntime-node, against the least that a
// durable answer can cost, and against the other protocols of this component. Prints ratios only: Harper's licence does not allow to publish its figures.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inputOf, MODELS } from './models.js';
import { Callers, printRow } from './rest/callers.js';
import { application, startServer, upload } from './rest/server.js';

const ROUNDS = 5;
/** Of each side before anything is measured, so that its code is compiled. */
const FIRST_MS = 4000;
const DURATION_MS = 1000;
const CONNECTIONS = [1, 8, 32];

const root = fileURLToPath(new URL('..', import.meta.url));
const [model] = MODELS;
const { data, shape } = inputOf(model, 1);
const features = { x: Array.from(data) };
const body = (fields) => JSON.stringify({ modelId: 'regression', features, ...fields });

/** The same row in the Open Inference Protocol and in that of TensorFlow Serving, whose body has no place for `record`. */
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
		v1Unrecorded: { ...ours, path: '/v1/models/regression:predict?record=false', body: served },
		peer: { ...peer, path: '/Predict', body: body() },
		peerUnrecorded: { ...peer, path: '/Predict', body: body({ record: false }) },
		bare: { ...bare, path: '/bare', body: body() },
	};
	const callers = new Callers();
	console.log(`POST /predict, ${model.name}. Medians of ${ROUNDS} rounds, all in turn. Above 1 is to our advantage.\n`);
	console.log(`${''.padEnd(44)}${CONNECTIONS.map((count) => `${count} conn.`.padStart(10)).join('')}`);
	const measured = [];
	for (const name of Object.keys(sides)) await callers.measure(sides[name], CONNECTIONS.at(-1), FIRST_MS);
	for (const connections of CONNECTIONS) measured.push(await callers.inTurn(sides, connections, ROUNDS, DURATION_MS));
	callers.stop();

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
	printRow(
		'  both without recording',
		measured,
		({ v1Unrecorded, oursUnrecorded }) => v1Unrecorded.perSecond / oursUnrecorded.perSecond
	);
} finally {
	await Promise.all(servers.map((server) => server.stop()));
	rmSync(folder, { recursive: true, force: true });
}
