// Schemas that several routes share, or that are long.
import { openInferenceDatatype } from '../../binding.js';
import { MEASURES } from '../../library/metrics.js';
import { DTYPES } from '../../library/dtypes.js';
import { FRAMEWORKS, STAGES } from '../../library/versions.js';
import { STATUS_OF } from '../errors.js';
import { STATES } from '../jobs/record.js';
import { SHOWN } from '../monitoring/record.js';
import {
	any,
	count,
	digest,
	eitherOf,
	flag,
	identifier,
	listOf,
	mapOf,
	nullOr,
	number,
	object,
	oneOf,
	ref,
	said,
	text,
	time,
} from './schema.js';

const framework = oneOf(FRAMEWORKS);
const stage = oneOf(STAGES);
const size = said(
	'A fixed size; a text is a named free dimension, -1 an unnamed one.',
	eitherOf({ type: 'integer' }, text)
);
const tensor = object(
	{
		name: text,
		dtype: oneOf(Object.keys(DTYPES)),
		shape: nullOr(listOf(size)),
		type: said('In place of `dtype` and `shape`, of values that are no tensors.', text),
		role: oneOf(['label', 'scores']),
		classes: listOf(text),
		columns: said('Names for profiles.', listOf(text)),
	},
	['dtype', 'shape', 'type', 'role', 'classes', 'columns']
);
const file = object({ name: text, digest, size: count });
const crash = object({ at: time, phase: oneOf(['load', 'warm-up', 'run']), signal: text });
const versionFields = { version: identifier, framework, stage, uploadedAt: time, digest, size: count };

/** Fields of a prediction, whatever its route. */
const prediction = {
	inferenceId: said('Names the prediction in feedback.', text),
	prediction: said('Values by the name of the output.', mapOf(any)),
	confidence: said(
		'Largest probability of the row; a list for a batch.',
		nullOr(eitherOf(number, listOf(nullOr(number))))
	),
	modelId: identifier,
	modelVersion: identifier,
	framework,
	latencyMs: said('The run alone.', number),
};

/** Schemas of measures, by their types in the declarations of TypeScript. */
const OF_MEASURE = {
	number,
	'number | null': nullOr(number),
	'Record<string, number>': mapOf(count),
	'RealisedQuality | null': nullOr(ref('Quality')),
};
const measures = Object.fromEntries(
	Object.entries(MEASURES).map(([name, { type = 'number | null', meaning }]) => [name, said(meaning, OF_MEASURE[type])])
);
const ofDigest = { ...measures, digest: nullOr(digest) };

const OF_EVENT = {
	timestamp: time,
	digest,
	framework,
	confidence: prediction.confidence,
	latencyMs: number,
	correct: flag,
	regression: object({ count, mae: number, rmse: number, bias: number }),
	feedbackTimestamp: time,
	error: object({ code: text, message: text }),
	featuresIn: said('JSON text, or a summary of it', text),
	prediction: said('JSON text', text),
	actualOutcome: said('JSON text', text),
};
const REQUIRED_OF_EVENT = ['id', 'timestamp', 'modelId', 'modelVersion'];

const tableFields = { database: text, table: text };
const rowsOfSide = object({ count, missing: count, infinite: count, distinct: count });
const verdicts = ['drift', 'ok', 'insufficient', 'uncertain'];
const bounds = listOf(number);
const histogram = said('Counts of both sides over the same bins or categories.', mapOf(any));
const side = object({ version: identifier, from: time, to: time, rows: count }, ['version']);

const tensorOfProtocol = {
	name: text,
	shape: listOf({ type: 'integer' }),
	datatype: oneOf([...new Set(Object.keys(DTYPES).map(openInferenceDatatype).filter(Boolean))]),
};
const parameters = mapOf(eitherOf(text, number, flag));

