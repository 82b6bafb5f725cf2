// Numbers that look random, and are the same for the same seed.

/**
 * sfc32 of Chris Doty-Humphrey (PractRand), seeded as it asks for.
 *
 * @param {number} seed a whole number from 0 to 2^32 - 1
 * @returns {() => number} in [0, 1), of 32 bits
 */
export function seeded(seed) {
	let [a, b, c, counter] = [0, seed | 0, 0, 1];
	const next = () => {
		const sum = (a + b + counter) | 0;
		counter = (counter + 1) | 0;
		a = b ^ (b >>> 9);
		b = (c + (c << 3)) | 0;
		c = ((c << 21) | (c >>> 11)) + sum;
		return (sum >>> 0) / 2 ** 32;
	};
	for (let warmUp = 0; warmUp < 12; warmUp += 1) next();
	return next;
}
