// A TensorFlow.js model as an ONNX file.
import { closeSync, existsSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { translateModel } from '../binding.js';
import { filesOf } from '../library/engine.js';
import { UsageError } from './usage-error.js';

/** Writes a file whole or not at all. */
function write(path, bytes) {
	const unfinished = `${path}.${process.pid}.tmp`;
	try {
		const file = openSync(unfinished, 'wx');
		try {
			for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
		} finally {
			closeSync(file);
		}
		renameSync(unfinished, path);
	} finally {
		rmSync(unfinished, { force: true });
	}
}

/**
 * @param {[string, string]} args
 * @param {{force?: boolean}} options
 */
export async function run([model, out], { force }) {
	if (resolve(model) === resolve(out)) throw new UsageError('the ONNX file cannot take the place of the model');
	if (!force && existsSync(out)) throw new UsageError(`${out} is there already; --force replaces it`);
	if (!existsSync(dirname(resolve(out)))) throw new UsageError(`there is no folder ${dirname(out)}`);
	const bytes = await translateModel(filesOf(model));
	write(out, bytes);
	return { json: { file: out, bytes: bytes.length }, text: `wrote ${out}, ${bytes.length} bytes` };
}
