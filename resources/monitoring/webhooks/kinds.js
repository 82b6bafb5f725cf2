// The kinds of what webhooks tell of.
import { STATES } from '../alerts/states.js';

/** What one can ask for: an alert that comes to have a state, or is silenced. */
export const KINDS = [...STATES.map((state) => `alert.${state}`), 'alert.silenced'];

/** What is sent to try a webhook. */
export const TEST = 'webhook.test';
