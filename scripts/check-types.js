// npm run types: index.d.ts and harper.d.ts say what the code does. A sample of its use compiles under strict rules, exports and members of
// the classes are the same on both sides, and error codes that the library throws are declared.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { addonName } from '../platform.js';
import { build } from './build.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const declarations = join(root, 'index.d.ts');
const usage = join(root, '__test__', 'types', 'usage.ts');
const code = join(root, 'index.js');
/** What applications in Harper import. */
const inside = {
	declarations: join(root, 'harper.d.ts'),
	usage: join(root, '__test__', 'types', 'inside.ts'),
	code: join(root, 'harper.js'),
};
/** What index.js hands on. */
const api = join(root, 'library', 'api.js');

const strict = {
	strict: true,
	exactOptionalPropertyTypes: true,
	noUnusedLocals: true,
	noEmit: true,
	module: ts.ModuleKind.NodeNext,
	moduleResolution: ts.ModuleResolutionKind.NodeNext,
	target: ts.ScriptTarget.ES2022,
	lib: ['lib.es2023.d.ts'],
	types: ['node'],
};

const problems = [];

/** What the compiler says of the declarations and of the sample. */
function checkSample() {
	const program = ts.createProgram([declarations, usage, inside.declarations, inside.usage], strict);
	const host = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => root, getNewLine: () => '\n' };
	for (const diagnostic of ts.getPreEmitDiagnostics(program)) {
		problems.push(ts.formatDiagnostic(diagnostic, host).trim());
	}
	return program;
}

/** The exports of a module by name, as the compiler sees them. */
function exportsOf(program, path) {
	const checker = program.getTypeChecker();
	const module = checker.getSymbolAtLocation(program.getSourceFile(path));
	const resolved = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
	return new Map(checker.getExportsOfModule(module).map((symbol) => [symbol.name, resolved(symbol)]));
}

function isPublic({ valueDeclaration }) {
	return (
		valueDeclaration !== undefined &&
		!ts.isPrivateIdentifier(valueDeclaration.name ?? valueDeclaration) &&
		!(ts.getCombinedModifierFlags(valueDeclaration) & ts.ModifierFlags.NonPublicAccessibilityModifier)
	);
}

const memberName = ({ name, valueDeclaration }) =>
	valueDeclaration.name && ts.isComputedPropertyName(valueDeclaration.name) ? valueDeclaration.name.getText() : name;

/** Public members of a class as the compiler sees them; statics with `static ` before their names. */
function declaredMembers(program, symbol) {
	const checker = program.getTypeChecker();
	const own = checker.getDeclaredTypeOfSymbol(symbol).getProperties().filter(isPublic);
	const statics = [...symbol.exports.values()].filter((member) => member.name !== 'prototype' && isPublic(member));
	const isMethod = ({ flags }) => Boolean(flags & (ts.SymbolFlags.Method | ts.SymbolFlags.Accessor));
	return {
		methods: [
			...own.filter(isMethod).map(memberName),
			...statics.filter(isMethod).map((member) => `static ${memberName(member)}`),
		],
		fields: own.filter((member) => !isMethod(member)).map(memberName),
	};
}

/** Methods, getters and static methods of a class as it was loaded. */
function loadedMethods(loaded) {
	const keyName = (key) => (key === Symbol.dispose ? '[Symbol.dispose]' : String(key));
	const names = (object, inherent) =>
		Reflect.ownKeys(object)
			.filter((key) => !inherent.includes(key))
			.map(keyName);
	// What an Error has by itself is in the declarations of the language.
	const inherited = loaded.prototype instanceof Error ? Reflect.ownKeys(Error.prototype) : [];
	return [
		...names(loaded.prototype, ['constructor', ...inherited]),
		...names(loaded, ['length', 'name', 'prototype']).map((name) => `static ${name}`),
	];
}

