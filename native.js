// Loads the native addon and says which ONNX Runtime library belongs to it.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonName, libraryName, packageName, platformName } from './platform.js';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));

/** The addon built in this folder, else the one in this platform's package. */
function addonPath() {
	const built = join(here, 'native', addonName());
	if (existsSync(built)) return built;
	try {
		return require.resolve(`${packageName()}/${addonName()}`);
	} catch {
		throw new Error(
			`harper-edge-ai has no addon for ${platformName()}. In a checkout, run "npm run build", which needs Rust; ` +
				`in an application, install the package ${packageName()}.`
		);
	}
}

/** `ORT_DYLIB_PATH`, else the copy beside the addon, else undefined: then tract runs the models. */
function runtimePath(addon) {
	if (process.env.ORT_DYLIB_PATH) return process.env.ORT_DYLIB_PATH;
	const beside = join(dirname(addon), libraryName());
	return existsSync(beside) ? beside : undefined;
}

const path = addonPath();

/** The exports of the addon, as src/node defines them. */
export const native = require(path);

/**
 * The ONNX Runtime library to load, for `configureEngine`.
 *
 * @type {string | undefined}
 */
export const libraryPath = runtimePath(path);
