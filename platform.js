// What the files of this platform are called. It loads nothing, so that the build can ask before there is an addon.

/**
 * The platform in the naming of napi's platform packages, such as `linux-x64-gnu`, `darwin-arm64` or `win32-x64-msvc`.
 *
 * @returns {string}
 */
export function platformName() {
	const { platform, arch } = process;
	if (platform === 'win32') return `win32-${arch}-msvc`;
	if (platform === 'linux') return `linux-${arch}-${hasGlibc() ? 'gnu' : 'musl'}`;
	return `${platform}-${arch}`;
}

/**
 * The file name of the addon on a platform.
 *
 * @param {string} [platform]
 * @returns {string}
 */
export const addonName = (platform = platformName()) => `harper-edge-ai.${platform}.node`;

/**
 * The npm package that carries the addon and the ONNX Runtime library of a platform.
 *
 * @param {string} [platform]
 * @returns {string}
 */
export const packageName = (platform = platformName()) => `harper-edge-ai-${platform}`;

/**
 * The file name of our copy of the ONNX Runtime library. It is not Microsoft's own name: loaders match libraries by name,
 * and another `onnxruntime-node` in the process must find its own release, not ours.
 *
 * @param {string} [platform]
 * @returns {string}
 */
export function libraryName(platform = platformName()) {
	if (platform.startsWith('win32')) return 'edgeai-onnx.dll';
	if (platform.startsWith('darwin')) return 'libedgeai-onnx.dylib';
	return 'libedgeai-onnx.so.1';
}

function hasGlibc() {
	const { report } = process;
	// The report's network part can wait seconds for a name server.
	const { excludeNetwork } = report;
	report.excludeNetwork = true;
	const { glibcVersionRuntime } = report.getReport().header;
	report.excludeNetwork = excludeNetwork;
	return Boolean(glibcVersionRuntime);
}
