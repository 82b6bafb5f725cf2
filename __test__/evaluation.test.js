// The evaluation of rules over a store in memory, on a clock that the test moves: what rules see, what is read for that, and owners that
// are killed between any two steps.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decide, dueSlot, evaluateDue, slotsAfter } from '../resources/monitoring/alerts/evaluation.js';
import { PastFigures } from '../resources/monitoring/alerts/past-figures.js';
import { samplesAt } from '../resources/monitoring/alerts/sampling.js';
import { readRule } from '../resources/monitoring/rules/definition.js';
import { measureNamed, measureNames } from '../resources/monitoring/rules/sources.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const AT = 1000 * HOUR;
const NEVER = new AbortController().signal;

const ruleOf = (fields) => ({ ...readRule({ id: 'r', modelId: 'm', measure: 'errorRate', ...fields }) });

/** What a rule sees when metrics are those of a function of what is asked. */
async function seenBy(fields, answerOf, watched = []) {
	const queries = [];
	const read = async ({ path }, parameters) => {
		queries.push({ path, ...parameters });
		return answerOf(parameters);
	};
	const samples = await samplesAt([ruleOf(fields)], AT, { versionsWatched: () => watched, read });
	return { ...samples[0]?.sample, samples, queries };
}

describe('what a rule sees', () => {
	const rate = (errorRate, count = 10) => ({ count, errorRate, errorsByCode: { RUN_FAILED: 3 }, versions: [] });

	test('a value above, below or outside of what it is compared with', async () => {
		for (const [fields, value, sees] of [
			[{ threshold: 0.5 }, 0.6, 'holds'],
			[{ threshold: 0.5 }, 0.5, 'clear'],
			[{ comparison: 'below', threshold: 0.5 }, 0.4, 'holds'],
			[{ comparison: 'below', threshold: 0.5 }, 0.5, 'clear'],
			[{ comparison: 'outside', threshold: [0.2, 0.5] }, 0.1, 'holds'],
			[{ comparison: 'outside', threshold: [0.2, 0.5] }, 0.3, 'clear'],
			[{ comparison: 'outside', threshold: [0.2, 0.5] }, 0.6, 'holds'],
		]) {
			const seen = await seenBy(fields, () => rate(value));
			assert.deepEqual([seen.sees, seen.evidence.value], [sees, value], JSON.stringify(fields));
		}
	});

	test('the evidence: the numbers, the window, and the query that shows them', async () => {
		const of = { version: 'v1', segment: 'eu' };
		const { evidence, queries } = await seenBy({ threshold: 0.5, window: '5m', ...of }, () => rate(0.6));
		const [from, to] = [AT - 5 * MINUTE, AT - 1];
		assert.deepEqual(queries, [{ path: '/monitoring/metrics', modelId: 'm', ...of, startTime: from, endTime: to }]);
		const query = `/monitoring/metrics?modelId=m&version=v1&segment=eu&startTime=${from}&endTime=${to}`;
		assert.deepEqual(evidence, { measured: 0.6, samples: 10, from, to, query, value: 0.6, threshold: 0.5 });
	});

	test('nothing where there is too little, nothing to measure, or an error', async () => {
		for (const [answer, reason] of [
			[rate(0.9, 9), '9 samples, at least 10 are needed'],
			[rate(null), 'there is nothing to measure'],
		]) {
			const { sees, evidence } = await seenBy({ threshold: 0.5, minSamples: 10 }, () => answer);
			assert.deepEqual([sees, evidence.reason], ['noData', reason]);
		}
		const { sees, evidence } = await seenBy({ threshold: 0.5 }, () => {
			throw Object.assign(new Error('there is nothing of that'), { code: 'INVALID_REQUEST' });
		});
		assert.deepEqual([sees, evidence.reason], ['noData', 'there is nothing of that']);
	});

	test('counts, and errors by their code, of which there may be none', async () => {
		const none = await seenBy({ measure: 'count', comparison: 'below', threshold: 1, minSamples: 0 }, () =>
			rate(null, 0)
		);
		assert.equal(none.sees, 'holds');
		const failed = await seenBy({ measure: 'errorsByCode.RUN_FAILED', threshold: 2 }, () => rate(0.3));
		assert.deepEqual([failed.sees, failed.evidence.value], ['holds', 3]);
		const other = await seenBy({ measure: 'errorsByCode.QUEUE_FULL', threshold: 2 }, () => rate(0.3));
		assert.deepEqual([other.sees, other.evidence.value], ['clear', 0]);
	});

	test('quality, also of a class', async () => {
		const perClass = [{ class: 'a.b', f1: 0.25 }];
		const answer = { count: 10, quality: { count: 4, macro: { f1: 0.75 }, perClass } };
		const seen = async (measure, minSamples) =>
			(await seenBy({ measure, minSamples, comparison: 'below', threshold: 0.5 }, () => answer)).sees;
		assert.equal(await seen('quality.macro.f1', 4), 'clear');
		assert.equal(await seen('quality.macro.f1', 5), 'noData');
		assert.equal(await seen('quality.perClass.a.b.f1', 4), 'holds');
		assert.equal(await seen('quality.perClass.c.f1', 4), 'noData');
	});

	test('a ratio to a window before, or a difference from it', async () => {
		const before = 24 * HOUR;
		const answers = ({ endTime }) => rate(endTime === AT - 1 ? 0.6 : 0.2);
		const ratio = await seenBy({ threshold: 2.5, referenceWindow: '1d' }, answers);
		assert.equal(ratio.sees, 'holds');
		assert.ok(Math.abs(ratio.evidence.value - 3) < 1e-12);
		assert.deepEqual([ratio.evidence.measured, ratio.evidence.reference.measured], [0.6, 0.2]);
		assert.deepEqual(
			[ratio.evidence.reference.from, ratio.evidence.reference.to],
			[AT - before - HOUR, AT - before - 1]
		);
		const difference = await seenBy({ threshold: 0.5, referenceWindow: '1d', change: 'difference' }, answers);
		assert.equal(difference.sees, 'clear');
		const toZero = await seenBy({ threshold: 2, referenceWindow: '1d' }, ({ endTime }) =>
			rate(endTime === AT - 1 ? 1 : 0)
		);
		assert.deepEqual(
			[toZero.sees, toZero.evidence.reason],
			['noData', 'the window before: a ratio to 0 is not defined']
		);
		const toNothing = await seenBy({ threshold: 2, referenceWindow: '1d' }, ({ endTime }) =>
			rate(1, endTime === AT - 1 ? 1 : 0)
		);
		assert.equal(toNothing.sees, 'noData');
	});

	test('a distance of so many sigmas from the mean of past windows, which are those of a grid', async () => {
		const past = { 1: 0.2, 2: 0.4, 3: 0.2, 4: 0.4 };
		const at = AT + 7 * MINUTE;
		const asked = [];
		const read = async (_source, { startTime, endTime }) => {
			asked.push(startTime);
			return rate(endTime === at - 1 ? 0.6 : (past[(AT - startTime) / HOUR - 1] ?? null));
		};
		const rules = [
			{ sigmas: 2 },
			{ sigmas: 3.5 },
			{ sigmas: 2, comparison: 'outside' },
			{ sigmas: 2, comparison: 'below' },
		];
		const all = rules.map((fields, place) => ruleOf({ id: `r${place}`, windows: 5, ...fields }));
		const samples = await samplesAt(all, at, { versionsWatched: () => [], read });
		assert.deepEqual(
			samples.map(({ sample }) => sample.sees),
			['holds', 'clear', 'holds', 'clear']
		);
		const { threshold, past: told } = samples[2].sample.evidence;
		assert.ok(Math.abs(threshold[0] - 0.1) < 1e-12 && Math.abs(threshold[1] - 0.5) < 1e-12, String(threshold));
		assert.equal(told.windows, 4, 'the fifth had no data');
		assert.equal(asked.length, 6, 'each window is read once for all rules');
		assert.ok(asked.every((start) => start === at - HOUR || start % HOUR === 0));
		const few = await seenBy({ sigmas: 2, windows: 2 }, ({ endTime }) => rate(1, endTime === AT - 1 ? 1 : 0));
		assert.match(few.evidence.reason, /^0 of 2 past windows/);
	});

	test('past windows are read again only after an hour, unless they could not be', async () => {
		const past = new PastFigures();
		const asked = [];
		let fails = true;
		const read = async (_source, { startTime }) => {
			asked.push(startTime);
			if (fails && startTime === AT - 2 * HOUR) throw Object.assign(new Error('not now'), { code: 'CLOSED' });
			return rate(0.2);
		};
		const readsAt = async (minute) => {
			const before = asked.length;
			const how = { versionsWatched: () => [], read, past };
			await samplesAt([ruleOf({ sigmas: 2, windows: 4 })], AT + minute * MINUTE, how);
			return asked.length - before;
		};
		assert.equal(await readsAt(1), 5);
		fails = false;
		assert.equal(await readsAt(2), 2, 'the current window and the one that failed');
		assert.equal(await readsAt(3), 1);
		assert.equal(await readsAt(60), 2, 'the window that is a past one now');
		assert.equal(await readsAt(61), 3, 'and two that have been kept for an hour');
	});

	test('where past windows are too many, some stay kept, until they are too old', () => {
		const past = new PastFigures(2);
		const names = ['a', 'b', 'c'];
		const keptAt = (at) => names.filter((name) => past.at(name, at));
		for (const round of [0, 1]) {
			for (const name of names) if (!past.at(name, AT + round)) past.keep(name, { value: 1 }, AT + round);
			assert.deepEqual(keptAt(AT + round), ['a', 'b']);
		}
		past.keep('c', { value: 1 }, AT + HOUR);
		assert.deepEqual(keptAt(AT + HOUR), ['c']);
	});

	test('each version that predicted, and those whose alert is under way', async () => {
		const versions = [
			{ version: 'v1', count: 3 },
			{ version: 'v2', count: 0 },
			{ version: 'v3', count: 9 },
		];
		const answers = ({ version }) => (version ? rate(version === 'v3' ? 0.9 : 0.1) : { ...rate(0.5), versions });
		const { samples } = await seenBy({ version: '*', threshold: 0.5 }, answers, ['v0']);
		assert.deepEqual(
			samples.map(({ version, sample }) => [version, sample.sees]),
			[
				['v0', 'clear'],
				['v1', 'clear'],
				['v3', 'holds'],
			]
		);
	});

	test('drift, of all columns or of one', async () => {
		const report = {
			current: { rows: 100 },
			driftedShare: 0.5,
			columns: [
				{
					name: 'age',
					statistic: Infinity,
					current: { count: 90 },
					quality: { missing: { current: 0.1 }, outOfRange: { above: 0.3 } },
				},
			],
		};
		const common = { threshold: 0.2, referenceVersion: 'v1', method: 'ks', window: '1d' };
		const all = await seenBy({ ...common, measure: 'drift.driftedShare', version: 'v2' }, () => report);
		assert.equal(all.sees, 'holds');
		const { path, ...asked } = all.queries[0];
		assert.equal(path, '/monitoring/drift');
		assert.deepEqual(asked, {
			...{ modelId: 'm', version: 'v2', from: AT - 24 * HOUR, to: AT - 1, method: 'ks', minRows: '30' },
			...{ reference: undefined, referenceVersion: 'v1', referenceFrom: undefined, referenceTo: undefined },
		});
		for (const [measure, value, sees] of [
			['drift.statistic', 'Infinity', 'holds'],
			['drift.missing', 0.1, 'clear'],
			['drift.aboveRange', 0.3, 'holds'],
		]) {
			const one = await seenBy({ ...common, measure, column: 'age' }, () => report);
			assert.deepEqual([one.sees, one.evidence.value], [sees, value], measure);
		}
		assert.equal((await seenBy({ ...common, measure: 'drift.pValue', column: 'age' }, () => report)).sees, 'noData');
		assert.equal((await seenBy({ ...common, measure: 'drift.pValue', column: 'none' }, () => report)).sees, 'noData');
		const moving = await seenBy(
			{ measure: 'drift.driftedShare', threshold: 0.2, referenceWindow: '7d', window: '1d' },
			() => report
		);
		const [from, to] = [moving.queries[0].from, moving.queries[0].to];
		assert.deepEqual(
			[moving.queries[0].referenceFrom, moving.queries[0].referenceTo],
			[from - 168 * HOUR, to - 168 * HOUR]
		);
	});
});

