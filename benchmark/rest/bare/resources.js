// The least that a durable answer can cost: a listener that reads the body and puts an event of the same size and with the same
// indexes, all that wait in one transaction. It finds no model and runs none.
import { randomBytes } from 'node:crypto';

let waiting = [];
let committing = false;

server.http(async (request, next) => {
	if (request.url !== '/bare') return next(request);
	let size = 0;
	for await (const chunk of request._nodeRequest) size += chunk.length;
	const event = eventOf();
	await put(event);
	const body = JSON.stringify({ inferenceId: event.id, size });
	return { status: 200, headers: new Headers({ 'content-type': 'application/json' }), body };
});

function put(record) {
	return new Promise((resolve, reject) => {
		waiting.push({ record, resolve, reject });
		if (committing) return;
		committing = true;
		setImmediate(commitAll);
	});
}

async function commitAll() {
	while (waiting.length > 0) {
		const batch = waiting;
		waiting = [];
		const context = {};
		try {
			await globalThis.transaction(context, () => {
				for (const { record } of batch) databases.edge_ai.InferenceEvent.put(record, context);
			});
			for (const { resolve } of batch) resolve();
		} catch (error) {
			for (const { reject } of batch) reject(error);
		}
	}
	committing = false;
}

function eventOf() {
	const now = Date.now();
	const time = now.toString(16).padStart(12, '0');
	const random = randomBytes(10).toString('hex');
	const id = `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(1, 4)}-8${random.slice(4, 7)}-${random.slice(8)}`;
	return {
		id,
		timestamp: now,
		modelId: 'regression',
		modelVersion: 'v1',
		framework: 'onnx',
		featuresIn: '{"x":[0.1,-0.2,0.3,-0.4,0.5,-0.6,0.7,-0.8,0.9,-1]}',
		prediction: '{"label":1,"probabilities":[0.38412345,0.61587655]}',
		confidence: 0.61587655,
		latencyMs: 0.005,
		modelKey: `regression|${id}`,
		versionKey: `regression|v1|${id}`,
	};
}
