#!/usr/bin/env node
// The command-line tool. It ends with 0, with 1 when something failed, and with 2 when it was called wrongly.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { COMMANDS, help, helpOf } from './commands.js';
import { UsageError } from './usage-error.js';

const FAILED = 1;
const CALLED_WRONGLY = 2;

// Who reads may stop, as head does.
process.stdout.on('error', ({ code }) => process.exit(code === 'EPIPE' ? 0 : FAILED));

const version = () => JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

/** The arguments of a command and its options. */
function parse(name, given) {
	const { args, options } = COMMANDS[name];
	let parsed;
	try {
		parsed = parseArgs({ args: given, options, allowPositionals: true });
	} catch ({ message }) {
		throw new UsageError(`${message.split('. To specify')[0]}; harper-edge-ai ${name} --help tells what there is`);
	}
	const { values, positionals } = parsed;
	if (!values.help && positionals.length !== args.length) {
		throw new UsageError(
			`${name} takes ${args.join(' ')}, received ${positionals.length === 0 ? 'nothing' : positionals.join(' ')}`
		);
	}
	return { values, positionals };
}

/** What is to be printed. */
async function answer([name, ...given]) {
	if (name === undefined) throw new UsageError(`a command is missing: ${Object.keys(COMMANDS).join(', ')}, or --help`);
	if (name === '--help' || name === '-h' || name === 'help') return help();
	if (name === '--version') return `${version()}\n`;
	if (!Object.hasOwn(COMMANDS, name)) {
		throw new UsageError(`there is no command ${name}: there are ${Object.keys(COMMANDS).join(', ')}`);
	}
	const { values, positionals } = parse(name, given);
	if (values.help) return helpOf(name);
	const { run } = await COMMANDS[name].load();
	const { json, text } = await run(positionals, values);
	return `${values.json ? JSON.stringify(json) : text}\n`;
}

/** An error as the tool tells it. */
function told(error, asJson) {
	const { code, message, details } = error;
	if (asJson) return JSON.stringify({ error: message, code, details });
	return `harper-edge-ai: ${message}${code ? ` (${code})` : ''}`;
}

const given = process.argv.slice(2);
try {
	process.stdout.write(await answer(given));
} catch (error) {
	// What is no failure that the tool knows is a defect, and is told with its place.
	const isKnown = error instanceof UsageError || typeof error.code === 'string' || error instanceof TypeError;
	const message = isKnown ? told(error, given.includes('--json')) : error.stack;
	process.stderr.write(`${message}\n`);
	process.exitCode = error instanceof UsageError ? CALLED_WRONGLY : FAILED;
}
