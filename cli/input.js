// The features that --input gives, as one JSON object. Texts go on as they were written: a number in JavaScript would lose digits.
import { readFileSync } from 'node:fs';
import { UsageError } from './usage-error.js';

const STANDARD_INPUT = 0;

/**
 * @param {string[]} given
 * @param {{name: string, dtype?: string}[]} declared the inputs of the model
 * @returns {string} JSON text
 */
export function featuresFrom(given, declared) {
	const fields = new Map();
	const add = (name, text) => {
		if (fields.has(name)) throw new UsageError(`--input gives "${name}" twice`);
		fields.set(name, text);
	};
	for (const value of given) {
		const named = namedInput(value, declared);
		if (named) {
			add(named.name, textOf(named.value, named.declared));
			continue;
		}
		const text = read(value) ?? value;
		const parsed = parse(text, value);
		if (parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed)) {
			if (given.length === 1) return text;
			throw new UsageError('--input takes all inputs in one JSON object, or NAME=VALUE for each');
		}
		if (declared.length !== 1) {
			const names = declared.map(({ name }) => name).join(', ');
			throw new UsageError(`the model takes several inputs, ${names}: say NAME=VALUE for each, or give a JSON object`);
		}
		add(declared[0].name, text);
	}
	return `{${[...fields].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
}

/** `NAME=VALUE`: a name may hold an equals sign when the model has an input of it. */
function namedInput(value, declared) {
	const known = declared
		.filter(({ name }) => value.startsWith(`${name}=`))
		.sort((one, other) => other.name.length - one.name.length)[0];
	if (known) return { name: known.name, value: value.slice(known.name.length + 1), declared: known };
	const [, name, rest] = /^([^\s"[\]{}@=-][^\s"[\]{}=]*)=(.*)$/s.exec(value) ?? [];
	return name === undefined ? undefined : { name, value: rest };
}

/** What a file or standard input holds; undefined for a value that stands for itself. */
function read(value) {
	if (value !== '-' && !value.startsWith('@')) return undefined;
	try {
		return readFileSync(value === '-' ? STANDARD_INPUT : value.slice(1), 'utf8');
	} catch ({ code }) {
		throw new UsageError(`--input ${value} cannot be read: ${code}`);
	}
}

function textOf(value, declared) {
	const text = read(value) ?? value;
	// A text needs no quotation marks for an input of texts.
	if (declared?.dtype === 'string' && !/^\s*["[{]/.test(text)) return JSON.stringify(text);
	parse(text, value);
	return text;
}

function parse(text, value) {
	try {
		return JSON.parse(text);
	} catch ({ message }) {
		const where = value === '-' ? 'standard input' : value.slice(0, 64);
		throw new UsageError(`--input ${where} is not JSON: ${message}`);
	}
}
