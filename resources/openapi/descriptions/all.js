// What is said of all routes, section by section.
import { ALERTS } from './alerts.js';
import { FEATURES } from './features.js';
import { JOBS } from './jobs.js';
import { LABELS } from './labels.js';
import { MONITORING } from './monitoring.js';
import { OPEN_INFERENCE } from './open-inference.js';
import { REGISTRY } from './registry.js';
import { RETRAINING } from './retraining.js';
import { SERVING } from './serving.js';
import { STATUS } from './status.js';
import { TENSORFLOW_SERVING } from './tensorflow-serving.js';
import { WEBHOOKS } from './webhooks.js';

export const SECTIONS = [
	REGISTRY,
	SERVING,
	JOBS,
	MONITORING,
	ALERTS,
	WEBHOOKS,
	LABELS,
	RETRAINING,
	FEATURES,
	STATUS,
	OPEN_INFERENCE,
	TENSORFLOW_SERVING,
];
