// What the option executionProviders may be: names, or names with the provider's own options.
import { executionProviderNames } from '../binding.js';

const NAMES = executionProviderNames();

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const isOptions = (value) =>
	isObject(value) && Object.values(value).every((option) => typeof option === 'string' || Number.isFinite(option));
const isProvider = (value) =>
	NAMES.includes(value) ||
	(isObject(value) &&
		Object.keys(value).every((key) => key === 'name' || key === 'options') &&
		NAMES.includes(value.name) &&
		(value.options === undefined || isOptions(value.options)));

function copy(value) {
	if (!isObject(value)) return value;
	const provider = { ...value };
	if (isObject(provider.options)) provider.options = { ...provider.options };
	return provider;
}

/** @type {import('./option-kinds.js').Kind} */
export const EXECUTION_PROVIDERS = {
	expected: `a list of names or { name, options } of execution providers, which are ${NAMES.join(', ')}`,
	range: 'list',
	type: 'readonly (ExecutionProviderName | { name: ExecutionProviderName; options?: Record<string, string | number> })[]',
	read: (text) => text.split(',').map((name) => name.trim()),
	copy: (value) => (Array.isArray(value) ? Array.from(value, copy) : value),
	check: (value) => Array.isArray(value) && value.length > 0 && value.every(isProvider),
};
