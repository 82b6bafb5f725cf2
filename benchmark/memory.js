// A process with worker threads that each load and run one model, or only exist; prints its resident bytes.
//
//     node benchmark/memory.js <ours | peer | none> <threads> <model> <settings>
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { inputOf, MODELS } from './models.js';

const SETTLE_MS = 500;
const RUNS = 20;

async function loadAndRun({ side, model, settings }) {
	if (side === 'none') return undefined;
	const { load } = await import(`./${side}.js`);
	const loaded = await load(model, settings);
	const input = inputOf(MODELS.at(-1), 1);
	for (let count = 0; count < RUNS; count += 1) await loaded.run(input);
	return loaded;
}

if (isMainThread) {
	const [side, threads, model, settings] = process.argv.slice(2);
	const data = { side, model, settings: JSON.parse(settings) };
	const workers = Array.from(
		{ length: +threads },
		() => new Worker(fileURLToPath(import.meta.url), { workerData: data })
	);
	await Promise.all(
		workers.map((worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject)))
	);
	await sleep(SETTLE_MS);
	console.log(process.memoryUsage.rss());
	process.exit();
} else {
	globalThis.loaded = await loadAndRun(workerData);
	parentPort.postMessage('loaded');
	// Stays until the process ends.
	parentPort.on('message', () => {});
}
