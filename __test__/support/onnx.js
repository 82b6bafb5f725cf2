// ONNX models written by hand: just as much protobuf as tests need.

export const FLOAT = 1;
export const INT64 = 7;

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
 * @param {Array<[string, number, Array<string | number>]>} graph.inputs name, dtype, shape
 * @param {Array<[string, number, Array<string | number>]>} graph.outputs
 * @param {Buffer} [graph.initializer] a field of the graph, at its end
 * @param {number} [further] bytes of the initializer that are written later
 */
export function onnxModel({ nodes, inputs, outputs, initializer = Buffer.alloc(0) }, further = 0) {
	const graph = [
		...nodes.map(([operator, from, to]) =>
			message(1, [...from.map((name) => message(1, name)), ...to.map((name) => message(2, name)), message(4, operator)])
		),
		message(2, 'graph'),
		...inputs.map((input) => valueInfo(11, input)),
		...outputs.map((output) => valueInfo(12, output)),
		initializer,
	];
	const opset = [message(1, ''), number(2, 18)];
	return Buffer.concat([number(1, 9), message(8, opset), message(7, graph, further)]);
}

function valueInfo(field, [name, dtype, shape]) {
	const dimensions = shape.map((size) => message(1, typeof size === 'string' ? message(2, size) : number(1, size)));
	const tensor = [number(1, dtype), message(2, dimensions)];
	return message(field, [message(1, name), message(2, message(1, tensor))]);
}
