// Writes tests/fixtures/tensorflow-operations.json: the graphs of tensorflow-operations.js with what TensorFlow.js gives.
//
//     npm install --no-save @tensorflow/tfjs && node scripts/make-tensorflow-operations.js

import { writeFileSync } from 'node:fs';
import { cases } from './tensorflow-operations.js';

const { default: tf } = await import('@tensorflow/tfjs');

const TYPES = { float32: 'DT_FLOAT', int32: 'DT_INT32', bool: 'DT_BOOL' };
const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

const bytes = ({ dtype, data }) => Buffer.from(ARRAYS[dtype].from(data).buffer);
const encode = (value) => ({ dtype: value.dtype, shape: value.shape, b64: bytes(value).toString('base64') });

function build({ op, inputs, attributes, outputs, before, from, library = {} }) {
	const node = [];
	const weightSpecs = [];
	const weights = [];
	const names = inputs.map((input, at) => {
		const name = `${input.constant ? 'c' : 'x'}${at}`;
		const dtype = { type: TYPES[input.dtype] };
		if (input.constant) {
			node.push({ name, op: 'Const', attr: { dtype } });
			weightSpecs.push({ name, shape: input.shape, dtype: input.dtype });
			weights.push(bytes(input));
		} else {
			const dim = input.shape.map((size) => ({ size: String(size) }));
			node.push({ name, op: 'Placeholder', attr: { dtype, shape: { shape: { dim } } } });
		}
		return name;
	});
	const T = { type: TYPES[(inputs.find((input) => !input.constant) ?? inputs[0]).dtype] };
	node.push(...before, { name: 'op', op, input: from ?? names, attr: { T, ...attributes } });
	const signature = { inputs: {}, outputs: {} };
	for (let at = 0; at < outputs; at += 1) {
		node.push({ name: `y${at}`, op: 'Identity', input: [at ? `op:${at}` : 'op'], attr: {} });
		signature.outputs[`y${at}`] = { name: `y${at}:0` };
	}
	names.filter((name) => name.startsWith('x')).forEach((name) => (signature.inputs[name] = { name: `${name}:0` }));
	const weightData = Buffer.concat(weights);
	return { modelTopology: { node, library, versions: {} }, format: 'graph-model', signature, weightSpecs, weightData };
}

async function run(model, inputs, outputs) {
	const weightData = new Uint8Array(model.weightData).buffer;
	const loaded = await tf.loadGraphModel(tf.io.fromMemory({ ...model, weightData }));
	const feeds = Object.fromEntries(
		inputs.map(([name, { data, shape, dtype }]) => [name, tf.tensor(data, shape, dtype)])
	);
	const made = await loaded.executeAsync(
		feeds,
		Array.from({ length: outputs }, (_, at) => `y${at}`)
	);
	return [made].flat().map((value) => ({ dtype: value.dtype, shape: value.shape, data: [...value.dataSync()] }));
}

const written = [];
for (const [at, one] of cases.entries()) {
	const model = build(one);
	const inputs = one.inputs.map((input, place) => [`x${place}`, input]).filter(([, input]) => !input.constant);
	const expected =
		one.expected ??
		(await run(model, inputs, one.outputs).catch((cause) => {
			throw new Error(`case ${at}, ${one.op}`, { cause });
		}));
	written.push({
		name: `${at} ${one.op}`,
		ops: [...one.before.map((node) => node.op), one.op],
		fixed: one.fixed,
		model: { ...model, weightData: model.weightData.toString('base64') },
		inputs: Object.fromEntries(inputs.map(([name, input]) => [name, encode(input)])),
		expected: expected.map(encode),
	});
}
const lines = written.map((one) => JSON.stringify(one)).join(',\n');
writeFileSync(new URL('../tests/fixtures/tensorflow-operations.json', import.meta.url), `[\n${lines}\n]\n`);
console.log(`${written.length} cases`);
