// The files of the page, read at the start: nothing else can be asked for.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = {
	'.css': 'text/css; charset=utf-8',
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript; charset=utf-8',
	'.svg': 'image/svg+xml',
};

/**
 * @typedef {object} File
 * @property {Buffer} bytes
 * @property {string} type media type
 * @property {string} etag
 */

/** @type {Map<string, File>} by their paths, with slashes */
export const FILES = new Map(filesIn(fileURLToPath(new URL('static', import.meta.url))));

function filesIn(folder) {
	const names = readdirSync(folder, { recursive: true }).filter((name) => extname(name) in TYPES);
	return names.map((name) => [name.replaceAll(sep, '/'), fileAt(join(folder, name))]);
}

function fileAt(path) {
	const bytes = readFileSync(path);
	const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`;
	return { bytes, type: TYPES[extname(path)], etag };
}
