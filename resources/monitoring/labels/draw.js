// POST /monitoring/labels/queue: draws predictions to be labelled, and stores with which probability each was drawn.
import { randomInt } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { acquireLock, createId } from '../../../binding.js';
import { inclusionProbabilities, PivotalSample } from '../../../library/label-sample.js';
import { seeded } from '../../../library/seeded.js';
import { ApiError } from '../../errors.js';
import { transaction } from '../../harper.js';
import { authorizeAttributes, requireVisible } from '../../http/access.js';
import { limited } from '../../http/limited.js';
import { identifier, moment, shown } from '../../http/query.js';
import { contextAfter } from '../../storage/after.js';
import { commit } from '../../storage/disk.js';
import { NEVER } from '../../storage/expiry.js';
import { leases } from '../../storage/lease-rows.js';
import { byteLength, eventsOf, heldEvents, patchHeld } from '../events.js';
import { readLimit } from '../metrics.js';
import { DRAWN } from '../record.js';
import { describe, drawTable } from './draws.js';
import { Frame } from './frame.js';
import { GROUPED_BY, STRATEGIES } from './strategies.js';

/** What is drawn by. */
export const DRAW_FIELDS = ['modelId', 'version', 'from', 'to', 'strategy', 'by', 'reference', 'limit'];

/** Of a thread at once: each holds what it draws from. */
const MAX_DRAWS = 2;
/** The newest events of a time that are drawn from. */
const MAX_EVENTS = 1_000_000;
/** After so many other requests get their turn. */
const EVENTS_PER_TURN = 200;
const SAMPLED_PER_TURN = 20_000;
/** What every draw reads of events. */
const READ = ['modelId', 'modelVersion', 'timestamp', 'actualOutcome'];

/**
 * One of some names.
 *
 * @param {string} field
 * @param {unknown} given
 * @param {string[]} names the first one is meant when nothing is given
 */
export function nameIn(field, given, names) {
	const [name = names[0]] = [given];
	if (names.includes(name)) return name;
	throw new ApiError('INVALID_REQUEST', `${field} must be one of ${names.join(', ')}, received ${shown(given)}`);
}

/**
 * The model, version and time that are asked for.
 *
 * @param {Record<string, unknown>} given
 * @returns {{modelId: string, version?: string, from?: number, to?: number}}
 */
export function readRange(given) {
	const range = {
		modelId: identifier('modelId', given.modelId),
		version: given.version === undefined ? undefined : identifier('version', given.version),
		from: moment('from', given.from),
		to: moment('to', given.to),
	};
	if (range.from > range.to) throw new ApiError('INVALID_REQUEST', 'from must not be after to');
	return range;
}

/**
 * Draws predictions that were not drawn before: so many whose outcome is not known, and, at no cost to who labels them, up to as many whose
 * outcome is.
 *
 * @param {Record<string, unknown>} given of {@link DRAW_FIELDS}, as texts
 * @param {object | undefined} user Harper's user
 */
export const drawLabels = limited(
	MAX_DRAWS,
	async ({ strategy: name, by: group, limit, reference, ...given }, user) => {
		const range = readRange(given);
		const strategy = nameIn('strategy', name, Object.keys(STRATEGIES));
		const grouped = nameIn('by', group, Object.keys(GROUPED_BY));
		const by = strategy === 'stratified' ? grouped : undefined;
		if (by === undefined && group !== undefined) {
			throw new ApiError('INVALID_REQUEST', 'by says what the strategy stratified makes strata of');
		}
		if (reference !== undefined && strategy !== 'novelty') {
			throw new ApiError('INVALID_REQUEST', 'reference says what the strategy novelty compares with');
		}
		const size = readLimit(limit);
		requireVisible(user, 'InferenceEvent', [...READ, ...STRATEGIES[strategy].reads({ by })]);
		authorizeAttributes(user, 'InferenceEvent', 'update', DRAWN);
		const plan = { ...range, strategy, by, reference, size };
		return aloneFor(range.modelId, async () => describe(await draw(plan)));
	}
);

