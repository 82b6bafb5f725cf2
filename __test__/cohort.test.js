import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { othersOfCohort } from '../resources/serving/cohort.js';

/** Lets the cohort end, and one of a single request after it. */
async function rest() {
	for (let requests = 0; requests < 2; requests += 1) {
		await othersOfCohort();
		for (let turns = 0; turns < 3; turns += 1) await turn();
	}
}

describe('a cohort', () => {
	test('of one request does not wait, however many come one after the other', async () => {
		await rest();
		for (let requests = 0; requests < 5; requests += 1) {
			assert.equal(othersOfCohort(), undefined);
			await turn();
			await turn();
		}
	});

	test('takes all that come in turns in a row, and ends with the first turn that brings none', async () => {
		await rest();
		assert.equal(othersOfCohort(), undefined, 'the first does not know of the others');
		const second = othersOfCohort();
		let ended = false;
		second.then(() => (ended = true));
		await turn();
		assert.equal(othersOfCohort(), second);
		await turn();
		await turn();
		assert.equal(ended, true);
		// Where several came, several are expected.
		await othersOfCohort();
	});

	test('keeps nobody for long while others come without end', async (t) => {
		let now = 0;
		t.mock.method(performance, 'now', () => now);
		await rest();
		othersOfCohort();
		let ended = false;
		othersOfCohort().then(() => (ended = true));
		for (const [at, isEnd] of [
			[1, false],
			[1.9, false],
			[2, true],
		]) {
			now = at;
			for (let turns = 0; turns < 3; turns += 1) {
				if (!ended) othersOfCohort();
				await turn();
			}
			assert.equal(ended, isEnd, `after ${at} ms`);
		}
	});
});
