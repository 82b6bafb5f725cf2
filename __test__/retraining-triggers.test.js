// When alerts make requests for retraining, on a clock that the test moves.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decide } from '../resources/monitoring/alerts/evaluation.js';
import { isEventId, timeOf } from '../resources/monitoring/record.js';
import { act, statesFor, STATES } from '../resources/monitoring/retraining/states.js';
import { labelsFor, Triggers } from '../resources/monitoring/retraining/triggers.js';
import { readRule } from '../resources/monitoring/rules/definition.js';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const AT = 20_000 * DAY;

const ruleOf = (retrain, fields) =>
	readRule({ id: 'r', modelId: 'm', measure: 'errorRate', threshold: 0.5, retrain, ...fields });
const evidence = { value: 0.9, threshold: 0.5, from: 1, to: 2, query: '/q' };

/** Slots one after the other, over what they leave. */
class Slots {
	alerts = [];
	requests = [];
	labels = 0;

	constructor(...rules) {
		this.rules = rules;
	}

	/** What all rules see at a time; resolves to what was written. */
	async see(sees, slot) {
		const samples = this.rules.map((rule) => ({ rule, version: rule.version, sample: { sees, evidence } }));
		const labels = await labelsFor(this.rules, this.requests, async () => ({ count: this.labels }));
		const triggers = new Triggers(this.requests, labels);
		const { put, requests } = decide(slot, this.rules, samples, this.alerts, triggers);
		const alerts = new Map([...this.alerts, ...put].map((alert) => [alert.id, alert]));
		this.alerts = [...alerts.values()];
		this.requests = [...this.requests, ...requests];
		return { put, requests };
	}

	end(name, now) {
		const request = this.requests.at(-1);
		const steps = name === 'complete' && request.state === 'pending' ? ['approve', name] : [name];
		for (const step of steps) Object.assign(request, act(request, step, { who: 'a' }, now));
	}
}

test('the request is made when the alert fires, with what the rule saw, and once', async () => {
	const slots = new Slots(ruleOf({}, { for: '1m', version: 'v1' }));
	assert.deepEqual((await slots.see('holds', AT)).requests, [], 'pending');
	const { requests, put } = await slots.see('holds', AT + MINUTE);
	const [request] = requests;
	const { id, ...rest } = request;
	assert.deepEqual(rest, {
		...{ modelId: 'm', version: 'v1', rule: 'r', alert: 'r:v1', measure: 'errorRate' },
		reason: 'errorRate was 0.9 in 1h, which is above 0.5',
		...{ evidence, approval: 'manual', state: 'pending', createdAt: AT + MINUTE },
		changes: [{ time: AT + MINUTE, state: 'pending' }],
	});
	assert.deepEqual([isEventId(id), timeOf(id)], [true, AT + MINUTE]);
	assert.deepEqual(put[0].retraining, { request: id });
	for (const [sees, minute] of [
		['holds', 2],
		['noData', 3],
		['holds', 4],
	]) {
		assert.deepEqual((await slots.see(sees, AT + minute * MINUTE)).requests, [], sees);
	}
	slots.end('reject', AT + 5 * MINUTE);
	assert.deepEqual((await slots.see('holds', AT + 30 * DAY)).requests, [], 'somebody has said no to this one');
	await slots.see('clear', AT + 31 * DAY);
	assert.equal(slots.alerts[0].retraining, undefined);
});

test('whoever evaluates a slot gives the request the same id', async () => {
	const ids = await Promise.all([1, 2].map(async () => (await new Slots(ruleOf({})).see('holds', AT)).requests[0].id));
	assert.equal(ids[0], ids[1]);
	const other = await new Slots(ruleOf({}, { id: 'other' })).see('holds', AT);
	assert.notEqual(other.requests[0].id, ids[0]);
});

test('automatic approval', async () => {
	const { requests } = await new Slots(ruleOf({ approval: 'automatic' })).see('holds', AT);
	assert.deepEqual([requests[0].state, requests[0].changes], ['approved', [{ time: AT, state: 'approved' }]]);
});

test('a rule that asks for none makes none', async () => {
	const { requests, put } = await new Slots(ruleOf(undefined)).see('holds', AT);
	assert.deepEqual([requests, put[0].state, 'retraining' in put[0]], [[], 'firing', false]);
});