/** @type {Record<string, object>} */
export const SCHEMAS = {
	Error: object(
		{
			error: said('For people; may change.', text),
			code: said('Stable.', oneOf(Object.keys(STATUS_OF))),
			details: said('For programs, where there is something for them.', mapOf(any)),
		},
		['details']
	),
	ProtocolError: object({ error: text }),
	Model: object(
		{
			id: text,
			modelId: identifier,
			...versionFields,
			engine: text,
			inputSchema: said('JSON text', text),
			outputSchema: said('JSON text', text),
			metadata: said('JSON text', text),
			labels: listOf(text),
			signature: object({ inputs: listOf(tensor), outputs: listOf(tensor) }),
			files: listOf(file),
			quarantine: said(
				'While it is not run, because it was under way at crashes.',
				object({ since: time, crashes: listOf(crash) })
			),
			conflict: said('Uploads of other bytes under this name on other nodes.', listOf(any)),
		},
		['metadata', 'labels', 'quarantine', 'conflict']
	),
	Versions: object({ modelId: identifier, versions: listOf(object(versionFields)) }),
	Prediction: object(prediction),
	Row: eitherOf(
		object({ row: count, ...prediction }),
		said('A row that failed; without `row` why there are no more.', {
			...object({ row: count, error: text, code: oneOf(Object.keys(STATUS_OF)), details: mapOf(any) }, [
				'row',
				'details',
			]),
		})
	),
	Job: object(
		{
			id: text,
			state: oneOf(STATES),
			modelId: identifier,
			modelVersion: identifier,
			source: object({ ...tableFields, conditions: listOf(any), fields: mapOf(eitherOf(text, listOf(text))) }),
			target: object({ ...tableFields, fields: mapOf(text) }),
			record: flag,
			timeoutMs: number,
			userId: text,
			total: said('Rows, as soon as they are counted.', count),
			processed: count,
			written: count,
			failed: count,
			errors: said('The first rows that failed.', listOf(object({ id: any, code: text, error: text }))),
			error: said('Why the job failed.', object({ code: text, error: text })),
			createdAt: time,
			finishedAt: time,
		},
		['timeoutMs', 'total', 'error', 'finishedAt']
	),
	Event: object(
		Object.fromEntries(SHOWN.map((name) => [name, OF_EVENT[name] ?? text])),
		SHOWN.filter((name) => !REQUIRED_OF_EVENT.includes(name))
	),
	Quality: mapOf(any),
	Metrics: object(
		{
			modelId: identifier,
			startTime: nullOr(time),
			endTime: nullOr(time),
			...measures,
			versions: listOf(object({ version: identifier, ...ofDigest, previous: listOf(object(ofDigest)) })),
			series: listOf(object({ startTime: time, endTime: time, ...measures })),
			incomplete: said('Times of which something is missing.', listOf(object({ startTime: time, endTime: time }))),
			lostEvents: count,
		},
		['series', 'incomplete']
	),
	Profiles: object({
		modelId: identifier,
		profiles: listOf(
			object(
				{
					version: identifier,
					digest,
					from: time,
					to: time,
					rows: count,
					leftOut: count,
					columns: mapOf(ref('ColumnProfile')),
				},
				['leftOut']
			)
		),
	}),
	ColumnProfile: {
		...object(
			{ kind: nullOr(oneOf(['number', 'category', 'text', 'vector'])), count, missing: count, mismatched: count },
			['mismatched']
		),
		additionalProperties: true,
	},
	Drift: object({
		modelId: identifier,
		reference: side,
		current: side,
		verdict: oneOf(verdicts),
		driftedColumns: count,
		uncertainColumns: count,
		insufficientColumns: count,
		driftedShare: number,
		columns: listOf(ref('ColumnDrift')),
		notInReference: listOf(text),
	}),
	ColumnDrift: object(
		{
			name: text,
			kind: oneOf(['number', 'category', 'text', 'vector']),
			verdict: oneOf(verdicts),
			reason: said('Why the verdict is `insufficient`.', text),
			method: text,
			why: said('Why this method.', text),
			statistic: eitherOf(number, text),
			degreesOfFreedom: number,
			location: number,
			pValue: number,
			adjustedPValue: number,
			distance: number,
			threshold: number,
			bounds: said('Between which those of all rows lie in 99 of 100 cases.', mapOf(bounds)),
			reference: rowsOfSide,
			current: rowsOfSide,
			histogram,
			quality: said('What changed beside the distribution.', mapOf(any)),
		},
		[
			'reason',
			'method',
			'why',
			'statistic',
			'degreesOfFreedom',
			'location',
			'pValue',
			'adjustedPValue',
			'distance',
			'threshold',
			'bounds',
			'histogram',
		]
	),
	Latencies: object({ mean: number, min: number, p50: number, p90: number, p95: number, p99: number, max: number }),
	InferRequest: {
		type: 'object',
		properties: {
			id: said('Becomes the `requestId` of the event.', text),
			inputs: listOf({
				type: 'object',
				properties: { ...tensorOfProtocol, data: any, parameters },
				required: ['name', 'shape', 'datatype'],
			}),
			outputs: listOf({ type: 'object', properties: { name: text, parameters }, required: ['name'] }),
			parameters: said(
				'`timeout` in microseconds, `priority`, `binary_data_output`, `userId`, `sessionId`, `record`.',
				parameters
			),
		},
		required: ['inputs'],
	},
	InferAnswer: object(
		{
			model_name: text,
			model_version: text,
			id: text,
			parameters: object({ inferenceId: text }),
			outputs: listOf(object({ ...tensorOfProtocol, data: listOf(any), parameters }, ['data', 'parameters'])),
		},
		['id']
	),
	TraceSetting: object({
		trace_level: listOf(text),
		trace_rate: text,
		trace_count: text,
		log_frequency: text,
		trace_file: text,
	}),
	LogSetting: object({
		log_file: text,
		log_info: flag,
		log_warning: flag,
		log_error: flag,
		log_verbose_level: count,
		log_format: text,
	}),
	Statistics: object({
		model_stats: listOf(
			object(
				{
					name: text,
					version: text,
					inference_count: count,
					inference_stats: object({
						success: object({ count }),
						fail: object({ count }),
						compute_infer: object({ count, ns: count }),
					}),
					batching: mapOf(any),
				},
				['batching']
			)
		),
	}),
};
