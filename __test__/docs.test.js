// The documentation says what the code does: codes, options, routes, rights, links, names and examples.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { addonName, libraryName, packageName } from '../platform.js';
import { STATUS_OF } from '../resources/errors.js';
import { ROLES } from '../resources/http/roles.js';
import { SCHEMA, variableOf } from '../resources/options.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => readFileSync(join(root, path), 'utf8');

const pages = [
	...readdirSync(root).filter((name) => name.endsWith('.md')),
	...readdirSync(join(root, 'docs'))
		.filter((name) => name.endsWith('.md'))
		.map((name) => `docs/${name}`),
];

/** The fenced blocks of a language. */
const blocks = (page, language) =>
	[...read(page).matchAll(/^ *```(\w*)\n([\s\S]*?)^ *```$/gm)].flatMap(([, name, text]) =>
		name === language ? [text] : []
	);

/** A page without its fenced blocks. */
const prose = (page) => read(page).replace(/^ *```[\s\S]*?^ *```$/gm, '');

/** The rows of the table whose header begins with a word, as cells without backticks. */
function table(page, firstHeader) {
	const lines = prose(page).split('\n');
	const header = lines.findIndex((line) => line.startsWith('|') && cells(line)[0] === firstHeader);
	assert.notEqual(header, -1, `${page} has no table that begins with "${firstHeader}"`);
	const rest = lines.slice(header + 2);
	return rest
		.slice(
			0,
			Math.max(
				0,
				rest.findIndex((line) => !line.startsWith('|'))
			)
		)
		.map(cells);
}

const cells = (line) =>
	line
		.split('|')
		.slice(1, -1)
		.map((cell) => cell.trim().replaceAll('`', ''));

