// A model of any size, written without holding it in memory: Gather(table, index) with a table of float32.
import { open } from 'node:fs/promises';
import { FLOAT, INT64, message, number, onnxModel } from './onnx.js';

export const COLUMNS = 64;
/** The rows of a block; every row holds its number within its block. */
export const BLOCK_ROWS = 4096;
const BLOCK_BYTES = BLOCK_ROWS * COLUMNS * 4;

/**
 * The model up to its table, whose bytes end the file, or lie in a file of their own.
 *
 * @param {number} blocks
 * @param {string} [location] the name of that file
 */
function modelHead(blocks, location) {
	const further = location === undefined ? blocks * BLOCK_BYTES : 0;
	const content =
		location === undefined
			? [message(9, '', further)]
			: [message(13, [message(1, 'location'), message(2, location)]), number(14, 1)];
	const dims = [number(1, blocks * BLOCK_ROWS), number(1, COLUMNS)];
	const table = [...dims, number(2, FLOAT), message(8, 'table'), ...content];
	return onnxModel(
		{
			nodes: [['Gather', ['table', 'index'], ['y']]],
			inputs: [['index', INT64, ['n']]],
			outputs: [['y', FLOAT, ['n', COLUMNS]]],
			initializer: message(5, table, further),
		},
		further
	);
}

/**
 * Writes a model of about `blocks` MiB.
 *
 * @param {string} path
 * @param {number} blocks
 * @param {{name: string, path: string}} [weights] where the table goes; into the model itself by default
 */
export async function writeLargeModel(path, blocks, weights) {
	const rows = Float32Array.from({ length: BLOCK_ROWS * COLUMNS }, (_, at) => Math.floor(at / COLUMNS));
	const block = Buffer.from(rows.buffer);
	const file = await open(path, 'w');
	const table = weights ? await open(weights.path, 'w') : file;
	await file.write(modelHead(blocks, weights?.name));
	for (let written = 0; written < blocks; written += 1) await table.write(block);
	await file.close();
	if (weights) await table.close();
}
