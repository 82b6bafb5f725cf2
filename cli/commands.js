// The commands: what each takes, in words and for the parser, and the module that does it.

const MODEL = {
	framework: { type: 'string', value: 'NAME', meaning: 'onnx or tensorflow; what the bytes say by default' },
	engine: { type: 'string', value: 'NAME', meaning: 'auto, onnxruntime or tract; auto by default' },
};
const COMMON = {
	json: { type: 'boolean', meaning: 'print JSON, errors too' },
	help: { type: 'boolean', short: 'h', meaning: 'print this' },
};
const INPUT = {
	type: 'string',
	short: 'i',
	multiple: true,
	value: 'VALUE',
	meaning: 'JSON, @FILE with JSON, or - for standard input; NAME=VALUE for one input; may be repeated',
};
const TIMEOUT = { type: 'string', value: 'MS', meaning: 'milliseconds that a run may take; 30000 by default' };

/**
 * @typedef {object} Option an option of `util.parseArgs`
 * @property {'string' | 'boolean'} type
 * @property {string} [short]
 * @property {boolean} [multiple]
 * @property {string} [value] what it takes, in the help
 * @property {string} meaning
 */

/**
 * By name: what it does, its arguments in their order, its options, and its module, whose `run(args, options)` gives
 * `{ json, text }`.
 *
 * @type {Record<string, {summary: string, args: string[], options: Record<string, Option>, load: () => Promise<any>}>}
 */
export const COMMANDS = {
	inspect: {
		summary: 'Load a model and tell what it is: inputs, outputs, engine, digest.',
		args: ['FILE'],
		options: { ...MODEL, ...COMMON },
		load: () => import('./inspect.js'),
	},
	translate: {
		summary: 'Translate a TensorFlow.js model to ONNX.',
		args: ['MODEL.json', 'OUT.onnx'],
		options: { force: { type: 'boolean', meaning: 'replace OUT.onnx when it is there' }, ...COMMON },
		load: () => import('./translate.js'),
	},
	predict: {
		summary: 'Run a model once.',
		args: ['FILE'],
		options: {
			input: INPUT,
			output: { type: 'string', multiple: true, value: 'NAME', meaning: 'an output that is wanted; all by default' },
			timeout: TIMEOUT,
			...MODEL,
			...COMMON,
		},
		load: () => import('./predict.js'),
	},
	bench: {
		summary: 'Run a model again and again and tell how long it takes.',
		args: ['FILE'],
		options: {
			input: { ...INPUT, meaning: 'as for predict; zeros and empty texts by default' },
			seconds: { type: 'string', value: 'N', meaning: 'how long to measure, 1 to 3600; 3 by default' },
			concurrency: { type: 'string', value: 'N', meaning: 'runs that are under way at once, 1 to 1024; 1 by default' },
			timeout: TIMEOUT,
			...MODEL,
			...COMMON,
		},
		load: () => import('./bench.js'),
	},
};

const LEFT = 28;

const optionLine = ([name, { short, value, meaning }]) => {
	const left = `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`;
	return `  ${left.padEnd(LEFT)}${meaning}\n`;
};

/**
 * The help of a command.
 *
 * @param {string} name
 */
export function helpOf(name) {
	const { summary, args, options } = COMMANDS[name];
	const lines = Object.entries(options).map(optionLine).join('');
	return `harper-edge-ai ${name} ${args.join(' ')} [options]\n\n${summary}\n\nOptions:\n${lines}`;
}

/** The help of the tool. */
export function help() {
	const lines = Object.entries(COMMANDS).map(
		([name, { summary, args }]) => `  ${`${name} ${args.join(' ')}`.padEnd(LEFT + 8)}${summary}\n`
	);
	return [
		'harper-edge-ai COMMAND [options]\n\nTry ONNX and TensorFlow.js models on this machine.\n\nCommands:\n',
		...lines,
		'\nOptions:\n',
		optionLine(['help', COMMON.help]),
		optionLine(['version', { meaning: 'print the version' }]),
		'\nharper-edge-ai COMMAND --help tells the options of a command.\n',
	].join('');
}
