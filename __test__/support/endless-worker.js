// A worker thread that starts runs which never end by themselves, of typed arrays that it owns.
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceEngine } from '../../index.js';

const model = await new InferenceEngine().load(workerData.path);
for (let count = 0; count < workerData.runs; count++) {
	model.predict({ x: new Float32Array([count]) }, { timeoutMs: 60_000 }).catch((error) => {
		throw error;
	});
}
parentPort.postMessage('running');
