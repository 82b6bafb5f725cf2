// Tensors of a run as JSON text, as Rust writes those of `/predict`.
import { Tensor } from '../library/tensor.js';

/**
 * The elements of a tensor, each as JSON text. Integers have all their digits; NaN and the infinities, which JSON lacks, are
 * strings.
 *
 * @param {Tensor} tensor
 * @returns {string[]}
 */
export function elementsJson({ dtype, data }) {
	const write = writerOf(dtype);
	return new Tensor(dtype, [data.length], data).toArray().map(write);
}

/**
 * The outputs of a run as the event of a prediction holds them.
 *
 * @param {Record<string, any>} outputs tensors, maps by class, and lists of those
 * @param {Record<string, string>} dtypes of the outputs and of the values of maps, by name
 * @returns {string}
 */
export function predictionJson(outputs, dtypes) {
	const fields = Object.entries(outputs).map(
		([name, value]) => `${JSON.stringify(name)}:${valueJson(value, dtypes[name])}`
	);
	return `{${fields.join(',')}}`;
}

function valueJson(value, dtype) {
	if (value instanceof Tensor) return nested(elementsJson(value).map(readable), value.shape);
	if (Array.isArray(value)) return `[${value.map((item) => valueJson(item, dtype)).join(',')}]`;
	const write = writerOf(dtype);
	const entries = Array.from(value, ([key, item]) => `${JSON.stringify(String(key))}:${readable(write(item))}`);
	return `{${entries.join(',')}}`;
}

function nested(elements, shape) {
	if (shape.length === 0) return elements[0];
	const [size, ...row] = shape;
	const stride = elements.length / size;
	const rows = Array.from({ length: size }, (_, at) =>
		row.length === 0 ? elements[at] : nested(elements.slice(at * stride, (at + 1) * stride), row)
	);
	return `[${rows.join(',')}]`;
}

/** Integers that a JavaScript number does not hold are strings. */
const readable = (text) => (/^-?\d{16,}$/.test(text) && !Number.isSafeInteger(Number(text)) ? `"${text}"` : text);

function writerOf(dtype) {
	if (dtype === 'string') return JSON.stringify;
	if (dtype === 'float64') return (value) => float(value, String);
	if (dtype.includes('float')) return (value) => float(value, shortest);
	return String;
}

function float(value, write) {
	if (!Number.isFinite(value)) return `"${value}"`;
	return Object.is(value, -0) ? '-0' : write(value);
}

/** Below this a float32 has fewer than the six digits that all others have. */
const LEAST_NORMAL = 2 ** -126;

/** As few digits as tell a float32 from its neighbours. */
function shortest(value) {
	for (let digits = Math.abs(value) < LEAST_NORMAL ? 1 : 6; digits < 9; digits += 1) {
		const rounded = Number(value.toPrecision(digits));
		if (Math.fround(rounded) === value) return String(rounded);
	}
	return String(Number(value.toPrecision(9)));
}
