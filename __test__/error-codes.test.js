// Error codes stand in several places, because each of them is read by somebody else: they are the same everywhere.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { STATUS_OF } from '../resources/errors.js';
import { root } from './support/harper.js';

/** Codes that the Rust side does not have. */
const ONLY_IN_JAVASCRIPT = ['INFERENCE_NOT_FOUND'];
/** Codes that no call of the library gives. */
const ONLY_OVER_HTTP = [
	'UNAUTHENTICATED',
	'FORBIDDEN',
	'NOT_FOUND',
	'MODEL_NOT_READY',
	'ENTITY_NOT_FOUND',
	'TABLE_NOT_FOUND',
	'JOB_NOT_FOUND',
	'RULE_NOT_FOUND',
	'RULE_EXISTS',
	'RULE_DECLARED',
	'ALERT_NOT_FOUND',
	'WEBHOOK_NOT_FOUND',
	'WEBHOOK_EXISTS',
	'METHOD_NOT_ALLOWED',
	'PRECONDITION_FAILED',
	'UNSUPPORTED_MEDIA_TYPE',
	'NOT_SUPPORTED',
];

const read = (path) => readFileSync(join(root, path), 'utf8');
const [, rows] = read('src/error.rs').match(/^error_codes! \{\n([\s\S]*?)^\}/m);
const inRust = [...rows.matchAll(/= "([A-Z_]+)",/g)].map(([, code]) => code);
const inLibrary = [...inRust, ...ONLY_IN_JAVASCRIPT].filter((code) => !ONLY_OVER_HTTP.includes(code));

test('each has an HTTP status', () => {
	assert.ok(inRust.length > 10);
	assert.deepEqual(Object.keys(STATUS_OF).sort(), [...inLibrary, ...ONLY_OVER_HTTP].sort());
});

test('those of the library are in its declarations', () => {
	const [, union] = read('index.d.ts').match(/^export type ErrorCode =([^;]*);/m);
	const declared = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
	assert.deepEqual(declared.sort(), inLibrary.toSorted());
});

test('each is in docs/rest.md with its status', () => {
	const [, section] = read('docs/rest.md').split('\n## Errors\n');
	const documented = [...section.matchAll(/^\| `([A-Z_]+)` +\| (\d+) /gm)].map(([, code, status]) => [
		code,
		Number(status),
	]);
	assert.deepEqual(documented.sort(), Object.entries(STATUS_OF).sort());
});
