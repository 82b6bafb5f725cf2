// What a rule says: checked before it is stored, and again when it is read, because roles may allow writing to the table itself.
import { nearestName } from '../../../binding.js';
import { drift } from '../../../library/drift.js';
import { ApiError } from '../../errors.js';
import { canBeKey, identifier, keyPart, readFields, shown } from '../../http/query.js';
import { readRetrain } from './retrain.js';
import { measureNamed, measureNames } from './sources.js';

export const RULE_FIELDS = [
	...['id', 'modelId', 'version', 'segment', 'measure', 'column', 'method', 'reference', 'referenceVersion', 'window'],
	'referenceWindow',
	...['change', 'comparison', 'threshold', 'sigmas', 'windows', 'minSamples', 'for', 'keepFiringFor', 'cooldown'],
	...['severity', 'retrain', 'enabled'],
];

/** The version of a rule that is one for each version. */
export const EACH = '*';
export const CHANGES = ['ratio', 'difference'];
export const COMPARISONS = ['above', 'below', 'outside'];
export const SEVERITIES = ['info', 'warning', 'critical'];

const MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_DURATION_MS = 90 * MS.d;
export const MAX_WINDOWS = 100;
export const MAX_SAMPLES = 1e9;
export const MAX_SIGMAS = 100;

const refuse = (message) => {
	throw new ApiError('INVALID_REQUEST', message);
};

/**
 * A length of time.
 *
 * @param {string} text such as `90s`, `5m`, `1h` or `7d`, as {@link readRule} has checked it
 * @returns {number} milliseconds
 */
export const msOf = (text) => Number(text.slice(0, -1)) * MS[text.at(-1)];

/**
 * The same, checked.
 *
 * @param {string} field
 * @param {unknown} given
 * @param {number} leastMs
 * @returns {string}
 */
export function duration(field, given, leastMs) {
	const isOne = typeof given === 'string' && /^\d{1,9}[smhd]$/.test(given);
	if (isOne && msOf(given) >= leastMs && msOf(given) <= MAX_DURATION_MS) return given;
	return refuse(`${field} must be a time from ${leastMs / 1000}s to 90d, such as 5m, received ${shown(given)}`);
}

function oneOf(field, given, known) {
	if (known.includes(given)) return given;
	return refuse(`${field} must be one of ${known.join(', ')}, received ${shown(given)}`);
}

function wholeFrom(field, given, least, most) {
	if (Number.isSafeInteger(given) && given >= least && given <= most) return given;
	return refuse(`${field} must be a whole number from ${least} to ${most}, received ${shown(given)}`);
}

/**
 * A rule as it is kept: with what it does not say.
 *
 * @param {unknown} given an object of {@link RULE_FIELDS}
 * @returns {object}
 * @throws {ApiError} INVALID_REQUEST, which names the field
 */
export function readRule(given) {
	const fields = readFields('a rule', given, RULE_FIELDS);
	const { version, enabled = true } = fields;
	const measure = readMeasure(fields.measure);
	if (typeof enabled !== 'boolean') refuse(`enabled must be true or false, received ${shown(enabled)}`);
	if (measure.isOfVersion && version === undefined) {
		refuse(`version: ${fields.measure} is of one version; name it, or give ${EACH} for each`);
	}
	const window = duration('window', fields.window ?? '1h', MS.m);
	return withoutAbsent({
		id: identifier('id', fields.id),
		modelId: identifier('modelId', fields.modelId),
		version: version === undefined || version === EACH ? version : identifier('version', version),
		segment: readSegment(fields, measure),
		measure: fields.measure,
		...readColumn(fields, measure),
		window,
		...readReference(fields, measure.source, window),
		comparison: oneOf('comparison', fields.comparison ?? 'above', COMPARISONS),
		...readBounds(fields),
		minSamples: wholeFrom('minSamples', fields.minSamples ?? measure.source.minSamples, 0, MAX_SAMPLES),
		for: duration('for', fields.for ?? '0s', 0),
		keepFiringFor: duration('keepFiringFor', fields.keepFiringFor ?? '0s', 0),
		cooldown: duration('cooldown', fields.cooldown ?? '0s', 0),
		severity: oneOf('severity', fields.severity ?? 'warning', SEVERITIES),
		retrain: readRetrain(fields.retrain),
		enabled,
	});
}

const withoutAbsent = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

