// What one writes in Harper without this package: a resource that runs onnxruntime-node and awaits the put of its event.
import { randomUUID } from 'node:crypto';
import ort from 'onnxruntime-node';

const session = await ort.InferenceSession.create(process.env.PEER_MODEL, { intraOpNumThreads: 1 });

export class Predict extends Resource {
	static loadAsInstance = false;

	async post(_target, { modelId, features, record = true }) {
		const startedAt = performance.now();
		const [name] = session.inputNames;
		const data = Float32Array.from(features[name]);
		const outputs = await session.run({ [name]: new ort.Tensor('float32', data, [1, data.length]) });
		const latencyMs = performance.now() - startedAt;

		const inferenceId = randomUUID();
		const probabilities = Array.from(outputs.probabilities.data);
		const prediction = { label: Number(outputs.label.data[0]), probabilities };
		const confidence = Math.max(...probabilities);
		if (record) {
			await databases.peer.Event.put({
				id: inferenceId,
				timestamp: Date.now(),
				modelId,
				modelVersion: 'v1',
				featuresIn: JSON.stringify(features),
				prediction: JSON.stringify(prediction),
				confidence,
				latencyMs,
			});
		}
		return { inferenceId, prediction, confidence, modelId, modelVersion: 'v1', latencyMs };
	}
}
