// When rules are evaluated, and on which node.
import { log } from '../../harper.js';
import { options } from '../../options.js';
import { RENEWAL_MS } from '../../storage/lease.js';
import { leases } from '../../storage/lease-rows.js';
import { table } from '../../storage/tables.js';
import { declaredRules } from '../rules/declared.js';
import { dueSlot, evaluateDue, slotsAfter } from './evaluation.js';
import { PastFigures } from './past-figures.js';
import { lastSlot, rowsUnder } from './rows.js';

/** The name of the lease of whoever evaluates. */
const EVALUATING = 'rules';
const SECOND_MS = 1000;

/** The slot that is evaluated, as far as this thread knows. */
let evaluated;
const past = new PastFigures();

/**
 * Evaluates the rules, when it is time and no other node does. Nothing is written where there are no rules.
 *
 * @param {{signal: AbortSignal}} held
 */
export async function evaluateRules({ signal }) {
	const { ruleInterval } = options();
	if (ruleInterval === 0) return;
	const [now, intervalMs] = [Date.now(), ruleInterval * SECOND_MS];
	const due = dueSlot(now, intervalMs);
	if (due === evaluated) return;
	if (slotsAfter(await lastSlot(), due, intervalMs).length > 0 && (await isAnyThere())) {
		const lease = await leases().take(EVALUATING);
		if (!lease) return;
		await evaluateUnder(lease, { now, intervalMs, signal });
	}
	evaluated = due;
}

async function evaluateUnder(lease, how) {
	const complain = (error) => log.error('edge-ai: the lease of rules', error);
	const renewal = setInterval(() => lease.renew().catch(complain), RENEWAL_MS).unref();
	try {
		await evaluateDue({ store: rowsUnder(lease), past, ...how });
	} finally {
		clearInterval(renewal);
		if (lease.isHeld()) await lease.release();
	}
}

/** Whether there is a rule, or an alert that a rule has left. */
async function isAnyThere() {
	if ((await declaredRules()).rules.size > 0) return true;
	for (const name of ['MonitoringRule', 'Alert']) {
		for await (const _ of table(name).search({ select: ['id'], limit: 1 })) return true;
	}
	return false;
}
