// ONNX models written by hand: just as much protobuf as tests need.

export const FLOAT = 1;
export const INT64 = 7;
export const STRING = 8;

function varint(value) {
	const bytes = [];
	let rest = BigInt(value);
	for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
	return Buffer.from([...bytes, Number(rest)]);
}

/** A field of protobuf that is a whole number. */
export const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);

/** A field that is a text or a message, whose last `further` bytes are written later. */
export function message(field, content, further = 0) {
	const bytes = Array.isArray(content) ? Buffer.concat(content) : Buffer.from(content);
	return Buffer.concat([varint((field << 3) | 2), varint(bytes.length + further), bytes]);
}

/**
 * The bytes of a model.
 *
 * @param {object} graph
 * @param {Array<[string, string[], string[]]>} graph.nodes operator, inputs, outputs
 * @param {Array<[string, number, Array<string | number>?]>} graph.inputs name, dtype, shape
 * @param {Array<[string, number, Array<string | number>?]>} graph.outputs
 * @param {Buffer} [graph.initializer] fields of the graph, at its end
 * @param {Buffer} [graph.functions] fields of the model
 * @param {number} [further] bytes of the initializer that are written later
 */
export function onnxModel({ nodes, inputs, outputs, initializer = Buffer.alloc(0), functions = [] }, further = 0) {
	const graph = [
		...nodes.map((given) => message(1, node(given))),
		message(2, 'graph'),
		...inputs.map((input) => valueInfo(11, input)),
		...outputs.map((output) => valueInfo(12, output)),
		initializer,
	];
	const opsets = OPSETS.map((opset) => message(8, opset));
	return Buffer.concat([number(1, 9), ...opsets, ...functions, message(7, graph, further)]);
}

/** Local functions are in a domain of their own. */
const LOCAL = 'local';
const OPSETS = [
	[message(1, ''), number(2, 18)],
	[message(1, LOCAL), number(2, 1)],
];

const node = ([operator, from, to, domain]) => [
	...from.map((name) => message(1, name)),
	...to.map((name) => message(2, name)),
	message(4, operator),
	...(domain === undefined ? [] : [message(7, domain)]),
];

/**
 * A chain of functions from `a` to `b`, of which each calls the one before so many times.
 *
 * @param {number} length
 * @param {number} calls
 */
export function functionChain(length, calls) {
	const functions = Array.from({ length }, (_, at) => {
		const nodes = Array.from({ length: at === 0 ? 1 : calls }, (_, call) => [
			at === 0 ? 'Neg' : `f${at - 1}`,
			[call === 0 ? 'a' : `t${call}`],
			[at === 0 || call === calls - 1 ? 'b' : `t${call + 1}`],
			at === 0 ? undefined : LOCAL,
		]);
		return message(25, [
			message(1, `f${at}`),
			message(4, 'a'),
			message(5, 'b'),
			...nodes.map((given) => message(7, node(given))),
			...OPSETS.map((opset) => message(9, opset)),
			message(10, LOCAL),
		]);
	});
	return onnxModel({
		nodes: [[`f${length - 1}`, ['x'], ['y'], LOCAL]],
		inputs: [['x', FLOAT, ['n']]],
		outputs: [['y', FLOAT, ['n']]],
		functions,
	});
}

/**
 * `y = x + c`, where the optimizer computes `c` by multiplying large matrices: such a load takes long.
 *
 * @param {number} products
 * @param {number} size rows and columns of the matrices
 */
export function slowModel(products, size = 1500) {
	const tensor = (name, dtype, values) =>
		message(5, [number(1, values.length), number(2, dtype), message(8, name), message(9, Buffer.from(values.buffer))]);
	const chain = Array.from({ length: products }, (_, at) => ['MatMul', [`t${at}`, `t${at}`], [`t${at + 1}`]]);
	return onnxModel({
		nodes: [
			['Expand', ['c', 'shape'], ['t0']],
			...chain,
			['ReduceMax', [`t${products}`], ['most']],
			['Reshape', ['most', 'one'], ['term']],
			['Add', ['x', 'term'], ['y']],
		],
		inputs: [['x', FLOAT, ['n']]],
		outputs: [['y', FLOAT, ['n']]],
		initializer: Buffer.concat([
			tensor('c', FLOAT, Float32Array.of(0)),
			tensor('shape', INT64, BigInt64Array.of(BigInt(size), BigInt(size))),
			tensor('one', INT64, BigInt64Array.of(1n)),
		]),
	});
}

/** Without a shape there may be any number of dimensions. */
function valueInfo(field, [name, dtype, shape]) {
	const dimensions = shape?.map((size) => message(1, typeof size === 'string' ? message(2, size) : number(1, size)));
	const tensor = [number(1, dtype), ...(dimensions ? [message(2, dimensions)] : [])];
	return message(field, [message(1, name), message(2, message(1, tensor))]);
}
