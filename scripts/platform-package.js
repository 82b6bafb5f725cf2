// Assembles this platform's npm package from native/: the addon, its ONNX Runtime library and what npm must know of them.
//
//     node scripts/platform-package.js [folder]      default: target/npm/<platform>
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonName, libraryName, packageName, platformName } from '../platform.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Whether onnxruntime-node has a library for a platform. On the others models run with tract.
 *
 * @param {string} [platform]
 */
export const hasOfficialLibrary = (platform = platformName()) => !/-musl$|^darwin-x64$/.test(platform);

const LIBC = { gnu: 'glibc', musl: 'musl' };

/**
 * What npm reads to install the package on this platform only.
 *
 * @param {string} platform such as `linux-x64-gnu`
 * @param {object} main the package.json of the main package
 * @param {string[]} files
 */
function manifest(platform, { version, license, engines }, files) {
	const [os, cpu, abi] = platform.split('-');
	return {
		name: packageName(platform),
		version,
		description: `The native addon of harper-edge-ai for ${platform}`,
		license,
		engines,
		os: [os],
		cpu: [cpu],
		...(LIBC[abi] && { libc: [LIBC[abi]] }),
		main: addonName(platform),
		files,
	};
}

function readme(platform, files) {
	return [
		`# ${packageName(platform)}`,
		'',
		`The native addon of harper-edge-ai for ${platform}. It is installed with \`harper-edge-ai\`; nothing else needs it.`,
		'',
		...files.map((file) => `- \`${file}\``),
		'',
	].join('\n');
}

function fail(message) {
	console.error(message);
	process.exit(1);
}

/**
 * Writes the package and returns its folder.
 *
 * @param {string} [folder]
 */
export function assemble(folder) {
	const platform = platformName();
	const target = resolve(folder ?? join(root, 'target', 'npm', platform));
	const native = (name) => join(root, 'native', name);
	const present = [addonName(), libraryName(), 'DirectML.dll'].filter((name) => existsSync(native(name)));
	if (!present.includes(addonName())) fail(`There is no addon for ${platform}: run "npm run build" first.`);
	if (!present.includes(libraryName()) && hasOfficialLibrary(platform)) {
		fail(`There is no ONNX Runtime library for ${platform} in native/: install the devDependency onnxruntime-node.`);
	}
	rmSync(target, { recursive: true, force: true });
	mkdirSync(target, { recursive: true });
	for (const name of present) copyFileSync(native(name), join(target, name));
	for (const name of ['LICENSE', 'NOTICE']) copyFileSync(join(root, name), join(target, name));
	const main = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
	const files = [...present, 'NOTICE'];
	writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest(platform, main, files), null, '\t')}\n`);
	writeFileSync(join(target, 'README.md'), readme(platform, present));
	return target;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(assemble(process.argv[2]));
