// Part of npm run format: writes what the documentation and the declarations say of options, measures and the rights of routes, from
// their tables in the code. A test says when they are not current.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as prettier from 'prettier';
import { EFFECT, ENGINE_OPTIONS, variableOf } from '../library/engine-options.js';
import { MEASURES } from '../library/metrics.js';
import { ROLES } from '../resources/http/roles.js';
import { SCHEMA } from '../resources/options.js';
import { inWords, routesIn } from './routes.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const COMMENT_WIDTH = 120;

const CONFIGURATION = 'docs/configuration.md';
const NODE_API = 'docs/node-api.md';
const REST = 'docs/rest.md';
const SECURITY = 'docs/security.md';
const DECLARATIONS = 'index.d.ts';

/** Everything that is written, and how. */
const WRITERS = {
	[CONFIGURATION]: (text) =>
		withTable(
			text,
			['option', 'values', 'default', 'variable', 'takes effect', 'meaning'],
			Object.entries(SCHEMA).map(([name, option]) => {
				const meaning = option.meaning.replaceAll(`(${basename(CONFIGURATION)}#`, '(#');
				return [code(name), option.range, defaultOf(option), code(variableOf(name)), option.effect, meaning];
			})
		),
	[NODE_API]: (text) =>
		withTable(
			text,
			['option', 'values', 'default', 'takes effect', 'meaning'],
			[
				...Object.entries(ENGINE_OPTIONS).map(([name, option]) => {
					const meaning = sentences(option).replaceAll(`(${basename(NODE_API)}#`, '(#');
					return [code(name), option.range, defaultOf(option), option.effect, meaning];
				}),
				['`registry`, `monitor`', '`ModelRegistry`, `Monitor`', 'none', EFFECT.atOnce, 'Of this handle; see below.'],
			]
		),
	[REST]: (text) =>
		withTable(
			text,
			['measure', 'meaning'],
			Object.entries(MEASURES).map(([name, { meaning }]) => [code(name), meaning])
		),
	[SECURITY]: (text) =>
		withTable(
			text,
			['route', 'permission', ...Object.keys(ROLES).map(code), 'nobody'],
			routesIn().map(({ name, needs }) => {
				const roles = Object.values(ROLES).map((role) => (needs.every((need) => isGranted(role, need)) ? 'yes' : 'no'));
				return [code(name), inWords(needs), ...roles, name === 'POST /predict' ? 'with `anonymousPredict`' : 'no'];
			})
		),
	[DECLARATIONS]: (text) => {
		const options = Object.entries(ENGINE_OPTIONS).map(([name, option]) =>
			field(`${name}?`, option.type, said(option))
		);
		const measures = Object.entries(MEASURES).map(([name, { type = 'number | null', meaning }]) =>
			field(name, type, meaning)
		);
		return withFields(withFields(text, 'EngineOptions', options), 'Measures', measures);
	},
};

/** The files that are written. */
export const PATHS = Object.keys(WRITERS);

/**
 * What a file is to be.
 *
 * @param {string} path one of {@link PATHS}
 * @param {string} text of the file as it is
 * @returns {Promise<string>}
 */
export async function written(path, text) {
	const filepath = join(root, path);
	return prettier.format(WRITERS[path](text), { ...(await prettier.resolveConfig(filepath)), filepath });
}

/** The text with other rows in the table whose header begins with the same word. */
function withTable(text, header, rows) {
	const lines = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`);
	return replaced(text, new RegExp(`^\\| ${header[0]} +\\|.*\\n(\\|.*\\n)+`, 'm'), () => lines.join(''));
}

/** The text with other fields in the interface of a name. */
const withFields = (text, name, fields) =>
	replaced(text, new RegExp(`(^export interface ${name} \\{\\n)[^]*?(^\\})`, 'm'), (_, start, end) =>
		[start, ...fields, end].join('')
	);

function replaced(text, pattern, replacement) {
	if (!pattern.test(text)) throw new Error(`there is nothing like ${pattern}`);
	return text.replace(pattern, replacement);
}

/** A field of an interface, with its comment. */
const field = (name, type, meaning) => `${comment(meaning)}\n${name}: ${type};\n`;

/** Whether a role allows something on a table, directly or through the routes. */
const isGranted = (role, [table, action]) =>
	Object.values(role).some((database) => database.tables?.[table]?.[action] === true);

const code = (text) => `\`${text}\``;

const defaultOf = ({ inWords, default: value }) => inWords ?? (typeof value === 'number' ? value : code(value));

const sentences = ({ meaning, inNode }) => (inNode ? `${meaning} ${inNode}` : meaning);

/** What the declarations say of an option. Their readers have no links. */
function said(option) {
	const meaning = sentences(option)
		.replaceAll(/; see \[[^\]]*\]\([^)]*\)/g, '')
		.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
		.replace(/ In the variable [^.]*\./, '');
	const effect = option.effect === EFFECT.atOnce ? '' : ` Takes effect ${option.effect}.`;
	return `${meaning} Default: ${defaultOf(option)}.${effect}`;
}

/** A comment, in lines that are not too long. */
function comment(text) {
	const lines = [''];
	for (const word of text.split(' ')) {
		const longer = `${lines.at(-1)} ${word}`.trimStart();
		if (longer.length > COMMENT_WIDTH) lines.push(word);
		else lines[lines.length - 1] = longer;
	}
	return lines.length === 1 ? `/** ${lines[0]} */` : `/**\n${lines.map((line) => ` * ${line}\n`).join('')} */`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	for (const path of PATHS) {
		const file = join(root, path);
		writeFileSync(file, await written(path, readFileSync(file, 'utf8')));
	}
}
