// Part of npm run bench:monitoring: an evaluation of 1,000 rules in Harper, over 1,000 ranges of models that are never idle, beside the
// same rules over 20 ranges. Prints parts of the second that it may take: Harper's licence does not allow to publish its figures.
import { cpus } from 'node:os';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { root, startHarper } from '../__test__/support/harper.js';
import { median } from './measures.js';

const MODELS = 100;
const WINDOWS = ['5m', '10m', '15m', '30m', '1h', '2h', '6h', '12h', '1d', '7d'];
const MEASURES = ['errorRate', 'p95Latency', 'accuracy', 'throughput', 'avgConfidence'];
const ROUNDS = 7;
const GOAL_MS = 1000;

const module = (path) => JSON.stringify(pathToFileURL(join(root, path)).href);

/** An application that fills rollups, and evaluates rules on its thread as the component does. */
const APPLICATION = {
	'bench/config.yaml': 'rest: true\njsResource:\n  files: resources.js\n',
	'bench/resources.js': `
		import { monitorEventLoopDelay } from 'node:perf_hooks';
		import { MetricsAccumulator } from ${module('binding.js')};
		import { transaction } from ${module('resources/harper.js')};
		import { putRow, tierRowId } from ${module('resources/monitoring/rollups/rows.js')};
		import { startOf, TIERS } from ${module('resources/monitoring/rollups/tiers.js')};
		import { samplesAt } from ${module('resources/monitoring/alerts/sampling.js')};
		import { decide } from ${module('resources/monitoring/alerts/evaluation.js')};

		const DIGEST = '0'.repeat(64);
		const KEPT_MS = { '1m': 7_200_000, '10m': 86_400_000, '1h': 8 * 86_400_000, '1d': 8 * 86_400_000 };

		/** A row for each interval of each tier, of some predictions with feedback. */
		async function fill(modelId, slot) {
			for (const { interval, lengthMs } of TIERS) {
				const context = {};
				await transaction(context, () => {
					for (let start = startOf(lengthMs, slot - KEPT_MS[interval]); start < slot; start += lengthMs) {
						const sums = new MetricsAccumulator();
						for (let at = 0; at < 20; at += 1) {
							const latencyMs = 1 + ((at * 37) % 11);
							sums.add('v' + (at % 2), DIGEST, start + at, latencyMs, (at % 10) / 10, at % 3 === 0, at % 2 === 0, undefined, undefined, undefined, 1, 2);
						}
						putRow({ id: tierRowId(modelId, interval, start), modelId, interval, start, measures: sums.toBytes() }, context);
					}
				});
			}
		}

		async function evaluate({ rules, slot }) {
			const held = monitorEventLoopDelay({ resolution: 1 });
			held.enable();
			const [cpu, begin] = [process.cpuUsage(), performance.now()];
			const samples = await samplesAt(rules, slot, { versionsWatched: () => [] });
			decide(slot, rules, samples, []);
			const wallMs = performance.now() - begin;
			held.disable();
			const used = process.cpuUsage(cpu);
			const seen = samples.filter(({ sample }) => sample.sees !== 'noData').length;
			return { wallMs, cpuMs: (used.user + used.system) / 1000, longestMs: held.max / 1e6, seen };
		}

		export class rules extends Resource {
			static loadAsInstance = false;
			async post(_target, { modelId, slot, rules }) {
				if (modelId === undefined) return evaluate({ rules, slot });
				await fill(modelId, slot);
				return {};
			}
		}`,
};

const harper = await startHarper({ components: APPLICATION, threads: 1, options: { ruleInterval: 0 } });
try {
	const slot = Math.floor(Date.now() / 60_000) * 60_000;
	for (let model = 0; model < MODELS; model += 1) await ask({ modelId: `m${model}`, slot });
	console.log(`${process.version}, ${cpus().length} x ${cpus()[0].model}`);
	console.log(`\n1,000 rules, of ${GOAL_MS} ms. Medians of ${ROUNDS}.\n`);
	console.log(`${''.padEnd(16)}${['wall', 'CPU', 'longest turn'].map((name) => name.padStart(16)).join('')}`);
	for (const models of [2, MODELS]) {
		const rounds = [];
		for (let round = 0; round < ROUNDS; round += 1) rounds.push(await ask({ slot, rules: rulesOf(models) }));
		for (const { seen } of rounds) if (seen !== 1000) throw new Error(`${seen} rules saw something`);
		const parts = ['wallMs', 'cpuMs', 'longestMs'].map((name) => median(rounds.map((round) => round[name])) / GOAL_MS);
		const name = `${models * WINDOWS.length} ranges`;
		console.log(`${name.padEnd(16)}${parts.map((part) => part.toFixed(3).padStart(16)).join('')}`);
	}
} finally {
	await harper.dispose();
}

function rulesOf(models) {
	return Array.from({ length: 1000 }, (_, at) => ({
		...{ id: `r${at}`, modelId: `m${at % models}`, window: WINDOWS[Math.floor(at / models) % WINDOWS.length] },
		...{ measure: MEASURES[at % MEASURES.length], comparison: 'above', threshold: 0.5, minSamples: 1 },
		...{ for: '0s', keepFiringFor: '0s', cooldown: '0s' },
	}));
}

async function ask(body) {
	const { status, body: answer } = await harper.request('POST', '/rules/', { body });
	if (status !== 200) throw new Error(JSON.stringify(answer));
	return answer;
}
