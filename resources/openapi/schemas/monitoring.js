// Of events, metrics, profiles and drift; what the measures mean is said in the declarations of the Node.js API and in docs/rest.md.
import { MEASURES } from '../../../library/metrics.js';
import { FRAMEWORKS } from '../../../library/versions.js';
import { SHOWN } from '../../monitoring/record.js';
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
	nullOr,
	number,
	object,
	oneOf,
	ref,
	said,
	text,
	time,
} from '../schema.js';

const OF_EVENT = {
	timestamp: time,
	digest,
	framework: oneOf(FRAMEWORKS),
	featuresIn: said('JSON text, or a summary of it', text),
	prediction: said('JSON text', text),
	confidence,
	latencyMs: number,
	correct: flag,
	regression: object({ count, mae: number, rmse: number, bias: number }),
	actualOutcome: said('JSON text', text),
	feedbackTimestamp: time,
	samplingProbability: said('With which it was drawn to be labelled.', number),
	labelDraw: said('In which it was drawn.', text),
	error: object({ code: text, message: text }),
};
const REQUIRED_OF_EVENT = ['id', 'timestamp', 'modelId', 'modelVersion'];

const outputNumbers = object({
	count,
	mean: nullOr(number),
	...Object.fromEntries(['min', 'max', 'p10', 'p50', 'p90', 'p95', 'p99'].map((name) => [name, nullOr(number)])),
	quantileRelativeError: number,
});

/** Schemas of measures, by their types in the declarations. */
const OF_TYPE = {
	number,
	'number | null': nullOr(number),
	'Record<string, number>': mapOf(count),
	'RealisedQuality | null': nullOr(ref('Quality')),
	'Record<string, OutputNumbers>': mapOf(outputNumbers),
};
const measures = Object.fromEntries(
	Object.entries(MEASURES).map(([name, { type = 'number | null', meaning }]) => [name, said(meaning, OF_TYPE[type])])
);
const ofDigest = { ...measures, digest: nullOr(digest) };
const bySegment = {
	segments: said('With `by=segment`.', listOf(object({ segment: text, ...measures }))),
	otherSegments: said('Segments that are not told apart.', nullOr(object(measures))),
};
const BY_SEGMENT = Object.keys(bySegment);
const timeSpan = { startTime: time, endTime: time };

const averages = object({ precision: nullOr(number), recall: nullOr(number), f1: nullOr(number) });
const bin = object({
	lower: number,
	upper: number,
	count,
	weight: number,
	meanConfidence: number,
	accuracy: number,
});

const distinct = object({ estimate: number, lower: number, upper: number });
const numbers = {
	kind: { const: 'number' },
	count,
	nonFinite: count,
	min: nullOr(number),
	max: nullOr(number),
	mean: nullOr(number),
	std: nullOr(number),
	skewness: nullOr(number),
	quantiles: said('By share.', mapOf(number)),
	rankError: number,
	distinct,
	histogram: nullOr(object({ edges: listOf(number), counts: listOf(count) })),
	top: listOf(object({ value: number, count })),
};
const strings = {
	kind: oneOf(['category', 'text']),
	count,
	distinct,
	top: listOf(object({ value: text, count })),
	countError: count,
	lengths: object(numbers, ['top']),
	distinctWords: number,
};
const vectors = {
	kind: { const: 'vector' },
	count,
	nonFinite: count,
	dimensions: nullOr(count),
	norm: object(numbers, ['top']),
};
const ofColumn = { missing: count, mismatched: count };
const column = (fields, ...optional) => object({ ...fields, ...ofColumn }, ['mismatched', ...optional]);

