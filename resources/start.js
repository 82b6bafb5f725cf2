// What a thread does by itself, as soon as it knows its options.
import { prepareEvents } from './events.js';
import { makeRoles } from './http/roles.js';
import { preload } from './preload.js';
import { sweepRegularly } from './registry/sweep.js';
import { watchModels } from './registry/watch.js';

/** Starts it again, when the options have changed; what is done is not done twice. */
export function start() {
	for (const act of [makeRoles, prepareEvents, preload, watchModels, sweepRegularly]) {
		act().catch((error) => globalThis.logger?.error?.('edge-ai: at the start', error));
	}
}
