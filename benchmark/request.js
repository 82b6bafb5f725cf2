// What a request with an image of 224x224x3 floats costs besides its run, and what JSON.parse of the same body costs: the body
// read and converted, its features recorded, the answer written.
import { encode as cbor } from 'cbor-x';
import { encode as messagePack } from 'msgpackr';
import { digestModel, loadSession, predictJson, PredictRequest } from '../binding.js';
import { answer } from '../resources/serving/predict.js';
import { median } from './measures.js';
import { FLOAT, input, model, node, output } from './onnx.js';

const SHAPE = [1, 224, 224, 3];
const MAX_RECORDED_BYTES = 16 * 1024;
const RECORD = { modelId: 'image', version: 'v1', framework: 'onnx' };

/** A mean of each row: a run that takes next to nothing. */
const MEAN = model([
	node('GlobalAveragePool', ['x'], ['y']),
	input('x', FLOAT, SHAPE),
	output('y', FLOAT, [1, SHAPE[1], 1, 1]),
]);

function nested(data, [size, ...row]) {
	if (row.length === 0) return Array.from(data);
	const stride = data.length / size;
	return Array.from({ length: size }, (_, at) => nested(data.subarray(at * stride, (at + 1) * stride), row));
}

/** The same request in every form, by name. */
function requests() {
	// As a picture has them after its bytes were divided by 255.
	const count = SHAPE.reduce((product, size) => product * size, 1);
	const data = Float32Array.from({ length: count }, (_, at) => ((at * 7919) % 256) / 255);
	const request = (x) => ({ modelId: RECORD.modelId, features: { x } });
	const lists = request(nested(data, SHAPE));
	return {
		json: { format: 'json', body: Buffer.from(JSON.stringify(lists)) },
		cbor: { format: 'cbor', body: cbor(lists) },
		msgpack: { format: 'msgpack', body: messagePack(lists) },
		'cbor, typed array': { format: 'cbor', body: cbor(request({ data, shape: SHAPE })) },
		'msgpack, bytes': {
			format: 'msgpack',
			body: messagePack(request({ data: Buffer.from(data.buffer), shape: SHAPE })),
		},
	};
}

async function costMs(session, { format, body }) {
	const started = performance.now();
	const request = PredictRequest.parse(body, format, format);
	const result = await predictJson(session, request);
	request.featuresJson(MAX_RECORDED_BYTES);
	answer({ ...result, inferenceId: RECORD.modelId }, RECORD, format, () => true);
	return performance.now() - started - result.latencyMs;
}

/**
 * Medians of rounds in which all take turns, in milliseconds.
 *
 * @param {number} rounds
 * @returns {Promise<{parseMs: number, costsMs: Record<string, number>}>} `JSON.parse` of the text, and the whole request by its form
 */
export async function requestCosts(rounds) {
	const files = [{ name: 'model.onnx', bytes: MEAN }];
	const session = await loadSession(await digestModel(files), files);
	const forms = requests();
	const text = forms.json.body.toString();
	const parseTimes = [];
	const times = Object.fromEntries(Object.keys(forms).map((name) => [name, []]));
	for (let round = 0; round < rounds; round += 1) {
		const started = performance.now();
		JSON.parse(text);
		parseTimes.push(performance.now() - started);
		for (const [name, form] of Object.entries(forms)) times[name].push(await costMs(session, form));
	}
	const costsMs = Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
	return { parseMs: median(parseTimes), costsMs };
}
