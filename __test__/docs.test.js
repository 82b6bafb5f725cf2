// The documentation says what the code does: codes, options, routes, rights, links, names and examples.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { addonName, libraryName, packageName } from '../platform.js';
import { STATUS_OF } from '../resources/errors.js';
import { ROLES } from '../resources/http/roles.js';
import { inWords, routesIn } from '../scripts/routes.js';
import { PATHS, written } from '../scripts/write-docs.js';
import { problemsOf } from './support/samples.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => readFileSync(join(root, path), 'utf8');

const pages = [
	...readdirSync(root).filter((name) => name.endsWith('.md')),
	...readdirSync(join(root, 'docs'))
		.filter((name) => name.endsWith('.md'))
		.map((name) => `docs/${name}`),
];

const examplePages = readdirSync(join(root, 'examples'), { recursive: true })
	.filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
	.map((name) => `examples/${name.replaceAll('\\', '/')}`);

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

/** The permissions of a route in words, as {@link table} gives them. */
const rightsOf = (needs) => inWords(needs).replaceAll('`', '');

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

describe('what npm run format writes', () => {
	for (const path of PATHS) {
		test(`is current in ${path}`, async () => assert.equal(read(path), await written(path, read(path))));
	}
});

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
			routesIn()
				.map(({ name }) => name)
				.toSorted()
		);
	});

	test('names the fields and parameters that the code reads', () => {
		const fieldsIn = (path, pattern) =>
			[...read(path).matchAll(pattern)].flatMap(([, list]) =>
				[...list.matchAll(/['"](\w+)['"]/g)].map(([, field]) => field)
			);
		const paths = readdirSync(join(root, 'resources'), { recursive: true })
			.filter((path) => path.endsWith('.js') && !path.startsWith('protocols'))
			.map((path) => `resources/${path}`);
		const known = [
			...fieldsIn('src/prediction/request.rs', /const FIELDS: [^=]*= \[([^\]]*)\]/g),
			...paths.flatMap((path) =>
				fieldsIn(path, /(?:const \w*FIELDS = |(?:readQuery|readJsonObject)\(\s*\w+,\s*)\[([^\]]*)\]/g)
			),
		];
		assert.ok(known.length > 50, 'the fields are written in the form that this test reads');
		for (const field of known) assert.ok(prose('docs/rest.md').includes(`\`${field}\``), `docs/rest.md lacks ${field}`);
	});
});

describe('docs/configuration.md', () => {
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
		const expected = routesIn().map(({ name, needs }) => [name, rightsOf(needs)]);
		assert.deepEqual(
			rows()
				.map(([name, permission]) => [name, permission])
				.toSorted(),
			expected.toSorted()
		);
	});

	test('says for each role what it allows', () => {
		const names = Object.keys(ROLES);
		const [header] = prose('docs/security.md').match(/^\| route .*$/m);
		assert.deepEqual(cells(header).slice(2, -1), names);
		const needsOf = Object.fromEntries(routesIn().map(({ name, needs }) => [name, needs]));
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
		['of the Open Inference Protocol', 'resources/protocols/v2/routes.js'],
		['of TensorFlow Serving', 'resources/protocols/tensorflow-serving/routes.js'],
	]) {
		test(`has every route ${header}, with its rights`, () => {
			const listed = table('docs/protocols.md', header).flatMap(([name, permission]) =>
				expand(name).map((route) => [route, permission])
			);
			const expected = routesIn(path).map(({ name, needs }) => [name, rightsOf(needs)]);
			assert.deepEqual(listed.toSorted(), expected.toSorted());
		});
	}
});

describe('docs/platforms.md', () => {
	test('says which releases of Harper are supported, the one that is tested among them', () => {
		const { engines, devDependencies } = JSON.parse(read('package.json'));
		const { harperdb: range } = engines;
		const { harperdb: tested } = devDependencies;
		assert.ok(prose('docs/platforms.md').includes(`\`${range}\``), range);
		assert.ok(prose('docs/platforms.md').includes(`${tested} is what every test`), tested);
		assert.equal(JSON.parse(read('node_modules/harperdb/package.json')).version, tested);
		// All patches from the one that is tested on.
		assert.equal(range, `~${tested}`);
	});

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
		for (const [, name, body] of read('index.d.ts').matchAll(/^export class (\w+)\b[^{]*\{\n([\s\S]*?)^\}/gm)) {
			assert.ok(text.includes(`## \`${name}\``), name);
			for (const [, member] of body.matchAll(/^\t(\w+)\(/gm)) {
				if (member !== 'constructor') assert.ok(text.includes(`\`${member}(`), `${name}.${member}`);
			}
		}
	});
});