/** The routes as a file writes them, with the permissions they need. */
function routes(path = 'resources.js') {
	const text = read(path);
	const found = [...text.matchAll(/^\t\['([A-Z]+)', '([^']+)', (\{[^}]*\}|needs|open), /gm)];
	assert.equal(found.length, text.match(/^\t\[/gm).length, 'every route is written in the form that this test reads');
	return found.map(([, method, route, needs]) => ({
		name: `${method} ${route}`,
		needs: permissions(needs === 'needs' ? read('resources/predict.js').match(/const needs = .*/)[0] : needs),
	}));
}

/** The permissions of a route in words. */
const rightsOf = (needs) =>
	needs.length === 0 ? 'none' : `${needs.map(([, action]) => action).join(' and ')} on ${needs[0][0]}`;

/** `{ Model: ['read'] }` as `[['Model', 'read']]`. */
const permissions = (text) =>
	[...text.matchAll(/(\w+): \[([^\]]*)\]/g)].flatMap(([, name, actions]) =>
		[...actions.matchAll(/'(\w+)'/g)].map(([, action]) => [name, action])
	);

/** Whether a role of the component may do something, on a route. */
const isAllowed = (role, tableName, action) =>
	Object.values(ROLES[role]).some((database) => database.tables?.[tableName]?.[action] === true);

/** The anchors that a page offers, as GitHub makes them. */
const anchors = (page) =>
	[...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
		heading
			.toLowerCase()
			.replace(/[^\p{L}\p{N} _-]/gu, '')
			.replaceAll(' ', '-')
	);

describe('docs/rest.md', () => {
	test('lists every error code with its status, and no other', () => {
		const listed = table('docs/rest.md', 'code').map(([code, status]) => [code, Number(status)]);
		assert.deepEqual(listed.toSorted(), Object.entries(STATUS_OF).toSorted());
		for (const [code, , meaning, remedy] of table('docs/rest.md', 'code')) {
			assert.ok(meaning && remedy, code);
		}
	});

	test('describes every route, and no other', () => {
		const described = [...prose('docs/rest.md').matchAll(/^## `(.*)`$/gm)].map(([, name]) => name);
		assert.deepEqual(
			described.toSorted(),
			routes()
				.map(({ name }) => name)
				.toSorted()
		);
	});

	test('names the fields and parameters that the code reads', () => {
		const fieldsIn = (path, pattern) =>
			[...read(path).matchAll(pattern)].flatMap(([, list]) =>
				[...list.matchAll(/['"](\w+)['"]/g)].map(([, field]) => field)
			);
		const known = [
			...fieldsIn('src/request.rs', /const FIELDS: [^=]*= \[([^\]]*)\]/g),
			...fieldsIn('resources/upload.js', /const FIELDS = \[([^\]]*)\]/g),
			...['benchmark', 'features', 'feedback', 'models', 'monitoring'].flatMap((name) =>
				fieldsIn(`resources/${name}.js`, /(?:readQuery|readJsonObject)\(\w+, \[([^\]]*)\]/g)
			),
		];
		assert.ok(known.length > 30, 'the fields are written in the form that this test reads');
		for (const field of known) assert.ok(prose('docs/rest.md').includes(`\`${field}\``), `docs/rest.md lacks ${field}`);
	});
});

describe('docs/configuration.md', () => {
	/** Defaults that depend on the machine, in words. */
	const inWords = {
		intraOpThreads: 'the processors',
		runThreads: 'the processors',
		cacheDirectory: "edge-ai-cache in Harper's root path",
	};

	test('lists every option with its default and variable, and no other', () => {
		const listed = table('docs/configuration.md', 'option').map(([name, , value, variable]) => [name, value, variable]);
		const expected = Object.entries(SCHEMA).map(([name, rule]) => [
			name,
			inWords[name] ?? String(rule.default),
			variableOf(name),
		]);
		assert.deepEqual(listed, expected);
		for (const name of ['intraOpThreads', 'runThreads']) assert.equal(SCHEMA[name].default, availableParallelism());
	});

	test('gives the range that is checked', () => {
		for (const [name, range] of table('docs/configuration.md', 'option')) {
			for (const number of SCHEMA[name].expected.match(/\d+/g) ?? []) {
				assert.ok(range.includes(number), `${name}: ${range}`);
			}
			for (const word of SCHEMA[name].expected.match(/(?<=one of ).*/)?.[0].split(', ') ?? []) {
				assert.ok(range.includes(word), `${name}: ${range}`);
			}
		}
	});

	test("names Harper's variables that npm start sets", () => {
		const [, set] = read('scripts/harper.js').match(/const environment = \{\n([\s\S]*?)\n\t\};/);
		const variables = [...set.matchAll(/^\t\t([A-Z_]+):/gm)].map(([, name]) => name);
		assert.ok(variables.length > 8);
		for (const name of variables) assert.ok(prose('docs/configuration.md').includes(`\`${name}\``), name);
	});
});

describe('docs/security.md', () => {
	const rows = () => table('docs/security.md', 'route');

	test('has the rights of every route', () => {
		const expected = routes().map(({ name, needs }) => [name, rightsOf(needs)]);
		assert.deepEqual(
			rows().map(([name, permission]) => [name, permission]),
			expected
		);
	});

	test('says for each role what it allows', () => {
		const names = Object.keys(ROLES);
		const [header] = prose('docs/security.md').match(/^\| route .*$/m);
		assert.deepEqual(cells(header).slice(2, -1), names);
		const needsOf = Object.fromEntries(routes().map(({ name, needs }) => [name, needs]));
		for (const [name, , ...answers] of rows()) {
			const expected = names.map((role) =>
				needsOf[name].every(([tableName, action]) => isAllowed(role, tableName, action)) ? 'yes' : 'no'
			);
			assert.deepEqual(answers.slice(0, names.length), expected, name);
			assert.equal(answers.at(-1), name === 'POST /predict' ? 'with anonymousPredict' : 'no', name);
		}
	});
});

describe('docs/protocols.md', () => {
	/** A name with `[parts that may be absent]` and `{one,or,another}` as all names that it stands for. */
	function expand(name) {
		const [whole, optional, choices] = name.match(/\[([^\]]*)\]|\{([^}]*)\}/) ?? [];
		if (whole === undefined) return [name];
		const parts = choices === undefined ? ['', optional] : choices.split(',');
		return parts.flatMap((part) => expand(name.replace(whole, part)));
	}

	for (const [header, path] of [
		['of the Open Inference Protocol', 'resources/v2/routes.js'],
		['of TensorFlow Serving', 'resources/tensorflow-serving/routes.js'],
	]) {
		test(`has every route ${header}, with its rights`, () => {
			const listed = table('docs/protocols.md', header).flatMap(([name, permission]) =>
				expand(name).map((route) => [route, permission])
			);
			const expected = routes(path).map(({ name, needs }) => [name, rightsOf(needs)]);
			assert.deepEqual(listed.toSorted(), expected.toSorted());
		});
	}
});

describe('docs/platforms.md', () => {
	test('uses the names of platform.js', () => {
		for (const [name, addon, library] of table('docs/platforms.md', 'package')) {
			const platform = name.replace(/^harper-edge-ai-/, '');
			assert.equal(name, packageName(platform));
			assert.equal(addon, addonName(platform));
			if (library !== 'none: tract') assert.equal(library.split(', ')[0], libraryName(platform));
		}
	});

	test('lists the platforms that the release workflow builds', () => {
		const built = [...read('.github/workflows/release.yml').matchAll(/platform: ([\w-]+),/g)].map(([, name]) => name);
		const listed = table('docs/platforms.md', 'package').map(([name]) => name.replace(/^harper-edge-ai-/, ''));
		assert.deepEqual(listed, built);
	});
});

describe('docs/node-api.md', () => {
	test('names every exported value and its members', () => {
		const text = prose('docs/node-api.md');
		for (const [, name, body] of read('index.d.ts').matchAll(/^export class (\w+) \{\n([\s\S]*?)^\}/gm)) {
			assert.ok(text.includes(`## \`${name}\``), name);
			for (const [, member] of body.matchAll(/^\t(\w+)\(/gm)) {
				if (member !== 'constructor') assert.ok(text.includes(`\`${member}(`), `${name}.${member}`);
			}
		}
	});

	test('names every option of the engine', () => {
		const [, body] = read('index.d.ts').match(/interface EngineOptions \{\n([\s\S]*?)^\}/m);
		const declared = [...body.matchAll(/^\t(\w+)\?:/gm)].map(([, name]) => name);
		const listed = table('docs/node-api.md', 'option').map(([name]) => name);
		assert.deepEqual(
			listed.filter((name) => name !== 'registry, monitor'),
			declared
		);
	});
});

describe('examples', () => {
	for (const page of ['README.md', 'docs/node-api.md']) {
		blocks(page, 'js').forEach((code, at) =>
			test(`JavaScript ${at + 1} of ${page} runs`, () => {
				const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
					cwd: root,
					encoding: 'utf8',
					timeout: 60_000,
				});
				assert.equal(status, 0, stderr);
			})
		);
	}

	test('JSON parses', () => {
		let count = 0;
		for (const page of pages) {
			for (const text of blocks(page, 'json')) {
				assert.doesNotThrow(() => JSON.parse(text), `${page}: ${text}`);
				count += 1;
			}
			for (const text of blocks(page, 'bash')) {
				for (const [, body] of text.matchAll(/-d '([^']*)'/g)) {
					assert.doesNotThrow(() => JSON.parse(body), `${page}: ${body}`);
					count += 1;
				}
			}
		}
		assert.ok(count > 20);
	});

	test('npm scripts exist', () => {
		const { scripts } = JSON.parse(read('package.json'));
		for (const page of pages) {
			for (const [, name] of read(page).matchAll(/\bnpm run ([\w:-]+)/g)) {
				assert.ok(Object.hasOwn(scripts, name), `${page}: npm run ${name}`);
			}
		}
	});
});

describe('links and names', () => {
	for (const page of pages) {
		test(`links of ${page} lead somewhere`, () => {
			for (const [, target] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
				if (/^https:/.test(target)) continue;
				const [path, anchor] = target.split('#');
				const file = path === '' ? page : join(dirname(page), path);
				assert.ok(existsSync(join(root, file)), `${page}: ${target}`);
				if (anchor !== undefined) assert.ok(anchors(file).includes(anchor), `${page}: ${target}`);
			}
		});

		test(`files that ${page} names exist`, () => {
			const ours = /^(?:\.ci|\.github|__test__|benchmark|docs|examples|library|resources|scripts|src|tests)\/[\w./-]+$/;
			const atRoot = /^[\w-]+\.(?:js|d\.ts|yaml|graphql|md|rs|toml)$/;
			for (const [, name] of prose(page).matchAll(/`([^`\s]+)`/g)) {
				if (ours.test(name) || atRoot.test(name)) assert.ok(existsSync(join(root, name)), `${page}: ${name}`);
			}
		});
	}

	test('every page of docs is linked from the README', () => {
		for (const page of pages) {
			if (page.startsWith('docs/')) assert.ok(read('README.md').includes(`](${page})`), page);
		}
	});
});
