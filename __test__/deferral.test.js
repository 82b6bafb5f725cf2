import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GroupCommit } from '../resources/storage/group-commit.js';
import { Deferral, deferredWritten } from '../resources/storage/deferral.js';
import { Clock, settled } from './support/clock.js';

/** A store whose commits end when the test says so, on a clock that the test moves. */
function storeOf(limits, groupLimits) {
	const clock = new Clock();
	const commits = [];
	const group = new GroupCommit(
		(records) => new Promise((resolve, reject) => commits.push({ records, resolve, reject })),
		groupLimits,
		clock
	);
	const lost = [];
	const deferral = new Deferral(group, limits, { now: clock.now });
	const take = (record, bytes = 1) => deferral.take(record, bytes, (error) => lost.push([record, error.code]));
	return { clock, commits, group, lost, take };
}

const isSettled = async (promise) => {
	let done = false;
	promise.then(() => (done = true));
	await settled();
	return done;
};

describe('what is deferred', () => {
	test('is written together, soon, and nobody who reads before that goes without it', async () => {
		const { clock, commits, take } = storeOf();
		assert.ok(take('a'));
		const reading = deferredWritten();
		await clock.advance(50);
		assert.ok(take('b'));
		await clock.advance(49);
		assert.equal(commits.length, 0);
		await clock.advance(1);
		assert.deepEqual(commits[0].records, ['a', 'b']);
		assert.equal(await isSettled(reading), false);
		commits[0].resolve();
		await reading;
		assert.equal(await isSettled(deferredWritten()), true);
	});

	test('is written at once with what somebody waits for', async () => {
		const { clock, commits, group, take } = storeOf();
		take('a');
		await settled();
		const added = group.add('b');
		await clock.advance(0);
		assert.deepEqual(commits[0].records, ['a', 'b']);
		commits[0].resolve();
		await added;
	});

	test('does not wait when there are enough for a commit', async () => {
		const { clock, commits, take } = storeOf({}, { maxBatch: 3 });
		for (const record of ['a', 'b']) take(record);
		await settled();
		assert.equal(commits.length, 0);
		for (const record of ['c', 'd']) take(record);
		await clock.advance(0);
		assert.deepEqual(commits[0].records, ['a', 'b', 'c']);
		commits[0].resolve();
		await clock.advance(100);
		assert.deepEqual(commits[1].records, ['d']);
		commits[1].resolve();
		await settled();
	});

	test('is bounded in number, in bytes and in time; what is written makes room', async () => {
		const { clock, commits, take } = storeOf({ maxRecords: 3, maxBytes: 100, maxAgeMs: 500 });
		assert.deepEqual(
			[take('a', 60), take('b', 41), take('c', 40), take('d', 0), take('e', 0)],
			[true, false, true, true, false]
		);
		await clock.advance(100);
		commits[0].resolve();
		await settled();
		assert.ok(take('f', 100));
		await clock.advance(499);
		assert.ok(take('g', 0));
		await clock.advance(1);
		assert.equal(take('h', 0), false, 'the oldest has waited too long');
		commits[1].resolve();
		await clock.advance(100);
		commits[2].resolve();
		await settled();
		assert.ok(take('i'));
		await clock.advance(100);
		commits[3].resolve();
		await settled();
	});

	test('holds up readers no longer because more is deferred all the time', async () => {
		const { clock, commits, take } = storeOf();
		take('a');
		const reading = deferredWritten();
		for (let at = 0; at < 4; at += 1) {
			await clock.advance(60);
			take(at);
			for (const commit of commits) commit.resolve();
		}
		assert.equal(await isSettled(reading), true);
		await clock.advance(200);
		for (const commit of commits) commit.resolve();
		await clock.advance(200);
		for (const commit of commits) commit.resolve();
		assert.equal(await isSettled(deferredWritten()), true);
	});

	test('is lost when it cannot be written, one call for each, and holds up nobody', async () => {
		const { clock, commits, lost, take } = storeOf({}, { maxWaiting: 2 });
		for (const record of ['a', 'b', 'c']) assert.ok(take(record));
		assert.deepEqual(lost, [['c', 'QUEUE_FULL']]);
		await clock.advance(100);
		commits[0].reject(Object.assign(new Error('the disk is full'), { code: 'STORAGE_UNAVAILABLE' }));
		await settled();
		assert.ok(take('d'), 'it is answered and lost while the storage is left alone');
		assert.deepEqual(
			lost.slice(1),
			['a', 'b', 'd'].map((record) => [record, 'STORAGE_UNAVAILABLE'])
		);
		assert.equal(await isSettled(deferredWritten()), true);
	});
});