/** One draw of a model at a time: what one draws, the next one must know of. */
async function aloneFor(modelId, act) {
	const name = `labels of ${modelId}`;
	const lock = await acquireLock(name);
	try {
		const lease = await leases().take(name);
		if (!lease) throw new ApiError('QUEUE_FULL', 'another node draws predictions of this model; try again later');
		try {
			return await act();
		} finally {
			await lease.release();
		}
	} finally {
		lock.release();
	}
}

async function draw({ size, ...plan }) {
	const frames = await framesOf(plan);
	const population = frames.open.size + frames.known.size;
	if (population === 0) {
		throw new ApiError('INVALID_REQUEST', 'there is no prediction of this time that was not drawn yet');
	}
	const seed = randomInt(2 ** 32);
	const random = seeded(seed);
	const members = [];
	for (const [frame, wasKnown] of [
		[frames.open, false],
		[frames.known, true],
	]) {
		for (const member of await sampleOf(frame, size, random)) members.push({ ...member, wasKnown });
	}
	const { modelId, version, strategy, by } = plan;
	const record = {
		id: `${modelId}|${createId()}`,
		...{ modelId, strategy, population, known: frames.known.size, seed, members, drawnAt: Date.now() },
		...{ firstId: frames.firstId, lastId: frames.lastId },
		...(version === undefined ? {} : { version }),
		...(by === undefined ? {} : { by }),
	};
	await store(record);
	return record;
}

/** What can be drawn: the events of a time whose run did not fail and that were not drawn, by whether their outcome is known. */
async function framesOf({ modelId, version, from, to, ...plan }) {
	const { scoreOf, finish, unknown } = await STRATEGIES[plan.strategy].scores({ modelId, version, ...plan });
	const [open, known] = [new Frame(), new Frame()];
	let [seen, isScored] = [0, false];
	let firstId, lastId;
	for await (const event of eventsOf({ modelId, version, startTime: from, endTime: to })) {
		seen += 1;
		if (seen > MAX_EVENTS) break;
		if (seen % EVENTS_PER_TURN === 0) await turn();
		firstId = event.id;
		lastId ??= event.id;
		if (event.prediction === undefined || event.samplingProbability !== undefined) continue;
		const score = await scoreOf(event);
		isScored ||= !Number.isNaN(score);
		(event.actualOutcome === undefined ? open : known).add(event.id, score);
	}
	if (unknown !== undefined && !isScored && open.size + known.size > 0) throw new ApiError('INVALID_REQUEST', unknown);
	for (const { scores } of [open, known]) finish?.(scores);
	return { open, known, firstId, lastId };
}

async function sampleOf(frame, size, random) {
	const probabilities = inclusionProbabilities(frame.scores, size);
	const sample = new PivotalSample(random);
	for (let at = 0; at < frame.size; at += 1) {
		if (at % SAMPLED_PER_TURN === SAMPLED_PER_TURN - 1) await turn();
		sample.take(at, probabilities[at]);
	}
	return sample.finish().map((at) => ({ id: frame.idAt(at), probability: probabilities[at] }));
}

/** Stores a draw, and with each event that it drew its probability, in one transaction. */
async function store(record) {
	const draws = drawTable();
	const probabilities = new Map(record.members.map(({ id, probability }) => [id, probability]));
	const held = await heldEvents([...probabilities.keys()]);
	try {
		const { events, context: others } = held;
		const last = Math.max(...events.map(({ expiresAt }) => expiresAt ?? NEVER), Date.now());
		const expiresAt = last === NEVER ? undefined : last;
		const context = await contextAfter([[draws, record.id]], others);
		const labelDraw = record.id.slice(record.id.indexOf('|') + 1);
		const write = async () => {
			const row = expiresAt === undefined ? record : { ...record, expiresAt };
			await draws.put(row, { ...context, expiresAt: expiresAt ?? NEVER });
			for (const event of events) {
				await patchHeld(event, { samplingProbability: probabilities.get(event.id), labelDraw }, context);
			}
		};
		await commit(byteLength(events) + JSON.stringify(record).length, () => transaction(context, write));
	} finally {
		held.release();
	}
}
