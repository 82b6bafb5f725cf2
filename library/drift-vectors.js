// Columns of drift whose values are vectors, such as embeddings: arrays of as many numbers in each row.
import { isList } from './kinds.js';
import { shown } from './shown.js';

/**
 * Both sides of a column, row by row behind each other; NaN for the numbers of rows that are missing.
 *
 * @param {string} name
 * @param {ArrayLike<any>} reference
 * @param {ArrayLike<any>} current
 * @returns {{dimension: number, reference: Float64Array, current: Float64Array}}
 */
export function vectorsOf(name, reference, current) {
	const sides = [reference, current];
	const first = sides.map((rows) => Array.prototype.find.call(rows, isList)).find(isList);
	// Nothing but missing rows: as good as one number each.
	const dimension = first?.length ?? 1;
	if (dimension === 0) throw new TypeError(`column ${shown(name)}: a vector must have at least one number`);
	const [before, now] = sides.map((rows) => flat(name, rows, dimension));
	return { dimension, reference: before, current: now };
}

function flat(name, rows, dimension) {
	const numbers = new Float64Array(rows.length * dimension).fill(NaN);
	for (let at = 0; at < rows.length; at += 1) {
		const row = rows[at];
		if (row === null || row === undefined) continue;
		if (!isList(row) || row.length !== dimension) {
			const expected = `an array of ${dimension} numbers, as many as the first one has`;
			throw new TypeError(`column ${shown(name)}: row ${at} must be ${expected}, or null; received ${shown(row)}`);
		}
		for (let place = 0; place < dimension; place += 1) {
			const value = row[place] ?? NaN;
			if (typeof value !== 'number' && typeof value !== 'bigint') {
				throw new TypeError(`column ${shown(name)}: row ${at} must hold numbers, received ${shown(value)}`);
			}
			numbers[at * dimension + place] = Number(value);
		}
	}
	return numbers;
}
