// Cases of quality in the corpus, and how values are compared with them.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './harper.js';

const corpus = process.env.EDGE_AI_CORPUS ?? join(root, '../shared/corpus');
const path = join(corpus, 'stats/quality.json');

/** Why suites over the cases are skipped; false where they are there. */
export const skip = !existsSync(path) && 'skipped: no corpus';

/** @type {any[]} */
export const cases = skip ? [] : JSON.parse(readFileSync(path, 'utf8')).cases;

/** What the corpus writes for NaN, and we as null. */
export const plain = (expected) => (expected === 'NaN' ? null : expected);

export function assertNear(found, expected, what, rtol = 1e-9) {
	if (typeof expected !== 'number') {
		assert.equal(found, expected, what);
		return;
	}
	const isNear = Math.abs(found - expected) <= rtol * Math.abs(expected) + 1e-14;
	assert.ok(typeof found === 'number' && isNear, `${what}: ${found}, expected ${expected}`);
}
