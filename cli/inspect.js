// What a model is.
import { statSync } from 'node:fs';
import { filesOf, InferenceEngine } from '../library/engine.js';
import { loadOptionsOf } from './session.js';

const MIB = 2 ** 20;

const shapeOf = (shape) => (shape ? `[${shape.map((size) => (size === -1 ? '?' : size)).join(', ')}]` : '');

/** Lines of inputs or outputs, in columns. */
function linesOf(values) {
	const rows = values.map(({ name, dtype, type, shape, optional }) => [
		name,
		dtype ?? type,
		shapeOf(shape) + (optional ? ' optional' : ''),
	]);
	const width = (at) => Math.max(...rows.map((row) => row[at].length)) + 2;
	return rows.map(([name, type, rest]) => `  ${name.padEnd(width(0))}${type.padEnd(width(1))}${rest}`.trimEnd());
}

/**
 * @param {[string]} args
 * @param {{framework?: string, engine?: string}} options
 */
export async function run([file], options) {
	const { digest, signature, ...model } = await new InferenceEngine().load(file, loadOptionsOf(options));
	const size = filesOf(file).reduce((bytes, { path }) => bytes + statSync(path).size, 0);
	const { inputs, outputs, labels } = signature;
	const json = {
		file,
		bytes: size,
		digest,
		framework: model.framework,
		engine: model.engine,
		executionProvider: model.executionProvider,
		inputs,
		outputs,
		labels,
	};
	const text = [
		`${file}: ${model.framework}, runs with ${model.engine} on ${model.executionProvider}`,
		`${size < MIB ? `${size} bytes` : `${(size / MIB).toFixed(1)} MiB`}, SHA-256 ${digest}`,
		'inputs',
		...linesOf(inputs),
		'outputs',
		...linesOf(outputs),
		...(labels ? [`labels: ${labels.join(', ')}`] : []),
	].join('\n');
	return { json, text };
}