/** Reports what only one side has. */
function compare(what, declared, present, presentIn, declaredIn = 'index.d.ts') {
	const only = (these, others) => these.filter((name) => !others.includes(name));
	const report = (lacking, having, names) =>
		problems.push(...names.map((name) => `${lacking} lacks ${what} ${name}, which ${having} has`));
	report(declaredIn, presentIn, only(present, declared));
	report(presentIn, declaredIn, only(declared, present));
}

async function checkMembers(program) {
	const exported = exportsOf(program, declarations);
	const loaded = await import(code);
	const isClass = ({ flags }) => Boolean(flags & ts.SymbolFlags.Class);
	const values = [...exported].filter(([, { flags }]) => flags & ts.SymbolFlags.Value).map(([name]) => name);
	compare('the export', values, Object.keys(loaded), 'index.js');

	// Fields exist only in an instance; the compiler reads them from the constructors.
	const script = ts.createProgram([api], { ...strict, allowJs: true });
	const written = exportsOf(script, api);
	for (const [name, symbol] of exported) {
		if (!isClass(symbol) || !(name in loaded)) continue;
		const declared = declaredMembers(program, symbol);
		compare(`the member of ${name}`, declared.methods, loadedMethods(loaded[name]), 'the class');
		compare(`the field of ${name}`, declared.fields, declaredMembers(script, written.get(name)).fields, 'the class');
	}
	return exported;
}

/** The functions of harper.js, and those of its objects. */
async function checkInside(program) {
	const checker = program.getTypeChecker();
	const exported = exportsOf(program, inside.declarations);
	const declared = [...exported].flatMap(([name, symbol]) => {
		if (symbol.flags & ts.SymbolFlags.Function) return [name];
		if (!(symbol.flags & ts.SymbolFlags.Variable)) return [];
		return checker
			.getTypeOfSymbol(symbol)
			.getProperties()
			.map((member) => `${name}.${member.name}`);
	});
	const present = Object.entries(await import(inside.code)).flatMap(([name, value]) =>
		typeof value === 'function' ? [name] : Object.keys(value).map((member) => `${name}.${member}`)
	);
	compare('the function', declared, present, 'harper.js', 'harper.d.ts');
	checkCoverage(program, exported, inside.usage, 'harper.d.ts');
}

/** Every exported name is imported by the sample; that it is used there too, the compiler checks. */
function checkCoverage(program, exported, sample = usage, declaredIn = 'index.d.ts') {
	const imported = program
		.getSourceFile(sample)
		.statements.filter(ts.isImportDeclaration)
		.flatMap(({ importClause }) => importClause?.namedBindings?.elements ?? [])
		.map(({ name, propertyName }) => (propertyName ?? name).text);
	compare('the export', [...exported.keys()], imported, basename(sample), declaredIn);
}

/** The error codes that the library throws in JavaScript are declared; those of Rust are compared by a test. */
function checkCodes(program, exported) {
	const declared = program.getTypeChecker().getDeclaredTypeOfSymbol(exported.get('ErrorCode'));
	const known = new Set(declared.types.map(({ value }) => value));
	const thrown = readdirSync(join(root, 'library')).flatMap((name) => {
		const text = readFileSync(join(root, 'library', name), 'utf8');
		return [...text.matchAll(/(?:\bcode: |\bnew EdgeAiError\(\s*)'([A-Z_]+)'/g)].map(([, code]) => code);
	});
	if (thrown.length === 0) problems.push('library/ throws no error codes in the form that this script reads');
	for (const code of new Set(thrown)) {
		if (!known.has(code)) problems.push(`index.d.ts lacks the error code ${code}, which library/ has`);
	}
}

if (!existsSync(join(root, 'native', addonName()))) build();
const program = checkSample();
const exported = await checkMembers(program);
checkCoverage(program, exported);
await checkInside(program);
checkCodes(program, exported);
if (problems.length > 0) {
	console.error(`the declarations and the code differ:\n${problems.join('\n')}`);
	process.exitCode = 1;
} else {
	console.log(`the declarations match the code: ${exported.size} exports`);
}
