import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ApiError } from '../resources/errors.js';
import { GroupCommit } from '../resources/storage/group-commit.js';
import { Clock, settled } from './support/clock.js';
import { until } from './support/until.js';

/** A store whose commits end when the test says so, on a clock that the test moves. */
function storeOf(limits) {
	const commits = [];
	const clock = new Clock();
	const group = new GroupCommit(
		(records) => new Promise((resolve, reject) => commits.push({ records, resolve, reject })),
		limits,
		clock
	);
	const started = (count) =>
		until(`${count} commits`, async () => {
			await clock.advance(0);
			return commits.length === count;
		});
	return { clock, group, commits, started };
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
		const { clock, group, commits, started } = storeOf({ maxGatherMs: 1000 });
		const first = [1, 2, 3].map((at) => group.add(at));
		await started(1);
		await clock.advance(500);
		commits[0].resolve();
		await Promise.all(first);
		const next = [];
		for (const at of [4, 5, 6]) {
			assert.equal(commits.length, 1);
			next.push(group.add(at));
			await clock.advance(5);
		}
		assert.deepEqual(commits[1].records, [4, 5, 6]);
		await clock.advance(100);
		commits[1].resolve();
		await Promise.all(next);
		const alone = group.add(7);
		// No longer than the last commit took.
		await clock.advance(104);
		assert.equal(commits.length, 2);
		await clock.advance(1);
		assert.equal(commits.length, 3);
		commits[2].resolve();
		await alone;
	});

	test('brings together those who wait and those whom it just answered, up to what is enough', async () => {
		const { clock, group, commits, started } = storeOf({ maxGatherMs: 10_000, enough: 4 });
		const first = [1, 2].map((at) => group.add(at));
		await started(1);
		const rest = [group.add(3)];
		await clock.advance(500);
		commits[0].resolve();
		await Promise.all(first);
		await clock.advance(50);
		assert.equal(commits.length, 1);
		rest.push(group.add(4), group.add(5));
		await started(2);
		assert.deepEqual(commits[1].records, [3, 4, 5]);
		rest.push(...[6, 7].map((at) => group.add(at)));
		await clock.advance(500);
		commits[1].resolve();
		await Promise.all(rest.slice(0, 3));
		rest.push(group.add(8));
		await clock.advance(50);
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

	/** A store with a clock that stands still: `write` gets the records of each transaction. */
	function clocked(write, limits) {
		const clock = new Clock();
		const written = [];
		const tried = [];
		const group = new GroupCommit(
			(records) => {
				tried.push(records.map(({ id }) => id));
				return write(records, () => written.push(...records.map(({ id }) => id)));
			},
			// Nobody waits for those who were just answered: time stands still.
			{ enough: 0, ...limits },
			clock
		);
		const add = (...ids) => ids.map((id) => outcomeOf(group.add({ id })));
		return { clock, group, written, tried, add };
	}

	/** `written`, or the code with what the caller is told of the event. */
	const outcomeOf = (promise) =>
		promise.then(
			() => 'written',
			({ code, details }) => (details ? `${code} ${details.inferenceId} ${details.recorded}` : code)
		);

	/** A database that takes no record whose id begins with "bad", and none of its transaction. */
	const picky = async (records, write) => {
		if (records.some(({ id }) => id.startsWith('bad'))) throw new Error('a key is too long');
		write();
	};

	test('refuses the bad records of a transaction, writes the others, and nobody waits for that', async () => {
		const { written, add } = clocked(picky);
		const ids = Array.from({ length: 100 }, (_, at) => (at % 7 === 3 ? `bad${at}` : `e${at}`));
		const expected = ids.map((id) => (id.startsWith('bad') ? `STORAGE_UNAVAILABLE ${id} false` : 'written'));
		assert.deepEqual(await Promise.all(add(...ids)), expected);
		assert.deepEqual(written.sort(), ids.filter((id) => !id.startsWith('bad')).sort());
		assert.deepEqual(await Promise.all(add('bad', 'next')), ['STORAGE_UNAVAILABLE bad false', 'written']);
		assert.deepEqual(await Promise.all(add('bad')), ['STORAGE_UNAVAILABLE bad false']);
		assert.deepEqual(await Promise.all(add('later')), ['written']);
	});

	test('writes what arrives while a bad record is refused', async () => {
		const { clock, written, add } = clocked(async (records, write) => {
			await clock.sleep(10);
			await picky(records, write);
		});
		const first = add('a', 'bad', 'b');
		await clock.advance(5);
		const second = add('c', 'd');
		await clock.advance(1000);
		assert.deepEqual(await Promise.all(first), ['written', 'STORAGE_UNAVAILABLE bad false', 'written']);
		assert.deepEqual(await Promise.all(second), ['written', 'written']);
		assert.deepEqual(written.sort(), ['a', 'b', 'c', 'd']);
	});

	for (const [what, failure] of [
		['rejects', async () => Promise.reject(new Error('input/output error'))],
		[
			'throws at once',
			() => {
				throw new Error('the database is closed');
			},
		],
	]) {
		test(`of a storage that ${what} refuses all after few tries, is left alone for a while, and works again`, async () => {
			let isBroken = true;
			const { clock, tried, add } = clocked((_records, write) => (isBroken ? failure() : write()), { retryMs: 300 });
			const ids = Array.from({ length: 500 }, (_, at) => `e${at}`);
			const outcomes = await Promise.all(add(...ids));
			assert.deepEqual(
				outcomes,
				ids.map((id) => `STORAGE_UNAVAILABLE ${id} false`)
			);
			assert.ok(tried.length < 30, `${tried.length} transactions`);
			const before = tried.length;
			assert.deepEqual(await Promise.all(add('soon')), ['STORAGE_UNAVAILABLE soon false']);
			assert.equal(tried.length, before);
			isBroken = false;
			await clock.advance(300);
			assert.deepEqual(await Promise.all(add('later')), ['written']);
		});
	}

	test('that hears that the storage is not available tries no record by itself', async () => {
		const { clock, tried, add } = clocked(async () => {
			throw new ApiError('STORAGE_UNAVAILABLE', 'the disk is full');
		});
		assert.deepEqual(await Promise.all(add('a', 'b')), ['STORAGE_UNAVAILABLE a false', 'STORAGE_UNAVAILABLE b false']);
		assert.deepEqual(tried, [['a', 'b']]);
		await Promise.all(add('c'));
		assert.equal(tried.length, 1);
		await clock.advance(1000);
		await Promise.all(add('d'));
		assert.equal(tried.length, 2);
	});

	test('that takes too long says that its events may be stored, those that waited that they are not', async () => {
		let end;
		const { clock, written, add } = clocked(
			(_records, write) => new Promise((resolve) => (end = resolve)).then(write),
			{ timeoutMs: 10_000 }
		);
		const slow = add('slow');
		await clock.advance(9000);
		const behind = add('behind');
		await clock.advance(1000);
		assert.deepEqual(await Promise.all([...slow, ...behind]), [
			'STORAGE_UNAVAILABLE slow unknown',
			'STORAGE_UNAVAILABLE behind false',
		]);
		assert.deepEqual(written, []);
		end();
		await settled();
		assert.deepEqual(written, ['slow']);
		const next = add('next');
		await settled();
		end();
		assert.deepEqual(await Promise.all(next), ['written'], 'the storage works, so nobody waits for another try');
	});

	test('that never ends is left behind: later ones go on without it, and few hang at a time', async () => {
		let isHanging = true;
		const { clock, tried, add } = clocked((_records, write) => (isHanging ? new Promise(() => {}) : write()), {
			timeoutMs: 100,
			retryMs: 50,
			maxHung: 2,
			hungMs: 10_000,
		});
		for (const id of ['a', 'b']) {
			const hanging = add(id);
			await clock.advance(100);
			assert.deepEqual(await Promise.all(hanging), [`STORAGE_UNAVAILABLE ${id} unknown`]);
			await clock.advance(50);
		}
		assert.deepEqual(await Promise.all(add('c')), ['STORAGE_UNAVAILABLE c false']);
		assert.deepEqual(tried, [['a'], ['b']], 'two hang');
		isHanging = false;
		await clock.advance(10_000);
		assert.deepEqual(await Promise.all(add('d', 'e')), ['written', 'written']);
	});

	test('that never ends once lets the next one be written', async () => {
		let isHanging = true;
		const { clock, add } = clocked((_records, write) => (isHanging ? new Promise(() => {}) : write()), {
			timeoutMs: 100,
			retryMs: 50,
		});
		const hanging = add('a');
		await clock.advance(100);
		await Promise.all(hanging);
		isHanging = false;
		await clock.advance(50);
		assert.deepEqual(await Promise.all(add('b')), ['written']);
	});
});
