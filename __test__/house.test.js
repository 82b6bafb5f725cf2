// The rooms of docs/design.md are those of the code, and arrows point one way.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { circlesOf } from './house/circles.js';
import { javascriptUses } from './house/javascript-uses.js';
import { rustUses } from './house/rust-uses.js';
import { root } from './support/harper.js';

const design = readFileSync(join(root, 'docs/design.md'), 'utf8');
/** As for JavaScript in eslint.config.js. */
const MAX_LINES = 400;
/** But for what the build makes of the others. */
const packaged = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).files.filter(
	(path) => path !== 'commonjs/'
);

/** The rooms of a table of the page, each with its paths, in their order. */
function roomsUnder(heading) {
	const [, table] = design.split(`\n${heading}\n\n`);
	const rows = table.split('\n\n')[0].split('\n').slice(2);
	return rows.map((row) => [...row.split('|')[1].matchAll(/`([^`]+)`/g)].map(([, path]) => path));
}

/**
 * What is wrong with the arrows of files.
 *
 * @param {Map<string, Set<string>>} uses
 * @param {(file: string) => number} placeOf the place of the file's room in the table, -1 when it is in none
 * @returns {string[]}
 */
function faultsOf(uses, placeOf) {
	const faults = circlesOf(uses).map((files) => `a circle: ${files.join(', ')}`);
	for (const [file, others] of uses) {
		if (placeOf(file) < 0) faults.push(`${file} is in no room of docs/design.md`);
		for (const other of others) {
			if (placeOf(other) > placeOf(file)) faults.push(`${file} uses ${other}, whose room is below its own`);
		}
	}
	return faults;
}

describe('Rust', () => {
	const rooms = roomsUnder('Rust, in `src/`:').flat();
	const src = join(root, 'src');
	const uses = rustUses(src);
	// The crate's root declares the rooms and uses none.
	uses.delete('lib.rs');
	const roomOf = (file) => file.split(/[/.]/)[0];

	test('points upwards only, without circles', () => {
		assert.ok(uses.size > 100);
		assert.deepEqual(
			faultsOf(uses, (file) => rooms.indexOf(roomOf(file))),
			[]
		);
	});

	test('has every room of the table, and the map in lib.rs has them too', () => {
		assert.deepEqual([...new Set([...uses.keys()].map(roomOf))].sort(), [...rooms].sort());
		const map = readFileSync(join(src, 'lib.rs'), 'utf8').match(/^\/\/! \| .*\|$/gm);
		const named = map.slice(1).flatMap((row) => [...row.split('|')[1].matchAll(/`(\w+)`/g)].map(([, name]) => name));
		assert.deepEqual(named, rooms);
	});

	test('fits in 400 lines a file, but for what is generated', () => {
		const lengthOf = (file) => readFileSync(join(src, file), 'utf8').split('\n').length - 1;
		assert.deepEqual(
			[...uses.keys()].filter((file) => lengthOf(file) > MAX_LINES),
			['onnx/proto/generated.rs']
		);
	});

	test('names napi in the binding only', () => {
		const naming = [...uses.keys()].filter((file) =>
			/^[^/]*\bnapi/m.test(readFileSync(join(src, file), 'utf8').replaceAll(/\/\/.*$/gm, ''))
		);
		assert.ok(naming.length > 0);
		assert.deepEqual([...new Set(naming.map(roomOf))], ['node']);
	});
});

describe('JavaScript', () => {
	const rooms = roomsUnder('JavaScript:');
	const isIn = (file, path) => (path.endsWith('/') ? file.startsWith(path) : file === path);
	const placeOf = (file) => rooms.findIndex((paths) => paths.some((path) => isIn(file, path)));
	const files = packaged.flatMap((path) => {
		if (!path.endsWith('/')) return path.endsWith('.js') ? [path] : [];
		const names = readdirSync(join(root, path), { recursive: true }).map((name) => name.replaceAll('\\', '/'));
		return names.filter((name) => name.endsWith('.js')).map((name) => path + name);
	});
	const uses = javascriptUses(root, files);

	test('points upwards only, without circles', () => {
		assert.ok(uses.size > 50);
		assert.deepEqual(faultsOf(uses, placeOf), []);
	});

	test('has every room of the table', () => {
		const empty = rooms.flat().filter((path) => !files.some((file) => isIn(file, path)));
		assert.deepEqual(empty, []);
	});
});

describe('what the tests of arrows would find', () => {
	const uses = (arrows) => new Map(Object.entries(arrows).map(([file, others]) => [file, new Set(others)]));
	const placeOf = (file) => ['low', 'high'].indexOf(file.split('/')[0]);

	test('an arrow that runs down', () => {
		assert.match(faultsOf(uses({ 'low/a': ['high/b'], 'high/b': [] }), placeOf).join(), /low\/a uses high\/b/);
	});

	test('a circle', () => {
		const found = faultsOf(
			uses({ 'low/a': ['low/b'], 'low/b': ['low/c'], 'low/c': ['low/a'], 'low/d': ['low/a'] }),
			placeOf
		);
		assert.deepEqual(found, ['a circle: low/a, low/b, low/c']);
	});

	test('a room that is not in the table', () => {
		assert.match(faultsOf(uses({ 'new/a': [] }), placeOf).join(), /new\/a is in no room/);
	});

	test('a use of Rust, through what a parent hands on, within braces and without a use', () => {
		const found = rustUses(join(root, '__test__/fixtures/house'));
		assert.deepEqual(Object.fromEntries([...found].map(([file, others]) => [file, [...others].sort()])), {
			'lib.rs': [],
			'low/mod.rs': ['low/noun.rs'],
			'low/noun.rs': ['high.rs'],
			'high.rs': ['low/mod.rs', 'low/noun.rs'],
		});
	});
});
