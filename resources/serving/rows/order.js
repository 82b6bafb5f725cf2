// Work on many items at once, with the outcomes in the order of the items.
import { setImmediate as turn } from 'node:timers/promises';

/** After so many items other requests get their turn. */
const ITEMS_PER_TURN = 32;

/**
 * Outcomes in order, as many at a time as are known. Items are read only while few enough are in flight or wait to be taken,
 * so a slow consumer holds back the source.
 *
 * @template Item, Outcome
 * @param {AsyncIterable<Item>} items an error of theirs is thrown behind the outcomes of the items before it
 * @param {{count: number, bytes: number}} limits of what is in flight; an item over `bytes` goes alone
 * @param {(item: Item) => number} bytesOf
 * @param {(item: Item, at: number) => Promise<Outcome>} work a failure ends everything
 * @returns {AsyncGenerator<Outcome[]>}
 */
export async function* inOrder(items, limits, bytesOf, work) {
	const iterator = items[Symbol.asyncIterator]();
	const inFlight = [];
	let bytes = 0;
	let count = 0;
	let reading;
	let ended = false;
	let failure;

	const begin = (item) => {
		const entry = { bytes: bytesOf(item), settled: false, outcome: undefined, done: undefined };
		entry.done = work(item, count).then((outcome) => {
			entry.settled = true;
			entry.outcome = outcome;
		});
		// It is thrown when its turn comes; until then it is not forgotten.
		entry.done.catch(() => {});
		count += 1;
		bytes += entry.bytes;
		inFlight.push(entry);
	};
	const read = async () => {
		try {
			const { done, value } = await iterator.next();
			if (done) ended = true;
			else begin(value);
			if (count % ITEMS_PER_TURN === 0) await turn();
		} catch (error) {
			ended = true;
			failure = error;
		}
		reading = undefined;
	};

	try {
		for (;;) {
			if (!ended && inFlight.length < limits.count && bytes < limits.bytes) reading ??= read();
			if (inFlight.length === 0) {
				if (!reading) break;
				await reading;
				continue;
			}
			await (reading ? Promise.race([inFlight[0].done, reading]) : inFlight[0].done);
			const settled = inFlight.findIndex((entry) => !entry.settled);
			const taken = inFlight.splice(0, settled === -1 ? inFlight.length : settled);
			for (const entry of taken) bytes -= entry.bytes;
			if (taken.length > 0) yield taken.map(({ outcome }) => outcome);
		}
		if (failure) throw failure;
	} finally {
		// Not awaited: the source may be waiting for something that never comes.
		iterator.return?.()?.catch(() => {});
	}
}
