// The states of an alert, on a clock that the test moves: examples, and what holds for whatever is seen.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventsOfRules } from '../resources/monitoring/alerts/happenings.js';
import { act, stateOf, step } from '../resources/monitoring/alerts/states.js';

const RULE = { forMs: 0, keepFiringForMs: 0, cooldownMs: 0 };
const EVIDENCE = { value: 2, threshold: 1, query: '/somewhere' };

/** What becomes of an alert when a rule sees one letter after another, ten seconds apart: h(olds), c(lear), n(o data), o(ff). */
function statesOf(letters, rule = {}) {
	const sees = { h: 'holds', c: 'clear', n: 'noData', o: 'off' };
	let alert = {};
	return [...letters].map((letter, at) => {
		alert = step(alert, { sees: sees[letter], evidence: EVIDENCE }, { ...RULE, ...rule }, 1000 + at * 10);
		return stateOf(alert)[0];
	});
}

describe('the way of an alert', () => {
	for (const [what, rule, seen, expected] of [
		['fires at once without for', {}, 'chc', 'ifr'],
		['waits for the time of for', { forMs: 20 }, 'hhhh', 'ppff'],
		['is forgotten when the condition ends before', { forMs: 20 }, 'hhchhh', 'ppippf'],
		['goes on for the time of keepFiringFor', { keepFiringForMs: 20 }, 'hccc', 'fffr'],
		[
			'begins the time of keepFiringFor anew when the condition holds again',
			{ keepFiringForMs: 20 },
			'hcchcccc',
			'ffffffrr',
		],
		['has no data, which is neither', {}, 'nhn', 'nfn'],
		['goes on firing when there are data again', { forMs: 20 }, 'hhhnh', 'ppfnf'],
		['is resolved when there are data again that say so', {}, 'hnc', 'fnr'],
		['waits anew after a time without data', { forMs: 20 }, 'hhnhhh', 'ppnppf'],
		['waits for the cooldown, during which it is pending', { cooldownMs: 30 }, 'hchhhh', 'frppff'],
		['ends with its rule', {}, 'hoo', 'frr'],
		['ends with its rule without data', {}, 'hno', 'fnr'],
		['was nothing, and its rule ends', {}, 'no', 'ni'],
		['stays resolved', {}, 'hccc', 'frrr'],
	]) {
		test(`it ${what}`, () => assert.equal(statesOf(seen, rule).join(''), expected));
	}

	test('its changes have the time, the state and the evidence, and their number is bounded', () => {
		let alert = {};
		for (let at = 0; at < 200; at += 1) {
			alert = step(alert, { sees: at % 2 ? 'clear' : 'holds', evidence: EVIDENCE }, RULE, at);
		}
		assert.equal(alert.changes.length, 50);
		assert.deepEqual(alert.changes.at(-1), { time: 199, state: 'resolved', evidence: EVIDENCE });
		assert.deepEqual([alert.value, alert.threshold, alert.since], [2, 1, 199]);
	});
});

