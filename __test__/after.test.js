// Changes of records that hold a later time than the clock says: here of a Harper whose clock was an hour ahead before.
import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { changing, contextAfter, deleteAfter, patchAfter, putAfter } from '../resources/storage/after.js';

const HOUR_MS = 3_600_000;

/** A table as Harper has it: of two writes of a record the one with the later time stays, without a word. */
class Table {
	primaryKey = 'id';
	#entries = new Map();
	primaryStore = { getEntry: (key) => this.#entries.get(key) };

	/** What is there, as a node wrote it whose clock is ahead. */
	hold(value, version) {
		this.#entries.set(value.id, { value, version });
	}

	get(key) {
		return this.#entries.get(key)?.value;
	}

	#write(key, value, { timestamp = Date.now() }) {
		if ((this.#entries.get(key)?.version ?? 0) < timestamp) this.#entries.set(key, { value, version: timestamp });
	}

	put(record, context) {
		this.#write(record.id, record, context);
	}

	patch(key, update, context) {
		this.#write(key, { ...this.get(key), ...update }, context);
	}

	delete(key, context) {
		this.#write(key, undefined, context);
	}
}

describe('a record of an hour ahead', () => {
	const { transaction } = globalThis;
	after(() => (globalThis.transaction = transaction));

	let table;
	beforeEach(() => {
		globalThis.transaction = async (context, act) => act(context);
		table = new Table();
		table.hold({ id: 'a', stage: 'development' }, Date.now() + HOUR_MS);
	});

	test('is changed by a patch', async () => {
		await patchAfter(table, 'a', { stage: 'production' });
		assert.deepEqual(table.get('a'), { id: 'a', stage: 'production' });
	});

	test('is replaced by a put, deleted, and put again', async () => {
		await putAfter(table, { id: 'a', stage: 'staging' });
		assert.equal(table.get('a').stage, 'staging');
		await deleteAfter(table, 'a');
		assert.equal(table.get('a'), undefined);
		await putAfter(table, { id: 'a', stage: 'again' });
		assert.equal(table.get('a').stage, 'again');
	});

	test('is changed together with others', async () => {
		const records = ['a', 'b'].map((key) => [table, key]);
		await changing(records, (context) => {
			table.put({ id: 'a', stage: 'both' }, context);
			table.put({ id: 'b', stage: 'both' }, context);
		});
		assert.deepEqual([table.get('a').stage, table.get('b').stage], ['both', 'both']);
	});

	test('changes nothing for those of now', async () => {
		table.hold({ id: 'now' }, Date.now() - 1);
		const context = { expiresAt: 1 };
		assert.equal(await contextAfter([[table, 'now']], context), context);
		assert.deepEqual(await contextAfter([[table, 'never']]), {});
	});
});
