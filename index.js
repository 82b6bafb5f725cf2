// The Node.js API; index.d.ts documents it.
export { InferenceEngine, Model } from './library/engine.js';
export { ModelRegistry } from './library/registry.js';
export { Monitor } from './library/monitor.js';
export { Tensor } from './library/tensor.js';
