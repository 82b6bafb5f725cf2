import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GroupCommit } from '../resources/group-commit.js';
import { until } from './support/until.js';

/** A store whose commits end when the test says so. */
function storeOf(limits) {
	const commits = [];
	const group = new GroupCommit(
		(records) => new Promise((resolve, reject) => commits.push({ records, resolve, reject })),
		limits
	);
	return { group, commits, started: (count) => until(`${count} commits`, () => commits.length === count) };
}

const codesOf = async (promises) => {
	const settled = await Promise.allSettled(promises);
	return settled.map(({ status, reason }) => (status === 'fulfilled' ? 'written' : reason.code));
};

describe('a group commit', () => {
	test('takes what arrives in one turn, then what arrived meanwhile, in the order of arrival', async () => {
		const { group, commits, started } = storeOf({ maxBatch: 3 });
		const first = [1, 2].map((at) => group.add(at));
		await started(1);
		const rest = [3, 4, 5, 6].map((at) => group.add(at));
		let answered = false;
		rest[0].then(() => (answered = true));
		commits[0].resolve();
		await started(2);
		assert.deepEqual(await codesOf(first), ['written', 'written']);
		assert.equal(answered, false);
		commits[1].resolve();
		await started(3);
		commits[2].resolve();
		await Promise.all(rest);
		assert.deepEqual(
			commits.map(({ records }) => records),
			[[1, 2], [3, 4, 5], [6]]
		);
	});

	test('waits for those whom it just answered, but not long', async () => {
		const { group, commits, started } = storeOf({ maxGatherMs: 1000 });
		const first = [1, 2, 3].map((at) => group.add(at));
		await started(1);
		await sleep(500);
		commits[0].resolve();
		await Promise.all(first);
		const next = [];
		for (const at of [4, 5, 6]) {
			next.push(group.add(at));
			await sleep(5);
		}
		await started(2);
		assert.deepEqual(commits[1].records, [4, 5, 6]);
		commits[1].resolve();
		await Promise.all(next);
		const alone = group.add(7);
		await started(3);
		commits[2].resolve();
		await alone;
	});

	test('brings together those who wait and those whom it just answered, up to what is enough', async () => {
		const { group, commits, started } = storeOf({ maxGatherMs: 10_000, enough: 4 });
		const first = [1, 2].map((at) => group.add(at));
		await started(1);
		const rest = [group.add(3)];
		await sleep(500);
		commits[0].resolve();
		await Promise.all(first);
		await sleep(50);
		assert.equal(commits.length, 1);
		rest.push(group.add(4), group.add(5));
		await started(2);
		assert.deepEqual(commits[1].records, [3, 4, 5]);
		rest.push(...[6, 7].map((at) => group.add(at)));
		await sleep(500);
		commits[1].resolve();
		await Promise.all(rest.slice(0, 3));
		rest.push(group.add(8));
		await sleep(50);
		assert.equal(commits.length, 2);
		rest.push(group.add(9));
		await started(3);
		assert.deepEqual(commits[2].records, [6, 7, 8, 9]);
		commits[2].resolve();
		await Promise.all(rest);
	});

	test('refuses what does not fit into its queue', async () => {
		const { group, commits, started } = storeOf({ maxWaiting: 2 });
		const added = [group.add(1)];
		await started(1);
		added.push(...[2, 3, 4].map((at) => group.add(at)));
		const codes = codesOf(added);
		commits[0].resolve();
		await started(2);
		commits[1].resolve();
		assert.deepEqual(await codes, ['written', 'written', 'written', 'QUEUE_FULL']);
	});

	test('that fails refuses all who wait, tries nothing for a while, and works again', async () => {
		const { group, commits, started } = storeOf({ retryMs: 300 });
		const added = [group.add(1)];
		await started(1);
		added.push(group.add(2));
		const codes = codesOf(added);
		commits[0].reject(new Error('no space left on device'));
		assert.deepEqual(await codes, ['STORAGE_UNAVAILABLE', 'STORAGE_UNAVAILABLE']);
		assert.deepEqual(await codesOf([group.add(3)]), ['STORAGE_UNAVAILABLE']);
		assert.equal(commits.length, 1);
		await sleep(350);
		const later = group.add(4);
		await started(2);
		commits[1].resolve();
		await later;
		assert.deepEqual(commits[1].records, [4]);
	});

	test('that hangs keeps nobody longer than its limit, and is not joined by another', async () => {
		const { group, commits, started } = storeOf({ timeoutMs: 100, retryMs: 0 });
		assert.deepEqual(await codesOf([group.add(1)]), ['STORAGE_UNAVAILABLE']);
		await sleep(50);
		assert.deepEqual(await codesOf([group.add(2)]), ['STORAGE_UNAVAILABLE']);
		assert.equal(commits.length, 1);
		commits[0].resolve();
		await sleep(50);
		const later = group.add(3);
		await started(2);
		commits[1].resolve();
		await later;
	});
});
