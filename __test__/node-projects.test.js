// Projects of several kinds that install the package: what they load, compile, test and bundle.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import ts from 'typescript';
import { writeCommonJs } from '../scripts/commonjs.js';
import { modelPath } from './support/fixtures.js';
import { root } from './support/harper.js';

const run = promisify(execFile);
const isWindows = process.platform === 'win32';
const require = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'edge ai projects '));
const model = modelPath('iris');
const script = (name) => (args, cwd) => run(isWindows ? `${name}.cmd` : name, args, { cwd, shell: isWindows });
const [npm, npx] = ['npm', 'npx'].map(script);
const TIMEOUT_MS = 120_000;

before(async () => {
	writeCommonJs();
	const { stdout } = await npm(['pack', '--json', '--pack-destination', folder], root);
	writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'project', private: true }));
	await npm(['install', '--prefer-offline', '--ignore-scripts', `./${JSON.parse(stdout)[0].filename}`], folder);
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a file of the project and gives its path. */
function write(name, text) {
	const path = join(folder, name);
	mkdirSync(dirname(path), { recursive: true });
	writeFileSync(path, text);
	return path;
}

/** What a program of Node.js prints, or why it fails. */
async function output(args, options) {
	const env = { ...process.env, MODEL: model, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: undefined, CI: 'true' };
	const how = { cwd: folder, env, timeout: TIMEOUT_MS, ...options };
	const { code = 0, stdout, stderr } = await run(process.execPath, args, how).catch((error) => error);
	return { code, stdout, stderr };
}

/** Why a test is skipped that needs a package of the development dependencies. */
function without(name) {
	try {
		require.resolve(`${name}/package.json`);
		return false;
	} catch {
		return `${name} is not installed: run npm install`;
	}
}

/** A program of a package in the development dependencies. */
const programOf = (name, file) => join(dirname(require.resolve(`${name}/package.json`)), file);

test('npx runs the tool', async () => {
	const { stdout } = await npx(['--no-install', 'harper-edge-ai', 'inspect', model, '--json'], folder);
	assert.equal(JSON.parse(stdout).inputs[0].name, 'float_input');
});

describe('require', () => {
	// Node.js 20 before 20.19 cannot require ES modules.
	const older = ['--no-experimental-require-module'].filter((flag) =>
		process.allowedNodeEnvironmentFlags.has(flag.replace('--no-', '--'))
	);
	for (const flags of [[], older]) {
		test(`gives the classes that import gives, in either order ${flags}`, async () => {
			const path = write(
				'both.cjs',
				`const assert = require('node:assert');
				(async () => {
					const first = process.argv[2] === 'import' ? await import('harper-edge-ai') : require('harper-edge-ai');
					const second = process.argv[2] === 'import' ? require('harper-edge-ai') : await import('harper-edge-ai');
					const names = Object.keys(first).sort();
					assert.ok(names.includes('Tensor'));
					assert.deepEqual(Object.keys(second).sort(), names);
					for (const name of names) assert.equal(first[name], second[name], name);
					const model = await new first.InferenceEngine().load(process.env.MODEL);
					assert.ok(model instanceof second.Model);
					const input = Float32Array.of(5.1, 3.5, 1.4, 0.2);
					const { outputs } = await model.predict({ float_input: input });
					assert.ok(outputs.output_label instanceof second.Tensor);
					await assert.rejects(model.predict({ float_input: [1] }), second.EdgeAiError);
					console.log(outputs.output_label.toArray());
				})();`
			);
			for (const order of ['import', 'require']) {
				assert.deepEqual(await output([...flags, path, order]), { code: 0, stdout: '0n\n', stderr: '' }, order);
			}
		});
	}

	test('two copies of the package are two', async () => {
		cpSync(join(folder, 'node_modules', 'harper-edge-ai'), join(folder, 'copy', 'node_modules', 'harper-edge-ai'), {
			recursive: true,
		});
		const path = write(
			'copy/copies.cjs',
			`const { createRequire } = require('node:module');
			const other = createRequire(process.argv[2])('harper-edge-ai');
			console.log(other.Tensor === require('harper-edge-ai').Tensor);`
		);
		assert.deepEqual(await output([path, join(folder, 'x.js')]), { code: 0, stdout: 'false\n', stderr: '' });
	});
});

