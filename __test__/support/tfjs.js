// TensorFlow.js itself: makes models for the tests, and says what they should answer.
import tf from '@tensorflow/tfjs';

await tf.setBackend('cpu');

export { tf };

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function random(seed) {
	let state = seed | 0;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** Gives a model weights that depend on nothing but the seed; what is a variance stays positive. */
export function seedWeights(model, seed) {
	const next = random(seed);
	const weights = model.weights.map(({ name, shape }) => {
		const isVariance = name.includes('variance');
		const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () =>
			isVariance ? 0.5 + next() : 1.2 * next() - 0.6
		);
		return tf.tensor(values, shape);
	});
	model.setWeights(weights);
	tf.dispose(weights);
	return model;
}

/** What `save` of a model gives to whoever stores it. */
export async function artifactsOf(model) {
	let saved;
	const handler = tf.io.withSaveHandler(async (artifacts) => {
		saved = artifacts;
		return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
	});
	await model.save(handler);
	return saved;
}

/**
 * The files of artifacts as the converter writes them: `model.json`, and the weights in shards.
 *
 * @param {object} artifacts as `artifactsOf` gives them
 * @param {number} [shards]
 * @returns {Array<{name: string, bytes: Uint8Array}>}
 */
export function filesOf({ weightData, weightSpecs, ...rest }, shards = 1) {
	const bytes = new Uint8Array(weightData ?? new ArrayBuffer(0));
	const length = Math.ceil(bytes.length / shards);
	const parts = Array.from({ length: shards }, (_, at) => ({
		name: `group1-shard${at + 1}of${shards}.bin`,
		bytes: bytes.slice(at * length, (at + 1) * length),
	}));
	const manifest = [{ paths: parts.map(({ name }) => name), weights: weightSpecs ?? [] }];
	return [{ name: 'model.json', bytes: Buffer.from(JSON.stringify({ ...rest, weightsManifest: manifest })) }, ...parts];
}

/** One JSON text with the weights inside. */
export const inOneFile = ({ weightData, ...rest }) =>
	Buffer.from(JSON.stringify({ ...rest, weightData: Buffer.from(weightData).toString('base64') }));

/**
 * A graph-model by hand: nodes as `[name, operation, inputs, attributes]`.
 *
 * @param {Array<[string, string, string[]?, object?]>} nodes
 * @param {Record<string, any>} constants tensors by the name of their Const node
 * @param {{inputs: Record<string, string>, outputs: Record<string, string>}} signature nodes by public name
 */
export function graphArtifacts(nodes, constants, signature) {
	const float = { type: 'DT_FLOAT' };
	const constant = (name) => ({ name, op: 'Const', attr: { dtype: float } });
	const named = (values) =>
		Object.fromEntries(Object.entries(values).map(([key, name]) => [key, { name: `${name}:0`, dtype: 'DT_FLOAT' }]));
	return {
		modelTopology: {
			node: [
				...Object.keys(constants).map(constant),
				...nodes.map(([name, op, input = [], attr = {}]) => ({ name, op, input, attr: { T: float, ...attr } })),
			],
			versions: {},
		},
		format: 'graph-model',
		signature: { inputs: named(signature.inputs), outputs: named(signature.outputs) },
		weightSpecs: Object.entries(constants).map(([name, { shape }]) => ({ name, shape, dtype: 'float32' })),
		weightData: Buffer.concat(Object.values(constants).map((tensor) => Buffer.from(tensor.dataSync().buffer))),
	};
}

/** The elements of tensors that TensorFlow.js gave, one after the other. */
export const elementsOf = (tensors) => [tensors].flat().map((tensor) => Array.from(tensor.dataSync()));
