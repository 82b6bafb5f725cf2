// What Harper calls when an application depends on this package: the options of the application's config.yaml.
import { configure } from './resources/options.js';
import { start, stop } from './resources/background/entries.js';

/**
 * @param {object} scope Harper's scope of the application
 */
export function handleApplication(scope) {
	const apply = () => {
		configure(scope.options.getAll());
		start();
	};
	apply();
	let changed;
	const takeChange = () => {
		changed = undefined;
		try {
			apply();
		} catch (error) {
			// Nobody is there to take it: what runs goes on with what it has.
			globalThis.logger?.error?.(`edge-ai: the changed options are refused, and the old ones stay: ${error.message}`);
		}
	};
	// Harper tells of each option apart; only all of them together are what somebody wrote.
	scope.options.on('change', () => (changed ??= setImmediate(takeChange)));
	scope.on('close', () => {
		clearImmediate(changed);
		return stop();
	});
}
