// Part of npm run bench:rest: what profiles cost of POST /predict without recording, at 32 connections. One server, whose profiles are
// turned off and on in turn for a second each: two servers differ by more than profiles cost. Prints ratios only.
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { median } from './measures.js';
import { FLOAT, onnxModel } from '../__test__/support/onnx.js';
import { Callers } from './rest/callers.js';
import { startServer, upload } from './rest/server.js';

const PAIRS = 40;
const FIRST_MS = 4000;
const DURATION_MS = 1000;
const CONNECTIONS = 32;
const FEATURES = 10;
const COLUMNS = 256;
/** What is left of the throughput, and what processor time a request takes. */
const [LEAST, MOST] = [0.97, 1.03];

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
	await callers.measure(side, CONNECTIONS, FIRST_MS);
	const pairs = [];
	for (let pair = 0; pair < PAIRS; pair += 1) {
		const order = pair % 2 === 0 ? [0, COLUMNS] : [COLUMNS, 0];
		const found = {};
		for (const columns of order) found[columns] = await measure(columns);
		pairs.push({ without: found[0], profiled: found[COLUMNS] });
	}
	const throughput = pairs.map(({ without, profiled }) => profiled.perSecond / without.perSecond);
	const cpu = pairs.map(({ without, profiled }) => profiled.cpu / without.cpu);
	console.log(
		`\nPOST /predict of ${FEATURES} features at ${CONNECTIONS} connections, unrecorded: with profiles against without,`
	);
	console.log(`medians of ${PAIRS} pairs and the middle half of them\n`);
	console.log(`throughput           ${median(throughput).toFixed(3)}  (${quartiles(throughput)}), asked: ${LEAST}`);
	console.log(`processor time       ${median(cpu).toFixed(3)}  (${quartiles(cpu)}), asked: ${MOST}`);
} finally {
	callers.stop();
	await server.stop();
	rmSync(folder, { recursive: true, force: true });
}
