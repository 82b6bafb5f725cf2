// node scripts/vendor.js: copies the libraries of the page from their packages, so that it needs no build and asks no other origin.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const TARGET = 'resources/page/static/vendor';

/** Files of packages by the names that they get here. */
const FILES = {
	'preact.js': 'preact/dist/preact.mjs',
	'hooks.js': 'preact/hooks/dist/hooks.mjs',
	'htm.js': 'htm/dist/htm.module.js',
	'uplot.js': 'uplot/dist/uPlot.iife.min.js',
	'uplot.css': 'uplot/dist/uPlot.min.css',
};

const SOURCE_MAP = /\n\/\/# sourceMappingURL=.*/;

/** What a package's file becomes as a module of the page. */
function adapted(name, text) {
	// A browser resolves no names of packages, and an import map would be an inline script.
	const module = text.replace(SOURCE_MAP, '').replaceAll('from"preact"', 'from"./preact.js"');
	// The package has no minified module.
	return name === 'uplot.js' ? `${module.trimEnd()}\nexport default uPlot;\n` : module;
}

/** @returns {Record<string, string>} the texts of the files of the page, by their paths in the repository */
export const vendored = () =>
	Object.fromEntries(
		Object.entries(FILES).map(([name, path]) => [
			`${TARGET}/${name}`,
			adapted(name, readFileSync(join(root, 'node_modules', path), 'utf8')),
		])
	);

if (argv[1] === fileURLToPath(import.meta.url)) {
	mkdirSync(join(root, TARGET), { recursive: true });
	for (const [path, text] of Object.entries(vendored())) writeFileSync(join(root, path), text);
}
