// What the package exports.
export { EdgeAiError } from './edge-ai-error.js';
export { InferenceEngine, Model } from './engine.js';
export { ModelRegistry } from './registry.js';
export { Monitor } from './monitor.js';
export { Tensor } from './tensor.js';