describe('it waits, says why, and is made later', () => {
	const firing = async (slots, retraining, at) => {
		const { requests } = await slots.see('holds', at);
		assert.deepEqual(requests, []);
		assert.match(slots.alerts.at(-1).retraining.waits, retraining);
	};

	test('for another open request of the model, also of the same slot', async () => {
		const slots = new Slots(
			ruleOf({}),
			ruleOf({ minDaysBetween: 0 }, { id: 's' }),
			ruleOf({}, { id: 't', modelId: 'n' })
		);
		const { requests } = await slots.see('holds', AT);
		assert.deepEqual(
			requests.map(({ rule }) => rule),
			['r', 't']
		);
		const second = () => slots.alerts.find(({ rule }) => rule === 's');
		assert.equal(second().retraining.waits, `the request ${requests[0].id} of this model is still open`);
		const { put } = await slots.see('holds', AT + MINUTE);
		assert.deepEqual(put, [], 'what it waits for is not written again');
		slots.requests = slots.requests.map((request) => ({ ...request, state: 'completed' }));
		const later = await slots.see('holds', AT + 2 * MINUTE);
		assert.deepEqual(
			later.requests.map(({ rule }) => rule),
			['s']
		);
		assert.deepEqual(second().retraining, { request: later.requests[0].id });
	});

	test('for the days between two', async () => {
		const slots = new Slots(ruleOf({ minDaysBetween: 2 }));
		await slots.see('holds', AT);
		slots.end('complete', AT + MINUTE);
		await slots.see('clear', AT + 2 * MINUTE);
		await firing(
			slots,
			/^the last request of this model was made at 2024-10-04T00:00:00.000Z, and minDaysBetween is 2$/,
			AT + DAY
		);
		await firing(slots, /minDaysBetween/, AT + 2 * DAY - 1);
		assert.equal((await slots.see('clear', AT + 2 * DAY)).requests.length, 0, 'the alert must fire');
		assert.equal((await slots.see('holds', AT + 2 * DAY + MINUTE)).requests.length, 1);
	});

	test('for labels', async () => {
		const slots = new Slots(ruleOf({ minDaysBetween: 0, minNewLabels: 10 }));
		slots.labels = 9;
		await firing(slots, /^fewer than 10 predictions have feedback$/, AT);
		slots.labels = 10;
		assert.equal((await slots.see('holds', AT + MINUTE)).requests.length, 1);
		slots.end('complete', AT + 2 * MINUTE);
		await slots.see('clear', AT + 3 * MINUTE);
		slots.labels = 9;
		await firing(slots, /^fewer than 10 predictions since 2024-10-04T00:01:00.000Z have feedback$/, AT + 4 * MINUTE);
	});

	test('for labels that were counted since an earlier request, or could not be', async () => {
		const rule = ruleOf({ minDaysBetween: 0, minNewLabels: 1 });
		const request = { modelId: 'm', id: 'i', state: 'rejected', createdAt: AT - MINUTE };
		const take = (labels) =>
			new Triggers([request], new Map([['m', labels]])).take(
				rule,
				{ id: 'r', state: 'firing', firedAt: AT },
				{ sees: 'holds', evidence },
				AT
			);
		assert.match(take({ since: 0, count: 50 }).waits, /^fewer than 1/);
		assert.match(take({ since: AT - MINUTE, reason: 'not now' }).waits, /could not be counted: not now/);
		assert.ok(take({ since: AT - MINUTE, count: 1 }).request);
	});
});

test('what is done to a request, in each of its states', () => {
	const reached = { approve: 'approved', reject: 'rejected', start: 'running', complete: 'completed', fail: 'failed' };
	const allowed = [];
	for (const [name, to] of Object.entries(reached)) {
		for (const state of STATES) {
			const request = { state, createdAt: 5, changes: [{ time: 7, state }] };
			const written = act(request, name, { who: 'a', comment: 'c' }, 6);
			assert.equal(written !== undefined, statesFor(name).includes(state));
			if (!written) continue;
			allowed.push(`${state}>${to}`);
			assert.deepEqual(written.changes.at(-1), { time: 7, state: to, who: 'a', comment: 'c' }, 'never before the last');
		}
	}
	assert.deepEqual(allowed, [
		...['pending>approved', 'pending>rejected', 'approved>rejected', 'approved>running'],
		...['approved>completed', 'running>completed', 'approved>failed', 'running>failed'],
	]);
});
