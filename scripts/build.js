// Builds the addon into native/, puts the ONNX Runtime library beside it, and makes commonjs/. What is up to date is left alone: cargo decides
// for Rust, size and time for the library.
import { spawnSync } from 'node:child_process';
import {
	copyFileSync,
	existsSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonName, libraryName, packageName, platformName } from '../platform.js';
import { writeCommonJs } from './commonjs.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'native');
const require = createRequire(import.meta.url);

// Microsoft's SONAME and ours, of equal length so that it can be replaced in place.
const SONAME = 'libonnxruntime.so.1\0';
const OWN_SONAME = 'libedgeai-onnx.so.1\0';

/**
 * @returns {string | undefined} the cargo to run; rustup's own folder is looked at because it is often not on the PATH
 */
export function findCargo() {
	const candidates = [
		process.env.CARGO,
		'cargo',
		join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'bin', 'cargo'),
	];
	return candidates.find((command) => command && spawnSync(command, ['--version']).status === 0);
}

function prebuilt() {
	if (existsSync(join(folder, addonName()))) return true;
	try {
		return Boolean(require.resolve(`${packageName()}/${addonName()}`));
	} catch {
		return false;
	}
}

function requireVersion(cargo) {
	const needed = readFileSync(join(root, 'Cargo.toml'), 'utf8').match(/^rust-version = "(\d+)\.(\d+)/m);
	const found = spawnSync(cargo, ['--version'], { encoding: 'utf8', cwd: root }).stdout.match(/(\d+)\.(\d+)/);
	if (found[1] * 1000 + +found[2] < needed[1] * 1000 + +needed[2]) {
		fail(
			`Rust ${needed[1]}.${needed[2]} or newer is needed to build the addon; ${cargo} is ${found[0]}. Update it with "rustup update".`
		);
	}
}

function buildAddon(cargo) {
	// Cargo names the file itself: it knows about CARGO_TARGET_DIR and the platform's prefix and suffix.
	const args = ['build', '--release', '--lib', '--message-format=json-render-diagnostics'];
	const build = spawnSync(cargo, args, {
		cwd: root,
		stdio: ['ignore', 'pipe', 'inherit'],
		encoding: 'utf8',
		maxBuffer: 1 << 28,
	});
	if (build.status !== 0) fail('The addon was not built: cargo says why above.');
	const library = build.stdout
		.split('\n')
		.filter((line) => line.includes('"compiler-artifact"'))
		.map((line) => JSON.parse(line))
		.find(({ target }) => target.name === 'harper_edge_ai' && target.kind.includes('cdylib'))
		.filenames.find((name) => /\.(so|dylib|dll)$/.test(name));
	place(join(folder, addonName()), readFileSync(library));
}

function copyLibrary() {
	const source = librarySource();
	if (!source) return;
	const target = join(folder, libraryName());
	const { mtime, size } = statSync(source);
	const present = statSync(target, { throwIfNoEntry: false });
	if (present?.size === size && Math.abs(present.mtimeMs - mtime.getTime()) < 1000) return;
	const bytes = readFileSync(source);
	if (process.platform === 'linux') renameSoname(bytes);
	place(target, bytes);
	utimesSync(target, mtime, mtime);
	if (process.platform === 'win32') copyFileSync(join(dirname(source), 'DirectML.dll'), join(folder, 'DirectML.dll'));
}

/** The official library inside the devDependency onnxruntime-node; it has none for musl or for Intel Macs. */
function librarySource() {
	const { platform, arch } = process;
	if (platformName().endsWith('musl')) return undefined;
	let version, bin;
	try {
		version = require('onnxruntime-node/package.json').version;
		bin = join(dirname(require.resolve('onnxruntime-node/package.json')), 'bin', 'napi-v6', platform, arch);
	} catch {
		console.warn(
			'onnxruntime-node is not installed: the addon gets no ONNX Runtime library and will run models with tract.'
		);
		return undefined;
	}
	const names = { linux: 'libonnxruntime.so.1', darwin: `libonnxruntime.${version}.dylib`, win32: 'onnxruntime.dll' };
	const source = join(bin, names[platform] ?? '');
	return names[platform] && existsSync(source) ? source : undefined;
}

/**
 * With Microsoft's SONAME the dynamic loader would give our library to every other onnxruntime-node in the process, whatever
 * its release.
 */
function renameSoname(bytes) {
	let found = 0;
	for (let at = bytes.indexOf(SONAME); at >= 0; at = bytes.indexOf(SONAME, at + 1)) {
		bytes.write(OWN_SONAME, at, 'latin1');
		found += 1;
	}
	if (found === 0) fail('The ONNX Runtime library does not hold the expected SONAME; onnxruntime-node has changed.');
}

/** Replaces a file by rename: a process that has it mapped keeps the old one. */
function place(path, bytes) {
	if (existsSync(path) && readFileSync(path).equals(bytes)) return;
	const temporary = `${path}.${process.pid}.tmp`;
	try {
		writeFileSync(temporary, bytes, { mode: 0o755 });
		renameSync(temporary, path);
	} finally {
		rmSync(temporary, { force: true });
	}
}

function fail(message) {
	console.error(message);
	process.exit(1);
}

/** Builds what is out of date. Ends the process with a message when that is impossible. */
export function build() {
	const cargo = findCargo();
	if (!cargo && !prebuilt()) {
		fail(
			`There is no prebuilt addon for ${platformName()} and no Rust toolchain to build one.\n` +
				'Install Rust with rustup (the "minimal" profile and a C linker are enough), then run this command again.'
		);
	}
	mkdirSync(folder, { recursive: true });
	if (cargo) {
		requireVersion(cargo);
		buildAddon(cargo);
	} else {
		console.warn('There is no Rust toolchain: the addon that is here is used as it is.');
	}
	copyLibrary();
	writeCommonJs();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build();
