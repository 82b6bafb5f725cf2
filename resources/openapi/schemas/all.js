// Schemas that several routes share, or that are long.
import { DTYPES } from '../../../library/dtypes.js';
import { FRAMEWORKS, STAGES } from '../../../library/versions.js';
import { STATUS_OF } from '../../errors.js';
import { STATES } from '../../jobs/record.js';
import {
	any,
	confidence,
	count,
	digest,
	eitherOf,
	flag,
	identifier,
	listOf,
	mapOf,
	number,
	nullOr,
	object,
	oneOf,
	ref,
	said,
	text,
	time,
} from '../schema.js';
import { ALERT_SCHEMAS } from './alerts.js';
import { MONITORING_SCHEMAS } from './monitoring.js';
import { PROTOCOL_SCHEMAS } from './protocols.js';

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
const crashes = { since: time, crashes: listOf(crash) };
const versionFields = { version: identifier, framework, stage, uploadedAt: time, digest, size: count };

/** Fields of a prediction, whatever its route. */
const prediction = {
	inferenceId: said('Names the prediction in feedback.', text),
	prediction: said('Values by the name of the output.', mapOf(any)),
	confidence,
	modelId: identifier,
	modelVersion: identifier,
	framework,
	latencyMs: said('The run alone.', number),
	receipt: said('Of who asks for it.', ref('Receipt')),
};
const WHEN_ASKED = ['receipt'];

const tableFields = { database: text, table: text };
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
			quarantine: said('While it is not run, because it was under way at crashes.', object(crashes)),
			conflict: said('Uploads of other bytes under this name on other nodes.', listOf(any)),
		},
		['metadata', 'labels', 'quarantine', 'conflict']
	),
	Versions: object({ modelId: identifier, versions: listOf(object(versionFields)) }),
	Prediction: object(prediction, WHEN_ASKED),
	Row: eitherOf(
		object({ row: count, ...prediction }, WHEN_ASKED),
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
			segment: text,
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
		['segment', 'timeoutMs', 'total', 'error', 'finishedAt']
	),
	Session: object(
		{
			digest,
			engine: text,
			executionProvider: text,
			nodes: said("The model's nodes by provider.", mapOf(count)),
			unusedProviders: listOf(object({ name: text, reason: text })),
			framework,
			bytes: count,
			runs: count,
			failures: count,
			warmUpMs: nullOr(number),
			meanRunMs: nullOr(number),
			batching: object({
				batchable: said('Null while it is not known.', nullOr(flag)),
				reason: nullOr(text),
				batches: count,
				batchedRows: count,
				bestRows: count,
				queued: count,
				forbiddenBy: listOf(text),
			}),
		},
		['nodes', 'unusedProviders']
	),
	Suspect: object({ digest, models: listOf(object({ modelId: identifier, version: identifier })), ...crashes }),
	Latencies: object({ mean: number, min: number, p50: number, p90: number, p95: number, p99: number, max: number }),
	...ALERT_SCHEMAS,
	...MONITORING_SCHEMAS,
	...PROTOCOL_SCHEMAS,
};
