// What one writes with Fastify: a cluster with a process for each processor, each with a session of onnxruntime-node, and schemas
// for what is read and written, which make Fastify's own parser and writer.
import cluster from 'node:cluster';
import Fastify from 'fastify';
import ort from 'onnxruntime-node';

const { RIVAL_MODEL, RIVAL_PORT, RIVAL_WORKERS } = process.env;

const numbers = { type: 'array', items: { type: 'number' } };
const object = (properties) => ({ type: 'object', required: Object.keys(properties), properties });
const schema = {
	body: object({ features: object({ x: numbers }) }),
	response: { 200: object({ label: { type: 'integer' }, probabilities: numbers }) },
};

if (cluster.isPrimary) {
	for (let count = 0; count < Number(RIVAL_WORKERS); count += 1) cluster.fork();
} else {
	const session = await ort.InferenceSession.create(RIVAL_MODEL, { intraOpNumThreads: 1 });
	const fastify = Fastify();
	fastify.post('/predict', { schema }, async ({ body }) => {
		const data = Float32Array.from(body.features.x);
		const { label, probabilities } = await session.run({ x: new ort.Tensor('float32', data, [1, data.length]) });
		return { label: Number(label.data[0]), probabilities: Array.from(probabilities.data) };
	});
	await fastify.listen({ host: '127.0.0.1', port: Number(RIVAL_PORT) });
}
