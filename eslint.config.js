import js from '@eslint/js';
import globals from 'globals';

/** Harper's globals, for applications. The component reaches Harper through resources/harper.js alone. */
const harper = {
	Resource: 'readonly',
	createBlob: 'readonly',
	databases: 'readonly',
	logger: 'readonly',
	server: 'readonly',
	tables: 'readonly',
};

export default [
	{
		ignores: [
			'.harper/',
			'.venv/',
			'benchmark/servers/.venv/',
			'commonjs/',
			'native/',
			'resources/page/static/vendor/',
			'target/',
		],
	},
	js.configs.recommended,
	{
		languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: globals.nodeBuiltin },
		linterOptions: { reportUnusedDisableDirectives: 'error' },
		rules: {
			'consistent-return': 'error',
			curly: ['error', 'multi-line'],
			'max-lines': ['error', 400],
			'max-lines-per-function': ['error', 60],
			eqeqeq: ['error', 'always', { null: 'ignore' }],
			'no-console': 'error',
			'no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'all' }],
			'no-var': 'error',
			'object-shorthand': 'error',
			'prefer-const': 'error',
			'prefer-template': 'error',
		},
	},
	{ files: ['resources/page/static/**'], languageOptions: { globals: { ...globals.browser } } },
	// Suites, the functions that hold them, and tables are as long as what they list.
	{
		files: ['__test__/**', 'scripts/tensorflow-operations.js'],
		rules: { 'max-lines': 'off', 'max-lines-per-function': 'off' },
	},
	{ files: ['examples/**', 'benchmark/**', '__test__/**'], languageOptions: { globals: harper } },
	{ files: ['scripts/**', 'benchmark/**', '__test__/**', 'examples/**'], rules: { 'no-console': 'off' } },
];
