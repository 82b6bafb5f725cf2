// Part of npm run bench:rest: what profiles cost of POST /predict without recording, at 32 connections. By its parts, which are what a
// profile adds to a call and what it takes to store profiles every ten seconds, in processor time of the server; and as a whole, on one
// server whose profiles are turned off and on in turn. The whole is less than what the rounds differ by. Prints ratios only.
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { median } from './measures.js';
import { FEATURES, MAX_COLUMNS, profileCostUs } from './profile-cost.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { FLOAT, onnxModel } from '../__test__/support/onnx.js';
import { InferenceEngine } from '../index.js';
import { Callers } from './rest/callers.js';
import { startServer, upload } from './rest/server.js';

const PAIRS = 24;
const FIRST_MS = 4000;
const DURATION_MS = 2000;
const CONNECTIONS = 32;
const COST_ROUNDS = 60;
/** Profiles are stored that often, and within so long after the last request. */
const STORED_EVERY_MS = 10_000;
const IDLE_MS = 15_000;
/** Of a request. */
const BAR = 0.03;

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'edge-ai-profiled-'));
const rootPath = join(folder, 'data');
cpSync(new URL('rest/switch', import.meta.url), join(rootPath, 'components/switch'), { recursive: true });

const model = onnxModel({
	nodes: [['ReduceSum', ['x'], ['y']]],
	inputs: [['x', FLOAT, ['n', FEATURES]]],
	outputs: [['y', FLOAT, [1, 1]]],
});
const features = { x: [Array.from({ length: FEATURES }, (_, at) => at / 7)] };
const body = JSON.stringify({ modelId: 'regression', features, record: false });

/** Seconds of processor time of a process so far; none where /proc is lacking. */
function cpuSeconds(pid) {
	if (process.platform !== 'linux') return NaN;
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
	return (Number(fields[11]) + Number(fields[12])) / 100;
}

const quartiles = (values) => {
	const sorted = values.toSorted((a, b) => a - b);
	return [0.25, 0.75].map((share) => sorted[Math.floor(share * sorted.length)].toFixed(3)).join(' to ');
};

const server = await startServer(root, rootPath, '/status', { BINDING: pathToFileURL(join(root, 'binding.js')).href });
const callers = new Callers();
try {
	await upload(server, model);
	const turn = async (columns) => {
		const response = await fetch(`${server.base}/profiles`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ columns }),
		});
		if (!response.ok) throw new Error(await response.text());
	};
	const runs = async () => {
		const { sessions } = await (await fetch(`${server.base}/status`)).json();
		return sessions.reduce((sum, session) => sum + session.runs, 0);
	};
	const side = { port: server.port, path: '/predict', body };
	const measure = async (columns) => {
		await turn(columns);
		const [cpuBefore, runsBefore] = [cpuSeconds(server.pid), await runs()];
		const { perSecond } = await callers.measure(side, CONNECTIONS, DURATION_MS);
		return { perSecond, cpu: (cpuSeconds(server.pid) - cpuBefore) / ((await runs()) - runsBefore) };
	};
	/** Processor time of the server when nobody asks any more, in seconds. */
	const idle = async () => {
		const before = cpuSeconds(server.pid);
		await sleep(IDLE_MS);
		return cpuSeconds(server.pid) - before;
	};
	await callers.measure(side, CONNECTIONS, FIRST_MS);
	const pairs = [];
	for (let pair = 0; pair < PAIRS; pair += 1) {
		const found = {};
		for (const columns of pair % 2 === 0 ? [0, MAX_COLUMNS] : [MAX_COLUMNS, 0]) found[columns] = await measure(columns);
		pairs.push({ without: found[0], profiled: found[MAX_COLUMNS] });
	}
	const throughput = pairs.map(({ without, profiled }) => profiled.perSecond / without.perSecond);
	const cpu = pairs.map(({ without, profiled }) => profiled.cpu / without.cpu);

	const requestSeconds = median(pairs.map(({ without }) => without.cpu));
	const perSecond = median(pairs.map(({ without }) => without.perSecond));
	const call = (await profileCostUs(await new InferenceEngine().load(model), COST_ROUNDS)) / 1e6 / requestSeconds;
	const storedSeconds = [];
	for (const columns of [MAX_COLUMNS, 0]) {
		await measure(columns);
		storedSeconds.push(await idle());
	}
	const requestsBetween = (perSecond * STORED_EVERY_MS) / 1000;
	const stored = Math.max(0, storedSeconds[0] - storedSeconds[1]) / (requestsBetween * requestSeconds);

	console.log(`\nProfiles of POST /predict of ${FEATURES} features at ${CONNECTIONS} connections, unrecorded\n`);
	const print = (what, value, more = '') => console.log(`${what.padEnd(58)}${value.toFixed(3).padStart(10)}${more}`);
	print('what they add to the processor time of a request', call + stored, `, ${BAR} is asked`);
	print('  to the call', call);
	print('  to store them', stored);
	print(
		`throughput beside none, median of ${PAIRS} pairs`,
		median(throughput),
		`, half of them ${quartiles(throughput)}`
	);
	print('processor time beside none', median(cpu), `, half of them ${quartiles(cpu)}`);
} finally {
	callers.stop();
	await server.stop();
	rmSync(folder, { recursive: true, force: true });
}
