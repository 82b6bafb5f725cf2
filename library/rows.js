// Columns of rows, as Rust takes them.
import { EdgeAiError } from './edge-ai-error.js';
import { shown } from './shown.js';

const LABEL_TYPES = ['string', 'number', 'boolean', 'bigint'];

const invalid = (message) => new EdgeAiError('INVALID_REQUEST', message);

/**
 * Refuses rows that lack a column.
 *
 * @param {string} call what takes them
 * @param {Record<string, any>} given
 * @param {string[]} names
 */
export function required(call, given, names) {
	for (const name of names) {
		if (given[name] === undefined) throw new TypeError(`${call} needs ${name}, a list with an item for each row`);
	}
}

/** Numbers; whole ones may be bigints. `placeOf` says where one stands, for the message. */
export function numbersOf(name, list, placeOf = (at) => `[${at}]`) {
	return Float64Array.from(list, (item, at) => {
		const value = unboxed(item);
		if (typeof value !== 'number') throw invalid(`${name}${placeOf(at)} must be a number, received ${shown(item)}`);
		return value;
	});
}

/** Names of classes. Those of tensors are bigints, and are the numbers that they are equal to. */
export function labelsOf(name, list) {
	return list.map((item, at) => {
		const label = unboxed(item);
		if (!LABEL_TYPES.includes(typeof label) || Number.isNaN(label)) {
			throw invalid(`${name}[${at}] must be a class, a string, a number or a boolean; received ${shown(item)}`);
		}
		return label;
	});
}

const unboxed = (item) => (typeof item === 'bigint' && Number.isSafeInteger(Number(item)) ? Number(item) : item);

/** Classes whose order tells something. */
export function namedClasses(list) {
	const classes = labelsOf('classes', list);
	const seen = new Set();
	for (const label of classes) {
		if (seen.has(label)) throw invalid(`classes must be different ones, and has ${shown(label)} twice`);
		seen.add(label);
	}
	return classes;
}

/** The classes that occur, in their order. */
export function classesIn(truth, predicted) {
	const classes = [...new Set([...truth, ...predicted])];
	const types = new Set(classes.map((label) => typeof label));
	// The text "1" beside the number 1 would silently be another class.
	if (types.size > 1) throw invalid(`classes must be of one type, received ${[...types].join(' and ')}`);
	return classes.sort((one, other) => (one < other ? -1 : 1));
}

/** Of labels among the classes. */
export function positionsOf(name, labels, classes) {
	const positions = new Map(classes.map((label, at) => [label, at]));
	return Uint32Array.from(labels, (label, at) => {
		const position = positions.get(label);
		if (position === undefined) {
			throw invalid(`${name}[${at}] must be one of the ${positions.size} classes, received ${shown(label)}`);
		}
		return position;
	});
}

/** Scores row by row: from a list for each row, or from one that has them all. */
export function tableOf(name, list, columns) {
	if (!list.some(Array.isArray)) return numbersOf(name, list);
	const ragged = list.findIndex((row) => !Array.isArray(row) || row.length !== columns);
	if (ragged !== -1) {
		const received = Array.isArray(list[ragged]) ? list[ragged].length : shown(list[ragged]);
		throw invalid(`${name}[${ragged}] must have ${columns} numbers, one for each class; received ${received}`);
	}
	return numbersOf(name, list.flat(), (at) => `[${Math.floor(at / columns)}][${at % columns}]`);
}

/**
 * What predictions are worth, as one list.
 *
 * @param {any} rows a list for each true class, with a number for each predicted one
 * @param {number} [classes] as many as there are lists when absent
 */
export function worthOf(rows, classes = rows?.length) {
	const isRow = (row) => Array.isArray(row) && row.length === classes && row.every(Number.isFinite);
	if (Array.isArray(rows) && rows.length === classes && rows.every(isRow)) return Float64Array.from(rows.flat());
	const expected = `a list for each true class with a finite number for each predicted one${classes ? `, ${classes} of both` : ''}`;
	throw invalid(`businessValue must be ${expected}; received ${shown(rows)}`);
}
