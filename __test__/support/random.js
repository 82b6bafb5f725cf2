/** Pseudo-random numbers in [0, 1), the same for the same seed. */
export function randomFrom(seed) {
	let state = seed;
	return () => {
		state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
		return state / 2 ** 31;
	};
}