const verdict = oneOf(['drift', 'ok', 'insufficient', 'uncertain']);
const ofSides = (schema) => object({ reference: schema, current: schema });
const ofEvents = {
	events: said('Of `exact`: predictions that are compared.', count),
	withoutFeatures: said('Of `exact`: predictions of which the features are not kept.', count),
	leftOut: said('Of `exact`: predictions that cannot be read with the model that is there now.', count),
	incomplete: said('Of `exact`: whether events of the time may be missing.', flag),
};
const side = object({ version: identifier, from: time, to: time, rows: count, ...ofEvents }, [
	'version',
	...Object.keys(ofEvents),
]);
const values = object({ count, missing: count, infinite: count, distinct: number });
const counts = { reference: listOf(count), current: listOf(count) };
const shares = ofSides(nullOr(number));
const quality = object(
	{
		missing: shares,
		infinite: shares,
		mismatched: shares,
		constant: ofSides(flag),
		outOfRange: object({ below: number, above: number, error: number }),
		unseen: object({ categories: count, share: number, names: listOf(text), isExact: flag }),
		newWords: number,
		meanCosine: nullOr(number),
	},
	['outOfRange', 'unseen', 'newWords', 'meanCosine']
);
/** JSON has no infinity. */
const measured = eitherOf(number, oneOf(['Infinity', '-Infinity', 'NaN']));

/** Fields of a compared column that are there where the method has them. */
const ofMethod = {
	reason: said('Why the verdict is `insufficient`.', text),
	method: text,
	why: said('Why this method.', text),
	statistic: measured,
	degreesOfFreedom: number,
	location: number,
	pValue: number,
	adjustedPValue: number,
	distance: measured,
	threshold: number,
	bounds: said(
		'Between which those of all rows lie in 99 of 100 cases.',
		mapOf({ ...listOf(measured), minItems: 2, maxItems: 2 })
	),
	histogram: nullOr(
		eitherOf(
			object({ edges: listOf(number), ...counts }),
			object({ categories: listOf(text), ...counts, others: ofSides(count) }, ['others'])
		)
	),
};

const costs = {
	predictions: count,
	failures: count,
	cpuSeconds: nullOr(number),
	wallSeconds: number,
	queueSeconds: number,
	allocatedBytes: count,
	readBytes: count,
	predictionsPerCpuSecond: nullOr(number),
	cost: said('With prices.', nullOr(number)),
	costPer1000Predictions: nullOr(number),
};
const PRICED = ['cost', 'costPer1000Predictions'];
const inMemory = { gbHours: number, loads: count, evictions: count };
const ofUser = object({ userId: nullOr(text), ...costs }, PRICED);

const reference = {
	version: identifier,
	name: identifier,
	digest,
	source: oneOf(['upload', 'predictions']),
	rows: count,
	from: time,
	to: time,
	columns: listOf(object({ name: text, kind: nullOr(text), count, missing: count })),
	labels: said('Of training data.', mapOf(any)),
};
const OF_SOME = ['from', 'to', 'labels'];

const estimate = object(
	{
		value: nullOr(number),
		samplingError: nullOr(number),
		lower: nullOr(number),
		upper: nullOr(number),
		lowerThreshold: nullOr(number),
		upperThreshold: nullOr(number),
		alert: flag,
		bound: nullOr(number),
	},
	['bound']
);

