// A worker thread that loads the model it is given and answers predictions of it.
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceEngine } from '../../index.js';

const model = await new InferenceEngine().load(workerData.path);
parentPort.on('message', async ({ features, times }) => {
	const runs = Array.from({ length: times }, () => model.predict(features));
	const labels = (await Promise.all(runs)).map(({ outputs }) => outputs.output_label.toArray());
	parentPort.postMessage({ digest: model.digest, labels });
});
parentPort.postMessage('loaded');
