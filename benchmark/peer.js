// onnxruntime-node in the same form as ours.js.
import ort from 'onnxruntime-node';

/** Of these the fastest for a model is measured; 0 threads are as many as there are processors. */
export const SETTINGS = [
	{ intraOpNumThreads: 0 },
	{ intraOpNumThreads: 0, enableCpuMemArena: false },
	{ intraOpNumThreads: 1 },
	{ intraOpNumThreads: 0, extra: { session: { intra_op: { allow_spinning: '0' } } } },
];

/**
 * @param {string} path
 * @param {object} settings one of {@link SETTINGS}
 */
export async function load(path, settings) {
	const session = await ort.InferenceSession.create(path, { ...settings, graphOptimizationLevel: 'all' });
	return {
		async run({ shape, data }) {
			const outputs = await session.run({ x: new ort.Tensor('float32', data, shape) });
			return Object.values(outputs).map((output) => output.data);
		},
		close: () => session.release(),
	};
}
