import js from '@eslint/js';
import globals from 'globals';

const harper = {
	Resource: 'readonly',
	createBlob: 'readonly',
	databases: 'readonly',
	logger: 'readonly',
	server: 'readonly',
	tables: 'readonly',
};

export default [
	{ ignores: ['.harper/', '.venv/', 'native/', 'target/'] },
	js.configs.recommended,
	{
		languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: { ...globals.nodeBuiltin, ...harper } },
		linterOptions: { reportUnusedDisableDirectives: 'error' },
		rules: {
			'consistent-return': 'error',
			curly: ['error', 'multi-line'],
			eqeqeq: ['error', 'always', { null: 'ignore' }],
			'no-console': 'error',
			'no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'all' }],
			'no-var': 'error',
			'object-shorthand': 'error',
			'prefer-const': 'error',
			'prefer-template': 'error',
		},
	},
	{ files: ['scripts/**', 'benchmark/**', '__test__/**', 'examples/**'], rules: { 'no-console': 'off' } },
];
