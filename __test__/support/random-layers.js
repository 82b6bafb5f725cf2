// Random models of TensorFlow.js, family by family, for comparison with what the translator makes of them. What is drawn is
// small: it is the options that are tried, not the sizes.
import { random, tf } from './tfjs.js';

const { layers } = tf;

/** Draws from a seeded source. */
export class Draw {
	#next;

	constructor(seed) {
		this.#next = random(seed);
	}

	/** A number of the interval. */
	number = (least, most) => least + (most - least) * this.#next();

	/** A whole number, both ends included. */
	whole = (least, most) => least + Math.floor(this.#next() * (most - least + 1));

	of = (list) => list[this.whole(0, list.length - 1)];

	flag = () => this.#next() < 0.5;

	list = (length, draw) => Array.from({ length }, draw);

	shuffled = (list) => {
		const left = [...list];
		return list.map(() => left.splice(this.whole(0, left.length - 1), 1)[0]);
	};
}

export const ACTIVATIONS = [
	'elu',
	'hardSigmoid',
	'linear',
	'relu',
	'relu6',
	'selu',
	'sigmoid',
	'softmax',
	'softplus',
	'softsign',
	'tanh',
	'swish',
	'mish',
	'gelu',
	'gelu_new',
];
/** As above, for tensors of any rank. */
const ELEMENTWISE = ACTIVATIONS.filter((name) => name !== 'softmax');

const sizes = (draw, rank, least = 5, most = 9) => draw.list(rank, () => draw.whole(least, most));
const imageShape = (draw, rank) => [...sizes(draw, rank, 5, rank === 3 ? 6 : 9), draw.whole(1, 4)];

/** One layer after the input. */
const single = (inputShape, layer) => {
	const input = tf.input({ shape: inputShape });
	return tf.model({ inputs: input, outputs: layer.apply(input) });
};

/**
 * Kernel, strides and dilation: TensorFlow takes strides or dilation, never both. With `full`, no stride is longer than the
 * kernel.
 */
function window(draw, rank, { dilated = true, full = rank === 3 } = {}) {
	const stride = draw.whole(1, 3);
	const isDilated = dilated && draw.flag();
	const rate = draw.whole(1, 2);
	const all = (size) => Array(rank).fill(size);
	return {
		kernelSize: draw.list(rank, () => draw.whole(full ? stride : 1, 3)),
		padding: draw.of(['valid', 'same']),
		strides: all(isDilated ? 1 : stride),
		...(dilated ? { dilationRate: all(isDilated ? rate : 1) } : {}),
	};
}

const affine = (draw) => ({ useBias: draw.flag(), activation: draw.of(ELEMENTWISE) });

function convolution(draw) {
	const rank = draw.whole(1, 3);
	const make = [layers.conv1d, layers.conv2d, layers.conv3d][rank - 1];
	const options = { filters: draw.whole(1, 4), ...window(draw, rank, { dilated: rank < 3 }), ...affine(draw) };
	return single(imageShape(draw, rank), make(options));
}

function channelsFirst(draw) {
	const shape = imageShape(draw, 2);
	const options = { dataFormat: 'channelsFirst', ...window(draw, 2, { dilated: false }) };
	const layer = draw.of([
		() => layers.conv2d({ filters: 3, ...options, ...affine(draw) }),
		() => layers.maxPooling2d({ ...options, poolSize: options.kernelSize }),
		() => layers.averagePooling2d({ ...options, poolSize: options.kernelSize }),
		() => layers.globalAveragePooling2d({ dataFormat: 'channelsFirst' }),
		() => layers.zeroPadding2d({ dataFormat: 'channelsFirst', padding: [1, 2] }),
		() => layers.upSampling2d({ dataFormat: 'channelsFirst', size: [2, 3] }),
		() => layers.flatten({ dataFormat: 'channelsFirst' }),
	])();
	return single([shape.at(-1), ...shape.slice(0, -1)], layer);
}

function depthwise(draw) {
	const options = { ...window(draw, 2), depthMultiplier: draw.whole(1, 3), ...affine(draw) };
	return single(imageShape(draw, 2), layers.depthwiseConv2d(options));
}

function separable(draw) {
	const options = {
		filters: draw.whole(1, 4),
		...window(draw, 2),
		depthMultiplier: draw.whole(1, 3),
		...affine(draw),
	};
	return single(imageShape(draw, 2), layers.separableConv2d(options));
}

function transposed(draw) {
	const rank = draw.whole(2, 3);
	const make = rank === 2 ? layers.conv2dTranspose : layers.conv3dTranspose;
	const options = { filters: draw.whole(1, 3), ...window(draw, rank, { dilated: false }), ...affine(draw) };
	return single(imageShape(draw, rank), make(options));
}

function pooling(draw) {
	const rank = draw.whole(1, 3);
	const local = [
		[layers.maxPooling1d, layers.averagePooling1d],
		[layers.maxPooling2d, layers.averagePooling2d],
		[layers.maxPooling3d, layers.averagePooling3d],
	][rank - 1];
	const whole = [
		[layers.globalMaxPooling1d, layers.globalAveragePooling1d],
		[layers.globalMaxPooling2d, layers.globalAveragePooling2d],
	][rank - 1];
	if (whole && draw.of([true, false, false])) return single(imageShape(draw, rank), draw.of(whole)({}));
	const per = () => (rank === 1 ? draw.whole(1, 3) : draw.list(rank, () => draw.whole(1, 3)));
	const poolSize = per();
	const strides = rank === 3 ? poolSize : per();
	const options = { poolSize, strides, padding: draw.of(['valid', 'same']) };
	return single(imageShape(draw, rank), draw.of(local)(options));
}

function dense(draw) {
	const shape = draw.list(draw.whole(1, 3), () => draw.whole(1, 5));
	const options = { units: draw.whole(1, 6), useBias: draw.flag(), activation: draw.of(ACTIVATIONS) };
	return single(shape, layers.dense(options));
}

function activation(draw) {
	const shape = draw.list(draw.whole(1, 3), () => draw.whole(2, 5));
	const layer = draw.of([
		() => layers.activation({ activation: draw.of(ACTIVATIONS) }),
		() => layers.reLU({ maxValue: draw.of([undefined, 0.5, 6]) }),
		() => layers.leakyReLU({ alpha: draw.number(0, 1) }),
		() => layers.elu({ alpha: 1 }),
		() => layers.thresholdedReLU({ theta: draw.number(0, 1) }),
		() => layers.softmax({ axis: -1 }),
		() => layers.prelu({ sharedAxes: shape.length > 1 && draw.flag() ? [1] : undefined }),
	])();
	return single(shape, layer);
}

function normalization(draw) {
	const shape = draw.list(draw.whole(1, 3), () => draw.whole(2, 5));
	const options = { epsilon: draw.of([1e-3, 1e-5]), center: draw.flag(), scale: draw.flag() };
	const batch = () => layers.batchNormalization({ ...options, axis: draw.of([-1, shape.length]) });
	const layer = () => layers.layerNormalization({ ...options, axis: -1 });
	return single(shape, draw.of([batch, layer])());
}

function merge(draw) {
	const shape = draw.list(draw.whole(1, 3), () => draw.whole(2, 4));
	const inputs = draw.list(draw.whole(2, 4), () => tf.input({ shape }));
	const axis = draw.whole(1, shape.length);
	const layer = draw.of([
		() => layers.add(),
		() => layers.multiply(),
		() => layers.average(),
		() => layers.maximum(),
		() => layers.minimum(),
		() => layers.concatenate({ axis: draw.of([axis, -1]) }),
	])();
	return tf.model({ inputs, outputs: layer.apply(inputs) });
}

function concatenation(draw) {
	const shape = draw.list(draw.whole(1, 3), () => draw.whole(2, 4));
	const at = draw.whole(0, shape.length - 1);
	const inputs = draw.list(draw.whole(2, 3), () =>
		tf.input({ shape: shape.map((size, index) => (index === at ? draw.whole(1, 4) : size)) })
	);
	return tf.model({ inputs, outputs: layers.concatenate({ axis: at + 1 }).apply(inputs) });
}

function dot(draw) {
	const length = draw.whole(2, 4);
	const ranked = draw.flag();
	const shapes = ranked
		? [
				[draw.whole(1, 3), length],
				[draw.whole(1, 3), length],
			]
		: [[length], [length]];
	const inputs = shapes.map((shape) => tf.input({ shape }));
	const layer = layers.dot({ axes: ranked ? 2 : 1, normalize: draw.flag() });
	return tf.model({ inputs, outputs: layer.apply(inputs) });
}

function recurrentOptions(draw) {
	return {
		units: draw.whole(1, 4),
		activation: draw.of(['tanh', 'sigmoid', 'relu', 'linear', 'softsign', 'elu']),
		useBias: draw.flag(),
		returnSequences: draw.flag(),
		goBackwards: draw.flag(),
	};
}
const gateActivation = (draw) => ({ recurrentActivation: draw.of(['sigmoid', 'hardSigmoid', 'tanh']) });
const recurrentLayer = (draw, options) =>
	draw.of([
		() => layers.simpleRNN(options),
		() => layers.lstm({ ...options, ...gateActivation(draw) }),
		() => layers.gru({ ...options, ...gateActivation(draw) }),
	])();

function recurrent(draw) {
	const shape = [draw.whole(1, 6), draw.whole(1, 4)];
	const options = recurrentOptions(draw);
	const input = tf.input({ shape });
	const returnState = draw.of([false, false, true]);
	const outputs = recurrentLayer(draw, { ...options, returnState }).apply(input);
	return tf.model({ inputs: input, outputs });
}

function masked(draw) {
	const steps = draw.whole(3, 6);
	const options = recurrentOptions(draw);
	const input = tf.input({ shape: [steps] });
	const embedded = layers.embedding({ inputDim: 4, outputDim: 3, maskZero: draw.flag() }).apply(input);
	const layer = recurrentLayer(draw, options);
	const merged = draw.flag()
		? layers.bidirectional({ layer, mergeMode: draw.of(['concat', 'sum', 'mul', 'ave']) })
		: layer;
	return tf.model({ inputs: input, outputs: merged.apply(embedded) });
}

function bidirectional(draw) {
	const shape = [draw.whole(2, 5), draw.whole(1, 3)];
	const layer = recurrentLayer(draw, { ...recurrentOptions(draw), goBackwards: false });
	return single(shape, layers.bidirectional({ layer, mergeMode: draw.of(['concat', 'sum', 'mul', 'ave']) }));
}

function stackedCells(draw) {
	const cells = draw.list(draw.whole(1, 3), () => {
		const options = { units: draw.whole(1, 4), useBias: draw.flag() };
		return draw.of([
			() => layers.simpleRNNCell(options),
			() => layers.lstmCell({ ...options, ...gateActivation(draw) }),
			() => layers.gruCell({ ...options, ...gateActivation(draw) }),
		])();
	});
	const options = { returnSequences: draw.flag(), goBackwards: draw.flag() };
	return single(
		[draw.whole(2, 5), draw.whole(1, 3)],
		layers.rnn({ cell: layers.stackedRNNCells({ cells }), ...options })
	);
}

function convolutionalRecurrent(draw) {
	const shape = [draw.whole(2, 4), ...sizes(draw, 2, 4, 6), draw.whole(1, 2)];
	const options = {
		filters: draw.whole(1, 3),
		kernelSize: draw.whole(1, 3),
		padding: draw.of(['valid', 'same']),
		returnSequences: draw.flag(),
		useBias: draw.flag(),
		...gateActivation(draw),
	};
	return single(shape, layers.convLstm2d(options));
}

function timeDistributed(draw) {
	const layer = draw.of([
		() => layers.dense({ units: draw.whole(1, 4), ...affine(draw) }),
		() => layers.conv2d({ filters: 2, ...window(draw, 2), ...affine(draw) }),
		() => layers.maxPooling2d({ poolSize: 2 }),
		() => layers.flatten(),
	])();
	const isDense = layer.getClassName() === 'Dense';
	const shape = isDense ? [draw.whole(1, 4), draw.whole(1, 4)] : [draw.whole(1, 4), ...imageShape(draw, 2)];
	return single(shape, layers.timeDistributed({ layer }));
}

function reshaping(draw) {
	const image = imageShape(draw, 2);
	const count = tf.util.sizeFromShape(image);
	const [top, bottom, left, right] = draw.list(4, () => draw.whole(0, 2));
	return draw.of([
		() => single(image, layers.reshape({ targetShape: draw.of([[count], [-1, image[2]], [image[1], image[0], -1]]) })),
		() => single(image, layers.permute({ dims: draw.shuffled([1, 2, 3]) })),
		() => single(image, layers.flatten()),
		() => single([draw.whole(1, 5)], layers.repeatVector({ n: draw.whole(1, 4) })),
		() =>
			single(
				image,
				layers.zeroPadding2d({
					padding: [
						[top, bottom],
						[left, right],
					],
				})
			),
		() =>
			single(
				image,
				layers.cropping2D({
					cropping: [
						[top, bottom],
						[left, right],
					],
				})
			),
		() =>
			single(
				image,
				layers.upSampling2d({
					size: draw.list(2, () => draw.whole(1, 3)),
					interpolation: draw.of(['nearest', 'bilinear']),
				})
			),
		() => single([3, 4], layers.masking({ maskValue: 0 })),
		() => single(image, layers.dropout({ rate: 0.5 })),
		() => single(image, layers.gaussianNoise({ stddev: 1 })),
	])();
}

function preprocessing(draw) {
	const image = imageShape(draw, 2);
	return draw.of([
		() => single(image, layers.rescaling({ scale: draw.number(0.1, 2), offset: draw.number(-1, 1) })),
		() => single(image, layers.centerCrop({ height: draw.whole(2, 5), width: draw.whole(2, 5) })),
	])();
}

/** Images through several layers: what the layout of channels must survive. */
function imageChain(draw) {
	const input = tf.input({ shape: imageShape(draw, 2) });
	let value = input;
	let other;
	for (let left = draw.whole(2, 6); left > 0; left -= 1) {
		const same = { padding: 'same', strides: 1 };
		const step = draw.of([
			() => layers.conv2d({ filters: draw.whole(1, 4), kernelSize: draw.whole(1, 3), ...same, ...affine(draw) }),
			() => layers.depthwiseConv2d({ kernelSize: draw.whole(1, 3), ...same, ...affine(draw) }),
			() => layers.maxPooling2d({ poolSize: 2, ...same }),
			() => layers.averagePooling2d({ poolSize: 2, ...same }),
			() => layers.batchNormalization(),
			() => layers.reLU({ maxValue: 6 }),
			() => layers.leakyReLU({ alpha: 0.1 }),
			() => layers.prelu({ sharedAxes: draw.of([undefined, [1, 2]]) }),
			() => layers.layerNormalization({ axis: -1 }),
			() => layers.upSampling2d({ size: [1, 1] }),
			() => layers.softmax({ axis: -1 }),
			() => layers.permute({ dims: [2, 1, 3] }),
			() => layers.dense({ units: draw.whole(1, 4) }),
		])();
		other = value;
		value = step.apply(value);
		if (String(other.shape) === String(value.shape) && draw.flag()) {
			value = draw.of([layers.add, layers.multiply, layers.maximum])().apply([value, other]);
		} else if (String(other.shape.slice(0, 3)) === String(value.shape.slice(0, 3)) && draw.flag()) {
			value = layers.concatenate().apply([value, other]);
		}
	}
	const end = draw.of([
		undefined,
		() => layers.globalAveragePooling2d({}),
		() => layers.globalMaxPooling2d({}),
		() => layers.flatten(),
	]);
	return tf.model({ inputs: input, outputs: end ? end().apply(value) : value });
}

/** A model used as a layer, twice. */
function nested(draw) {
	const width = draw.whole(2, 4);
	const inner = tf.sequential({
		layers: [
			layers.dense({ inputShape: [width], units: draw.whole(1, 4), activation: draw.of(ACTIVATIONS) }),
			layers.dense({ units: width, ...affine(draw) }),
		],
	});
	const input = tf.input({ shape: [width] });
	const once = inner.apply(input);
	return tf.model({ inputs: input, outputs: draw.flag() ? inner.apply(once) : layers.add().apply([once, input]) });
}

/** Every family: draws a model. */
export const FAMILIES = {
	convolution,
	channelsFirst,
	depthwise,
	separable,
	transposed,
	pooling,
	dense,
	activation,
	normalization,
	merge,
	concatenation,
	dot,
	recurrent,
	masked,
	bidirectional,
	stackedCells,
	convolutionalRecurrent,
	timeDistributed,
	reshaping,
	preprocessing,
	imageChain,
	nested,
};

/** Values for the inputs of a model: whole numbers below 4 where an embedding reads them. */
export function drawInputs(draw, model, rows) {
	const reads = new Set(
		model.layers.filter((layer) => layer.getClassName() === 'Embedding').flatMap(({ input }) => input.name)
	);
	return model.inputs.map(({ name, shape }) => {
		const full = [rows, ...shape.slice(1)];
		const value = reads.has(name) ? () => draw.whole(0, 3) : () => draw.number(-2, 2);
		return tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape(full) }, value), full);
	});
}
