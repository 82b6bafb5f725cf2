// GET /monitoring/labels/accuracy: how right all predictions are, by the outcomes of those that were drawn.
import { effectiveSize, LEVEL, meanOf, METHOD, shareRight } from '../../../library/label-estimate.js';
import { errorsFrom } from '../../../library/labels.js';
import { standingIn, weightIn } from '../../../library/label-weights.js';
import { ApiError } from '../../errors.js';
import { requireVisible } from '../../http/access.js';
import { limited } from '../../http/limited.js';
import { nameIn, readRange } from './draw.js';
import { coversOf, describe, drawsOf } from './draws.js';
import { membersIn } from './queue.js';
import { GROUPED_BY, groupBy } from './strategies.js';

/** What it is asked for by. */
export const ACCURACY_FIELDS = ['modelId', 'version', 'from', 'to', 'by'];

/** Of a thread at once: each holds the labels of its draws. */
const MAX_ESTIMATES = 4;
/** More are not read at once. */
const MAX_DRAWS = 1000;
/** Groups that are told; beyond them nobody looks. */
const MAX_GROUPS = 1000;
/** The attributes that the answer tells of. */
const READ = [
	...['modelId', 'modelVersion', 'timestamp'],
	...['correct', 'regression', 'actualOutcome', 'samplingProbability', 'labelDraw'],
];

/**
 * Accuracy, or the errors of a regression, weighted by inverse probabilities.
 *
 * @param {Record<string, unknown>} given of {@link ACCURACY_FIELDS}, as texts
 * @param {object | undefined} user Harper's user
 */
export const labelledAccuracy = limited(MAX_ESTIMATES, async ({ by: group, ...given }, user) => {
	const range = readRange(given);
	const by = group === undefined ? undefined : nameIn('by', group, Object.keys(GROUPED_BY));
	requireVisible(user, 'InferenceEvent', [...READ, ...(by === undefined ? [] : [GROUPED_BY[by]])]);
	const draws = [];
	for await (const draw of drawsOf(range)) {
		if (draws.length === MAX_DRAWS) {
			throw new ApiError(
				'INVALID_REQUEST',
				`there are more than ${MAX_DRAWS} draws in this time; ask for a shorter one`
			);
		}
		draws.push(asSample(draw));
	}
	const samples = draws.map(({ sample }) => sample);
	const labels = [];
	const counts = { unanswered: 0, incomparable: 0, expired: 0 };
	const ofDraws = [];
	const groupOf = by && groupBy(by);
	for (const { draw, sample } of draws) {
		const found = await answersOf(draw, range);
		ofDraws.push({ ...describe(draw), ...found.counts });
		for (const name of Object.keys(counts)) counts[name] += found.counts[name];
		for (const { event, probability, answeredShare } of found.answers) {
			const label = standingIn(weightIn(event, sample, probability, samples), answeredShare);
			labels.push({ ...label, ...valueOf(event), group: await groupOf?.(event) });
		}
	}
	const answer = { ...range, method: METHOD, level: LEVEL, ...estimate(labels), ...counts, draws: ofDraws };
	return by === undefined ? answer : { ...answer, by, groups: groupsOf(labels, by) };
});

/** A draw, and what it is to the weights of labels. */
function asSample(draw) {
	const { members, population, drawnAt } = draw;
	return { draw, sample: { drawnAt, rate: members.length / population, covers: coversOf(draw) } };
}

/**
 * The members of a draw that can be counted, each with the share of those like it that can: those whose outcome was known when they
 * were drawn need no answer.
 */
async function answersOf(draw, range) {
	const counts = { labels: 0, unanswered: 0, incomparable: 0, expired: 0 };
	const parts = [false, true].map((wasKnown) => ({ wasKnown, of: 0, answers: [] }));
	for await (const { event, probability, wasKnown } of membersIn(draw, range)) {
		const part = parts[Number(wasKnown)];
		part.of += 1;
		if (!event) counts.expired += 1;
		else if (event.actualOutcome === undefined) counts.unanswered += 1;
		else if (event.correct === undefined && event.regression === undefined) counts.incomparable += 1;
		else part.answers.push({ event, probability });
	}
	const answers = parts.flatMap(({ of, answers }) =>
		answers.map((answer) => ({ ...answer, answeredShare: answers.length / of }))
	);
	counts.labels = answers.length;
	return { counts, answers };
}

/** What an outcome says; of a batch all rows are right, or it is wrong. */
const valueOf = ({ correct, regression }) => ({ isRight: correct, regression });

/** Estimates of all predictions that labels stand for; null for what none of them tells. */
function estimate(labels) {
	const ofClasses = labels.filter(({ isRight }) => isRight !== undefined);
	const ofNumbers = labels.filter(({ regression }) => regression !== undefined);
	const errors = (each) =>
		meanOf(ofNumbers.map((label) => ({ ...label, sum: each(label.regression), count: label.regression.count })));
	return {
		accuracy: shareRight(ofClasses),
		...errorsFrom(
			errors(({ count, mae }) => count * mae),
			errors(({ count, rmse }) => count * rmse ** 2)
		),
		labels: labels.length,
		effectiveLabels: effectiveSize(labels),
		predictions: labels.reduce((sum, { weight }) => sum + weight, 0),
	};
}

/** The same for each group, that of the most labels first. */
function groupsOf(labels, by) {
	const groups = new Map();
	for (const label of labels) {
		if (!groups.has(label.group)) groups.set(label.group, []);
		groups.get(label.group).push(label);
	}
	return [...groups]
		.toSorted(([, one], [, other]) => other.length - one.length)
		.slice(0, MAX_GROUPS)
		.map(([group, of]) => ({ [by]: group ?? null, ...estimate(of) }));
}