describe('examples', () => {
	const isForHarper = (code) => code.includes("from 'harper-edge-ai/harper'");

	test('what the README shows of an application is on the page whose programs are run in Harper', () => {
		const shown = blocks('README.md', 'js').filter(isForHarper);
		assert.equal(shown.length, 1);
		for (const code of shown) assert.ok(blocks('docs/in-harper.md', 'js').includes(code));
	});

	for (const page of ['README.md', 'docs/node-api.md']) {
		const typescript = blocks(page, 'ts').map((code) => ts.transpile(code, { module: ts.ModuleKind.ESNext }));
		const programs = [...blocks(page, 'js'), ...typescript].filter((code) => !isForHarper(code));
		programs.forEach((code, at) =>
			test(`program ${at + 1} of ${page} runs`, () => {
				const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
					cwd: root,
					encoding: 'utf8',
					timeout: 60_000,
				});
				assert.equal(status, 0, stderr);
			})
		);
	}

	/** What is shown without its surroundings, in them: those of a resource of an application. */
	const surrounded = {
		'docs/in-harper.md': (code) =>
			code.startsWith('import ')
				? code
				: `import { events, models, predict, predictBatch } from 'harper-edge-ai/harper';
const { context, logger, MODEL, REVIEW_FROM, server, tables } = /** @type {any} */ (globalThis);
export const sample = async () => {
	console.log(context, logger, server, tables, MODEL, REVIEW_FROM, events, models, predict, predictBatch);
	${code.replace(/^export class /gm, 'return class ')}
};`,
	};

	/** By page, its samples by the names of their files. */
	const programs = new Map(
		[...pages, ...examplePages].map((page) => {
			const nameOf = (at, extension) => `${page.replaceAll('/', '-')}-${at + 1}.${extension}`;
			return [
				page,
				Object.fromEntries([
					...blocks(page, 'js').map((code, at) => [nameOf(at, 'js'), surrounded[page]?.(code) ?? code]),
					...blocks(page, 'ts').map((code, at) => [nameOf(at, 'ts'), code]),
				]),
			];
		})
	);
	/** Of all pages: most of the time is for what they have in common. */
	let problems;
	const problemsIn = (samples) => {
		problems ??= problemsOf(Object.assign({}, ...programs.values()));
		return problems.filter((problem) => Object.hasOwn(samples, problem.split(':')[0]) || problem.startsWith(':'));
	};

	for (const [page, samples] of programs) {
		if (Object.keys(samples).length === 0) continue;
		test(`JavaScript and TypeScript of ${page} compile`, () => assert.deepEqual(problemsIn(samples), []));
	}

	test('what does not compile is found', () => {
		const wrong = {
			'1.ts': "import { InferenceEngine } from 'harper-edge-ai';\nnew InferenceEngine({ timeout: 1 });",
			'2.js': "import { InferenceEngine } from 'harper-edge-ai';\nawait new InferenceEngine().loads('x');",
			'3.js': "import { Engine } from 'harper-edge-ai';\nnew Engine();",
			'4.js': "console.log('sound');",
		};
		assert.deepEqual(
			problemsOf(wrong).map((problem) => problem.split(':')[0]),
			['1.ts', '2.js', '3.js']
		);
	});

	test('all of them are found by the names of their languages', () => {
		for (const page of [...pages, ...examplePages]) {
			assert.doesNotMatch(read(page), /^ *```(javascript|typescript|mjs|cjs|jsx|tsx)$/m, `${page}: say js or ts`);
		}
	});

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

describe('limits', () => {
	const filesOf = (path) =>
		/\.\w+$/.test(path) ? [path] : readdirSync(join(root, path), { recursive: true }).map((name) => `${path}/${name}`);

	/** The value of a constant that stands once in a file or folder. */
	function constant(path, name) {
		const declared = new RegExp(`\\bconst ${name}(?:: \\w+)? = ([\\d_]+(?:(?: << | \\* )[\\d_]+)*);`, 'g');
		const texts = filesOf(path)
			.filter((file) => /\.(js|rs)$/.test(file))
			.flatMap((file) => [...read(file).matchAll(declared)].map(([, text]) => text));
		assert.equal(texts.length, 1, `${name} in ${path}`);
		const [first, ...others] = texts[0].replaceAll('_', '').split(/ (?=<<|\*)/);
		const step = (value, text) => (text.startsWith('<<') ? value * 2 ** text.slice(3) : value * text.slice(2));
		return others.reduce(step, Number(first));
	}

	const withCommas = (number) => number.toLocaleString('en-US');
	const KiB = (bytes) => `${bytes / 2 ** 10} KiB`;
	const MiB = (bytes) => `${bytes / 2 ** 20} MiB`;

	for (const [path, name, page, phrase] of [
		['resources/features/features.js', 'MAX_ENTITY_BYTES', 'rest', (bytes) => `\`entityId\` has 1 to ${bytes} bytes`],
		['resources/features/features.js', 'MAX_ENTITY_BYTES', 'security', (bytes) => `\`entityId\` by ${bytes} bytes`],
		['resources/monitoring', 'MAX_LIMIT', 'rest', (count) => `1 to ${withCommas(count)}; default 100`],
		['resources/serving', 'MAX_RECORDED_BYTES', 'rest', (bytes) => `Features of more than ${KiB(bytes)} are`],
		['resources/serving', 'MAX_RECORDED_BYTES', 'configuration', (bytes) => `all up to ${KiB(bytes)}`],
		['resources/serving', 'MAX_MODELS', 'rest', (count) => `list of 1 to ${count} `],
		['resources/serving', 'MAX_ITERATIONS', 'rest', (count) => `whole number, 1 to ${withCommas(count)} `],
		['resources/serving', 'MAX_COLUMNS', 'security', (count) => `columns of CSV by ${withCommas(count)}`],
		['resources/registry', 'MAX_FILES', 'security', (count) => `at most ${withCommas(count)} files`],
		['resources/registry', 'MAX_FIELD_BYTES', 'security', (bytes) => `${MiB(bytes)} for each other field`],
		['resources/registry', 'MAX_NAME_LENGTH', 'rest', (count) => `up to ${withCommas(count)} characters`],
		['src/format', 'MAX_DEPTH', 'rest', (depth) => `nest at most ${depth} deep`],
		['src/format', 'MAX_PARTS', 'rest', (count) => `at most ${withCommas(count)} fields`],
		['src/model/functions.rs', 'MAX_DEPTH', 'security', (depth) => `nested ${depth} deep`],
		['src/model/functions.rs', 'MAX_NODES', 'security', (count) => `stand for ${withCommas(count)} nodes`],
		['src/model/bounds.rs', 'MAX_NODES', 'security', (count) => `at most ${withCommas(count)} nodes`],
		['src/model/bounds.rs', 'MAX_NAME_BYTES', 'security', (bytes) => `Names are at most ${KiB(bytes)} long`],
		['src/model/bounds.rs', 'MAX_NAMES_BYTES', 'security', (bytes) => `${MiB(bytes)} together`],
		['src/tensorflow/graph/mod.rs', 'MAX_NODES', 'tensorflow', (count) => `more than ${withCommas(count)} nodes`],
		['src/monitoring/quality', 'MAX_CLASSES', 'node-api', (count) => `at most ${withCommas(count)} classes`],
		['src/process', 'MAX_IDENTIFIER_BYTES', 'rest', (bytes) => `1 to ${bytes} letters`],
		['src/prediction', 'MAX_FEATURES', 'security', (count) => `features of a\n  request by ${withCommas(count)}`],
	]) {
		test(`${name} of ${path} is in docs/${page}.md`, () => {
			const said = phrase(constant(path, name));
			assert.ok(read(`docs/${page}.md`).includes(said), `docs/${page}.md does not say: ${said}`);
		});
	}
});