test('every measure has a name, a source and figures where there are some', () => {
	assert.equal(new Set(measureNames).size, measureNames.length);
	for (const name of measureNames) {
		const { source, attributes } = measureNamed(name);
		assert.ok(source.names.includes(name) && attributes.length > 0, name);
	}
	const { valueIn, samplesIn, source } = measureNamed('resources.cost');
	const answer = { total: { predictions: 7, cost: 0.5 } };
	assert.deepEqual([source.path, valueIn(answer), samplesIn(answer)], ['/monitoring/resources', 0.5, 7]);
});

describe('1,000 rules', () => {
	const MODELS = 20;
	const rules = Array.from({ length: 1000 }, (_, at) => {
		const measure = ['errorRate', 'p95Latency', 'accuracy', 'throughput', 'avgConfidence'][at % 5];
		const window = ['5m', '1h'][Math.floor(at / 5) % 2];
		return ruleOf({ id: `r${at}`, modelId: `m${Math.floor(at / 10) % MODELS}`, measure, window, threshold: 0.5 });
	});

	test('share what they read, of which a bounded number is under way, and give others their turns', async () => {
		let [reads, running, most, turns] = [0, 0, 0, 0];
		const read = async () => {
			reads += 1;
			running += 1;
			most = Math.max(most, running);
			await new Promise((resolve) => setImmediate(resolve));
			running -= 1;
			return {
				count: 10,
				feedbackCount: 10,
				errorRate: 1,
				p95Latency: 1,
				accuracy: 1,
				throughput: 1,
				avgConfidence: 1,
			};
		};
		let isOver = false;
		const others = (async () => {
			while (!isOver) {
				turns += 1;
				await new Promise((resolve) => setImmediate(resolve));
			}
		})();
		const begin = performance.now();
		const samples = await samplesAt(rules, AT, { versionsWatched: () => [], read });
		const { put } = decide(AT, rules, samples, []);
		const took = performance.now() - begin;
		isOver = true;
		await others;
		assert.equal(put.length, 1000);
		assert.equal(reads, 2 * MODELS);
		assert.ok(most <= 16, `${most} at once`);
		assert.ok(turns >= reads / 16, `${turns} turns`);
		assert.ok(took < 5000, `${took} ms`);
	});
});

