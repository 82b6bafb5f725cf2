// ONNX models written by hand: as much protobuf as the models of the benchmark need.

export const FLOAT = 1;
export const INT64 = 7;

function varint(value) {
	const bytes = [];
	let rest = BigInt.asUintN(64, BigInt(value));
	for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
	return Buffer.from([...bytes, Number(rest)]);
}

const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field, content) => Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
const text = (field, value) => bytes(field, Buffer.from(value));
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));

function float(field, value) {
	const buffer = Buffer.alloc(4);
	buffer.writeFloatLE(value);
	return Buffer.concat([varint((field << 3) | 5), buffer]);
}

/** An attribute: a text, a whole number, `{ float }`, or a list of whole numbers or `{ floats }`. */
function attribute(name, value) {
	const typed = (type, ...content) => message(5, text(1, name), ...content, number(20, type));
	if (typeof value === 'string') return typed(3, text(4, value));
	if (typeof value === 'number') return typed(2, number(3, value));
	if (value.float !== undefined) return typed(1, float(2, value.float));
	if (value.floats !== undefined) return typed(6, ...value.floats.map((item) => float(7, item)));
	return typed(7, ...value.map((item) => number(8, item)));
}

/**
 * A node of a graph.
 *
 * @param {string} operator
 * @param {string[]} inputs
 * @param {string[]} outputs
 * @param {Record<string, any>} [attributes]
 * @param {string} [domain]
 */
export const node = (operator, inputs, outputs, attributes = {}, domain = '') =>
	message(
		1,
		...inputs.map((name) => text(1, name)),
		...outputs.map((name) => text(2, name)),
		text(4, operator),
		...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
		text(7, domain)
	);

/** A constant of a graph, from a Float32Array or a BigInt64Array. */
export const initializer = (name, shape, data) =>
	message(
		5,
		...shape.map((size) => number(1, size)),
		number(2, data instanceof Float32Array ? FLOAT : INT64),
		text(8, name),
		bytes(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength))
	);

function value(field, name, dtype, shape) {
	const sizes = shape.map((size) => message(1, typeof size === 'string' ? text(2, size) : number(1, size)));
	return message(field, text(1, name), message(2, message(1, number(1, dtype), message(2, ...sizes))));
}

/** An input of a graph; texts in the shape are free dimensions. */
export const input = (name, dtype, shape) => value(11, name, dtype, shape);

/** An output of a graph. */
export const output = (name, dtype, shape) => value(12, name, dtype, shape);

/**
 * The bytes of a model.
 *
 * @param {Buffer[]} graph nodes, initializers, inputs and outputs
 */
export const model = (graph) =>
	Buffer.concat([
		number(1, 9),
		message(8, text(1, ''), number(2, 20)),
		message(8, text(1, 'ai.onnx.ml'), number(2, 3)),
		message(7, text(2, 'benchmark'), ...graph),
	]);
