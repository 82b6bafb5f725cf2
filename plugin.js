// What Harper calls when an application depends on this package: the options of the application's config.yaml.
import { findHarper, log } from './resources/harper.js';
import { OptionChanges } from './resources/option-changes.js';
import { configure } from './resources/options.js';
import { start, stop } from './resources/background/entries.js';

await findHarper();

/**
 * @param {object} scope Harper's scope of the application
 * @param {{clock?: object}} [how] a clock for changes that are looked at again
 */
export function handleApplication(scope, { clock } = {}) {
	const apply = (given) => {
		configure(given);
		start();
	};
	apply(scope.options.getAll());
	const changes = new OptionChanges({
		read: () => scope.options.getAll(),
		apply,
		// Nobody is there to take it: what runs goes on with what it has.
		complain: ({ message }) => log.error(`edge-ai: the changed options are refused, and the old ones stay: ${message}`),
		clock,
	});
	scope.options.on('change', () => changes.changed());
	// What was not there for a moment, as while the file is written, comes back as if it were new.
	scope.options.on('ready', () => changes.changed());
	scope.on('close', () => {
		changes.stop();
		return stop();
	});
}