describe('slots', () => {
	test('are multiples of the interval, some seconds after their time', () => {
		assert.equal(dueSlot(10 * MINUTE + 2000, MINUTE), 10 * MINUTE);
		assert.equal(dueSlot(10 * MINUTE + 1999, MINUTE), 9 * MINUTE);
	});

	test('follow the last one, up to a bounded number', () => {
		const minutes = (last, due) => slotsAfter(last, due * MINUTE, MINUTE).map((slot) => slot / MINUTE);
		assert.deepEqual(minutes(undefined, 10), [10]);
		assert.deepEqual(minutes(10 * MINUTE, 10), []);
		assert.deepEqual(minutes(8 * MINUTE, 10), [9, 10]);
		assert.deepEqual(minutes(8 * MINUTE - 5000, 10), [8, 9, 10], 'another interval before');
		assert.deepEqual(minutes(11 * MINUTE, 10), [], 'the clock of another node is a little ahead');
		assert.deepEqual(minutes(5000 * MINUTE, 10), [10], 'or was wrong');
		const late = minutes(0, 10_000);
		assert.deepEqual([late.length, late[0], late.at(-1)], [60, 9941, 10_000]);
	});
});

/** A store in memory whose owner dies at a step, before it or after it. */
class MortalStore {
	saved = { slot: undefined, alerts: [], requests: [] };
	rules = [];
	steps = 0;
	/** By slot, how often it was committed. */
	commits = new Map();