const RUNNER_TEST = `
	const { readFileSync } = require('node:fs');
	const { EdgeAiError, InferenceEngine, Model, Tensor } = require('harper-edge-ai');
	describe('a model', () => {
		let model;
		beforeAll(async () => {
			model = await new InferenceEngine().load(process.env.MODEL);
		});
		test('takes typed arrays and gives them', async () => {
			expect(model).toBeInstanceOf(Model);
			const { outputs } = await model.predict({ float_input: Float32Array.of(5.1, 3.5, 1.4, 0.2) });
			expect(outputs.output_label).toBeInstanceOf(Tensor);
			expect(outputs.output_label.data).toBeInstanceOf(BigInt64Array);
			expect(outputs.output_label.toArray()).toBe(0n);
			expect(outputs.output_probability).toBeInstanceOf(Map);
			expect(JSON.parse(JSON.stringify(outputs)).output_label).toBe(0);
		});
		test('takes tensors and bytes', async () => {
			const fromBytes = await new InferenceEngine().load(readFileSync(process.env.MODEL));
			const float_input = new Tensor('float32', [2, 4], new Float32Array(8));
			expect((await fromBytes.predict({ float_input })).outputs.output_label.toArray()).toHaveLength(2);
		});
		test('fails with errors of this realm', async () => {
			const failed = await model.predict({ float_input: [1] }).catch((error) => error);
			expect(failed).toBeInstanceOf(EdgeAiError);
			expect(failed).toBeInstanceOf(Error);
			expect(failed.code).toBe('INVALID_INPUT');
			await expect(model.predict([1])).rejects.toThrow(TypeError);
			const missing = new InferenceEngine().load('none.onnx');
			await expect(missing).rejects.toBeInstanceOf(EdgeAiError);
			expect(() => new InferenceEngine({ cacheMaxModels: -1 })).toThrow(TypeError);
		});
		test('stops with an AbortSignal', async () => {
			await expect(model.predict({ float_input: [1] }, { signal: AbortSignal.abort() })).rejects.toThrow('abort');
		});
	});`;

describe('Jest as it comes', { skip: without('jest') }, () => {
	test('tests a project, two files in one process', async () => {
		const name = (at) => `jest/${at}.test.js`;
		for (const at of [1, 2]) write(name(at), RUNNER_TEST);
		write('jest/package.json', JSON.stringify({ name: 'jest-project', private: true }));
		const { code, stderr } = await output([programOf('jest', 'bin/jest.js'), '--runInBand'], {
			cwd: join(folder, 'jest'),
		});
		assert.equal(code, 0, stderr);
		assert.match(stderr, /Tests: +8 passed, 8 total/);
		assert.doesNotMatch(stderr, /did not exit|open handle/);
	});
});

