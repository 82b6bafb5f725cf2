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
	scope.options.on('change', apply);
	scope.on('close', stop);
}
