// Loads the native addon and says which ONNX Runtime library belongs to it.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonName, libraryName, packageName, platformName } from './platform.js';

// Of the two esbuild takes away the URL, when it makes CommonJS, and webpack the function.
const { url } = import.meta;
const requireHere = url && createRequire(url);
if (!requireHere) throw bundled();
const here = dirname(fileURLToPath(url));

/** The addon built in this folder, else the one in this platform's package. */
function findAddon() {
	const built = join(here, 'native', addonName());
	if (existsSync(built)) return built;
	try {
		return requireHere.resolve(`${packageName()}/${addonName()}`);
	} catch {
		if (!isInPackage()) throw bundled();
		throw new Error(
			`harper-edge-ai has no addon for ${platformName()}. In a checkout, run "npm run build", which needs Rust; ` +
				`in an application, install the package ${packageName()}.`
		);
	}
}

/** Whether this file lies where it was installed. */
function isInPackage() {
	try {
		return JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')).name === 'harper-edge-ai';
	} catch {
		return false;
	}
}

function bundled() {
	return new Error(
		'harper-edge-ai is inside a bundle, where its native addon cannot be. Mark the package as external and install it where ' +
			'the bundle runs: --external:harper-edge-ai for esbuild, externals: { "harper-edge-ai": "commonjs harper-edge-ai" } for ' +
			'webpack, external: ["harper-edge-ai"] for Rollup, ssr.external for Vite, serverExternalPackages for Next.js'
	);
}

/** `ORT_DYLIB_PATH`, else the copy beside the addon, else undefined: then tract runs the models. */
function runtimePath(addon) {
	if (process.env.ORT_DYLIB_PATH) return process.env.ORT_DYLIB_PATH;
	const beside = join(dirname(addon), libraryName());
	return existsSync(beside) ? beside : undefined;
}

/** The file of the addon. */
export const addonPath = findAddon();

/** The exports of the addon, as src/node defines them. */
export const native = requireHere(addonPath);

/**
 * The ONNX Runtime library to load, for `configureEngine`.
 *
 * @type {string | undefined}
 */
export const libraryPath = runtimePath(addonPath);
