// Drift of columns against a reference. Rust compares; here columns are read: their kinds, and what of them is a value.
import { compareColumns, nearestName } from '../binding.js';
import { vectorsOf } from './drift-vectors.js';
import { isList, typedArrayName } from './kinds.js';
import { checkOptions, DRIFT_OPTIONS, isByColumn } from './options.js';
import { shown } from './shown.js';

/** Fewer rows on a side are not judged. */
export const MIN_ROWS = 30;
/** A data set drifts when such a share of its columns does. */
export const DRIFT_SHARE = 0.5;
/** Whole numbers with no more distinct values are categories, as in Evidently. */
const MAX_INTEGER_CATEGORIES = 10;
/** Strings of which a larger share is distinct are text, as in Evidently. */
const MAX_DISTINCT_SHARE = 0.5;
/** So many categories are in order; of more, the most frequent are shown. */
const MAX_ORDERED = 50;

/**
 * Compares a data set, or one column, with a reference.
 *
 * @param {Record<string, any> | any[] | ArrayLike<number>} reference columns by name, or the values of one
 * @param {Record<string, any> | any[] | ArrayLike<number>} current the same columns
 * @param {{method?: any, threshold?: any, kind?: any, correction?: string, minRows?: number, driftShare?: number}} [options]
 * @returns {Promise<object>} the report, or of one column its part
 * @throws {TypeError} for what is no data set; INVALID_REQUEST for unknown methods and for methods that do not fit a column
 */
export async function drift(reference, current, options = {}) {
	const {
		minRows = MIN_ROWS,
		driftShare = DRIFT_SHARE,
		correction,
		...choices
	} = checkOptions('drift', options, DRIFT_OPTIONS);
	const isOne = isList(reference) && isList(current);
	const pairs = isOne ? [['values', reference, current]] : pairsOf(reference, current);
	checkNames(choices, isOne ? [] : pairs.map(([name]) => name));
	const columns = pairs.map(([name, before, now]) => readColumn(name, before, now, choicesOf(name, choices)));
	const native = columns.map(({ column }) => column);
	const { columns: found, ...report } = await compareColumns(native, { minRows, driftShare, correction });
	const parts = found.map((part, at) => toPart(part, columns[at].categories));
	if (!isOne) return { ...report, columns: parts };
	delete parts[0].name;
	return parts[0];
}

/** The columns of both sides, by name. */
function pairsOf(reference, current) {
	const sides = { reference, current };
	for (const [side, columns] of Object.entries(sides)) {
		if (columns === null || typeof columns !== 'object' || isList(columns)) {
			throw new TypeError(
				`drift takes columns by name, or one array on both sides; received ${shown(columns)} as ${side}`
			);
		}
		sides[side] = Object.entries(columns);
		checkLengths(side, sides[side]);
	}
	const now = new Map(sides.current);
	const names = sides.reference.map(([name]) => name);
	if (names.length === 0) throw new TypeError('drift takes at least one column; reference has none');
	const absent = names.find((name) => !now.has(name));
	if (absent !== undefined) throw new TypeError(`current has no column ${shown(absent)}, which reference has`);
	const added = [...now.keys()].find((name) => !names.includes(name));
	if (added !== undefined) throw new TypeError(`reference has no column ${shown(added)}, which current has`);
	return sides.reference.map(([name, values]) => [name, values, now.get(name)]);
}

function checkLengths(side, columns) {
	for (const [name, values] of columns) {
		if (!isList(values)) {
			throw new TypeError(
				`${side}: column ${shown(name)} must be an array or a typed array, received ${shown(values)}`
			);
		}
		const [first, { length }] = columns[0];
		if (values.length !== length) {
			throw new TypeError(
				`${side}: column ${shown(name)} has ${values.length} rows, column ${shown(first)} has ${length}`
			);
		}
	}
}

/** Options by column name columns that exist. */
function checkNames(choices, names) {
	for (const [option, value] of Object.entries(choices)) {
		const unknown = isByColumn(value) && Object.keys(value).find((name) => !names.includes(name));
		if (typeof unknown !== 'string') continue;
		const nearest = nearestName(unknown, names);
		throw new TypeError(
			`${option}: there is no column ${shown(unknown)}${nearest ? `; did you mean ${shown(nearest)}?` : ''}`
		);
	}
}

