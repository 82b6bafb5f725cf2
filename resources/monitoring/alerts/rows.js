// Where evaluation has its rules and alerts: tables that are replicated.
import { acquireLock } from '../../../binding.js';
import { copyOf, transaction } from '../../harper.js';
import { contextAfter } from '../../storage/after.js';
import { commit } from '../../storage/disk.js';
import { table } from '../../storage/tables.js';
import { eventOfRequest } from '../retraining/happenings.js';
import { requestsOf } from '../retraining/record.js';
import { putRequest } from '../retraining/rows.js';
import { allRules, ruleIds } from '../rules/record.js';
import { outboxEntries, putEntries } from '../webhooks/outbox.js';
import { eventsOfRules } from './happenings.js';
import { allAlerts, ALERTS, OF_RULE } from './record.js';
import { MACHINE } from './states.js';

/** The key of the only row: which slot was evaluated last. */
const KEY = 'rules';

const all = async (records) => {
	const list = [];
	for await (const record of records) list.push(record);
	return list;
};

/** Which slot was evaluated last. */
export async function lastSlot() {
	const { slot } = (await table('RuleProgress').get(KEY)) ?? {};
	return Number.isSafeInteger(slot) ? slot : undefined;
}

/**
 * @param {{check: () => Promise<void>}} lease under which is written
 * @returns {import('./evaluation.js').Store}
 */
export const rowsUnder = (lease) => ({
	lastSlot,
	rules: () => all(allRules()),
	alerts: () => all(allAlerts()),
	requests: requestsOf,
	async commit({ slot, last, modelIds }, decide) {
		// On this node people do not change an alert meanwhile; on others they change other attributes of it.
		const lock = await acquireLock(ALERTS);
		try {
			if ((await lastSlot()) !== last) return false;
			const before = await all(allAlerts());
			const decision = decide(before, await ruleIds(), await requestsOf(modelIds));
			await lease.check();
			await write(slot, decision, new Map(before.map((alert) => [alert.id, alert])));
			return true;
		} finally {
			lock.release();
		}
	},
});

async function write(slot, { put, remove, requests }, known) {
	const [alerts, progress] = [table('Alert'), table('RuleProgress')];
	const keys = [...put.map(({ id }) => id), ...remove];
	const entries = await outboxEntries([...eventsOfRules(put, known, slot), ...requests.map(eventOfRequest)]);
	const context = await contextAfter([[progress, KEY], ...keys.map((key) => [alerts, key])]);
	const size = [...put, ...requests, ...entries].reduce((sum, record) => sum + JSON.stringify(record).length, 0);
	await commit(size, () =>
		transaction(context, async () => {
			for (const record of put.map(copyOf)) {
				if (known.has(record.id)) await alerts.patch(record.id, ofMachine(record), context);
				else await alerts.put(record, context);
			}
			for (const id of remove) await alerts.delete(id, context);
			for (const request of requests) await putRequest(request, context);
			await progress.put({ id: KEY, slot }, context);
			await putEntries(entries, context);
		})
	);
}

/** What people write of a record is theirs. */
const ofMachine = (record) => Object.fromEntries([...OF_RULE, ...MACHINE].map((name) => [name, record[name] ?? null]));
