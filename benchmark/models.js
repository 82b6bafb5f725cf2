// The models that are measured, with weights from a seed: the same bytes on every machine and for both sides.
import { FLOAT, INT64, initializer, input, model, node, output } from './onnx.js';

/** Park and Miller's generator, as a source of numbers between -1 and 1. */
function random(seed) {
	let state = seed;
	return () => {
		state = (state * 48_271) % 2_147_483_647;
		return (state / 2_147_483_647) * 2 - 1;
	};
}

/** Values of about the size that keeps a layer's outputs near its inputs'. */
function values(count, scale, seed) {
	const next = random(seed);
	return Float32Array.from({ length: count }, () => next() * scale);
}

const weight = (name, rows, columns, seed) =>
	initializer(name, [rows, columns], values(rows * columns, Math.sqrt(3 / rows), seed));

function logisticRegression() {
	const features = 10;
	const half = Array.from(values(features, 1, 1));
	return model([
		node(
			'LinearClassifier',
			['x'],
			['label', 'probabilities'],
			{
				classlabels_ints: [0, 1],
				coefficients: { floats: [...half.map((value) => -value), ...half] },
				intercepts: { floats: [-0.1, 0.1] },
				multi_class: 1,
				post_transform: 'LOGISTIC',
			},
			'ai.onnx.ml'
		),
		input('x', FLOAT, ['n', features]),
		output('label', INT64, ['n']),
		output('probabilities', FLOAT, ['n', 2]),
	]);
}

function multilayerPerceptron() {
	const widths = [512, 1024, 1024, 10];
	const layers = widths.slice(1).flatMap((width, at) => {
		const isLast = at === widths.length - 2;
		return [
			weight(`w${at}`, widths[at], width, at + 1),
			initializer(`b${at}`, [width], values(width, 0.1, at + 11)),
			node('Gemm', [at === 0 ? 'x' : `h${at - 1}`, `w${at}`, `b${at}`], [`g${at}`]),
			node(isLast ? 'Softmax' : 'Relu', [`g${at}`], [isLast ? 'y' : `h${at}`]),
		];
	});
	return model([...layers, input('x', FLOAT, ['n', widths[0]]), output('y', FLOAT, ['n', widths.at(-1)])]);
}

const LAYERS = 6;
const WIDTH = 384;
const HEADS = 12;
const SEQUENCE = 32;

/** One layer of a transformer's encoder, from `from` to `to`. */
function encoderLayer(at, from, to) {
	const name = (part) => `${part}_${at}`;
	const seed = 100 * (at + 1);
	const step = (operator, inputs, part, attributes) =>
		node(operator, inputs.map(name), [part === to ? to : name(part)], attributes);
	const norm = (source, part) =>
		node('LayerNormalization', [source, 'scale', 'bias'], [name(part)], { axis: -1, epsilon: { float: 1e-5 } });
	const heads = ['q', 'k', 'v'].flatMap((part) => [
		node('Reshape', [name(part), 'split_heads'], [name(`${part}_wide`)]),
		step('Transpose', [`${part}_wide`], `${part}_heads`, { perm: part === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3] }),
	]);
	return [
		weight(name('w_qkv'), WIDTH, 3 * WIDTH, seed),
		weight(name('w_out'), WIDTH, WIDTH, seed + 1),
		weight(name('w_up'), WIDTH, 4 * WIDTH, seed + 2),
		weight(name('w_down'), 4 * WIDTH, WIDTH, seed + 3),
		norm(from, 'normed'),
		step('MatMul', ['normed', 'w_qkv'], 'qkv'),
		node('Split', [name('qkv')], ['q', 'k', 'v'].map(name), { axis: 2, num_outputs: 3 }),
		...heads,
		step('MatMul', ['q_heads', 'k_heads'], 'scores'),
		node('Mul', [name('scores'), 'temperature'], [name('scaled')]),
		step('Softmax', ['scaled'], 'attention', { axis: -1 }),
		step('MatMul', ['attention', 'v_heads'], 'mixed'),
		step('Transpose', ['mixed'], 'gathered', { perm: [0, 2, 1, 3] }),
		node('Reshape', [name('gathered'), 'join_heads'], [name('joined')]),
		step('MatMul', ['joined', 'w_out'], 'attended'),
		node('Add', [name('attended'), from], [name('middle')]),
		norm(name('middle'), 'normed_again'),
		step('MatMul', ['normed_again', 'w_up'], 'up'),
		step('Gelu', ['up'], 'active'),
		step('MatMul', ['active', 'w_down'], 'down'),
		node('Add', [name('down'), name('middle')], [to]),
	];
}

function encoder() {
	const stateName = (at) => (at === 0 ? 'x' : at === LAYERS ? 'y' : `state_${at}`);
	const constants = [
		initializer('scale', [WIDTH], new Float32Array(WIDTH).fill(1)),
		initializer('bias', [WIDTH], new Float32Array(WIDTH)),
		initializer('temperature', [], Float32Array.of(1 / Math.sqrt(WIDTH / HEADS))),
		initializer('split_heads', [4], BigInt64Array.from([0, SEQUENCE, HEADS, WIDTH / HEADS].map(BigInt))),
		initializer('join_heads', [3], BigInt64Array.from([0, SEQUENCE, WIDTH].map(BigInt))),
	];
	const layers = Array.from({ length: LAYERS }, (_, at) => encoderLayer(at, stateName(at), stateName(at + 1)));
	const shape = ['n', SEQUENCE, WIDTH];
	return model([...constants, ...layers.flat(), input('x', FLOAT, shape), output('y', FLOAT, shape)]);
}

/** An input of `rows` rows for a model. */
export function inputOf({ shape }, rows) {
	const full = [rows, ...shape];
	return {
		shape: full,
		data: values(
			full.reduce((product, size) => product * size, 1),
			1,
			7
		),
	};
}

/** Name, bytes and the shape of a row; `calls` in a round of single calls, so that rounds take about equally long. */
export const MODELS = [
	{ name: 'logistic regression, 10 features', make: logisticRegression, shape: [10], calls: 3000 },
	{ name: 'MLP 512-1024-1024-10', make: multilayerPerceptron, shape: [512], calls: 600 },
	{ name: 'encoder, 6 layers of 384, sequence 32', make: encoder, shape: [SEQUENCE, WIDTH], calls: 40 },
];
