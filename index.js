// The Node.js API; index.d.ts documents it.
import * as api from './library/api.js';
import { oneInstance } from './library/one-instance.js';

export const { EdgeAiError, InferenceEngine, Model, ModelRegistry, Monitor, Tensor } = oneInstance(api);
export const { Adwin, Cbpe, classificationQuality, Dle, drift, exposition, PageHinkley, regressionQuality } =
	oneInstance(api);
export const { drawForLabels, estimateFromLabels } = oneInstance(api);
