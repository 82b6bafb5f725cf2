// npm run bench:servers: one row as JSON to /predict and /v2 of this component, and to other servers with the same model and the same
// release of ONNX Runtime. Prints ratios only: Harper's licence does not allow to publish its figures.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inputOf, MODELS } from './models.js';
import { Callers, printRow } from './rest/callers.js';
import { startServer, upload } from './rest/server.js';
import { install, packagesOf, post, RIVALS, startRival } from './servers/rivals.js';

const ROUNDS = 5;
/** Of each side before anything is measured, so that its code is compiled. */
const FIRST_MS = 4000;
const CONNECTIONS = [1, 8, 32];
/** Of a probability: the servers write 32-bit floats with different numbers of digits. */
const TOLERANCE = 1e-6;

const names = RIVALS.map(({ name }) => name);
const HELP = `npm run bench:servers -- [--only NAME]... [--seconds N]

One row as JSON to this component and to other servers, at ${CONNECTIONS.join(', ')} connections: ratios only. What a server needs is installed
into benchmark/servers/.venv first, with pip (python3 with venv) or npm.

  --only NAME   only this one, may be repeated: ${names.join(', ')}
  --seconds N   time of each measurement, 1 without it
`;

const { values } = parseArgs({
	options: {
		only: { type: 'string', multiple: true, default: names },
		seconds: { type: 'string', default: '1' },
		help: { type: 'boolean', default: false },
	},
});
if (values.help) {
	process.stdout.write(HELP);
	process.exit();
}
const durationMs = Number(values.seconds) * 1000;
const unknown = values.only.filter((name) => !names.includes(name));
if (unknown.length > 0 || !(durationMs > 0)) {
	process.stderr.write(HELP);
	process.exit(2);
}

const root = fileURLToPath(new URL('..', import.meta.url));
const [model] = MODELS;
const { data, shape } = inputOf(model, 1);
const features = { x: Array.from(data) };
const inputs = [{ name: 'x', shape, datatype: 'FP32', data: features.x }];

/** By protocol: our route, our bodies, the body of the others, and what an answer says. */
const PROTOCOLS = {
	plain: {
		path: '/predict',
		recorded: JSON.stringify({ modelId: 'regression', features }),
		unrecorded: JSON.stringify({ modelId: 'regression', features, record: false }),
		theirs: JSON.stringify({ features }),
		read: (answer) => answer.prediction ?? answer,
	},
	v2: {
		path: '/v2/models/regression/infer',
		recorded: JSON.stringify({ inputs }),
		unrecorded: JSON.stringify({ inputs, parameters: { record: false } }),
		theirs: JSON.stringify({ inputs }),
		read({ outputs }) {
			const dataOf = (wanted) => outputs.find(({ name }) => name === wanted).data;
			return { label: dataOf('label')[0], probabilities: dataOf('probabilities') };
		},
	},
};

const folder = mkdtempSync(join(tmpdir(), 'edge-ai-servers-'));
const file = join(folder, 'model.onnx');
writeFileSync(file, model.make());
let harper;
try {
	harper = await startServer(root, join(folder, 'ours-data'), '/status');
	await upload(harper, model.make());
	const memory = (totalmem() / 2 ** 30).toFixed(1);
	console.log(
		`${cpus()[0].model.trim()}, ${availableParallelism()} processors, ${memory} GiB, Node.js ${process.version}`
	);
	console.log(`One row as JSON, ${model.name}. Medians of ${ROUNDS} rounds in turn. Above 1 is to our advantage.\n`);
	console.log(`${''.padEnd(44)}${CONNECTIONS.map((count) => `${count} conn.`.padStart(10)).join('')}`);
	for (const rival of RIVALS.filter(({ name }) => values.only.includes(name))) {
		console.log(`${rival.title} (${packagesOf(rival).join(', ')})`);
		try {
			print(await measure(rival));
		} catch (error) {
			console.log(`  not run: ${error.message.trim().replaceAll('\n', '\n    ')}`);
		}
	}
} finally {
	await harper?.stop();
	rmSync(folder, { recursive: true, force: true });
}

/** The medians of a rival and of ours beside it, for each number of connections. */
async function measure(rival) {
	await install(rival);
	const { path, recorded, unrecorded, theirs, read } = PROTOCOLS[rival.protocol];
	const server = await startRival(rival, file, theirs, join(folder, rival.name));
	const callers = new Callers();
	try {
		const sides = {
			ours: { port: harper.port, path, body: unrecorded },
			recorded: { port: harper.port, path, body: recorded },
			theirs: { port: server.port, path: rival.path, body: theirs },
		};
		const answers = {};
		for (const [name, { port, path: route, body }] of Object.entries(sides)) {
			answers[name] = read(await (await post(port, route, body)).json());
		}
		assertSame(answers.theirs, answers.ours);
		assertSame(answers.recorded, answers.ours);
		for (const side of Object.values(sides)) await callers.measure(side, CONNECTIONS.at(-1), FIRST_MS);
		const measured = [];
		for (const connections of CONNECTIONS) {
			measured.push(await callers.inTurn(sides, connections, ROUNDS, durationMs));
		}
		return measured;
	} finally {
		callers.stop();
		await server.stop();
	}
}

function assertSame(answer, expected) {
	const told = `the answers differ: ${JSON.stringify(answer)} and ${JSON.stringify(expected)}`;
	assert.equal(Number(answer.label), Number(expected.label), told);
	assert.equal(answer.probabilities.length, expected.probabilities.length, told);
	const differs = (value, at) => !(Math.abs(value - expected.probabilities[at]) <= TOLERANCE);
	assert.ok(!answer.probabilities.some(differs), told);
}

function print(measured) {
	printRow('  answers per second', measured, ({ ours, theirs }) => ours.perSecond / theirs.perSecond);
	printRow('  99th percentile', measured, ({ ours, theirs }) => theirs.p99Ms / ours.p99Ms);
	printRow('  only ours records: answers per second', measured, (of) => of.recorded.perSecond / of.theirs.perSecond);
	printRow('  only ours records: 99th percentile', measured, (of) => of.theirs.p99Ms / of.recorded.p99Ms);
}
