// One small graph for each operation of TensorFlow that the translator knows, and some for its harder corners.

let state = 7;

/** A small generator of its own, so that the file comes out the same every time. */
function random() {
	state = (state * 1103515245 + 12345) & 0x7fffffff;
	return state / 0x7fffffff;
}

const count = (shape) => shape.reduce((product, size) => product * size, 1);
const tensor = (dtype, shape, data) => ({ dtype, shape, data });
const fill = (shape, make) => Array.from({ length: count(shape) }, make);

const f = (shape, low = -2, high = 2) =>
	tensor(
		'float32',
		shape,
		fill(shape, () => Math.fround(low + (high - low) * random()))
	);
const i = (shape, low = -5, high = 6) =>
	tensor(
		'int32',
		shape,
		fill(shape, () => Math.floor(low + (high - low) * random()))
	);
const b = (shape) =>
	tensor(
		'bool',
		shape,
		fill(shape, () => Number(random() > 0.5))
	);
const constant = (value) => ({ ...value, constant: true });
const listShape = (data) => (Array.isArray(data) ? [data.length] : []);
const ints = (data, shape = listShape(data)) => constant(tensor('int32', shape, [data].flat()));
const floats = (data, shape = listShape(data)) => constant(tensor('float32', shape, [data].flat()));
/** Integers that are an input of the graph, so that they are not known when it is translated. */
const given = (data) => tensor('int32', listShape(data), [data].flat());

const attribute = {
	int: (value) => ({ i: String(value) }),
	ints: (values) => ({ list: { i: values.map(String) } }),
	flag: (value) => ({ b: value }),
	number: (value) => ({ f: value }),
	text: (value) => ({ s: Buffer.from(value).toString('base64') }),
	texts: (values) => ({ list: { s: values.map((value) => Buffer.from(value).toString('base64')) } }),
	type: (value) => ({ type: value }),
};

export const cases = [];

/** `expected` takes the place of TensorFlow.js where that is wrong or has another idea than TensorFlow. */
function add(op, inputs, attributes = {}, { outputs = 1, fixed = false, expected, before = [], from, library } = {}) {
	cases.push({ op, inputs, attributes, outputs, fixed, expected, before, from, library });
}

/** A graph of several operations, each `[name, op, inputs, attributes]`. The inputs are x0, x1 and so on, or c0 when constant. */
function chain(inputs, nodes, options = {}) {
	const before = nodes.map(([name, op, input, attr = {}]) => ({ name, op, input, attr }));
	const { op, input, attr } = before.pop();
	add(op, inputs, attr, { ...options, before, from: input });
}

// Arithmetic

for (const op of [
	'Add',
	'AddV2',
	'Sub',
	'Mul',
	'Maximum',
	'Minimum',
	'SquaredDifference',
	'RealDiv',
	'Div',
	'FloorMod',
]) {
	add(op, [f([2, 1, 3]), f([4, 1])]);
}
for (const op of ['Add', 'Sub', 'Mul', 'Maximum', 'Minimum', 'SquaredDifference', 'FloorDiv', 'FloorMod']) {
	add(op, [i([3, 4]), i([4], 1, 5)]);
}
for (const op of ['FloorDiv', 'FloorMod']) add(op, [i([20]), ints([-3])]);
add('RealDiv', [i([20]), i([20], 1, 4)]);
add('Pow', [f([2, 3], 0.1, 3), f([3])]);
add('DivNoNan', [f([4]), floats([0, 1, 2, 0])]);
const divided = tensor('float32', [6], [-5, 5, -5, 5, 1, 0]);
add(
	'FloorDiv',
	[divided, floats([2, 2, -2, -2, 4, 3])],
	{},
	{ expected: [tensor('float32', [6], [-3, 2, 2, -3, 0, 0])] }
);
add('Mod', [divided, floats([2, 2, -2, -2, 4, 3])], {}, { expected: [tensor('float32', [6], [-1, 1, -1, 1, 1, 0])] });
add('AddN', [f([2, 3]), f([2, 3]), f([2, 3])], { N: attribute.int(3) });
add('BiasAdd', [f([2, 3, 4]), f([4])]);

// Functions of single elements

const functions =
	'Abs Neg Sign Atan Asinh Ceil Cos Cosh Elu Erf Exp Expm1 Floor IsFinite IsInf IsNan Relu Relu6 Round Selu Sigmoid Sin Sinh ' +
	'Softplus Square Tan Tanh Reciprocal ZerosLike OnesLike Softmax LogSoftmax Identity StopGradient Snapshot';
for (const op of functions.split(' ')) add(op, [f([3, 5])]);
for (const op of ['Acos', 'Asin', 'Atanh']) add(op, [f([3, 5], -0.9, 0.9)]);
for (const op of ['Acosh', 'Log', 'Log1p', 'Sqrt', 'Rsqrt']) add(op, [f([3, 5], 1.1, 4)]);
for (const op of ['Abs', 'Neg', 'Sign', 'Square', 'Relu']) add(op, [i([7])]);
add('LeakyRelu', [f([10])], { alpha: attribute.number(0.3) });
add('Atan2', [f([20]), f([20])]);
add('Atan2', [floats([0, 0, 1, -1, 0]), tensor('float32', [5], [0, -1, 0, 0, 1])]);
add('ClipByValue', [f([10]), floats(-0.5), floats(0.7)]);
add('Prelu', [f([2, 3, 4]), f([4])]);
add(
	'FakeQuantWithMinMaxVars',
	[tensor('float32', [5], [-3, -0.3, 0, 0.26, 9]), floats(-1), floats(1)],
	{
		num_bits: attribute.int(2),
		narrow_range: attribute.flag(true),
	},
	{ expected: [tensor('float32', [5], [-1, 0, 0, 0, 1])] }
);

