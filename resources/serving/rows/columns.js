// Which columns of a table hold which input of a model.
import { nearestName } from '../../../binding.js';
import { ApiError } from '../../errors.js';
import { shown } from '../../http/query.js';

/** A model with as many inputs, or elements of them, is asked in JSON. */
const MAX_COLUMNS = 65_536;
const ELEMENT = /^(.*)\[(\d+)\]$/s;
/** How pandas titles the index that it writes, and how it titles that when it reads and writes it again. */
const INDEX = /^(Unnamed: 0)?$/;

/**
 * By input, the columns that hold it: one, or the elements of a list. A column has the name of an input or of an element of it;
 * `fields` says otherwise. Where a model has one input and no column has its name, all columns are its elements, in their order.
 *
 * @param {string[]} header
 * @param {Array<{name: string, dtype?: string, shape?: (number | string)[] | null, optional?: boolean}>} inputs of the model
 * @param {string[] | Record<string, string | string[]>} [fields] the titles of the columns of each input, or of the only one
 * @returns {{used: Array<{name: string, dtype?: string, isOne: boolean, columns: number[]}>, count: number}} names as JSON text
 */
export function columnsOf(header, inputs, fields) {
	checkColumnCount(header.length);
	const byName = new Map(inputs.map((input) => [input.name, input]));
	const titles = header.map((cell) => (isInput(cell, byName) ? cell : cell.trim()));
	const given = titles.map((title, at) => ({ title, at }));
	if (fields) return { used: byFields(given, byName, fields), count: header.length };
	if (isIndex(titles[0], byName)) throw indexColumn(titles[0]);
	return { used: byOrder(given, inputs, byName) ?? byTitle(given, byName), count: header.length };
}

/** Not left out in silence: it may as well be a value of the model whose title is missing. */
function indexColumn(title) {
	const first = title === '' ? 'the first column has no title' : `the first column is ${shown(title)}`;
	const hint = 'send df.to_csv(index=False), or name the columns that the model takes with ?fields=';
	return new ApiError('INVALID_REQUEST', `${first}, as pandas writes an index: ${hint}`);
}

/**
 * Throws when a table has too many columns.
 *
 * @param {number} count
 */
export function checkColumnCount(count) {
	if (count > MAX_COLUMNS) throw new ApiError('TOO_LARGE', `a CSV body may have at most ${MAX_COLUMNS} columns`);
}

const isInput = (title, byName) => byName.has(title) || byName.has(title.match(ELEMENT)?.[1]);
const isIndex = (title, byName) => INDEX.test(title) && !byName.has(title);

function byTitle(given, byName) {
	const taken = new Map();
	for (const { title, at } of given) {
		const [, base, index] = byName.has(title) ? [] : (title.match(ELEMENT) ?? []);
		const name = base ?? title;
		if (!byName.has(name)) throw unknownColumn(title, [...byName.keys()]);
		const input = taken.get(name) ?? { columns: new Map() };
		taken.set(name, input);
		const element = Number(index ?? 0);
		const isTaken = input.columns.has(element) || input.isOne || (index === undefined && input.columns.size > 0);
		if (isTaken) throw new ApiError('INVALID_REQUEST', `the column ${shown(title)} is given twice`);
		input.columns.set(element, at);
		input.isOne = index === undefined;
	}
	return [...byName.values()].flatMap((input) => {
		const found = taken.get(input.name);
		return found ? [use(input, found.isOne, elementsOf(input.name, found.columns))] : [];
	});
}

const use = ({ name, dtype }, isOne, columns) => ({ name: JSON.stringify(name), dtype, isOne, columns });

/** The columns of elements 0, 1, 2 ... */
function elementsOf(name, columns) {
	return Array.from({ length: columns.size }, (_, element) => {
		if (columns.has(element)) return columns.get(element);
		throw new ApiError('INVALID_REQUEST', `the column ${shown(`${name}[${element}]`)} is missing`);
	});
}

