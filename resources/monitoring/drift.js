// GET /monitoring/drift: profiles of one time or version beside those of another one, or beside a stored reference.
import { compareProfiles } from '../../binding.js';
import { visibleTo } from '../http/access.js';
import { limited } from '../http/limited.js';
import { ApiError } from '../errors.js';
import { identifier, numberIn, readFlag, shown } from '../http/query.js';
import { options } from '../options.js';
import { DRIFT_SHARE, MIN_ROWS } from '../../library/drift.js';
import { compareEvents, eventsOfReference } from './exact-drift.js';
import { FIRST } from './first-rows.js';
import { mergedProfiles, readProfileFilter } from './profiles.js';
import { readReference } from './references.js';

/** What drift is asked for by. */
export const DRIFT_FIELDS = [
	...['modelId', 'version', 'from', 'to'],
	...['reference', 'referenceVersion', 'referenceFrom', 'referenceTo'],
	...['method', 'threshold', 'correction', 'minRows', 'driftShare', 'exact'],
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
	const { modelId, version, from, to } = given;
	const current = readProfileFilter({ modelId, version, from, to }, user);
	const reference = referenceOf(given, user);
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
	const compare = readFlag('exact', given.exact, false) ? compareAllEvents : compareAllProfiles;
	const { before, now, report } = await compare(reference, current, how);
	const described = { ...before, overlaps: overlaps(before, now) };
	return { modelId: current.modelId, reference: described, current: now, ...report };
}

async function compareAllProfiles({ takeProfile }, current, how) {
	const before = await takeProfile();
	const now = await mergedProfiles('current', current);
	const report = await compareProfiles(before.bytes, now.bytes, how);
	return { before: before.described, now: now.described, report };
}

async function compareAllEvents({ findEvents }, current, how) {
	const { described, ...reference } = await findEvents();
	const names = { from: 'from', to: 'to' };
	const { before, ...rest } = await compareEvents(reference, { filter: current, names }, how);
	return { ...rest, before: { ...described, ...before } };
}

/** The same for callers, of whom so many at once are served. */
export const driftOf = limited(MAX_COMPARISONS, reportOf);

/** Whether predictions of a stored reference may be among those that are judged; nothing where it is of none. */
function overlaps({ name, version, from, to }, current) {
	if (name === undefined || from == null) return undefined;
	const isSameVersion = current.version === undefined || current.version === version;
	return isSameVersion && from < current.to && to >= current.from;
}

/**
 * The reference that is asked for.
 *
 * @param {Record<string, unknown>} given of {@link DRIFT_FIELDS}
 * @param {object | undefined} user Harper's user
 * @returns {{takeProfile: () => Promise<{bytes: Uint8Array, described: object}>, findEvents: () => Promise<object>}} reads it;
 *   says which events it is of, as `compareEvents` takes it
 */
function referenceOf({ modelId, version, reference, ...given }, user) {
	const ofTime = Object.values(REFERENCE_NAMES).filter((name) => given[name] !== undefined);
	if (reference !== undefined) {
		if (ofTime.length > 0) {
			throw new ApiError('INVALID_REQUEST', `reference names a stored one; ${ofTime[0]} is not accepted beside it`);
		}
		const key = { modelId, version: identifier('version', version), name: identifier('reference', reference) };
		return storedReference(key);
	}
	if (ofTime.length === 0) {
		if (version !== undefined && options().referenceRows > 0) {
			return storedReference({ modelId, version, name: FIRST });
		}
		throw new ApiError(
			'INVALID_REQUEST',
			'a reference is required: reference, referenceVersion, referenceFrom or referenceTo; of one version its first predictions are it'
		);
	}
	const { referenceVersion = version, referenceFrom, referenceTo } = given;
	const filter = readProfileFilter(
		{ modelId, version: referenceVersion, from: referenceFrom, to: referenceTo },
		user,
		REFERENCE_NAMES
	);
	const names = { from: REFERENCE_NAMES.from, to: REFERENCE_NAMES.to };
	return {
		takeProfile: () => mergedProfiles('reference', filter),
		findEvents: async () => ({ filter, names }),
	};
}

const storedReference = (key) => ({
	takeProfile: async () => {
		const record = await readReference(key);
		return { bytes: record.profile, described: describeStored(record) };
	},
	findEvents: async () => {
		const record = await readReference(key);
		return { ...eventsOfReference(record), described: describeStored(record) };
	},
});

const describeStored = ({ name, version, source, rows, createdAt, from, to }) => ({
	...{ name, version, source, createdAt, from, to, rows },
});

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
