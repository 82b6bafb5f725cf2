// What Harper calls when an application depends on this package: the options of the application's config.yaml.
import { configure } from './resources/options.js';

/**
 * @param {object} scope Harper's scope of the application
 */
export function handleApplication(scope) {
	configure(scope.options.getAll());
	scope.options.on('change', () => configure(scope.options.getAll()));
}
