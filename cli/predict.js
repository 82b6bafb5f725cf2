// One prediction.
import { featuresFrom } from './input.js';
import { open, runnerOf, timeoutOf } from './session.js';
import { UsageError } from './usage-error.js';

/**
 * @param {[string]} args
 * @param {{input?: string[], output?: string[], timeout?: string, framework?: string, engine?: string}} options
 */
export async function run([file], { input, output, timeout, ...how }) {
	const timeoutMs = timeoutOf(timeout);
	const { session, signature } = await open(file, how);
	if (!input) {
		const names = signature.inputs.map(({ name }) => name).join(', ');
		throw new UsageError(`predict needs --input; the model takes ${names}`);
	}
	const features = featuresFrom(input, signature.inputs);
	const { prediction, confidence, latencyMs } = await runnerOf(session, features, { outputs: output, timeoutMs })();
	// Integers that JavaScript does not hold are texts in it.
	const json = { prediction: JSON.parse(prediction), confidence: JSON.parse(confidence ?? 'null'), latencyMs };
	const text = [
		...Object.entries(json.prediction).map(([name, value]) => `${name}: ${JSON.stringify(value)}`),
		`confidence: ${JSON.stringify(json.confidence)}`,
		`latency: ${latencyMs} ms`,
	].join('\n');
	return { json, text };
}