add('Inv', [tensor('float32', [2], [2, 4])], {}, { expected: [tensor('float32', [2], [0.5, 0.25])] });
add('IdentityN', [f([2]), i([3])], {}, { outputs: 2 });
chain(
	[tensor('float32', [2], [1, 2])],
	[
		[
			'd',
			'PlaceholderWithDefault',
			['x0'],
			{ dtype: attribute.type('DT_FLOAT'), shape: { shape: { dim: [{ size: '2' }] } } },
		],
		['y', 'Neg', ['d']],
	],
	{ expected: [tensor('float32', [2], [-1, -2])] }
);
const passed = tensor('float32', [2], [1, 2]);
add('Print', [passed, i([1])], {}, { expected: [passed] });
for (const [op, number] of [
	['Zeros', 0],
	['Ones', 1],
]) {
	add(
		op,
		[given([2, 1])],
		{ T: attribute.type('DT_FLOAT') },
		{ expected: [tensor('float32', [2, 1], [number, number])] }
	);
}
add('DepthwiseConv2d', [f([1, 4, 4, 2]), constant(f([2, 2, 2, 1]))], {
	data_format: attribute.text('NHWC'),
	strides: attribute.ints([1, 1, 1, 1]),
	padding: attribute.text('SAME'),
	dilations: attribute.ints([1, 1, 1, 1]),
});

// Logic

for (const op of ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual']) {
	add(op, [i([3, 4], 0, 3), i([4], 0, 3)]);
	add(op, [f([3]), f([2, 3])]);
}
for (const op of ['LogicalAnd', 'LogicalOr']) add(op, [b([3, 4]), b([4])]);
add('LogicalNot', [b([5])]);
add('Select', [b([3, 4]), i([3, 4]), i([3, 4])]);
add(
	'Select',
	[tensor('bool', [2], [1, 0]), tensor('float32', [2, 2], [1, 2, 3, 4]), floats([5, 6, 7, 8], [2, 2])],
	{},
	{
		expected: [tensor('float32', [2, 2], [1, 2, 7, 8])],
	}
);
add('SelectV2', [b([3, 1]), f([4]), f([3, 4])]);
add('SelectV2', [b([3]), b([3]), b([3])]);
add(
	'BitwiseAnd',
	[tensor('int32', [3], [12, 7, 255]), ints([10, 8, 15])],
	{},
	{ expected: [tensor('int32', [3], [8, 0, 15])] }
);

// Matrices

