// What makes a prediction worth a label, by the name of the strategy.
import { Profile } from '../../../binding.js';
import { predictedClass } from '../../../library/predicted-class.js';
import { ApiError } from '../../errors.js';
import { identifier } from '../../http/query.js';
import { modelAt } from '../../registry/record.js';
import { signatureOf } from '../../registry/signature.js';
import { makerOf } from '../feedback.js';
import { mergedProfiles } from '../profiles.js';
import { readReference } from '../references.js';
import { noveltyBy } from './novelty.js';

/** By what predictions are grouped, and the attribute of events that it is told by. */
export const GROUPED_BY = { class: 'prediction', segment: 'segment' };

/**
 * What tells the group of an event.
 *
 * @param {string} by
 * @returns {(event: object) => Promise<string | undefined>}
 */
export function groupBy(by) {
	if (by === 'segment') return async ({ segment }) => segment;
	const makers = new Map();
	return async (event) => {
		const key = `${event.modelVersion}|${event.digest}`;
		if (!makers.has(key)) makers.set(key, await makerOf(event));
		return predictedClass(event.prediction, event.confidence, makers.get(key));
	};
}

/** The confidence of its least certain row. */
const leastOf = (confidence) => {
	const known = [confidence ?? []].flat().filter((part) => part !== null);
	return known.length > 0 ? Math.min(...known) : NaN;
};

/**
 * @typedef {object} Scores How one draw scores.
 * @property {(event: object) => number | Promise<number>} scoreOf NaN for what is not known
 * @property {(scores: Float64Array) => void} [finish] makes scores of what `scoreOf` gave, when all are there
 * @property {string} [unknown] why none is known, if none is
 */

/**
 * By name: the attributes of events that a strategy reads, and its scores for one draw.
 *
 * @type {Record<string, {reads: (given: object) => string[], scores: (given: object) => Promise<Scores>}>}
 */
export const STRATEGIES = {
	uncertainty: {
		reads: () => ['confidence'],
		scores: async () => ({
			scoreOf: ({ confidence }) => 1 - Math.min(1, Math.max(0, leastOf(confidence))),
			unknown: 'no prediction of this time has a confidence; novelty, stratified and uniform need none',
		}),
	},
	novelty: {
		reads: () => ['featuresIn'],
		async scores({ modelId, version, reference }) {
			if (version === undefined) throw new ApiError('INVALID_REQUEST', 'version is required: a reference is of one');
			const bytes =
				reference === undefined
					? (await mergedProfiles('novelty', { modelId, version, from: 0, to: Infinity })).bytes
					: (await readReference({ modelId, version, name: identifier('reference', reference) })).profile;
			const profile = new Profile();
			profile.merge(bytes);
			const model = await modelAt(modelId, version);
			const noveltyOf = noveltyBy(JSON.parse(profile.takeJson()), model ? signatureOf(model).inputs : []);
			return {
				scoreOf: ({ featuresIn }) => noveltyOf(featuresIn),
				unknown: 'no prediction of this time has features that the reference tells of',
			};
		},
	},
	stratified: {
		reads: ({ by }) => [GROUPED_BY[by]],
		async scores({ by }) {
			const groupOf = groupBy(by);
			/** What is of no group is one, too. */
			const strata = new Map();
			const sizes = [];
			return {
				async scoreOf(event) {
					const group = await groupOf(event);
					if (!strata.has(group)) strata.set(group, sizes.push(0) - 1);
					const stratum = strata.get(group);
					sizes[stratum] += 1;
					return stratum;
				},
				// As many of each: the smaller it is, the likelier each of it.
				finish(scores) {
					for (let at = 0; at < scores.length; at += 1) scores[at] = 1 / sizes[scores[at]];
				},
			};
		},
	},
	uniform: { reads: () => [], scores: async () => ({ scoreOf: () => 1 }) },
};