function readMeasure(name) {
	const measure = typeof name === 'string' ? measureNamed(name) : undefined;
	if (measure) return measure;
	const nearest = typeof name === 'string' ? nearestName(name, measureNames) : undefined;
	const hint = nearest ? `did you mean "${nearest}"?` : `known are ${measureNames.join(', ')}`;
	return refuse(`there is no measure ${shown(name)}; ${hint}`);
}

function readColumn({ measure, column, method }, { isOfColumn, source }) {
	if (isOfColumn && (typeof column !== 'string' || column === '' || !canBeKey(column))) {
		refuse(`column must be the name of a column, because ${measure} is of one, received ${shown(column)}`);
	}
	if (!isOfColumn && column !== undefined) refuse(`column: ${measure} is of no single column`);
	if (method !== undefined && !source.hasReference) refuse(`method: ${measure} has no methods`);
	if (method !== undefined && typeof method !== 'string') {
		refuse(`method must be the name of a method, received ${shown(method)}`);
	}
	return { column, method };
}

function readSegment({ measure, segment }, { hasSegments }) {
	if (segment === undefined) return undefined;
	if (!hasSegments) refuse(`segment: ${measure} is not told by segment`);
	if (typeof segment !== 'string' || segment === '') refuse(`segment must be a text, received ${shown(segment)}`);
	return keyPart('segment', segment);
}

function readReference(fields, { hasReference }, window) {
	const { measure, reference, referenceVersion, referenceWindow, change, sigmas } = fields;
	if (referenceWindow !== undefined) duration('referenceWindow', referenceWindow, msOf(window));
	if (hasReference) {
		if (change !== undefined) refuse(`change: ${measure} compares with its reference by itself`);
		if (reference !== undefined) return { reference: storedReference(fields) };
		if (referenceVersion === undefined && referenceWindow === undefined) {
			refuse(`${measure} needs what is compared with: reference, referenceVersion or referenceWindow`);
		}
		if (referenceVersion !== undefined) identifier('referenceVersion', referenceVersion);
		return { referenceVersion, referenceWindow };
	}
	for (const [name, given] of Object.entries({ reference, referenceVersion })) {
		if (given !== undefined) refuse(`${name}: ${measure} is compared with times only`);
	}
	if (referenceWindow === undefined) {
		if (change !== undefined) refuse('change needs referenceWindow: how long before the other window was');
		return {};
	}
	if (sigmas !== undefined) refuse('give either referenceWindow or sigmas');
	return { referenceWindow, change: oneOf('change', change ?? 'ratio', CHANGES) };
}

/** The name of a reference that is kept with the version. */
function storedReference({ version, reference, referenceVersion, referenceWindow }) {
	if (referenceVersion !== undefined || referenceWindow !== undefined) {
		refuse('give either reference, or referenceVersion and referenceWindow');
	}
	if (version === undefined) refuse(`reference is of one version: name it in version, or give ${EACH} for each`);
	return identifier('reference', reference);
}

/** What the value is compared with: a constant, two of them, or what past windows say. */
function readBounds({ comparison = 'above', threshold, sigmas, windows }) {
	if ((threshold === undefined) === (sigmas === undefined)) refuse('give either threshold or sigmas');
	if (sigmas !== undefined) {
		if (!(Number.isFinite(sigmas) && sigmas > 0 && sigmas <= MAX_SIGMAS)) {
			refuse(`sigmas must be a number above 0 and up to ${MAX_SIGMAS}, received ${shown(sigmas)}`);
		}
		return { sigmas, windows: wholeFrom('windows', windows ?? 24, 2, MAX_WINDOWS) };
	}
	if (windows !== undefined) refuse('windows needs sigmas: how far from the mean of past windows is too far');
	if (comparison !== 'outside') {
		if (!Number.isFinite(threshold)) refuse(`threshold must be a number, received ${shown(threshold)}`);
		return { threshold };
	}
	const isRange = Array.isArray(threshold) && threshold.length === 2 && threshold.every(Number.isFinite);
	if (!isRange || threshold[0] > threshold[1]) {
		refuse(`threshold must be [low, high] with comparison outside, received ${shown(threshold)}`);
	}
	return { threshold };
}

/**
 * Throws for a method of drift that there is not.
 *
 * @param {{method?: string}} rule
 */
export async function checkMethod({ method }) {
	// All methods take two numbers.
	if (method !== undefined) await drift([0, 1], [0, 1], { method, kind: 'number' });
}
