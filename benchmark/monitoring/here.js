// Profiles and drift of the rows in a Harper of its own: the reference is a file, the current rows are predictions.
import { createReadStream, readFileSync } from 'node:fs';
import { startHarper } from '../../__test__/support/harper.js';
import { FLOAT, initializer, input, model, node, output } from '../onnx.js';
import { COLUMNS, tensors } from './rows.js';

/** Requests under way. */
const IN_FLIGHT = 4;

/**
 * @param {string} referenceFile CSV
 * @param {number} rows current ones
 * @returns {Promise<{seconds: Record<string, number>, drifted: number, peakBytes: number, grownBytes: number}>}
 */
export async function measureHere(referenceFile, rows) {
	// Made beforehand: the others find their rows in a file. And before there are connections, which would be closed meanwhile.
	const bodies = Array.from(tensors('current', rows), bodyOf);
	const harper = await startHarper();
	try {
		await upload(harper);
		const idleBytes = memoryOf(harper.pid, 'VmRSS');
		const seconds = {};
		const timed = async (name, act) => {
			const started = performance.now();
			const result = await act();
			seconds[name] = (performance.now() - started) / 1000;
			return result;
		};
		await timed('reference from a file', () =>
			sent(harper, '/monitoring/reference?modelId=rows&version=v1&name=training', {
				body: createReadStream(referenceFile),
				headers: { 'content-type': 'text/csv' },
			})
		);
		await timed('predictions', () => predictAll(harper, bodies));
		const { columns } = await timed('drift', () =>
			answered(harper.get('/monitoring/drift?modelId=rows&version=v1&reference=training'))
		);
		const isDrifted = ({ name, verdict }) => COLUMNS.includes(name) && verdict === 'drift';
		const peakBytes = memoryOf(harper.pid, 'VmHWM');
		return { seconds, drifted: columns.filter(isDrifted).length, peakBytes, grownBytes: peakBytes - idleBytes };
	} finally {
		await harper.dispose();
	}
}

/** A model that adds up the columns. */
async function upload(harper) {
	const sum = model([
		initializer('ones', [COLUMNS.length, 1], new Float32Array(COLUMNS.length).fill(1)),
		node('MatMul', ['x', 'ones'], ['y']),
		input('x', FLOAT, ['n', COLUMNS.length]),
		output('y', FLOAT, ['n', 1]),
	]);
	const inputSchema = JSON.stringify({ inputs: [{ name: 'x', columns: COLUMNS }] });
	const fields = { modelId: 'rows', version: 'v1', inputSchema };
	await answered(harper.upload(fields, [{ name: 'model.onnx', content: sum }]));
}

/** A request of the Open Inference Protocol with binary data, and the length of its JSON. */
function bodyOf(tensor) {
	const shape = [tensor.length / COLUMNS.length, COLUMNS.length];
	const parameters = { binary_data_size: tensor.byteLength };
	const header = Buffer.from(
		JSON.stringify({
			inputs: [{ name: 'x', datatype: 'FP32', shape, parameters }],
			parameters: { binary_data_output: true, record: false },
		})
	);
	return { bytes: Buffer.concat([header, Buffer.from(tensor.buffer)]), headerLength: header.length };
}

async function predictAll(harper, bodies) {
	const waiting = bodies.values();
	const predict = async () => {
		for (const { bytes, headerLength } of waiting) {
			const headers = {
				'content-type': 'application/octet-stream',
				'inference-header-content-length': String(headerLength),
			};
			await sent(harper, '/v2/models/rows/versions/v1/infer', { body: bytes, headers });
		}
	};
	await Promise.all(Array.from({ length: IN_FLIGHT }, predict));
}

const sent = (harper, path, how) => answered(harper.request('POST', path, how));

async function answered(request) {
	const { status, body } = await request;
	if (status >= 400) throw new Error(`${status}: ${body.error ?? body}`);
	return body;
}

/** What Linux says of a process, in bytes. */
function memoryOf(pid, name) {
	const [, kibibytes] = readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm'));
	return Number(kibibytes) * 1024;
}
