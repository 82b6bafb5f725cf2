// Predictions.
import { MAX_ID_BYTES, MAX_PRIORITY, MAX_TIMEOUT_MS } from '../../../binding.js';
import { FRAMEWORKS, STAGES } from '../../../library/versions.js';
import { MAX_ITERATIONS, MAX_MODELS } from '../../serving/compare.js';
import {
	any,
	count,
	flag,
	given,
	identifier,
	inEveryFormat,
	json,
	listOf,
	mapOf,
	nullOr,
	number,
	object,
	oneOf,
	parameter,
	ref,
	said,
	text,
	wholeWithin,
	within,
} from '../schema.js';

const features = said('Values by the name of the input.', mapOf(any));
const id = said(`Kept with the event; at most ${MAX_ID_BYTES} bytes.`, text);

/** What `/predict` and all rows of a batch may be given. */
const SHARED = {
	modelId: identifier,
	version: said("The model's default when absent.", identifier),
	stage: said('In place of a version: of those in the stage the one uploaded last.', oneOf(STAGES)),
	outputs: said('Those wanted; all when absent.', listOf(text)),
	timeoutMs: said('Deadline; the option `timeoutMs` when absent.', within(1, MAX_TIMEOUT_MS)),
	priority: said('Higher ones go first.', wholeWithin(-MAX_PRIORITY, MAX_PRIORITY)),
	record: said('`false` writes no event.', flag),
	receipt: said('`true` tells what it cost.', flag),
	userId: id,
	sessionId: id,
	segment: said(
		'Which part of the requests it is of, such as a country: kept with the event, and metrics tell it apart.',
		text
	),
	requestId: id,
};

const asParameters = ({ outputs, ...others }) => ({
	...Object.fromEntries(
		Object.entries(others).map(([name, { description = 'Name of the model.', ...schema }]) => [
			name,
			parameter(description, schema),
		])
	),
	outputs: parameter(`${outputs.description} Separated by commas.`),
});

/** Codes of all that runs a model. */
export const RUN_ERRORS = [
	...[
		'MODEL_NOT_FOUND',
		'INVALID_INPUT',
		'RUN_FAILED',
		'QUEUE_FULL',
		'MODEL_QUARANTINED',
		'MODEL_NOT_READY',
		'INVALID_MODEL',
	],
	...['UNSUPPORTED_MODEL', 'ENGINE_UNAVAILABLE', 'FILE_UNAVAILABLE', 'STORAGE_UNAVAILABLE', 'CANCELLED', 'CLOSED'],
	'DEADLINE_EXCEEDED',
];

const SETOSA = { float_input: [5.1, 3.5, 1.4, 0.2] };
const CSV = 'float_input[0],float_input[1],float_input[2],float_input[3]\n5.1,3.5,1.4,0.2\n';
const predicting = given(
	{
		...SHARED,
		features,
		entityId: said('Inputs that `features` lacks are those of this entity.', text),
		labels: said('`true` gives scores by the labels that came with the model.', flag),
	},
	['modelId']
);
const rows = listOf(features);
const batch = {
	anyOf: [rows, said('`rows` come last', given({ ...SHARED, rows }, ['modelId', 'rows']))],
};

export const SERVING = {
	name: 'Predictions',
	description: 'One row or many, recorded as events.',
	routes: {
		'POST /predict': {
			summary: 'Predict',
			description: 'The answer and errors are in the format that `Accept` names, JSON when it names none.',
			headers: ['Traceparent'],
			body: inEveryFormat(predicting, { modelId: 'iris', features: SETOSA }),
			answers: { 200: { content: inEveryFormat(ref('Prediction')) } },
			errors: [...RUN_ERRORS, 'ENTITY_NOT_FOUND'],
		},
		'POST /predict/batch': {
			summary: 'Predict for many rows',
			description:
				'What all rows have in common is in the query, or beside `rows` in an object. Answers are in the order of the rows, one on each line, or a list with `Accept: application/json`.',
			headers: ['Traceparent'],
			query: {
				...asParameters(SHARED),
				modelId: parameter('Required unless the body is an object.', identifier),
				delimiter: parameter('Of CSV: a character, `semicolon`, `tab` or `pipe`.'),
				fields: parameter('Of CSV: columns that feed the input, separated by commas, or JSON text by input.'),
			},
			body: {
				...inEveryFormat(batch, { modelId: 'iris', rows: [SETOSA, SETOSA] }),
				'application/x-ndjson': { schema: said('A row on each line', text), example: `${JSON.stringify(SETOSA)}\n` },
				'text/csv': { schema: said('A header and a row on each line', text), example: CSV },
			},
			answers: {
				200: {
					content: {
						'application/x-ndjson': { schema: said('On each line a `Row`', text) },
						...json(listOf(ref('Row'))),
					},
				},
			},
			errors: RUN_ERRORS,
		},
		'POST /benchmark/compare': {
			summary: 'Run the same features through several models',
			body: json(
				given(
					{
						models: {
							...listOf(given({ modelId: identifier, version: identifier, stage: oneOf(STAGES) }, ['modelId'])),
							minItems: 1,
							maxItems: MAX_MODELS,
						},
						features,
						iterations: wholeWithin(1, MAX_ITERATIONS),
					},
					['models', 'features']
				),
				{ models: [{ modelId: 'iris' }, { modelId: 'iris', version: '1.0.0' }], features: SETOSA, iterations: 3 }
			),
			answers: {
				200: {
					content: json(
						object({
							iterations: count,
							models: listOf(
								object({
									modelId: identifier,
									version: identifier,
									framework: oneOf(FRAMEWORKS),
									engine: text,
									fileBytes: count,
									weightBytes: nullOr(count),
									latencyMs: ref('Latencies'),
									prediction: mapOf(any),
									confidence: any,
									agreement: said(
										'With the first model, by output.',
										nullOr(listOf(object({ output: text, with: text, equal: flag, maxDifference: nullOr(number) })))
									),
								})
							),
						})
					),
				},
			},
			errors: RUN_ERRORS,
		},
	},
};
