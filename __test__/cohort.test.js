import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { othersOfCohort } from '../resources/cohort.js';

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

	test('keeps nobody for long while others come without end', async () => {
		await rest();
		othersOfCohort();
		let ended = false;
		othersOfCohort().then(() => (ended = true));
		const startedAt = performance.now();
		while (!ended) {
			assert.ok(performance.now() - startedAt < 1000, 'it never ends');
			othersOfCohort();
			await turn();
		}
		assert.ok(performance.now() - startedAt >= 2, 'it ended while others came');
	});
});
