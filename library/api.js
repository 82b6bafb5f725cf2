// What the package exports.
export { Cbpe } from './cbpe.js';
export { Adwin, PageHinkley } from './detectors.js';
export { Dle } from './dle.js';
export { drift } from './drift.js';
export { EdgeAiError } from './edge-ai-error.js';
export { InferenceEngine, Model } from './engine.js';
export { exposition } from './exposition.js';
export { drawForLabels, estimateFromLabels } from './labels.js';
export { ModelRegistry } from './registry.js';
export { Monitor } from './monitor.js';
export { classificationQuality, regressionQuality } from './quality.js';
export { Tensor } from './tensor.js';