describe('Vitest', { skip: without('vitest') }, () => {
	test('tests a project by import', async () => {
		const imported = RUNNER_TEST.replaceAll(
			/const (\{[^}]+\}) = require\(('[^']+')\)/g,
			(_, names, from) => `import ${names} from ${from}`
		);
		write('vitest/model.test.mjs', imported);
		const args = [programOf('vitest', 'vitest.mjs'), 'run', '--globals', '--root', join(folder, 'vitest')];
		const { code, stdout, stderr } = await output(args, { cwd: join(folder, 'vitest') });
		assert.equal(code, 0, stdout + stderr);
		assert.match(stdout.replaceAll(/\u001b\[[0-9;]*m/g, ''), /Tests +4 passed/); // eslint-disable-line no-control-regex
	});
});

describe('TypeScript under strict rules', () => {
	const SOURCE = `
		import { EdgeAiError, InferenceEngine, Tensor, type Features, type Model } from 'harper-edge-ai';

		interface Flower { readonly float_input: readonly number[] }
		interface Species { output_label: Tensor; output_probability: Map<bigint, number> }

		export async function classify(path: string, flower: Flower): Promise<number> {
			const engine = new InferenceEngine({ timeoutMs: 1000 });
			const model: Model<Flower, Species> = await engine.load<Flower, Species>(path);
			const anyModel: Model = model;
			const features: Features = { float_input: new Float32Array(4) };
			await anyModel.predict(features);
			try {
				const { outputs } = await model.predict(flower, { outputs: ['output_label'] as const });
				return Number(outputs.output_label.toArray());
			} catch (error) {
				if (error instanceof EdgeAiError && error.code === 'INVALID_INPUT') return -1;
				throw error;
			} finally {
				model.dispose();
			}
		}`;
	const { ModuleKind, ModuleResolutionKind: Resolution } = ts;
	const projects = {
		node16: [{ module: ModuleKind.Node16, moduleResolution: Resolution.Node16 }, ['mts', 'cts', 'ts']],
		nodenext: [{ module: ModuleKind.NodeNext, moduleResolution: Resolution.NodeNext }, ['mts', 'cts', 'ts']],
		bundler: [{ module: ModuleKind.ESNext, moduleResolution: Resolution.Bundler }, ['mts', 'ts']],
		preserve: [{ module: ModuleKind.Preserve, moduleResolution: Resolution.Bundler }, ['mts', 'cts', 'ts']],
		CommonJS: [{ module: ModuleKind.CommonJS, moduleResolution: Resolution.Bundler }, ['ts']],
		'CommonJS as it was': [
			{ module: ModuleKind.CommonJS, moduleResolution: Resolution.Node10, ignoreDeprecations: '6.0' },
			['ts'],
		],
	};
	const typeRoots = [join(root, 'node_modules', '@types')];

	/** What the compiler says of files. */
	function compile(paths, options) {
		const strict = {
			strict: true,
			exactOptionalPropertyTypes: true,
			noUncheckedIndexedAccess: true,
			skipLibCheck: false,
			target: ts.ScriptTarget.ES2022,
			outDir: join(folder, 'out'),
			rootDir: folder,
			...options,
		};
		const program = ts.createProgram(paths, strict);
		const found = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
		return found.map(
			({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
		);
	}

	for (const [name, [options, extensions]] of Object.entries(projects)) {
		for (const [environment, more] of Object.entries({
			'with @types/node': { types: ['node'], typeRoots, lib: ['lib.es2022.d.ts'] },
			'without @types/node': { types: [], lib: ['lib.es2022.d.ts'] },
		})) {
			test(`${name} ${environment}`, () => {
				const paths = extensions.map((extension) => write(`typescript/as-${extension}.${extension}`, SOURCE));
				assert.deepEqual(compile(paths, { ...options, ...more }), []);
			});
		}
	}

	test('beside the declarations of browsers', () => {
		const [options] = projects.bundler;
		const path = write('typescript/in-browser.ts', SOURCE);
		assert.deepEqual(compile([path], { ...options, types: [], lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'] }), []);
	});

	test('what it makes of a CommonJS project runs', async () => {
		const call = "\nclassify(process.env['MODEL']!, { float_input: [5.1, 3.5, 1.4, 0.2] }).then(console.log);";
		const path = write('typescript/main.cts', SOURCE + call);
		const [options] = projects.node16;
		assert.deepEqual(compile([path], { ...options, types: ['node'], typeRoots, outDir: undefined }), []);
		const made = path.replace(/cts$/, 'cjs');
		assert.ok(existsSync(made));
		assert.deepEqual(await output([made]), { code: 0, stdout: '0\n', stderr: '' });
	});
});

const entryOf = (kind) =>
	write(
		`bundle/${kind}.js`,
		kind === 'import'
			? "import { InferenceEngine } from 'harper-edge-ai'; console.log(typeof InferenceEngine);"
			: "const { InferenceEngine } = require('harper-edge-ai'); console.log(typeof InferenceEngine);"
	);

describe('bundled with esbuild', { skip: without('esbuild') }, () => {
	const bundles = [];
	for (const format of ['esm', 'cjs']) {
		for (const kind of ['import', 'require']) bundles.push([format, kind]);
	}
	const bundle = async (kind, format, more = {}) => {
		const { build } = await import('esbuild');
		const outfile = join(folder, 'bundle', 'out', `${kind}.${format === 'esm' ? 'mjs' : 'cjs'}`);
		const entryPoints = [entryOf(kind)];
		await build({ entryPoints, outfile, format, bundle: true, platform: 'node', logLevel: 'silent', ...more });
		return outfile;
	};

	for (const [format, kind] of bundles) {
		test(`${kind} in ${format} says what to do`, async () => {
			// What an ES module has not, esbuild's users add.
			const banner = {
				js: `import { createRequire } from 'node:module'; import { fileURLToPath } from 'node:url';
				const require = createRequire(import.meta.url); const __filename = fileURLToPath(import.meta.url);`,
			};
			const more = format === 'esm' && kind === 'require' ? { banner } : {};
			const { code, stderr } = await output([await bundle(kind, format, more)]);
			assert.equal(code, 1);
			assert.match(stderr, /Error: harper-edge-ai is inside a bundle.*--external:harper-edge-ai for esbuild/);
		});
	}

	test('runs when it is external', async () => {
		for (const [format, kind] of [
			['esm', 'import'],
			['cjs', 'import'],
			['cjs', 'require'],
		]) {
			const path = await bundle(kind, format, { external: ['harper-edge-ai'] });
			assert.deepEqual(await output([path]), { code: 0, stdout: 'function\n', stderr: '' }, `${kind} in ${format}`);
		}
	});
});

describe('bundled with webpack', { skip: without('webpack') }, () => {
	const bundle = async (kind, more = {}) => {
		const { default: webpack } = await import('webpack');
		const path = join(folder, 'bundle', 'webpack');
		const output = { path, filename: `${kind}.cjs` };
		const given = { entry: entryOf(kind), output, mode: 'production', target: 'node', ...more };
		const stats = await promisify(webpack)({ ...given, context: folder });
		assert.deepEqual(stats.toJson({ all: false, errors: true }).errors, []);
		return join(path, output.filename);
	};

	for (const kind of ['import', 'require']) {
		test(`${kind} says what to do`, async () => {
			const { code, stderr } = await output([await bundle(kind)]);
			assert.equal(code, 1);
			assert.match(stderr, /Error: harper-edge-ai is inside a bundle.*externals: .* for webpack/);
		});

		test(`${kind} runs when it is external`, async () => {
			const path = await bundle(kind, { externals: { 'harper-edge-ai': 'commonjs harper-edge-ai' } });
			assert.deepEqual(await output([path]), { code: 0, stdout: 'function\n', stderr: '' });
		});
	}
});
