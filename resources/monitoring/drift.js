// GET /monitoring/drift: profiles of one time or version beside those of another one.
import { compareProfiles, mergeProfiles } from '../../binding.js';
import { visibleTo } from '../http/access.js';
import { limited } from '../http/limited.js';
import { ApiError } from '../errors.js';
import { numberIn, shown } from '../http/query.js';
import { DRIFT_SHARE, MIN_ROWS } from '../../library/drift.js';
import { profilesIn, readProfileFilter } from './profiles.js';

/** What drift is asked for by. */
export const DRIFT_FIELDS = [
	...['modelId', 'version', 'from', 'to'],
	...['referenceVersion', 'referenceFrom', 'referenceTo'],
	...['method', 'threshold', 'correction', 'minRows', 'driftShare'],
];

/** What parameters of the reference are called. */
const REFERENCE_NAMES = { version: 'referenceVersion', from: 'referenceFrom', to: 'referenceTo' };

/** Comparisons of a thread at once: each holds two profiles. */
const MAX_COMPARISONS = 16;

/**
 * How far the features and outputs of predictions differ from those of a reference: of another time, or of another version.
 *
 * @param {Record<string, unknown>} given of {@link DRIFT_FIELDS}, as texts; times may be numbers
 * @param {object | undefined} user Harper's user
 */
export async function reportOf(given, user) {
	const { modelId, version, from, to, referenceVersion = version, referenceFrom, referenceTo } = given;
	const current = readProfileFilter({ modelId, version, from, to }, user);
	if (given.referenceVersion === undefined && referenceFrom === undefined && referenceTo === undefined) {
		throw new ApiError('INVALID_REQUEST', 'a reference is required: referenceVersion, referenceFrom or referenceTo');
	}
	const reference = readProfileFilter(
		{ modelId, version: referenceVersion, from: referenceFrom, to: referenceTo },
		user,
		REFERENCE_NAMES
	);
	const isVisible = visibleTo(user, 'InferenceEvent');
	const how = {
		...methodsFrom(given.method),
		threshold: numberIn('threshold', given.threshold, { least: 0 }),
		correction: given.correction,
		minRows: numberIn('minRows', given.minRows, { least: 1 }) ?? MIN_ROWS,
		driftShare: numberIn('driftShare', given.driftShare, { least: 0, most: 1 }) ?? DRIFT_SHARE,
		features: isVisible('featuresIn'),
		outputs: isVisible('prediction'),
	};
	const [before, now] = [await merged('reference', reference), await merged('current', current)];
	const report = await compareProfiles(before.bytes, now.bytes, how);
	return { modelId: current.modelId, reference: before.described, current: now.described, ...report };
}

/** The same for callers, of whom so many at once are served. */
export const driftOf = limited(MAX_COMPARISONS, reportOf);

/** The method of all columns, or an object of those of columns by name. */
function methodsFrom(text) {
	if (text === undefined || !text.startsWith('{')) return { method: text };
	let methodOf;
	try {
		methodOf = JSON.parse(text);
	} catch {
		methodOf = undefined;
	}
	if (methodOf && Object.values(methodOf).every((name) => typeof name === 'string')) return { methodOf };
	throw new ApiError(
		'INVALID_REQUEST',
		`method must be the name of a method or an object of names by column, received ${shown(text)}`
	);
}

/** All profiles of a time as one, and what they are of. */
async function merged(side, filter) {
	const parts = [];
	let [from, to] = [Infinity, -Infinity];
	for await (const part of profilesIn(filter)) {
		[from, to] = [Math.min(from, part.from), Math.max(to, part.to)];
		parts.push(part.bytes);
	}
	const { rows, bytes } = await mergeProfiles(parts);
	if (rows === 0) {
		throw new ApiError(
			'INVALID_REQUEST',
			`${side}: no prediction was profiled in this time; see GET /monitoring/profile`
		);
	}
	return { bytes, described: { version: filter.version, from, to, rows } };
}