function choicesOf(name, choices) {
	const own = Object.entries(choices).map(([option, value]) => {
		if (!isByColumn(value)) return [option, value];
		return [option, Object.hasOwn(value, name) ? value[name] : undefined];
	});
	return Object.fromEntries(own);
}

/** The column for Rust, and the categories that its counts are of. */
function readColumn(name, reference, current, { kind, method, threshold }) {
	const known = kind ?? kindOf(name, reference, current);
	const column = { name, kind: known, method, threshold, missingReference: 0, missingCurrent: 0 };
	if (known === 'number') {
		column.reference = numbersOf(name, reference);
		column.current = numbersOf(name, current);
		return { column };
	}
	if (known === 'vector') return { column: { ...column, ...vectorsOf(name, reference, current) } };
	const counts = new Map();
	column.missingReference = countInto(counts, name, reference, 0);
	column.missingCurrent = countInto(counts, name, current, 1);
	let entries = [...counts];
	if (entries.length <= MAX_ORDERED) entries = entries.sort(([a], [b]) => (a < b ? -1 : 1));
	column.reference = Float64Array.from(entries, ([, [count]]) => count);
	column.current = Float64Array.from(entries, ([, [, count]]) => count);
	return { column, categories: entries.map(([category]) => category) };
}

const isMissing = (value) => value === null || value === undefined || Number.isNaN(value);

/** What the values of a column are, by both sides. */
function kindOf(name, reference, current) {
	if ([reference, current].some((values) => /^Float/.test(typedArrayName(values)))) return 'number';
	const types = new Set();
	let isWhole = true;
	for (const values of [reference, current]) {
		for (const value of values) {
			if (isMissing(value)) continue;
			types.add(typeof value === 'object' && isList(value) ? 'vector' : typeof value);
			isWhole &&= typeof value !== 'number' || Number.isInteger(value);
		}
	}
	if (types.size > 1) {
		const mixed = [...types].join(' and ');
		throw new TypeError(`column ${shown(name)} has values of type ${mixed}; give its kind, or values of one type`);
	}
	if (types.has('vector')) return 'vector';
	if (types.has('boolean')) return 'category';
	if (!types.has('string')) {
		return types.size > 0 && isWhole && hasFew(reference) ? 'category' : 'number';
	}
	const present = Array.prototype.filter.call(reference, (value) => !isMissing(value));
	return new Set(present).size > MAX_DISTINCT_SHARE * present.length ? 'text' : 'category';
}

function hasFew(values) {
	const distinct = new Set();
	for (const value of values) {
		if (!isMissing(value)) distinct.add(value);
		if (distinct.size > MAX_INTEGER_CATEGORIES) return false;
	}
	return true;
}

/** A copy as numbers, NaN for what is missing. */
function numbersOf(name, values) {
	const numbers = new Float64Array(values.length);
	for (let at = 0; at < values.length; at += 1) {
		const value = values[at];
		if (!isMissing(value) && typeof value !== 'number' && typeof value !== 'bigint') {
			throw new TypeError(`column ${shown(name)}: row ${at} must be a number or null, received ${shown(value)}`);
		}
		numbers[at] = isMissing(value) ? NaN : Number(value);
	}
	return numbers;
}

/** Counts the categories of a side, and gives how many rows have none. */
function countInto(counts, name, values, side) {
	let missing = 0;
	for (let at = 0; at < values.length; at += 1) {
		const value = values[at];
		if (isMissing(value)) {
			missing += 1;
			continue;
		}
		if (!['string', 'number', 'boolean', 'bigint'].includes(typeof value)) {
			throw new TypeError(
				`column ${shown(name)}: row ${at} must be a string, a number, a boolean or null, received ${shown(value)}`
			);
		}
		const entry = counts.get(value);
		if (entry) entry[side] += 1;
		else counts.set(value, side === 0 ? [1, 0] : [0, 1]);
	}
	return missing;
}

/** A part of Rust's answer, without what it leaves open and with categories by name. */
function toPart({ histogram, reference, current, ...part }, categories) {
	const known = Object.entries(part).filter(([, value]) => value !== undefined && value !== null);
	return { ...Object.fromEntries(known), reference, current, histogram: toHistogram(histogram, categories) };
}

function toHistogram(histogram, categories) {
	if (!histogram) return null;
	const { edges, shown: places, reference, current, others } = histogram;
	if (edges) return { edges, reference, current };
	return {
		categories: places.map((place) => categories[place]),
		reference,
		current,
		...(others && { others }),
	};
}
