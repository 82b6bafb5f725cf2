// Fields that stand in several places, because each of them is read by somebody else, are the same everywhere: in the code, the schema
// of the tables, the declarations and the documentation.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { MAX_ID_BYTES, MAX_PRIORITY, MAX_TIMEOUT_MS, MetricsAccumulator } from '../binding.js';
import { DTYPES } from '../library/dtypes.js';
import { measure } from '../library/events.js';
import { MEASURES } from '../library/metrics.js';
import { MODEL_FIELDS } from '../library/options.js';
import { FRAMEWORKS, STAGES } from '../library/versions.js';
import { RESULTS } from '../resources/jobs/definition.js';
import { STATES, SHOWN as SHOWN_OF_JOB } from '../resources/jobs/record.js';
import { FILTERS } from '../resources/monitoring/metrics.js';
import { FIELDS, KEYS, SHOWN } from '../resources/monitoring/record.js';
import { ATTRIBUTES } from '../resources/registry/record.js';
import { FIELDS as UPLOAD_FIELDS } from '../resources/registry/registration.js';
import { answerJson } from '../resources/serving/inference.js';
import { root } from './support/harper.js';

const read = (path) => readFileSync(join(root, path), 'utf8');
const schema = read('schema.graphql');
const declarations = read('index.d.ts');
const rest = read('docs/rest.md');

const same = (some, others) => assert.deepEqual([...some].sort(), [...others].sort());

/** The attributes of a table by its schema. */
function attributesOf(table) {
	const [, body] = schema.match(new RegExp(`^type ${table} @.*\\{\\n([\\s\\S]*?)^\\}`, 'm'));
	return [...body.matchAll(/^\t(\w+):/gm)].map(([, name]) => name);
}