export const MONITORING_SCHEMAS = {
	Reference: object(
		{
			modelId: identifier,
			...reference,
			ignored: said('Columns that are none of the model.', listOf(text)),
			estimator: said('Of data with predictions and labels.', mapOf(any)),
			leftOut: said('Values that are not profiled.', count),
		},
		[...OF_SOME, 'ignored', 'estimator', 'leftOut']
	),
	Estimated: object(
		{
			count,
			leftOut: count,
			measures: mapOf(estimate),
			blindTo: listOf(text),
			from: time,
			to: time,
			estimator: object({
				kind: oneOf(['classification', 'regression']),
				rows: count,
				chunkRows: count,
				fittedAt: time,
			}),
		},
		['from', 'to']
	),
	References: object({
		modelId: identifier,
		references: listOf(object({ ...reference, createdAt: time }, OF_SOME)),
	}),
	Receipt: object({
		cpuMs: nullOr(number),
		wallMs: number,
		queueMs: number,
		batchRows: count,
		batchShare: number,
		allocatedBytes: count,
		readBytes: count,
	}),
	Resources: object(
		{
			modelId: identifier,
			from: time,
			to: time,
			currency: text,
			total: object({ ...costs, ...inMemory }, PRICED),
			versions: listOf(
				object({ version: identifier, digest, ...costs, ...inMemory, loadedBytes: count, storedBytes: count }, [
					'storedBytes',
					...PRICED,
				])
			),
			users: listOf(ofUser),
			others: said('Users that are not told apart.', nullOr(object(costs, PRICED))),
		},
		['from', 'to', 'currency', 'versions', 'users', 'others']
	),
	Changes: object({
		modelId: identifier,
		changes: listOf(
			object({
				version: identifier,
				digest,
				signal: text,
				detector: oneOf(['adwin', 'page-hinkley']),
				timestamp: time,
				before: object({ count, mean: number }),
				after: object({ count, mean: number }),
				skipped: count,
				node: text,
			})
		),
	}),
	Event: object(
		Object.fromEntries(SHOWN.map((name) => [name, OF_EVENT[name] ?? text])),
		SHOWN.filter((name) => !REQUIRED_OF_EVENT.includes(name))
	),
	Metrics: object(
		{
			modelId: identifier,
			startTime: nullOr(time),
			endTime: nullOr(time),
			...measures,
			...bySegment,
			versions: listOf(object({ version: identifier, ...ofDigest, previous: listOf(object(ofDigest)) })),
			estimated: said('Quality without labels.', ref('Estimated')),
			series: listOf(
				object({ ...timeSpan, ...measures, ...bySegment, estimated: mapOf(estimate) }, [...BY_SEGMENT, 'estimated'])
			),
			incomplete: said('Times of which something is missing.', listOf(object(timeSpan))),
			lostEvents: count,
		},
		[...BY_SEGMENT, 'estimated', 'series', 'incomplete']
	),
	Quality: object({
		count,
		accuracy: nullOr(number),
		classes: listOf(text),
		confusionMatrix: listOf(listOf(count)),
		restCount: count,
		perClass: listOf(
			object(
				{
					class: text,
					precision: number,
					recall: number,
					f1: number,
					support: count,
					undefined: listOf(oneOf(['precision', 'recall', 'f1'])),
					rocAuc: nullOr(number),
					rocAucError: nullOr(number),
					averagePrecision: nullOr(number),
					averagePrecisionError: nullOr(number),
				},
				['rocAuc', 'rocAucError', 'averagePrecision', 'averagePrecisionError']
			)
		),
		macro: averages,
		macroOfDefined: averages,
		rocAuc: nullOr(
			object({ oneVsRest: object({ macro: nullOr(number), weighted: nullOr(number) }), error: nullOr(number) })
		),
		averagePrecision: nullOr(object({ macro: nullOr(number), weighted: nullOr(number), error: nullOr(number) })),
		probabilityCount: count,
		logLoss: nullOr(number),
		brier: nullOr(number),
		calibration: nullOr(object({ ece: number, mce: number, reliability: listOf(bin) })),
	}),
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
					leftOut: said('Values that are not profiled.', count),
					columns: mapOf(ref('ColumnProfile')),
				},
				['leftOut']
			)
		),
	}),
	ColumnProfile: eitherOf(
		column(numbers, 'top'),
		column(strings),
		column(vectors),
		column({ kind: { const: null }, count: { const: 0 } })
	),
	Drift: object(
		{
			modelId: identifier,
			reference: side,
			current: side,
			exact: said('Whether events were compared value by value.', flag),
			verdict,
			driftedColumns: count,
			uncertainColumns: count,
			insufficientColumns: count,
			driftedShare: number,
			columns: listOf(ref('ColumnDrift')),
			notInReference: listOf(text),
		},
		['exact']
	),
	ColumnDrift: object(
		{
			name: text,
			kind: oneOf(['number', 'category', 'text', 'vector']),
			verdict,
			...ofMethod,
			reference: values,
			current: values,
			quality,
		},
		Object.keys(ofMethod)
	),
};
