// What the Rust files use of each other: every path of every `use`, and every one that begins with `crate`, by the file that
// defines what it names.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {string} folder the `src` of a crate
 * @returns {Map<string, Set<string>>} file to files, as paths within the folder
 */
export function rustUses(folder) {
	const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.rs'));
	const modules = new Map();
	for (const file of names.map((name) => name.replaceAll('\\', '/'))) {
		modules.set(pathOf(file), { file, ...usesOf(readFileSync(join(folder, file), 'utf8')) });
	}
	const crate = new Crate(modules);
	return new Map([...modules].map(([path, { file, uses }]) => [file, crate.filesOf(path, uses)]));
}

const pathOf = (file) => file.replace(/(^lib|(^|\/)mod)?\.rs$/, '').replaceAll('/', '::');

/** The uses outside the tests of a file, and the names that it hands on. */
function usesOf(text) {
	const code = text
		.replace(/\/\/.*$/gm, '')
		.replace(/^#\[cfg\((?:all\()?test\b[^\n]*\n(?:mod tests;|mod \w+ \{[\s\S]*?^\})/gm, '');
	const uses = [];
	const handedOn = new Map();
	for (const [, isPublic, tree] of code.matchAll(/^\s*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);/gm)) {
		for (const { path, name } of flat(tree.replaceAll(/\s+/g, ' '))) {
			uses.push(path);
			if (isPublic) handedOn.set(name, path);
		}
	}
	for (const [, path] of code.matchAll(/(?<![$\w])(crate(?:::\w+)+)/g)) uses.push(path.split('::'));
	return { uses, handedOn };
}

/** `a::{b, c as d}` as `a::b` and `a::c`, each with the name under which it is known. */
function flat(tree) {
	const open = tree.indexOf('{');
	if (open < 0) {
		const [path, alias] = tree.trim().split(' as ');
		const parts = path.split('::').filter((part) => part !== 'self' || path.startsWith('self'));
		return [{ path: parts, name: alias ?? parts.at(-1) }];
	}
	const prefix = tree.slice(0, open).trim();
	return branches(tree.slice(open + 1, tree.lastIndexOf('}'))).flatMap((branch) => flat(prefix + branch.trim()));
}

function branches(text) {
	const found = [];
	let depth = 0;
	let since = 0;
	for (let at = 0; at <= text.length; at += 1) {
		if (text[at] === '{') depth += 1;
		else if (text[at] === '}') depth -= 1;
		else if ((text[at] === ',' && depth === 0) || at === text.length) {
			found.push(text.slice(since, at));
			since = at + 1;
		}
	}
	return found.filter((branch) => branch.trim() !== '');
}

class Crate {
	#modules;

	constructor(modules) {
		this.#modules = modules;
	}

	/** The files that paths within a module lead to; those of other crates lead nowhere. */
	filesOf(module, uses) {
		const files = uses.map((path) => this.#definedIn(this.#absolute(module, path)));
		return new Set(files.filter((file) => file !== undefined && file !== this.#modules.get(module).file));
	}

	/** A path from the crate's root, or undefined for another crate's. */
	#absolute(module, path) {
		const [first, ...rest] = path;
		if (first === 'crate') return rest;
		let around = module === '' ? [] : module.split('::');
		if (first === 'self') return [...around, ...rest];
		let at = 0;
		for (; path[at] === 'super'; at += 1) around = around.slice(0, -1);
		if (at > 0) return [...around, ...path.slice(at)];
		return this.#modules.has([...around, first].join('::')) ? [...around, ...path] : undefined;
	}

	/** The file that defines what an absolute path names: what a module hands on is another file's. */
	#definedIn(path) {
		if (path === undefined) return undefined;
		for (let length = path.length; length >= 0; length -= 1) {
			const name = path.slice(0, length).join('::');
			const found = this.#modules.get(name);
			if (!found) continue;
			const handedOn = found.handedOn.get(path[length]);
			return handedOn ? this.#definedIn(this.#absolute(name, handedOn)) : found.file;
		}
		return undefined;
	}
}
