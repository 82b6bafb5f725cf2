// What rules see at a time. First it is written down which figures all of them need; then each answer is read once, whoever needs
// something of it, and kept only as the figures that are taken from it; then each rule judges. So many at a time, in an order in which
// those that need the same answers come together.
import { setImmediate as turn } from 'node:timers/promises';
import { answerOf } from '../../errors.js';
import { EACH, msOf } from '../rules/definition.js';
import { measureNamed, queryOf } from '../rules/sources.js';
import { PastFigures } from './past-figures.js';

/** Answers that are read at once. Those of one model, which share what they read, come together. */
const MAX_READS = 16;
/** Of a rule that is one for each version: the versions with the most predictions. */
const MAX_VERSIONS = 20;
/** Watches whose figures are in memory at once. */
const WATCHES_AT_ONCE = 200;

/**
 * @typedef {object} Watch A rule, as one of its versions or all of them together.
 * @property {object} rule
 * @property {string} [version]
 */

/**
 * What rules see.
 *
 * @param {object[]} rules
 * @param {number} at the end of their windows, in Unix milliseconds
 * @param {object} how
 * @param {(rule: object) => string[]} how.versionsWatched versions whose alerts are under way, for a rule that is one for each version
 * @param {(source: import('../rules/sources.js').Source, parameters: object) => Promise<object>} [how.read]
 * @param {PastFigures} [how.past] what is known of past windows
 * @param {AbortSignal} [how.signal] what ends it: the samples are not complete then
 * @returns {Promise<(Watch & {sample: import('./states.js').Sample})[]>} by model, version and window
 */
export async function samplesAt(rules, at, how) {
	const { versionsWatched, read = readFrom, past = new PastFigures(), signal } = how;
	const versions = await versionsOf(rules, at, { versionsWatched, read });
	const watches = rules.flatMap((rule) => {
		if (rule.version !== EACH) return [{ rule, version: rule.version }];
		return versions.get(rule).map((version) => ({ rule, version }));
	});
	const order = ({ rule: { modelId, window }, version = '' }) => `${modelId}|${version}|${window}`;
	watches.sort((a, b) => (order(a) < order(b) ? -1 : Number(order(a) > order(b))));
	const samples = [];
	for (let first = 0; first < watches.length && !signal?.aborted; first += WATCHES_AT_ONCE) {
		const some = watches.slice(first, first + WATCHES_AT_ONCE);
		const wanted = some.map((watch) => figuresOf(watch, at));
		const figures = new Figures(past, at);
		for (const { all } of wanted) for (const figure of all) figures.want(figure);
		await figures.read(read);
		for (const [place, watch] of some.entries()) {
			samples.push({ ...watch, sample: judge(watch.rule, wanted[place], figures) });
		}
	}
	return samples;
}

const readFrom = (source, parameters) => source.read(parameters);

/**
 * How many predictions of a model in a time have feedback.
 *
 * @param {string} modelId
 * @param {{from: number, to: number}} range both inclusive, in Unix milliseconds
 * @param {typeof readFrom} [read]
 * @returns {Promise<{count: number} | {reason: string}>}
 */
export async function labelCount(modelId, range, read = readFrom) {
	const { source } = measureNamed('feedbackCount');
	const answer = await answerOrReason({ source, parameters: source.parametersOf({ modelId }, undefined, range) }, read);
	return answer.reason === undefined ? { count: answer.feedbackCount } : { reason: answer.reason };
}

/** For rules that are one for each version: those that predicted in the window, and those whose alert is under way. */
async function versionsOf(rules, at, { versionsWatched, read }) {
	const each = rules.filter(({ version }) => version === EACH);
	const { source } = measureNamed('count');
	const asked = (rule) => {
		const parameters = source.parametersOf(rule, undefined, { from: at - msOf(rule.window), to: at - 1 });
		return { source, parameters, key: queryOf(source, parameters) };
	};
	const answers = new Map(each.map((rule) => asked(rule)).map((one) => [one.key, one]));
	await eachOf([...answers.values()], async (one) => {
		const { versions = [] } = await answerOrReason(one, read);
		const used = versions.toSorted((a, b) => b.count - a.count).slice(0, MAX_VERSIONS);
		one.versions = used.filter(({ count }) => count > 0).map(({ version }) => version);
	});
	return new Map(
		each.map((rule) => [rule, [...new Set([...answers.get(asked(rule).key).versions, ...versionsWatched(rule)])]])
	);
}

/**
 * The figures that a rule needs of a version: of its window, of the window before it that it is compared with, and of past windows.
 * Those are whole ones of a grid that begins with 1970, in UTC, so that they stay the same until the next one is over.
 */
function figuresOf({ rule, version }, at) {
	const { column } = rule;
	const measure = measureNamed(rule.measure);
	const windowMs = msOf(rule.window);
	const referenceMs = rule.referenceWindow === undefined ? undefined : msOf(rule.referenceWindow);
	const before = (end, isPast = false) => {
		const range = { from: end - windowMs, to: end - 1 };
		const parameters = measure.source.parametersOf({ ...rule, referenceMs }, version, range);
		const query = queryOf(measure.source, parameters);
		return { measure, column, parameters, range, query, isPast, key: JSON.stringify([query, rule.measure, column]) };
	};
	const now = before(at);
	const reference = rule.change === undefined ? undefined : before(at - referenceMs);
	const last = Math.floor((at - windowMs) / windowMs) * windowMs;
	const past = Array.from({ length: rule.windows ?? 0 }, (_, back) => before(last - back * windowMs, true));
	return { now, reference, past, all: [now, ...(reference ? [reference] : []), ...past] };
}

