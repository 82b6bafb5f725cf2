// What the JavaScript files use of each other: every relative import.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

const IMPORT = /(?:\bfrom|\bimport|\bimport\()\s*(['"])(\.{1,2}\/[^'"]+)\1/g;

/**
 * @param {string} root
 * @param {string[]} files
 * @returns {Map<string, Set<string>>} file to files
 * @throws {Error} for an import of a file that is not there
 */
export function javascriptUses(root, files) {
	const usesOf = (file) => {
		const imports = [...readFileSync(join(root, file), 'utf8').matchAll(IMPORT)].map(([, , path]) =>
			posix.join(dirname(file), path)
		);
		const missing = imports.find((path) => !existsSync(join(root, path)));
		if (missing) throw new Error(`${file} imports ${missing}, which is not there`);
		return new Set(imports);
	};
	return new Map(files.map((file) => [file, usesOf(file)]));
}
