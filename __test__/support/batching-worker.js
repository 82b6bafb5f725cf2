// A worker thread that sends rows nobody else has to several models at once, leaves some, and counts whose answers came back.
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceEngine, Tensor } from '../../index.js';

const { models, from, count, width } = workerData;
const engine = new InferenceEngine();
const loaded = await Promise.all(models.map(({ bytes }) => engine.load(bytes)));
parentPort.postMessage('loaded');
parentPort.once('message', async () => {
	const tally = { own: 0, left: 0, wrong: [] };
	const ask = async (seed) => {
		const at = seed % models.length;
		const data = Float32Array.from({ length: width }, (_, column) => seed + column / 64);
		const leaving = seed % 7 === 0 ? new AbortController() : undefined;
		const wanted = seed % 2 === 0 ? undefined : ['y'];
		const run = loaded[at].predict(
			{ x: new Tensor('float32', [1, width], data) },
			{ outputs: wanted, signal: leaving?.signal }
		);
		leaving?.abort(seed);
		try {
			const { outputs } = await run;
			const isOwn = outputs.y.data.every((value, column) => value === data[column] * models[at].factor);
			const names = Object.keys(outputs).join();
			if (isOwn && names === (wanted ? 'y' : 'y,x2')) tally.own += 1;
			else tally.wrong.push(seed);
		} catch (reason) {
			if (leaving && reason === seed) tally.left += 1;
			else tally.wrong.push(`${seed}: ${reason}`);
		}
	};
	await Promise.all(Array.from({ length: count }, (_, at) => ask(from + at)));
	parentPort.postMessage(tally);
});