/** Does something with each of a list of what is asked, with so many of them at once, and those of one model together. */
async function eachOf(list, act) {
	const byModel = new Map();
	for (const asked of list) {
		const { modelId } = asked.parameters;
		if (!byModel.has(modelId)) byModel.set(modelId, []);
		byModel.get(modelId).push(asked);
	}
	for (const some of byModel.values()) {
		for (let first = 0; first < some.length; first += MAX_READS) {
			await Promise.all(some.slice(first, first + MAX_READS).map(act));
			await turn();
		}
	}
}

/** An answer; what cannot be answered is `{ reason }`, as a caller would be told. */
async function answerOrReason({ source, parameters }, read) {
	try {
		return await read(source, parameters);
	} catch (error) {
		return { reason: answerOf(error).body.error };
	}
}

/** Figures by what they are of, each answer read once. */
class Figures {
	#past;
	#at;
	#figures = new Map();
	/** By query: the source, what it is asked, and the figures that are taken from its answer, by their keys. */
	#answers = new Map();

	constructor(past, at) {
		this.#past = past;
		this.#at = at;
	}

	want({ key, query, isPast, measure, column, parameters }) {
		const known = isPast ? this.#past.at(key, this.#at) : undefined;
		if (known) {
			this.#figures.set(key, known);
			return;
		}
		let answer = this.#answers.get(query);
		if (!answer) {
			this.#answers.set(query, (answer = { source: measure.source, parameters, taken: new Map() }));
		}
		answer.taken.set(key, { measure, column, isPast });
	}

	async read(read) {
		await eachOf([...this.#answers.values()], async (asked) => {
			const answer = await answerOrReason(asked, read);
			for (const [key, { measure, column, isPast }] of asked.taken) {
				const figure = figureIn(answer, measure, column);
				this.#figures.set(key, figure);
				if (isPast && figure.reason === undefined) this.#past.keep(key, figure, this.#at);
			}
		});
	}

	/** @returns {import('./past-figures.js').Figure} */
	of({ key }) {
		return this.#figures.get(key);
	}
}

function figureIn(answer, measure, column) {
	if (answer.reason !== undefined) return { reason: answer.reason };
	const samples = measure.samplesIn(answer, column) ?? 0;
	const value = measure.valueIn(answer, column);
	return typeof value === 'number' ? { value, samples } : { samples };
}

/** What a rule sees, with the numbers that say so. */
function judge(rule, { now, reference, past }, figures) {
	const seen = checked(figures.of(now), rule);
	const evidence = { ...toldOf(seen), from: now.range.from, to: now.range.to, query: now.query };
	const noData = (reason, more) => ({ sees: 'noData', evidence: { ...evidence, ...more, reason } });
	if (seen.reason !== undefined) return noData(seen.reason);
	let { value } = seen;
	if (reference) {
		const other = checked(figures.of(reference), rule);
		const more = {
			reference: { ...toldOf(other), from: reference.range.from, to: reference.range.to, query: reference.query },
		};
		if (other.reason !== undefined) return noData(`the window before: ${other.reason}`, more);
		if (rule.change === 'ratio' && other.value === 0) {
			return noData('the window before: a ratio to 0 is not defined', more);
		}
		value = rule.change === 'ratio' ? value / other.value : value - other.value;
		Object.assign(evidence, more);
	}
	let { threshold } = rule;
	if (rule.sigmas !== undefined) {
		const values = past.map((one) => checked(figures.of(one), rule).value).filter(Number.isFinite);
		if (values.length < 2) {
			return noData(`${values.length} of ${past.length} past windows have enough samples, 2 are needed`);
		}
		const { mean, deviation } = spreadOf(values);
		const [low, high] = [mean - rule.sigmas * deviation, mean + rule.sigmas * deviation];
		threshold = { above: high, below: low, outside: [low, high] }[rule.comparison];
		const queries = [past.at(-1), past[0]].map(({ query }) => query);
		Object.assign(evidence, { past: { windows: values.length, mean, deviation, first: queries[0], last: queries[1] } });
	}
	const sees = isBeyond(value, rule.comparison, threshold) ? 'holds' : 'clear';
	return { sees, evidence: { ...evidence, value: numeral(value), threshold } };
}

/** JSON has no infinity, which a statistic of drift may be. */
const numeral = (value) => (Number.isFinite(value) ? value : String(value));

function toldOf({ value, samples }) {
	return { ...(value !== undefined && { measured: numeral(value) }), ...(samples !== undefined && { samples }) };
}

function checked(figure, { minSamples }) {
	if (figure.reason !== undefined) return figure;
	const { value, samples } = figure;
	if (samples < minSamples) return { samples, reason: `${samples} samples, at least ${minSamples} are needed` };
	if (value === undefined || Number.isNaN(value)) return { samples, reason: 'there is nothing to measure' };
	return figure;
}

/** Of the windows as a whole population, as NannyML's thresholds. */
function spreadOf(values) {
	const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
	const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
	return { mean, deviation: Math.sqrt(variance) };
}

function isBeyond(value, comparison, threshold) {
	if (comparison === 'above') return value > threshold;
	if (comparison === 'below') return value < threshold;
	return value < threshold[0] || value > threshold[1];
}
