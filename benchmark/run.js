// npm run bench: this package against onnxruntime-node, in one run on one machine. Ratios travel to other machines, absolute
// figures do not.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { InferenceEngine } from '../index.js';
import { latencyUs, longestPauseMs, median, steadyP99Ms, throughput, underLoad } from './measures.js';
import { inputOf, MODELS } from './models.js';
import * as ours from './ours.js';
import * as peer from './peer.js';
import { requestCosts } from './request.js';

const ROUNDS = 7;
const REQUEST_ROUNDS = 31;
/** Between measurements, so that threads of the one side that still spin do not slow down the other. */
const PAUSE_MS = 50;
/** With 64 in flight before anything is measured: code is compiled, and ours learns how many rows pay. */
const WARM_UP_MS = 3000;
const DURATION_MS = 500;
const HEAVY_ROWS = 32;
/** As many rows as are in flight, put together by the caller. */
const ROWS_BY_HAND = 64;
const CALLS_BY_HAND = 3;
const MANY_RUNS = 100;
const THREADS = [1, 2, 4];
const TOLERANCE = 1e-4;
const LIGHT_CALLS = 200;

const versionOf = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version;

function printMachine() {
	const { engines } = new InferenceEngine().status();
	console.log(`${cpus()[0].model.trim()}, ${availableParallelism()} processors, ${gigabytes(totalmem())} GiB`);
	console.log(`${platform()} ${release()}, Node.js ${process.version}`);
	console.log(`harper-edge-ai ${versionOf('../package.json')} with ONNX Runtime ${engines.onnxruntime.version}`);
	console.log(`onnxruntime-node ${versionOf('../node_modules/onnxruntime-node/package.json')}`);
	console.log(`Medians of ${ROUNDS} rounds, the two in turn. A ratio above 1 is to our advantage.\n`);
}

const gigabytes = (bytes) => (bytes / 2 ** 30).toFixed(1);

/** The same measure of both sides in turn, each round in the other order. */
async function inTurn(sides, measure) {
	const results = sides.map(() => []);
	for (let round = 0; round < ROUNDS; round += 1) {
		const order = sides.map((_, at) => at);
		if (round % 2 === 1) order.reverse();
		for (const at of order) {
			await sleep(PAUSE_MS);
			results[at].push(await measure(sides[at]));
		}
	}
	return results.map(median);
}

function printRow(name, unit, [own, other], { moreIsBetter = false } = {}) {
	const shown = (value) => value.toLocaleString('en', { maximumSignificantDigits: 4 }).padStart(10);
	const ratio = moreIsBetter ? own / other : other / own;
	console.log(`${name.padEnd(58)}${shown(own)}${shown(other)} ${unit.padEnd(8)}${ratio.toFixed(2).padStart(7)}`);
}

/** The settings with which the peer is fastest, by single calls. */
async function bestSettings(path, input, calls) {
	const sessions = [];
	for (const settings of peer.SETTINGS) sessions.push(await peer.load(path, settings));
	const times = await inTurn(sessions, (session) => latencyUs(session, input, Math.ceil(calls / 2)));
	await Promise.all(sessions.map((session) => session.close()));
	return peer.SETTINGS[times.indexOf(Math.min(...times))];
}

async function assertAlike([own, other], input) {
	const [expected, actual] = [await other.run(input), await own.run(input)];
	assert.equal(actual.length, expected.length);
	for (const [at, values] of expected.entries()) {
		assert.equal(actual[at].length, values.length);
		values.forEach((value, index) => assert.ok(Math.abs(Number(value) - Number(actual[at][index])) <= TOLERANCE));
	}
}

function memory(side, threads, model, settings) {
	const script = fileURLToPath(new URL('memory.js', import.meta.url));
	const args = [script, side, String(threads), model, JSON.stringify(settings)];
	const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
	assert.equal(status, 0, stderr);
	return Number(stdout) / 2 ** 20;
}

