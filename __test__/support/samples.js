// Samples of the documentation, compiled as programs of their own in a project that depends on the package.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** They are not written to disk. The package finds itself by its name from here. */
const folder = join(root, 'samples');

const options = {
	strict: true,
	// Parameters in JavaScript have no types.
	noImplicitAny: false,
	allowJs: true,
	checkJs: true,
	noEmit: true,
	skipLibCheck: true,
	module: ts.ModuleKind.NodeNext,
	moduleResolution: ts.ModuleResolutionKind.NodeNext,
	// A sample without imports is a module too.
	moduleDetection: ts.ModuleDetectionKind.Force,
	target: ts.ScriptTarget.ES2022,
	lib: ['lib.es2023.d.ts'],
	// Harper declares what its applications have without an import.
	types: ['node', 'harperdb'],
};

/**
 * What the compiler says of samples.
 *
 * @param {Record<string, string>} samples text by file name
 * @returns {string[]} each begins with the file name
 */
export function problemsOf(samples) {
	const texts = new Map(Object.entries(samples).map(([name, text]) => [join(folder, name), text]));
	const host = ts.createCompilerHost(options);
	const { fileExists, readFile, getSourceFile, directoryExists } = host;
	host.fileExists = (path) => texts.has(path) || fileExists(path);
	host.readFile = (path) => texts.get(path) ?? readFile(path);
	host.directoryExists = (path) => path === dirname(join(folder, 'x')) || directoryExists(path);
	host.getSourceFile = (path, version, ...rest) =>
		texts.has(path) ? ts.createSourceFile(path, texts.get(path), version) : getSourceFile(path, version, ...rest);
	const program = ts.createProgram([...texts.keys()], options, host);
	return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
		const place = file
			? `${file.fileName.slice(folder.length + 1)}:${file.getLineAndCharacterOfPosition(start).line + 1}`
			: '';
		return `${place}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
	});
}