/** All columns as the elements of the only input; nothing when columns have names of inputs, or there are more inputs. */
function byOrder(given, inputs, byName) {
	const input = onlyInput(inputs);
	if (!input || given.some(({ title }) => isInput(title, byName))) return undefined;
	const columns = given.map(({ at }) => at);
	const expected = rowLength(input);
	if (expected !== undefined && expected !== columns.length) {
		const problem = `the input ${shown(input.name)} has rows of ${expected} values, the table has ${columns.length} columns`;
		const hint = `name those that it takes with ?fields=, in their order`;
		throw new ApiError('INVALID_REQUEST', `${problem}, none of which has its name; ${hint}`, {
			inputs: inputs.map(({ name }) => name),
		});
	}
	return [use(input, input.shape?.length === 1, columns)];
}

function onlyInput(inputs) {
	const required = inputs.filter(({ optional }) => !optional);
	const [input, ...others] = inputs.length === 1 ? inputs : required;
	return others.length === 0 && input?.dtype !== undefined ? input : undefined;
}

/** How many values a row of an input has; undefined when the model takes any number. */
function rowLength({ shape }) {
	if (!Array.isArray(shape)) return undefined;
	const sizes = shape.slice(1);
	return sizes.every(Number.isInteger) && sizes.every((size) => size >= 0)
		? sizes.reduce((product, size) => product * size, 1)
		: undefined;
}

function byFields(given, byName, fields) {
	const positions = new Map();
	for (const { title, at } of given) {
		if (positions.has(title)) throw new ApiError('INVALID_REQUEST', `the column ${shown(title)} is given twice`);
		positions.set(title, at);
	}
	const positionOf = (title) => {
		if (positions.has(title)) return positions.get(title);
		const nearest = nearestName(title, [...positions.keys()]);
		const hint = nearest ? `did you mean "${nearest}"?` : `the columns are ${[...positions.keys()].join(', ')}`;
		throw new ApiError('INVALID_REQUEST', `fields names ${shown(title)}, which is no column; ${hint}`);
	};
	return Object.entries(fieldsByInput(fields, [...byName.values()])).map(([name, titles]) => {
		if (!byName.has(name)) throw new ApiError('INVALID_REQUEST', `fields: ${unknownInput(name, [...byName.keys()])}`);
		const isOne = !Array.isArray(titles);
		return use(byName.get(name), isOne, (isOne ? [titles] : titles).map(positionOf));
	});
}

function fieldsByInput(fields, inputs) {
	if (!Array.isArray(fields)) return fields;
	const input = onlyInput(inputs);
	if (input) return { [input.name]: input.shape?.length === 1 && fields.length === 1 ? fields[0] : fields };
	throw new ApiError(
		'INVALID_REQUEST',
		`the model has ${inputs.length} inputs: fields must be JSON text such as {"${inputs[0]?.name}": ["column", ...]}`
	);
}

const unknownInput = (name, names) => `the model has no input ${shown(name)}; its inputs are ${names.join(', ')}`;

function unknownColumn(title, names) {
	const nearest = nearestName(title, names);
	const hint = nearest ? `did you mean "${nearest}"?` : `the inputs are ${names.join(', ')}`;
	return new ApiError('INVALID_REQUEST', `the column ${shown(title)} is no input of the model; ${hint}`, {
		inputs: names,
	});
}

/**
 * The parameter `fields`: titles with commas between them, a JSON list of titles, or a JSON object that has by input a title or a
 * list of them.
 *
 * @param {string} text
 * @returns {string[] | Record<string, string | string[]>}
 */
export function columnFields(text) {
	if (!/^\s*[[{]/.test(text)) return text.split(',').map((title) => title.trim());
	const isTitle = (value) => typeof value === 'string';
	const isTitles = (value) => Array.isArray(value) && value.length > 0 && value.every(isTitle);
	let fields;
	try {
		fields = JSON.parse(text);
	} catch {
		fields = undefined;
	}
	const isMap = fields !== undefined && Object.values(fields).every((value) => isTitle(value) || isTitles(value));
	if (isTitles(fields) || (isMap && !Array.isArray(fields))) return fields;
	throw new ApiError(
		'INVALID_REQUEST',
		`fields must be titles of columns with commas between them, or a JSON object of them by input, received ${shown(text)}`
	);
}
