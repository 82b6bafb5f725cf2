// What a profile adds to a call of the Node.js API, in microseconds of processor time: what it adds is nothing else, and other processes
// disturb that less than time.
import { configureProfiles } from '../binding.js';
import { Tensor } from '../index.js';
import { median } from './measures.js';

export const MAX_COLUMNS = 256;
/** Of the model and its rows. */
export const FEATURES = 10;

const CALLS = 2000;
const FIRST_ROUNDS = 10;

const rows = Array.from({ length: 4096 }, () => Float32Array.from({ length: FEATURES }, Math.random));
let count = 0;

/** The next row of a model of {@link FEATURES} numbers. */
export const nextRow = () => ({ x: new Tensor('float32', [1, FEATURES], rows[count++ % rows.length]) });

async function callUs(model, columns) {
	configureProfiles(columns, true);
	const before = process.cpuUsage();
	for (let call = 0; call < CALLS; call += 1) await model.predict(nextRow());
	const { user, system } = process.cpuUsage(before);
	return (user + system) / CALLS;
}

/**
 * The median over rounds with profiles and without them in turn.
 *
 * @param {import('../index.js').Model} model of {@link FEATURES} numbers
 * @param {number} rounds
 * @returns {Promise<number>}
 */
export async function profileCostUs(model, rounds) {
	const differences = [];
	for (let round = 0; round < FIRST_ROUNDS + rounds; round += 1) {
		const [on, off] = [await callUs(model, MAX_COLUMNS), await callUs(model, 0)];
		if (round >= FIRST_ROUNDS) differences.push(on - off);
	}
	return median(differences);
}
