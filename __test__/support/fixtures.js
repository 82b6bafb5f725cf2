// The models of fixtures/manifest.json, and comparison with what they are known to answer.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Tensor } from '../../index.js';
import { difference } from './comparison.js';

const manifest = JSON.parse(readFileSync(new URL('../fixtures/manifest.json', import.meta.url), 'utf8'));

const absolute = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const withPath = (entry) => ({ ...entry, path: absolute(entry.file) });

/** Sound models: name, path, tolerance and cases of features and expected outputs. */
export const models = manifest.models.map(withPath);

/** Hostile models: what they try, where they are stopped and with which codes, or what they answer. */
export const hostile = manifest.hostile.map(withPath);

/**
 * The path of a model by name.
 *
 * @param {string} name
 */
export const modelPath = (name) => [...models, ...hostile].find((model) => model.name === name).path;

/** An output of the Node.js API as the REST contract writes it. */
function written(value) {
	if (value instanceof Tensor) return written(value.toArray());
	if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), written(item)]));
	if (Array.isArray(value)) return value.map(written);
	if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
	if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
	return value;
}

/**
 * Fails unless the outputs of `Model.predict` are what a case of the manifest expects.
 *
 * @param {Record<string, any>} outputs
 * @param {Record<string, any>} expected
 * @param {number} [tolerance]
 */
export function assertOutputs(outputs, expected, tolerance = 0) {
	const actual = Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, written(value)]));
	assert.equal(difference(actual, expected, { rtol: tolerance, atol: tolerance }), undefined);
}