/** The fields that an interface declares itself. */
function declaredIn(name) {
	const [, body] = declarations.match(new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm'));
	return [...body.matchAll(/^\t(\w+)\??:/gm)].map(([, field]) => field);
}

/** The names of a union of texts in the declarations. */
const unionOf = (name) => {
	const [, union] = declarations.match(new RegExp(`^export type ${name} =([^;]*);`, 'm'));
	return [...union.matchAll(/'(\w+)'/g)].map(([, value]) => value);
};

/** What docs/rest.md says of a route. */
function sectionOf(route) {
	const at = rest.indexOf(`\n## \`${route}\`\n`);
	assert.notEqual(at, -1, route);
	const [section] = rest
		.slice(at + 1)
		.split(/^## /m)
		.slice(1);
	return section;
}

/** The answer that docs/rest.md shows for a route. */
const answerOf = (route) => JSON.parse(sectionOf(route).match(/^```json\n([\s\S]*?)^```$/m)[1]);

describe('an event', () => {
	test('has its attributes in the schema', () =>
		same([...Object.keys(FIELDS), ...KEYS], attributesOf('InferenceEvent')));

	test('has them in the declarations, as JavaScript values', () => {
		const renamed = { featuresIn: 'features', prediction: 'outputs' };
		// In memory an event also has what a table of events keeps for metrics, and the receipt.
		const more = ['queueMs', 'batchRows', 'receipt'];
		// Requests have a trace, not calls; labels are drawn in Harper.
		const absent = ['traceparent', 'samplingProbability', 'labelDraw'];
		same(
			[...SHOWN.filter((field) => !absent.includes(field)).map((field) => renamed[field] ?? field), ...more],
			declaredIn('InferenceEvent')
		);
	});

	test('has them in docs/rest.md', () => {
		const section = sectionOf('GET /monitoring/events');
		const absent = SHOWN.filter((field) => !section.includes(`"${field}":`) && !section.includes(`\`${field}\``));
		assert.deepEqual(absent, []);
	});

	test('is found by the same filters in both APIs', () => {
		same([...FILTERS, 'limit'], declaredIn('EventFilter'));
		for (const filter of FILTERS) assert.ok(sectionOf('GET /monitoring/events').includes(`\`${filter}\``), filter);
	});
});

describe('metrics', () => {
	const accumulator = new MetricsAccumulator();
	measure(accumulator, { modelVersion: '1', timestamp: 1, latencyMs: 1 }, 'old');
	measure(accumulator, { modelVersion: '1', timestamp: 2, latencyMs: 1 }, 'new');
	measure(accumulator, { modelVersion: '1', timestamp: 3, latencyMs: 1, segment: 'eu' }, 'new');
	measure(accumulator, { modelVersion: '1', timestamp: 3, latencyMs: 1, segment: 'us', isOtherSegment: true }, 'new');
	const measured = JSON.parse(accumulator.toJson('m', undefined, undefined, {}, true));
	const [version] = measured.versions;
	const [previous] = version.previous;

	test('are those of the table', () => {
		const own = (value, ...others) => Object.keys(value).filter((name) => !others.includes(name));
		const measures = Object.keys(MEASURES);
		same(own(measured, 'modelId', 'startTime', 'endTime', 'versions', 'segments', 'otherSegments'), measures);
		same(own(measured.segments[0], 'segment'), measures);
		same(own(measured.otherSegments), measures);
		same(own(version, 'version', 'digest', 'previous'), measures);
		same(own(previous, 'digest'), measures);
	});

	test('tell of an attribute of events', () => {
		for (const [name, { attribute }] of Object.entries(MEASURES)) {
			for (const one of [attribute].flat()) assert.ok(Object.hasOwn(FIELDS, one), name);
		}
	});

	test('are in the declarations', () => {
		same(Object.keys(measured), [...declaredIn('Measures'), ...declaredIn('Metrics')]);
		same(Object.keys(previous), [...declaredIn('Measures'), ...declaredIn('DigestMeasures')]);
	});
});

describe('a prediction', () => {
	const result = { inferenceId: 'i', prediction: '{}', confidence: 'null', latencyMs: 1 };
	const model = { modelId: 'm', version: '1', framework: 'onnx' };
	const fieldsOf = (of) => Object.keys(JSON.parse(answerJson(of, model, () => true)));
	const fields = fieldsOf(result);

	test('is answered as docs/rest.md shows', () => same(fields, Object.keys(answerOf('POST /predict'))));

	test('has the same fields in the declarations, but for the framework, which the model tells', () => {
		const declared = [...declaredIn('Prediction'), ...declaredIn('RecordedPrediction'), 'framework'];
		same(
			fieldsOf({ ...result, receipt: '{}' }),
			declared.map((field) => (field === 'outputs' ? 'prediction' : field))
		);
	});

	test('has the fields that a job writes', () => {
		assert.deepEqual(
			RESULTS.filter((field) => field !== 'error' && !fields.includes(field)),
			[]
		);
	});
});

describe('a model', () => {
	test('has its attributes in the schema', () => same(ATTRIBUTES, attributesOf('Model')));

	test('has them in the declarations', () => same(ATTRIBUTES, declaredIn('ModelRecord')));

	test('has them in docs/rest.md', () => {
		const section = sectionOf('GET /model/:modelId/:version');
		const absent = ATTRIBUTES.filter((field) => !section.includes(`"${field}":`) && !section.includes(`\`${field}\``));
		assert.deepEqual(absent, []);
	});

	test('is uploaded with the same fields in both APIs, but for what only Harper knows of', () =>
		same([...UPLOAD_FIELDS, 'file'], [...Object.keys(MODEL_FIELDS), 'uploadId', 'retrainingRequest']));

	test('has the same stages and frameworks everywhere', () => {
		assert.deepEqual(unionOf('Stage'), STAGES);
		const inWords = (names) =>
			names
				.map((name) => `\`${name}\``)
				.join(', ')
				.replace(/, (?=[^,]*$)/, ' or ');
		for (const names of [STAGES, FRAMEWORKS]) assert.ok(sectionOf('POST /model/upload').includes(inWords(names)));
		const frameworks = [...declarations.matchAll(/^\t\t?framework\??: ([^;]*);/gm)].map(([, type]) => type);
		// An event may be of a framework to come.
		same(new Set(frameworks), [FRAMEWORKS.map((name) => `'${name}'`).join(' | '), 'string']);
	});
});

describe('a job', () => {
	test('has its attributes in the schema', () => {
		same([...SHOWN_OF_JOB, 'digest', 'traceparent', 'checkpoint', 'result'], attributesOf('Job'));
	});

	test('has the same states in docs/rest.md', () => {
		for (const state of STATES) assert.ok(sectionOf('GET /jobs').includes(`\`${state}\``), state);
	});
});

describe('a dtype', () => {
	test('has its code and size in Rust', () => {
		const inRust = [...read('src/tensor.rs').matchAll(/^ {4}\w+ "(\w+)" (\d+) (\d+)$/gm)]
			.map(([, name, code, bits]) => [name, Number(code), Number(bits)])
			.filter(([name]) => !name.startsWith('complex'));
		const bitsOf = ({ ArrayType, packedBits }) => packedBits ?? 8 * (ArrayType.BYTES_PER_ELEMENT ?? 0);
		assert.deepEqual(
			Object.entries(DTYPES)
				.map(([name, dtype]) => [name, dtype.code, bitsOf(dtype)])
				.sort(),
			inRust.sort()
		);
	});

	test('is in the declarations, with its arrays', () => {
		const [, body] = declarations.match(/^export interface ArrayOf \{\n([\s\S]*?)^\}/m);
		const declared = [...body.matchAll(/^\t(\w+): (\w+)/gm)].map(([, name, array]) => [name, array]);
		const known = Object.entries(DTYPES).map(([name, { ArrayType }]) => [name, ArrayType.name]);
		assert.deepEqual(
			Object.fromEntries(declared.map(([name, array]) => [name, array === 'string' ? 'Array' : array])),
			Object.fromEntries(known)
		);
	});
});

test('limits of a request are in the documentation', () => {
	const withCommas = (number) => number.toLocaleString('en-US');
	const section = sectionOf('POST /predict');
	assert.ok(section.includes(`1 to ${withCommas(MAX_TIMEOUT_MS)}`));
	assert.ok(section.includes(`-${MAX_PRIORITY} to ${MAX_PRIORITY}`));
	assert.ok(section.includes(`at most ${withCommas(MAX_ID_BYTES)} bytes`));
});