for (const first of [false, true]) {
	for (const second of [false, true]) {
		const [a, c] = [first ? [4, 3] : [3, 4], second ? [5, 4] : [4, 5]];
		const transposed = { transpose_a: attribute.flag(first), transpose_b: attribute.flag(second) };
		add('MatMul', [f(a), f(c)], transposed);
		const fused = { ...transposed, num_args: attribute.int(1), fused_ops: attribute.texts(['BiasAdd', 'Relu']) };
		add('_FusedMatMul', [f(a), f(c), f([5])], fused);
		const adjoint = { adj_x: attribute.flag(first), adj_y: attribute.flag(second) };
		add('BatchMatMulV2', [f([2, ...a]), f([2, ...c])], adjoint);
	}
}
add('BatchMatMul', [f([2, 3, 4]), f([2, 4, 5])]);
add('_FusedMatMul', [f([3, 4]), f([4, 5]), f([5]), f([5])], {
	num_args: attribute.int(2),
	fused_ops: attribute.texts(['BiasAdd', 'Prelu']),
});
add('Einsum', [f([2, 3, 4]), f([4, 5])], { equation: attribute.text('abc,cd->abd'), N: attribute.int(2) });
add('Transpose', [f([2, 3, 4]), ints([2, 0, 1])]);
const square = tensor('float32', [3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
for (const [lower, upper, kept] of [
	[1, 0, [1, 0, 0, 4, 5, 0, 0, 8, 9]],
	[-1, 1, [1, 2, 0, 4, 5, 6, 7, 8, 9]],
	[0, -1, [1, 2, 3, 0, 5, 6, 0, 0, 9]],
]) {
	add('MatrixBandPart', [square, ints(lower), ints(upper)], {}, { expected: [tensor('float32', [3, 3], kept)] });
}

// Convolution and pooling

const image = { data_format: attribute.text('NHWC') };
for (const padding of ['SAME', 'VALID']) {
	for (const stride of [1, 2]) {
		const strides = attribute.ints([1, stride, stride, 1]);
		const flat = { ...image, strides, padding: attribute.text(padding), dilations: attribute.ints([1, 1, 1, 1]) };
		const size = { ...flat, ksize: attribute.ints([1, 3, 2, 1]) };
		const solid = {
			data_format: attribute.text('NDHWC'),
			strides: attribute.ints([1, stride, stride, stride, 1]),
			padding: attribute.text(padding),
			dilations: attribute.ints([1, 1, 1, 1, 1]),
			ksize: attribute.ints([1, 2, 3, 2, 1]),
		};
		add('Conv2D', [f([2, 7, 8, 3]), constant(f([3, 2, 3, 4]))], flat);
		add('DepthwiseConv2dNative', [f([2, 7, 8, 3]), constant(f([3, 3, 3, 2]))], flat);
		add('MaxPool', [f([2, 7, 8, 3])], size);
		add('AvgPool', [f([2, 7, 8, 3])], size);
		add('Conv3D', [f([1, 4, 5, 6, 2]), constant(f([2, 3, 2, 2, 3]))], solid);
		add('MaxPool3D', [f([1, 4, 5, 6, 2])], solid);
		add('AvgPool3D', [f([1, 4, 5, 6, 2])], solid);
		add(
			'MaxPoolWithArgmax',
			[f([1, 6, 8, 3])],
			{ ...flat, ksize: attribute.ints([1, 2, 2, 1]) },
			{ outputs: 2, fixed: true }
		);
		const rates = attribute.ints([1, 2, 1, 1]);
		add('Dilation2D', [f([1, 6, 7, 3]), constant(f([2, 3, 3]))], { ...flat, rates, dilations: rates }, { fixed: true });
		const made = padding === 'SAME' ? [4 * stride, 3 * stride] : [3 * stride + 3, 2 * stride + 2];
		add('Conv2DBackpropInput', [ints([1, ...made, 3]), constant(f([3, 2, 3, 2])), f([1, 4, 3, 2])], flat);
	}
}
const plain = {
	...image,
	strides: attribute.ints([1, 1, 1, 1]),
	padding: attribute.text('SAME'),
	dilations: attribute.ints([1, 1, 1, 1]),
};
add('Conv2DBackpropInput', [ints([1, 7, 7, 3]), constant(f([3, 3, 3, 2])), f([1, 4, 4, 2])], {
	...plain,
	strides: attribute.ints([1, 2, 2, 1]),
});
add('Conv2D', [f([2, 9, 8, 3]), constant(f([3, 3, 3, 4]))], { ...plain, dilations: attribute.ints([1, 2, 3, 1]) });
add('Conv2D', [f([2, 9, 8, 3]), constant(f([3, 3, 3, 4]))], {
	...plain,
	strides: attribute.ints([1, 2, 1, 1]),
	padding: attribute.text('EXPLICIT'),
	explicit_paddings: attribute.ints([0, 0, 1, 2, 0, 3, 0, 0]),
});
for (const activation of ['Relu', 'Relu6', 'Elu', 'LeakyRelu', 'Sigmoid']) {
	add('_FusedConv2D', [f([2, 5, 5, 3]), constant(f([3, 3, 3, 4])), f([4])], {
		...plain,
		num_args: attribute.int(1),
		fused_ops: attribute.texts(['BiasAdd', activation]),
		leakyrelu_alpha: attribute.number(0.3),
	});
}
add('_FusedConv2D', [f([2, 5, 5, 3]), constant(f([3, 3, 3, 4])), f([4]), constant(f([4]))], {
	...plain,
	num_args: attribute.int(2),
	fused_ops: attribute.texts(['BiasAdd', 'Prelu']),
});
add('FusedDepthwiseConv2dNative', [f([2, 5, 5, 3]), constant(f([3, 3, 3, 1])), f([3])], {
	...plain,
	num_args: attribute.int(1),
	fused_ops: attribute.texts(['BiasAdd', 'Relu6']),
});
add('Conv1D', [f([2, 9, 3]), constant(f([3, 3, 4]))], {
	stride: attribute.int(2),
	padding: attribute.text('SAME'),
	data_format: attribute.text('NWC'),
	dilation: attribute.int(1),
});

// Normalisation

add('LRN', [f([1, 3, 3, 7])], {
	depth_radius: attribute.int(2),
	bias: attribute.number(1.5),
	alpha: attribute.number(0.3),
	beta: attribute.number(0.6),
});
for (const op of ['FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3']) {
	add(op, [f([2, 3, 4, 5]), f([5]), f([5]), f([5]), f([5], 0.5, 2)], { epsilon: attribute.number(0.01), ...image });
}

// Images

for (const op of ['ResizeBilinear', 'ResizeNearestNeighbor']) {
	for (const [corners, centers] of [
		[false, false],
		[true, false],
		[false, true],
	]) {
		for (const size of [ints([7, 9]), ints([2, 3]), ints([10, 12]), given([4, 7])]) {
			add(op, [f([2, 5, 6, 3]), size], {
				align_corners: attribute.flag(corners),
				half_pixel_centers: attribute.flag(centers),
			});
		}
	}
}
const boxes = floats([0, 0, 1, 1, 0.2, 0.3, 0.72, 0.85, -0.2, 0.5, 0.6, 1.3], [3, 4]);
for (const method of ['bilinear', 'nearest']) {
	add('CropAndResize', [f([2, 6, 7, 3]), boxes, ints([0, 1, 0]), ints([3, 5])], {
		method: attribute.text(method),
		extrapolation_value: attribute.number(0.25),
	});
}
add('CropAndResize', [f([2, 6, 7, 3]), floats([0.2, 0.3, 0.7, 0.9], [1, 4]), ints([1]), ints([1, 1])], {
	method: attribute.text('bilinear'),
});

const turned = floats([0.87, 0.3, -1, -0.2, 1.1, 0.65, 0.01, 0.02], [1, 8]);
for (const interpolation of ['BILINEAR', 'NEAREST']) {
	for (const fill_mode of ['CONSTANT', 'REFLECT', 'NEAREST']) {
		add('ImageProjectiveTransformV3', [f([1, 5, 6, 3]), turned, ints([4, 7]), floats(0.5)], {
			interpolation: attribute.text(interpolation),
			fill_mode: attribute.text(fill_mode),
		});
	}
}

// Reductions

for (const keep of [false, true]) {
	const keep_dims = attribute.flag(keep);
	for (const op of ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'EuclideanNorm']) {
		add(op, [f([2, 3, 4]), ints([0, -1])], { keep_dims });
	}
	for (const op of ['Sum', 'Max', 'Min', 'Prod']) add(op, [i([2, 3]), ints(1)], { keep_dims });
	for (const op of ['All', 'Any']) add(op, [b([3, 4]), ints([1])], { keep_dims });
}
for (const op of ['ArgMax', 'ArgMin']) {
	add(op, [f([3, 4]), ints(-1)]);
	add(op, [i([3, 4]), ints(0)]);
}
for (const exclusive of [false, true]) {
	for (const reverse of [false, true]) {
		const flags = { exclusive: attribute.flag(exclusive), reverse: attribute.flag(reverse) };
		add('Cumsum', [f([3, 4]), ints(1)], flags, { fixed: true });
		add('Cumprod', [f([3, 4]), ints(0)], flags, { fixed: true });
	}
}
add('Bincount', [i([10], 0, 6), ints(5), floats([])]);
add('Bincount', [i([10], 0, 6), ints(5), constant(f([10]))]);
add('DenseBincount', [i([2, 10], 0, 6), ints(5), floats([])], { binary_output: attribute.flag(false) });
add('DenseBincount', [i([2, 10], 0, 6), ints(5), floats([])], { binary_output: attribute.flag(true) });

// Parts

add('ConcatV2', [f([2, 3]), f([2, 2]), ints(-1)], { N: attribute.int(2) });
add('Concat', [ints(0), i([1, 3]), i([2, 3])], { N: attribute.int(2) });
add('GatherV2', [f([4, 3]), i([2, 2], 0, 4), ints(0)]);
add('GatherV2', [f([4, 3]), i([2], 0, 3), ints(1)]);
add('GatherV2', [f([2, 4, 3]), i([2, 5], 0, 4), ints(1)], { batch_dims: attribute.int(1) });
add('GatherV2', [f([2, 3, 4]), i([2, 5], 0, 4), ints(2)], { batch_dims: attribute.int(1) });
add('Gather', [f([4, 3]), i([3], 0, 4)]);
add('GatherNd', [f([4, 3]), i([5, 2], 0, 3)]);
add('Reverse', [f([3, 4]), constant(tensor('bool', [2], [0, 1]))]);
add('ReverseV2', [f([3, 4]), ints([0, -1])]);
add('Slice', [f([4, 5]), ints([1, 0]), ints([2, -1])]);
add('Slice', [f([4, 5]), given([1, 2]), given([2, -1])]);
const masks = (begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask) =>
	Object.fromEntries(
		Object.entries({ begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask }).map(([name, mask]) => [
			name,
			attribute.int(mask),
		])
	);
add('StridedSlice', [f([4, 5, 6]), ints([1, 0]), ints([3, 4]), ints([1, 2])], masks(0, 0, 0, 0, 0));
add('StridedSlice', [f([4, 5, 6]), ints([0, -1]), ints([0, 0]), ints([1, 1])], masks(1, 1, 0, 0, 2));
add('StridedSlice', [f([4, 5, 6]), ints([0, 0, 1]), ints([0, 0, 4]), ints([1, 1, 2])], masks(0, 0, 1, 2, 0));
add('StridedSlice', [f([4, 5, 6]), ints([-1, 3]), ints([0, -6]), ints([-1, -2])], masks(0, 1, 0, 0, 0));
add('StridedSlice', [f([4, 5, 6]), ints([1, 0, 2]), ints([2, 0, 3]), ints([1, 1, 1])], masks(0, 0, 2, 0, 5));
add('StridedSlice', [f([4, 5]), given([-2]), given([4]), ints([1])], masks(0, 0, 0, 0, 0));
add('StridedSlice', [f([4, 5]), given([-1]), given([0]), ints([1])], masks(0, 0, 0, 0, 1));
for (const axis of [0, 1, -1]) add('Pack', [f([2, 3]), f([2, 3])], { axis: attribute.int(axis), N: attribute.int(2) });
add('Unpack', [f([3, 2])], { axis: attribute.int(1), num: attribute.int(2) }, { outputs: 2 });
add('Split', [ints(1), f([2, 6])], { num_split: attribute.int(3) }, { outputs: 3 });
add('SplitV', [f([2, 6]), ints([1, -1, 2]), ints(1)], { num_split: attribute.int(3) }, { outputs: 3 });
add('Tile', [f([2, 3]), ints([2, 1])]);
add('Tile', [b([2, 3]), ints([1, 3])]);
add('Tile', [f([2, 3]), given([3, 2])]);
add('ScatterNd', [ints([0, 2, 0], [3, 1]), f([3, 2]), ints([4, 2])]);
add('TensorScatterUpdate', [f([5, 2]), ints([0, 3], [2, 1]), f([2, 2])]);
add('SparseToDense', [ints([0, 3]), ints([5]), f([2]), floats(0.5)]);
add('SparseToDense', [ints([0, 1, 2, 0], [2, 2]), ints([3, 3]), floats(7), tensor('float32', [], [0.5])]);

// Shapes and types

add('Reshape', [f([2, 6]), ints([3, -1])]);
add('Reshape', [f([2, 6]), given([2, -1, 2])]);
const pair = tensor('float32', [2], [1, 2]);
add('EnsureShape', [pair], { shape: { shape: { dim: [{ size: '-1' }] } } }, { expected: [pair] });
add('ExpandDims', [f([2, 3]), ints(-1)]);
add('Squeeze', [f([1, 3, 1])], { squeeze_dims: attribute.ints([-1]) });
add('Squeeze', [f([1, 3, 1])], { squeeze_dims: attribute.ints([]) });
add('Cast', [f([10], -5, 5)], { DstT: attribute.type('DT_INT32') });
add('Cast', [i([10])], { DstT: attribute.type('DT_FLOAT') });
add('Cast', [i([10], 0, 3)], { DstT: attribute.type('DT_BOOL') });
add('Cast', [b([10])], { DstT: attribute.type('DT_FLOAT') });
add('BroadcastTo', [f([3, 1]), ints([2, 3, 4])]);
add('BroadcastArgs', [given([3, 1]), given([2, 1, 4])]);
add('Pad', [f([2, 3]), ints([1, 0, 2, 3], [2, 2])]);
add('Pad', [i([2, 3]), tensor('int32', [2, 2], [1, 0, 0, 2])]);
add('PadV2', [f([2, 3]), ints([1, 0, 2, 3], [2, 2]), floats(1.5)]);
for (const mode of ['REFLECT', 'SYMMETRIC']) {
	add('MirrorPad', [f([4, 5]), ints([1, 2, 3, 0], [2, 2])], { mode: attribute.text(mode) });
}
add('DepthToSpace', [f([1, 2, 3, 8])], { block_size: attribute.int(2), ...image });
add('SpaceToBatchND', [f([1, 4, 6, 2]), ints([2, 3]), ints([1, 1, 0, 3], [2, 2])]);
add('SpaceToBatchND', [f([2, 6, 3]), ints([2]), ints([0, 0], [1, 2])]);
add('BatchToSpaceND', [f([6, 2, 3, 2]), ints([2, 3]), ints([1, 0, 2, 1], [2, 2])]);
add('Shape', [f([2, 3])], {}, { expected: [tensor('int32', [2], [2, 3])] });
add(
	'ShapeN',
	[f([2, 3]), f([4])],
	{ N: attribute.int(2) },
	{
		outputs: 2,
		expected: [tensor('int32', [2], [2, 3]), tensor('int32', [1], [4])],
	}
);
add('Rank', [f([2, 3])]);
add('Size', [f([2, 3])]);

// Tensors from numbers

add('Fill', [given([2, 3]), floats(1.5)], { T: attribute.type('DT_FLOAT') });
add(
	'Range',
	[ints(2), ints(11), given(3)],
	{ Tidx: attribute.type('DT_INT32') },
	{ expected: [tensor('int32', [3], [2, 5, 8])] }
);
add('Range', [given(5), ints(0), ints(-2)], {}, { expected: [tensor('int32', [3], [5, 3, 1])] });
add('LinSpace', [floats(1), tensor('float32', [], [4]), ints(5)]);
const indices = tensor('int32', [2, 2], [0, 2, -1, 3]);
add(
	'OneHot',
	[indices, ints(3), floats(2), floats(-1)],
	{ axis: attribute.int(-1) },
	{
		expected: [tensor('float32', [2, 2, 3], [2, -1, -1, -1, -1, 2, -1, -1, -1, -1, -1, -1])],
	}
);
add(
	'OneHot',
	[tensor('int32', [2], [1, 0]), ints(3), ints(1), ints(0)],
	{ axis: attribute.int(0) },
	{
		expected: [tensor('int32', [3, 2], [0, 1, 1, 0, 0, 0])],
	}
);

// Outputs as long as the values say

add('Where', [b([3, 4])]);
add('TopKV2', [f([3, 6]), ints(2)], { sorted: attribute.flag(true) }, { outputs: 2 });
add('Unique', [i([12], 0, 4)], {}, { outputs: 2 });
add('UniqueV2', [f([3, 2]), ints([0])], {}, { outputs: 2 });
add('ListDiff', [i([10], 0, 6), ints([1, 3])], {}, { outputs: 2 });
const sorted = floats([0, 1, 2, 3, -1, 0, 1, 1], [2, 4]);
for (const op of ['LowerBound', 'UpperBound']) add(op, [sorted, tensor('float32', [2, 3], [1, 0.5, 9, 1, -3, 0])]);
const candidates = [
	floats([0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1, 1, 11.1, 0, 100, 1, 101], [6, 4]),
	tensor('float32', [6], [0.9, 0.75, 0.6, 0.95, 0.5, 0.3]),
];
const padded = attribute.flag(true);
add('NonMaxSuppressionV2', [...candidates, ints(3), floats(0.5)]);
add('NonMaxSuppressionV3', [...candidates, ints(3), floats(0.5), floats(0.4)]);
add(
	'NonMaxSuppressionV4',
	[...candidates, ints(5), floats(0.5), floats(0.4)],
	{ pad_to_max_output_size: padded },
	{ outputs: 2 }
);
add(
	'NonMaxSuppressionV5',
	[...candidates, ints(5), floats(0.5), floats(0.4), floats(0)],
	{},
	{
		outputs: 3,
		expected: [tensor('int32', [2], [3, 0]), tensor('float32', [2], [0.95, 0.9]), tensor('int32', [], [2])],
	}
);

// Complex numbers

for (const part of ['Real', 'Imag', 'ComplexAbs']) {
	chain(
		[f([2, 3]), f([2, 3])],
		[
			['z', 'Complex', ['x0', 'x1']],
			['y', part, ['z']],
		]
	);
}
for (const part of ['Real', 'Imag']) {
	for (const transform of ['FFT', 'IFFT']) {
		chain(
			[f([2, 6]), f([2, 6])],
			[
				['z', 'Complex', ['x0', 'x1']],
				['t', transform, ['z']],
				['y', part, ['t']],
			]
		);
	}
	chain(
		[f([2, 8]), ints([8])],
		[
			['t', 'RFFT', ['x0', 'c1']],
			['y', part, ['t']],
		]
	);
}
chain(
	[f([2, 8]), ints([8])],
	[
		['t', 'RFFT', ['x0', 'c1']],
		['y', 'IRFFT', ['t', 'c1']],
	],
	{ fixed: true }
);

// Lists and arrays

const element = { element_dtype: attribute.type('DT_FLOAT') };
const list = ['list', 'TensorListFromTensor', ['x0', 'c1'], element];
for (const read of [
	['y', 'TensorListStack', ['list', 'c1'], { ...element, num_elements: attribute.int(-1) }],
	['y', 'TensorListGetItem', ['list', 'c2', 'c1'], element],
	['y', 'TensorListLength', ['list']],
	['y', 'TensorListGather', ['list', 'c3', 'c1'], element],
]) {
	chain([f([4, 3]), ints([3]), ints(2), ints([2, 0, 3])], [list, read]);
}
for (const op of ['TensorListConcat', 'TensorListConcatV2']) {
	const shape = { element_shape: { shape: { dim: [{ size: '2' }, { size: '3' }] } } };
	const read = ['y', op, op === 'TensorListConcat' ? ['list'] : ['list', 'c1', 'c2'], { ...element, ...shape }];
	const input = tensor('float32', [2, 2, 1], [1, 2, 3, 4]);
	chain([input, ints([2, 1]), ints([])], [list, read], { expected: [tensor('float32', [4, 1], [1, 2, 3, 4])] });
}
const stack = ['y', 'TensorListStack', ['changed', 'c1'], { ...element, num_elements: attribute.int(-1) }];
chain(
	[f([4, 3]), ints([3]), ints(1), f([3])],
	[list, ['changed', 'TensorListSetItem', ['list', 'c2', 'x3'], element], stack]
);
chain(
	[f([3]), ints([3]), ints(4), ints(1)],
	[
		['list', 'TensorListReserve', ['c1', 'c2'], { ...element, shape_type: attribute.type('DT_INT32') }],
		['changed', 'TensorListSetItem', ['list', 'c3', 'x0'], element],
		['y', 'TensorListGetItem', ['changed', 'c3', 'c1'], element],
	]
);
chain(
	[f([3]), ints([3]), ints(10), f([3])],
	[
		['list', 'EmptyTensorList', ['c1', 'c2'], element],
		['one', 'TensorListPushBack', ['list', 'x0'], element],
		['changed', 'TensorListPushBack', ['one', 'x3'], element],
		stack,
	]
);
const rows = tensor('float32', [2, 2], [1, 2, 3, 4]);
const popped = ['changed', 'TensorListPopBack', ['list', 'c1'], element];
const last = ['y', 'Identity', ['changed:1'], { T: attribute.type('DT_FLOAT') }];
chain([rows, ints([2])], [list, popped, last], { expected: [tensor('float32', [2], [3, 4])] });
chain([rows, ints([2])], [list, popped, stack], { expected: [tensor('float32', [1, 2], [1, 2])] });
for (const [op, more] of [
	['TensorListScatter', []],
	['TensorListScatterV2', ['c3']],
]) {
	chain(
		[f([3, 2]), ints([2]), ints([2, 0, 1]), ints(3)],
		[['changed', op, ['x0', 'c2', 'c1', ...more], element], stack]
	);
}
chain(
	[tensor('float32', [4, 1], [1, 2, 3, 4]), ints([-1, 1]), ints([2, 2])],
	[['changed', 'TensorListSplit', ['x0', 'c1', 'c2'], element], stack],
	{ expected: [tensor('float32', [2, 2, 1], [1, 2, 3, 4])] }
);
chain(
	[tensor('float32', [2, 2], [1, 2, 3, 4]), ints([2]), ints(3)],
	[list, ['changed', 'TensorListResize', ['list', 'c2'], {}], stack],
	{ expected: [tensor('float32', [3, 2], [1, 2, 3, 4, 0, 0])] }
);
const array = [
	'array',
	'TensorArrayV3',
	['c1'],
	{
		dtype: attribute.type('DT_FLOAT'),
		element_shape: { shape: { unknownRank: true } },
		dynamic_size: attribute.flag(false),
		clear_after_read: attribute.flag(false),
		identical_element_shapes: attribute.flag(true),
		tensor_array_name: attribute.text('a'),
	},
];
const type = { dtype: attribute.type('DT_FLOAT') };
const scattered = ['flow', 'TensorArrayScatterV3', ['array', 'c2', 'x0', 'array:1']];
for (const read of [
	['y', 'TensorArrayGatherV3', ['array', 'c2', 'flow'], type],
	['y', 'TensorArrayReadV3', ['array', 'c3', 'flow'], type],
	['y', 'TensorArraySizeV3', ['array', 'flow']],
]) {
	chain([f([3, 2]), ints(3), ints([2, 0, 1]), ints(1)], [array, scattered, read]);
}
chain(
	[tensor('float32', [2], [5, 6]), ints(3), ints([2]), ints(1)],
	[
		array,
		['flow', 'TensorArrayWriteV3', ['array', 'c3', 'x0', 'array:1'], { T: attribute.type('DT_FLOAT') }],
		['y', 'TensorArrayGatherV3', ['array', 'c3', 'flow'], type],
	],
	{ expected: [tensor('float32', [2], [5, 6])] }
);
chain(
	[tensor('float32', [4, 1], [1, 2, 3, 4]), ints(2), ints([2, 2])],
	[
		array,
		['flow', 'TensorArraySplitV3', ['array', 'x0', 'c2', 'array:1'], { T: attribute.type('DT_FLOAT') }],
		['y', 'TensorArrayConcatV3', ['array', 'flow'], type],
	],
	{ expected: [tensor('float32', [4, 1], [1, 2, 3, 4])] }
);

// Functions

const argument = (name, kind = 'DT_FLOAT') => ({ name, type: kind });
const functionOf = (name, inputArg, nodeDef, ret) => ({
	signature: { name, inputArg, outputArg: Object.keys(ret).map((key) => argument(key)) },
	nodeDef,
	ret,
});
const branch = (name, op) =>
	functionOf(name, [argument('v')], [{ name: 'n', op, input: ['v'], attr: { T: { type: 'DT_FLOAT' } } }], {
		out: 'n:y:0',
	});
for (const op of ['If', 'StatelessIf']) {
	for (const holds of [0, 1]) {
		add(
			op,
			[tensor('bool', [], [holds]), f([3])],
			{
				then_branch: { func: { name: 'yes' } },
				else_branch: { func: { name: 'no' } },
			},
			{ library: { function: [branch('yes', 'Neg'), branch('no', 'Square')] } }
		);
	}
}

// Fused operations whose bias is any part of a sum

const fusedBias = (activation) => ({
	...plain,
	num_args: attribute.int(1),
	fused_ops: attribute.texts(['BiasAdd', ...activation]),
});
for (const shape of [[1, 1, 1, 4], [1, 1, 4], [1, 4], [1], [], [1, 1, 1, 1]]) {
	const kernel = constant(f([3, 3, 3, 4]));
	add('_FusedConv2D', [f([2, 5, 5, 3]), kernel, constant(f(shape))], fusedBias(['Relu']));
	add('_FusedConv2D', [f([2, 5, 5, 3]), kernel, f(shape)], fusedBias([]));
	add('FusedDepthwiseConv2dNative', [f([2, 5, 5, 4]), constant(f([3, 3, 4, 1])), f(shape)], fusedBias(['Relu6']));
}
add('_FusedConv2D', [f([2, 5, 5, 3]), constant(f([3, 3, 3, 1])), constant(f([1, 1, 1, 1]))], fusedBias([]));
chain(
	[f([2, 5, 5, 3]), constant(f([3, 3, 3, 4])), f([1, 1, 1, 4]), floats(0.5)],
	[
		['bias', 'Mul', ['x2', 'c3']],
		['op', '_FusedConv2D', ['x0', 'c1', 'bias'], fusedBias(['Relu'])],
	]
);
for (const shape of [[4], [1, 4], [1], []]) {
	add('_FusedMatMul', [f([2, 3]), constant(f([3, 4])), f(shape)], {
		num_args: attribute.int(1),
		fused_ops: attribute.texts(['BiasAdd']),
	});
}

// Normalisation by the input's own mean and variance, which TensorFlow.js does not know

/** What TensorFlow gives for channels last: the output, the mean, and the variance of a sample. */
function normalized({ shape, data }, scale, offset, epsilon) {
	const channels = shape.at(-1);
	const rows = data.length / channels;
	const y = new Array(data.length);
	const [means, variances] = [[], []];
	for (let channel = 0; channel < channels; channel += 1) {
		const own = Array.from({ length: rows }, (_, row) => data[row * channels + channel]);
		const mean = own.reduce((sum, number) => sum + number, 0) / rows;
		const variance = own.reduce((sum, number) => sum + (number - mean) ** 2, 0) / rows;
		own.forEach((number, row) => {
			const normal = (number - mean) / Math.sqrt(variance + epsilon);
			y[row * channels + channel] = normal * scale.data[channel] + offset.data[channel];
		});
		means.push(mean);
		variances.push((variance * rows) / (rows - 1));
	}
	return [tensor('float32', shape, y), tensor('float32', [channels], means), tensor('float32', [channels], variances)];
}
{
	const [x, scale, offset] = [f([2, 3, 4, 5]), f([5]), f([5])];
	const training = { epsilon: attribute.number(0.01), is_training: attribute.flag(true) };
	const expected = normalized(x, scale, offset, 0.01);
	const none = constant(tensor('float32', [0], []));
	add('FusedBatchNormV3', [x, scale, offset, none, none], { ...image, ...training }, { outputs: 3, expected });
	// As Keras writes LayerNormalization: the rows are the channels, and those come first.
	const rows = [
		f([1, 4, 6, 1]),
		constant(tensor('float32', [4], [1, 1, 1, 1])),
		constant(tensor('float32', [4], [0, 0, 0, 0])),
	];
	const [{ data }] = normalized(
		tensor(
			'float32',
			[1, 6, 1, 4],
			Array.from({ length: 24 }, (_, at) => rows[0].data[(at % 4) * 6 + Math.floor(at / 4)])
		),
		rows[1],
		rows[2],
		0.01
	);
	const first = { ...training, data_format: attribute.text('NCHW') };
	const back = Array.from({ length: 24 }, (_, at) => data[(at % 6) * 4 + Math.floor(at / 6)]);
	add('FusedBatchNormV3', [...rows, none, none], first, { expected: [tensor('float32', [1, 4, 6, 1], back)] });
}

// Suppression that lowers scores, of which TensorFlow.js does not give all outputs, and that leaves nothing

/** What TensorFlow chooses: the best again and again, while the others lose by how much they overlap with it. */
function chosenSoftly([boxes, { data }], most, overlap, least, sigma) {
	const scores = data.map(Math.fround);
	const box = (at) => boxes.data.slice(at * 4, at * 4 + 4);
	const area = ([top, left, bottom, right]) => Math.abs((bottom - top) * (right - left));
	const common = (a, b) => {
		const side = (axis) => {
			const [low, high] = [Math.max, Math.min].map((pick, end) =>
				pick(...[a, b].map((one) => [Math.min, Math.max][end](one[axis], one[axis + 2])))
			);
			return Math.max(high - low, 0);
		};
		const shared = side(0) * side(1);
		return shared / (area(a) + area(b) - shared);
	};
	const [indices, reached] = [[], []];
	while (indices.length < most) {
		const best = scores.indexOf(Math.max(...scores));
		if (!(scores[best] > least)) break;
		indices.push(best);
		reached.push(scores[best]);
		scores.forEach((score, at) => {
			const part = common(box(best), box(at));
			if (score !== -Infinity) scores[at] = part > overlap ? 0 : score * Math.exp((-0.5 * part ** 2) / sigma);
		});
		scores[best] = -Infinity;
	}
	const count = indices.length;
	const filled = (list) => [...list, ...new Array(most - count).fill(0)];
	const both = (fill, size) => [tensor('int32', [size], fill(indices)), tensor('float32', [size], fill(reached))];
	const valid = tensor('int32', [], [count]);
	return { plain: [...both((list) => list, count), valid], padded: [...both(filled, most), valid] };
}
for (const [sigma, overlap, least] of [
	[0.5, 0.5, 0.1],
	[1, 1, 0.3],
	[0.1, 0.9, 0],
]) {
	const soft = [...candidates, ints(5), floats(overlap), floats(least), floats(sigma)];
	const expected = chosenSoftly(candidates, 5, overlap, least, sigma);
	add('NonMaxSuppressionV5', soft, {}, { outputs: 3, expected: expected.plain });
	add('NonMaxSuppressionV5', soft, { pad_to_max_output_size: padded }, { outputs: 3, expected: expected.padded });
}
const nothing = [...candidates, ints(4), floats(0.5), floats(0.99)];
add('NonMaxSuppressionV3', nothing, {}, { expected: [tensor('int32', [0], [])] });
add(
	'NonMaxSuppressionV5',
	[...nothing, floats(0.5)],
	{},
	{
		outputs: 3,
		expected: [tensor('int32', [0], []), tensor('float32', [0], []), tensor('int32', [], [0])],
	}
);
add('Where', [tensor('bool', [3], [0, 0, 0])], {}, { expected: [tensor('int32', [0, 1], [])] });
add('Slice', [f([2, 3]), ints([0, 3]), ints([2, 0])], {}, { expected: [tensor('float32', [2, 0], [])] });

add(
	'MaxPoolWithArgmax',
	[f([3, 6, 8, 3])],
	{
		...image,
		padding: attribute.text('SAME'),
		strides: attribute.ints([1, 2, 2, 1]),
		ksize: attribute.ints([1, 2, 2, 1]),
		include_batch_in_index: attribute.flag(true),
	},
	{ outputs: 2, fixed: true }
);
for (const interpolation of ['NEAREST', 'BILINEAR']) {
	for (const turn of [
		[1.31, 0.17, -4.13, -0.29, 1.07, 3.21, 0, 0],
		[1, 0, -7.25, 0, 1, 9.5, 0, 0],
	]) {
		add(
			'ImageProjectiveTransformV3',
			[f([1, 5, 6, 3]), constant(tensor('float32', [1, 8], turn)), ints([7, 8]), floats(0.5)],
			{
				interpolation: attribute.text(interpolation),
				fill_mode: attribute.text('WRAP'),
			}
		);
	}
}
