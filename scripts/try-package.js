// Uses the harper-edge-ai that is installed in the current folder, as an application would, and fails when it cannot predict.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { platformName } from '../platform.js';
import { hasOfficialLibrary } from './platform-package.js';

const require = createRequire(join(process.cwd(), 'package.json'));
const folder = dirname(require.resolve('harper-edge-ai/package.json'));
const { InferenceEngine } = await import(pathToFileURL(join(folder, 'index.js')));
assert.equal(require('harper-edge-ai').InferenceEngine, InferenceEngine);

const engine = new InferenceEngine();
const { engines } = engine.status();
console.log(platformName(), engines);
if (hasOfficialLibrary()) {
	const model = await engine.load(join(folder, 'examples', 'iris', 'model.onnx'));
	const { outputs, confidence } = await model.predict({ float_input: [5.1, 3.5, 1.4, 0.2] });
	assert.equal(model.engine, 'onnxruntime');
	assert.equal(outputs.output_label.toArray(), 0n);
	assert.ok(confidence > 0.9, `confidence ${confidence}`);
} else {
	assert.ok(engines.tract.available, engines.tract.reason);
}
