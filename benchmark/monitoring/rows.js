// The rows of bench:monitoring: the same on every machine, as a CSV file and as 32-bit floats.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

export const COLUMNS = Array.from({ length: 100 }, (_, at) => `f${at}`);
/** Values that there are; a power of two. */
const VALUES = 1 << 16;
const DIGITS = 4;
/** How far the second half of the columns lies from the first one in the current rows, in standard deviations. */
const SHIFT = 0.5;
const ROWS_AT_ONCE = 10_000;

/** Marsaglia's xorshift32. */
function random(seed) {
	let state = seed;
	return () => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return state >>> 0;
	};
}

/** Normally distributed values, by Box and Muller. */
function normal(shift) {
	const next = random(1);
	const uniform = () => (next() + 1) / 2 ** 32;
	const one = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
	return Array.from({ length: VALUES }, () => (one() + shift).toFixed(DIGITS));
}

/** By side. */
const SIDES = { reference: { seed: 2, shift: 0 }, current: { seed: 3, shift: SHIFT } };

/** Indexes of values, some rows at a time. */
function* indexes(side, rows) {
	const next = random(SIDES[side].seed);
	for (let at = 0; at < rows; at += ROWS_AT_ONCE) {
		const count = Math.min(ROWS_AT_ONCE, rows - at);
		yield Uint16Array.from({ length: count * COLUMNS.length }, () => next() & (VALUES - 1));
	}
}

/** Where the values of a column are: the second half is shifted. */
const poolsOf = (side) => {
	const [plain, shifted] = [normal(0), normal(SIDES[side].shift)];
	return COLUMNS.map((_, column) => (column < COLUMNS.length / 2 ? plain : shifted));
};

/**
 * Writes a CSV file with a header.
 *
 * @param {string} path
 * @param {'reference' | 'current'} side
 * @param {number} rows
 */
export async function writeCsv(path, side, rows) {
	const file = createWriteStream(path);
	file.write(`${COLUMNS}\n`);
	const pools = poolsOf(side);
	for (const chosen of indexes(side, rows)) {
		const lines = [];
		for (let at = 0; at < chosen.length; at += pools.length) {
			let line = pools[0][chosen[at]];
			for (let column = 1; column < pools.length; column += 1) line += `,${pools[column][chosen[at + column]]}`;
			lines.push(line);
		}
		if (!file.write(`${lines.join('\n')}\n`)) await once(file, 'drain');
	}
	file.end();
	await once(file, 'close');
}

/**
 * The same rows as tensors.
 *
 * @param {'reference' | 'current'} side
 * @param {number} rows
 * @returns {Generator<Float32Array>} `[n, 100]` each
 */
export function* tensors(side, rows) {
	const pools = poolsOf(side).map((pool) => Float32Array.from(pool));
	for (const chosen of indexes(side, rows)) {
		yield Float32Array.from(chosen, (index, at) => pools[at % pools.length][index]);
	}
}
