// What Harper calls when an application depends on this package: the options of the application's config.yaml.
import { configure } from './resources/options.js';
import { start } from './resources/start.js';

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
}
