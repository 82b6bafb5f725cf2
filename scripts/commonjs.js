// Makes commonjs/ from the modules of the Node.js API: what require gives where Node.js cannot require ES modules, and in test
// runners that load modules by themselves. It is part of npm run build.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'commonjs');

const IMPORT = /(?:\bfrom|\bimport) '(\.{1,2}\/[^']+)\.js'/g;

/** A module, and what it imports. */
function modulesFrom(path, found = new Map()) {
	if (found.has(path)) return found;
	const text = readFileSync(join(root, path), 'utf8');
	found.set(path, text);
	for (const [, target] of text.matchAll(IMPORT)) modulesFrom(posix.join(posix.dirname(path), `${target}.js`), found);
	return found;
}

/** The module as CommonJS. Its URL stays that of the module it was made from, beside which its files are. */
function commonJsOf(path, text) {
	const up = posix.relative(posix.dirname(posix.join('commonjs', path)), path);
	const url = `new URL(${JSON.stringify(up)}, require("node:url").pathToFileURL(__filename)).href`;
	const source = text.replaceAll(IMPORT, (clause) => clause.replace(/\.js'$/, ".cjs'"));
	const { outputText } = ts.transpileModule(source.replaceAll('import.meta', 'IMPORT_META'), {
		compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true },
	});
	const meta = outputText.includes('IMPORT_META') ? `const IMPORT_META = { url: ${url} };\n` : '';
	return outputText.replace(/^"use strict";\n/, (line) => line + meta);
}

/** Writes commonjs/ anew. */
export function writeCommonJs() {
	rmSync(folder, { recursive: true, force: true });
	for (const [path, text] of modulesFrom('index.js')) {
		const target = join(folder, path.replace(/\.js$/, '.cjs'));
		mkdirSync(dirname(target), { recursive: true });
		writeFileSync(target, commonJsOf(path, text));
	}
	writeFileSync(join(folder, 'index.d.cts'), readFileSync(join(root, 'index.d.ts')));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeCommonJs();