describe('people', () => {
	const firing = step({}, { sees: 'holds' }, RULE, 1000);
	const doing = (alert, name, now, more) => ({ ...alert, ...act(alert, name, { who: 'ada', ...more }, now) });

	test('acknowledge what is firing, until it has ended', () => {
		let alert = doing(firing, 'acknowledge', 1005, { comment: 'I look' });
		assert.equal(stateOf(alert), 'acknowledged');
		assert.deepEqual(alert.actions, [{ time: 1005, action: 'acknowledge', who: 'ada', comment: 'I look' }]);
		alert = step(alert, { sees: 'noData' }, RULE, 1010);
		assert.equal(stateOf(alert), 'noData');
		alert = step(alert, { sees: 'holds' }, RULE, 1020);
		assert.equal(stateOf(alert), 'acknowledged', 'it is still the same alert');
		alert = step(alert, { sees: 'clear' }, RULE, 1030);
		alert = step(alert, { sees: 'holds' }, RULE, 1040);
		assert.equal(stateOf(alert), 'firing', 'and this is another one');
		assert.equal(act(step(alert, { sees: 'clear' }, RULE, 1050), 'acknowledge', { who: 'ada' }, 1055), undefined);
	});

	test('are not told again that what they acknowledged fires, when it was without data meanwhile', () => {
		let alert = { ...doing(firing, 'acknowledge', 1005), id: 'r' };
		const told = ['noData', 'holds', 'holds'].map((sees, at) => {
			const before = new Map([['r', alert]]);
			alert = step(alert, { sees, evidence: EVIDENCE }, RULE, 1010 + at);
			return eventsOfRules([alert], before, 1010 + at).map(({ kind }) => kind);
		});
		assert.deepEqual(told, [['alert.noData'], ['alert.acknowledged'], []]);
	});

	test('resolve what is under way; it begins anew when the condition still holds', () => {
		const rule = { ...RULE, forMs: 10, cooldownMs: 30 };
		let alert = doing(firing, 'resolve', 1005);
		assert.equal(stateOf(alert), 'resolved');
		assert.equal(act(alert, 'resolve', { who: 'ada' }, 1006), undefined);
		assert.equal(stateOf(step(alert, { sees: 'holds' }, rule, 1002)), 'resolved', 'this was seen before');
		const states = [1010, 1020, 1030, 1040].map((now) => {
			alert = step(alert, { sees: 'holds' }, rule, now);
			return stateOf(alert);
		});
		assert.deepEqual(states, ['pending', 'pending', 'pending', 'firing']);
		assert.equal(stateOf(step(doing(firing, 'resolve', 1005), { sees: 'clear' }, rule, 1010)), 'resolved');
	});

	test('silence, in every state', () => {
		const alert = doing(firing, 'silence', 1005, { until: 5000 });
		assert.deepEqual([stateOf(alert), alert.silencedUntil], ['firing', 5000]);
		assert.equal(step(alert, { sees: 'clear' }, RULE, 1010).silencedUntil, 5000);
	});

	test('what they do is never before what it is about', () => {
		assert.equal(act(firing, 'acknowledge', { who: 'ada' }, 3).acknowledgedAt, 1000);
	});
});

/** Pseudo-random whole numbers below a bound, the same for the same seed. */
function randomFrom(seed) {
	let state = seed;
	return (bound) => {
		state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
		return Math.floor((state / 2 ** 31) * bound);
	};
}

/** Without what is undefined, in one order. */
const textOf = (alert) => JSON.stringify(Object.fromEntries(Object.entries(alert).sort()));

test('whatever is seen and done, in 300 runs', () => {
	const random = randomFrom(7);
	for (let run = 0; run < 300; run += 1) {
		const rule = { forMs: random(4) * 10, keepFiringForMs: random(4) * 10, cooldownMs: random(6) * 10 };
		let alert = {};
		let heldSince;
		let last;
		for (let at = 1; at <= 40; at += 1) {
			const now = at * 10;
			const sees = ['holds', 'holds', 'clear', 'noData', 'off'][random(random(10) === 0 ? 5 : 4)];
			const before = alert;
			alert = step(alert, { sees, evidence: EVIDENCE }, rule, now);
			const context = `run ${run}, step ${at}, ${sees}`;
			heldSince = sees === 'holds' ? (heldSince ?? now) : undefined;
			const [was, is] = [stateOf(before), stateOf(alert)];
			assert.equal(is === 'noData', sees === 'noData', `no data is a state of its own: ${context}`);
			if (is === 'firing' && before.firedAt === undefined) {
				assert.ok(now - heldSince >= rule.forMs, `it fires after its time: ${context}`);
				assert.ok(last === undefined || now - last >= rule.cooldownMs, `and after its cooldown: ${context}`);
			}
			if (is === 'resolved' && was !== 'resolved') {
				assert.ok(before.firedAt !== undefined, `only what fired is resolved: ${context}`);
				last = now;
			}
			if (sees === 'holds') assert.ok(['pending', 'firing', 'acknowledged'].includes(is), context);
			assert.equal(alert.since === now, was !== is || before.since === now, `since the change: ${context}`);
			assert.deepEqual(
				(alert.changes ?? []).map(({ state }) => state).filter((state, place, all) => state === all[place - 1]),
				[],
				`each change is one: ${context}`
			);
			// To see the same again at the same time changes nothing.
			const again = step(alert, { sees, evidence: EVIDENCE }, rule, now);
			assert.equal(textOf(again), textOf(alert), context);
			if (is === 'firing' && random(5) === 0) {
				alert = { ...alert, ...act(alert, 'acknowledge', { who: 'ada' }, now + 1) };
				assert.equal(stateOf(alert), 'acknowledged', context);
			}
		}
	}
});
