// The kinds of what webhooks tell of.
import { STATES } from '../alerts/states.js';
import { STATES as REQUEST_STATES } from '../retraining/states.js';

/** What one can ask for: an alert that comes to have a state, or is silenced; a request for retraining that comes to have one. */
export const KINDS = [
	...STATES.map((state) => `alert.${state}`),
	'alert.silenced',
	...REQUEST_STATES.map((state) => `retraining.${state}`),
];

/** What is sent to try a webhook. */
export const TEST = 'webhook.test';
