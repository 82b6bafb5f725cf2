// Features for a model of which nobody says what it takes.
import { UsageError } from './usage-error.js';

/** A list of so many is as long as a measurement of nothing needs. */
const MAX_ELEMENTS = 1 << 24;

function zeros(dtype, shape) {
	const item = { string: '', bool: false }[dtype] ?? 0;
	const nest = (depth) => (depth === shape.length ? item : Array.from({ length: shape[depth] }, () => nest(depth + 1)));
	return nest(0);
}

/**
 * Zeros and empty texts for the inputs of a model; free dimensions have one element.
 *
 * @param {{name: string, dtype?: string, shape?: (number | string)[] | null, optional?: boolean}[]} inputs
 * @returns {string} JSON text
 */
export function zerosFor(inputs) {
	const needed = inputs.filter(({ optional }) => !optional);
	const fields = needed.map(({ name, dtype, shape }) => {
		if (!dtype || !shape) throw new UsageError(`the model does not say the shape of "${name}"; give --input`);
		const sizes = shape.map((size) => (typeof size === 'number' && size >= 0 ? size : 1));
		if (sizes.reduce((product, size) => product * size, 1) > MAX_ELEMENTS) {
			throw new UsageError(`"${name}" is too large to be made of zeros; give --input`);
		}
		return [name, zeros(dtype, sizes)];
	});
	return JSON.stringify(Object.fromEntries(fields));
}