/** The second model beside two of the last one at full load. */
async function measureFairness(folder) {
	const [, lightModel, heavyModel] = MODELS;
	const load = async (side, copies) => {
		const [light, ...heavies] = copies;
		return {
			light: await side.load(light, {}),
			heavies: await Promise.all(heavies.map((path) => side.load(path, {}))),
		};
	};
	const paths = [lightModel, heavyModel, heavyModel].map(({ make }, at) => {
		const path = join(folder, `fair ${at}.onnx`);
		// The name of the producer makes each a model of its own.
		writeFileSync(path, Buffer.concat([make(), Buffer.from([0x12, 1, 0x61 + at])]));
		return path;
	});
	const [input, heavyInput] = [inputOf(lightModel, 1), inputOf(heavyModel, 1)];
	const sides = [await load(ours, paths), await load(peer, paths)];
	for (const { light, heavies } of sides) {
		for (const [side, given] of [[light, input], ...heavies.map((heavy) => [heavy, heavyInput])]) {
			await throughput(side, given, WARM_UP_MS);
		}
	}
	const alone = await inTurn(sides, ({ light }) => steadyP99Ms(light, input, LIGHT_CALLS));
	const heavyRuns = await inTurn(sides, async ({ heavies }) => (await latencyUs(heavies[0], heavyInput, 20)) / 1000);
	const beside = await inTurn(sides, ({ light, heavies }) =>
		underLoad(heavies, heavyInput, () => steadyP99Ms(light, input, LIGHT_CALLS))
	);
	console.log(`${lightModel.name}, a call every 5 ms, p99`);
	printRow('  alone', 'ms', alone);
	printRow('  beside two encoders with 64 in flight each', 'ms', beside);
	const bounds = alone.map((time, at) => 2 * time + heavyRuns[at]);
	printRow(
		'  of twice its time alone and one call of an encoder',
		'times',
		beside.map((time, at) => time / bounds[at])
	);
}

printMachine();
const folder = mkdtempSync(join(tmpdir(), 'edge ai benchmark '));
try {
	console.log(`${''.padEnd(58)}${'ours'.padStart(10)}${'peer'.padStart(10)}${'ratio'.padStart(16)}`);
	const heaviest = MODELS.at(-1);
	for (const model of MODELS) {
		const { name, make, calls } = model;
		const path = join(folder, `${MODELS.indexOf(model)}.onnx`);
		writeFileSync(path, make());
		const input = inputOf(model, 1);
		const settings = await bestSettings(path, input, calls);
		const sides = [await ours.load(path), await peer.load(path, settings)];
		await assertAlike(sides, input);
		for (const side of sides) await throughput(side, input, WARM_UP_MS);

		console.log(`${name}; peer at its best with ${JSON.stringify(settings)}`);
		printRow('  one call', 'us', await inTurn(sides, (side) => latencyUs(side, input, calls)));
		const rate = await inTurn(sides, (side) => throughput(side, input, DURATION_MS));
		printRow('  64 in flight', 'calls/s', rate, { moreIsBetter: true });
		const byHand = inputOf(model, ROWS_BY_HAND);
		const [perSecond] = await inTurn([sides[1]], async (side) => 1e6 / (await latencyUs(side, byHand, CALLS_BY_HAND)));
		printRow(`    against a call of ${ROWS_BY_HAND} rows`, 'rows/s', [rate[0], perSecond * ROWS_BY_HAND], {
			moreIsBetter: true,
		});
		if (model !== heaviest) continue;

		const batch = inputOf(model, HEAVY_ROWS);
		for (const side of sides) await side.run(batch);
		for (const [what, given, runs] of [
			[`${MANY_RUNS} runs`, input, MANY_RUNS],
			[`a run of ${HEAVY_ROWS} rows`, batch, 1],
		]) {
			const pauses = await inTurn(sides, (side) => longestPauseMs(side, given, runs));
			printRow(`  longest pause of the event loop, ${what}`, 'ms', pauses);
		}
		for (const threads of THREADS) {
			const resident = await inTurn(['ours', 'peer'], (side) => memory(side, threads, path, settings));
			printRow(`  resident memory of a process, ${threads} worker threads`, 'MiB', resident);
			const [idle] = await inTurn(['none'], () => memory('none', threads, path, settings));
			printRow(
				'    beyond the same threads without a model',
				'MiB',
				resident.map((value) => value - idle)
			);
		}
	}
	await measureFairness(folder);
	console.log('request with an image of 224x224x3 floats, without its run; the peer is JSON.parse of its JSON');
	const { parseMs, costsMs } = await requestCosts(REQUEST_ROUNDS);
	for (const [form, costMs] of Object.entries(costsMs)) printRow(`  ${form}`, 'ms', [costMs, parseMs]);
} finally {
	rmSync(folder, { recursive: true, force: true });
}