	constructor(rules) {
		this.rules = rules;
	}

	#requestsOf(modelIds) {
		return structuredClone(this.saved.requests.filter(({ modelId }) => modelIds.includes(modelId)));
	}

	/** What an owner sees that dies at its step of this number. */
	owner(diesAt = Infinity) {
		let step = 0;
		const alive = () => {
			step += 1;
			if (step === diesAt) throw new Error('killed by plan');
			this.steps = step;
		};
		return {
			lastSlot: async () => (alive(), this.saved.slot),
			rules: async () => (alive(), structuredClone(this.rules)),
			alerts: async () => (alive(), structuredClone(this.saved.alerts)),
			requests: async (modelIds) => (alive(), this.#requestsOf(modelIds)),
			commit: async ({ slot, last, modelIds }, decide) => {
				alive();
				if (this.saved.slot !== last) return false;
				const ids = new Set(this.rules.map(({ id }) => id));
				const { put, remove, requests } = decide(structuredClone(this.saved.alerts), ids, this.#requestsOf(modelIds));
				alive();
				const alerts = new Map(this.saved.alerts.map((alert) => [alert.id, alert]));
				for (const record of put) alerts.set(record.id, record);
				for (const id of remove) alerts.delete(id);
				const made = [...this.saved.requests, ...requests];
				this.saved = structuredClone({ slot, alerts: [...alerts.values()], requests: made });
				this.commits.set(slot, (this.commits.get(slot) ?? 0) + 1);
				alive();
				return true;
			},
		};
	}
}

describe('owners that are killed', () => {
	const rules = [
		ruleOf({ id: 'now', threshold: 0.5 }),
		ruleOf({ id: 'later', threshold: 0.5, for: '2m', keepFiringFor: '1m' }),
		ruleOf({ id: 'each', version: '*', threshold: 0.5, for: '1m', cooldown: '5m' }),
		ruleOf({ id: 'few', threshold: 0.5, minSamples: 10 }),
		ruleOf({ id: 'retrain', threshold: 0.5, modelId: 'n', retrain: { minDaysBetween: 0, minNewLabels: 5 } }),
	];
	const begin = AT;
	const values = [0.1, 0.9, 0.9, 0.9, 0.9, 0.1, 0.1, 0.9, 0.1, 0.9, 0.9];
	const read = async (_source, { endTime }) => {
		const minute = Math.round((endTime + 1 - begin) / MINUTE);
		const count = minute % 4 === 3 ? 3 : 20;
		return {
			count,
			feedbackCount: 3 * minute,
			errorRate: values[minute] ?? 0.1,
			versions: [{ version: 'v1', count: 5 }],
		};
	};
	const evaluate = (store, owner, minute) =>
		evaluateDue({ store: owner, now: begin + minute * MINUTE + 2500, intervalMs: MINUTE, signal: NEVER, read });

	async function undisturbed() {
		const store = new MortalStore(rules);
		for (let minute = 0; minute < values.length; minute += 1) await evaluate(store, store.owner(), minute);
		return store;
	}

	test('at any step, or two of them in turn: nothing is lost and nothing evaluated twice', async () => {
		const { saved } = await undisturbed();
		assert.ok(saved.alerts.some(({ changes }) => changes.length > 4));
		assert.deepEqual(saved.alerts.map(({ id }) => id).sort(), ['each:v1', 'few', 'later', 'now', 'retrain']);
		assert.deepEqual(
			saved.requests.map(({ alert, createdAt }) => [alert, createdAt]),
			[['retrain', AT + 2 * MINUTE]],
			'the labels come in the second minute of it'
		);
		let kills = 0;
		for (let dead = 1; dead <= 14; dead += 1) {
			for (let missed = 0; missed < 3; missed += 1) {
				const store = new MortalStore(rules);
				for (let minute = 0; minute < values.length; minute += 1) {
					// Nobody is there for some slots; then somebody dies, and somebody goes on.
					if (minute > 0 && minute < values.length - 1 && minute % 4 < missed) continue;
					await evaluate(store, store.owner(dead), minute).catch((error) => {
						assert.equal(error.message, 'killed by plan');
						kills += 1;
					});
					await evaluate(store, store.owner(), minute);
				}
				assert.deepEqual(store.saved, saved, `killed at step ${dead}, ${missed} slots missed`);
				assert.ok([...store.commits.values()].every((count) => count === 1));
			}
		}
		assert.ok(kills > 100, `${kills}`);
	});

	test('two that believe to be the owner: the second one stores nothing', async () => {
		const store = new MortalStore(rules);
		await evaluate(store, store.owner(), 0);
		await Promise.all([evaluate(store, store.owner(), 3), evaluate(store, store.owner(), 3)]);
		assert.deepEqual([...store.commits.values()], [1, 1, 1, 1]);
	});

	test('one that is to stop ends between two slots', async () => {
		const store = new MortalStore(rules);
		const stopping = new AbortController();
		const how = { intervalMs: MINUTE, signal: stopping.signal, read };
		await evaluateDue({ store: store.owner(), now: begin + 2500, ...how });
		stopping.abort();
		await evaluateDue({ store: store.owner(), now: begin + 5 * MINUTE, ...how });
		assert.equal(store.saved.slot, begin);
	});
});

describe('alerts and their rules', () => {
	const read = async () => ({ count: 9, errorRate: 0.9, versions: [] });
	const run = (store, minute) =>
		evaluateDue({ store: store.owner(), now: AT + minute * MINUTE + 2500, intervalMs: MINUTE, signal: NEVER, read });
	const states = ({ saved }) => saved.alerts.map(({ id, state }) => [id, state]);

	test('one that is disabled or has another version resolves what it has raised; one that is gone takes it along', async () => {
		const store = new MortalStore([
			ruleOf({ id: 'a', version: 'v1', threshold: 0.5 }),
			ruleOf({ id: 'b', threshold: 0.5 }),
			ruleOf({ id: 'c', threshold: 0.5, severity: 'info' }),
		]);
		await run(store, 0);
		assert.deepEqual(states(store), [
			['a:v1', 'firing'],
			['b', 'firing'],
			['c', 'firing'],
		]);
		store.rules = [
			ruleOf({ id: 'a', version: 'v2', threshold: 0.5 }),
			ruleOf({ id: 'b', threshold: 0.5, enabled: false }),
		];
		await run(store, 1);
		assert.deepEqual(states(store), [
			['a:v1', 'resolved'],
			['b', 'resolved'],
			['a:v2', 'firing'],
		]);
		const { slot, ...before } = store.saved;
		await run(store, 2);
		assert.equal(store.saved.slot, slot + MINUTE);
		assert.deepEqual(before.alerts, store.saved.alerts, 'what stays the same is not written');
	});

	test('a version that predicts no more is forgotten, unless its alert had fired', async () => {
		const store = new MortalStore([ruleOf({ version: '*', threshold: 0.5, minSamples: 5 })]);
		const predicted = { v1: 9, v2: 2 };
		const asked = [];
		const metrics = async (_source, { version }) => {
			asked.push(version);
			const versions = Object.entries(predicted).map(([name, count]) => ({ version: name, count }));
			return { count: predicted[version] ?? 0, errorRate: 0.9, versions };
		};
		const go = (minute) =>
			evaluateDue({
				store: store.owner(),
				now: AT + minute * MINUTE + 2500,
				intervalMs: MINUTE,
				signal: NEVER,
				read: metrics,
			});
		await go(0);
		assert.deepEqual(states(store), [
			['r:v1', 'firing'],
			['r:v2', 'noData'],
		]);
		for (const version of ['v1', 'v2']) delete predicted[version];
		await go(1);
		assert.deepEqual(states(store), [
			['r:v1', 'noData'],
			['r:v2', 'inactive'],
		]);
		asked.length = 0;
		await go(2);
		assert.deepEqual(asked, [undefined, 'v1'], 'of whom there is nothing to wait for, nothing is read');
		const [alert] = store.saved.alerts;
		alert.endedAt = alert.since + 1;
		await go(3);
		await go(4);
		assert.equal(states(store)[0][1], 'resolved', 'somebody ended it');
	});

	test('a rule that is deleted while it is evaluated raises nothing', async () => {
		const store = new MortalStore([ruleOf({ threshold: 0.5 })]);
		const deleting = async () => {
			store.rules = [];
			return read();
		};
		const how = { intervalMs: MINUTE, signal: NEVER, read: deleting };
		await evaluateDue({ store: store.owner(), now: AT + 2500, ...how });
		assert.deepEqual([store.saved.slot, states(store)], [AT, []]);
	});

	test('a rule looks from the first slot on after it was made', async () => {
		const store = new MortalStore([{ ...ruleOf({ threshold: 0.5 }), createdAt: AT + 2 * MINUTE }]);
		store.saved.slot = AT - MINUTE;
		await run(store, 1);
		assert.deepEqual(states(store), []);
		await run(store, 3);
		assert.deepEqual(
			store.saved.alerts[0].changes.map(({ time }) => time),
			[AT + 2 * MINUTE]
		);
	});
});
