// What index.d.ts allows and what it refuses. It is compiled by scripts/check-types.js and never run.
import {
	Adwin,
	Cbpe,
	Dle,
	classificationQuality,
	EdgeAiError,
	InferenceEngine,
	Model,
	ModelRegistry,
	Monitor,
	PageHinkley,
	regressionQuality,
	Tensor,
	drawForLabels,
	drift,
	estimateFromLabels,
	exposition,
	type AnyOutputs,
	type ArrayOf,
	type CacheStatus,
	type Calibration,
	type CbpeReference,
	type CbpeRows,
	type DleReference,
	type DrawnForLabels,
	type EstimateFromLabels,
	type LabelDraw,
	type LabelledEstimate,
	type LabelledRows,
	type DleRows,
	type ClassAverages,
	type ColumnProfile,
	type DistinctCount,
	type ClassificationQuality,
	type ClassificationRows,
	type ClassLabel,
	type ClassQuality,
	type Column,
	type ColumnDrift,
	type Costs,
	type Deviation,
	type DriftHistogram,
	type DriftKind,
	type DriftMethod,
	type DriftOptions,
	type DriftReport,
	type DriftRows,
	type DriftValues,
	type DriftVerdict,
	type DType,
	type EngineOptions,
	type ExecutionProviderName,
	type EngineStatus,
	type ErrorCode,
	type EstimatedQuality,
	type EstimatorContents,
	type EstimatorOptions,
	type EventFilter,
	type MetricsFilter,
	type OutputNumbers,
	type Feature,
	type Features,
	type FeaturesOf,
	type InferenceEvent,
	type LoadOptions,
	type DigestMeasures,
	type Measures,
	type Metrics,
	type ModelFile,
	type ModelRecord,
	type ModelSource,
	type OutputValue,
	type NumberProfile,
	type Prediction,
	type ColumnQuality,
	type ProfileColumnDrift,
	type ProfileDriftOptions,
	type ProfileDriftReport,
	type ReferenceContents,
	type ProfileShares,
	type Profiles,
	type Changes,
	type StreamPart,
	type StringsProfile,
	type VectorProfile,
	type QualityEstimate,
	type QualityEstimates,
	type RecordedPrediction,
	type RecordedRunOptions,
	type RealisedQuality,
	type RegressionEstimates,
	type Receipt,
	type Resources,
	type RegressionQuality,
	type RegressionRows,
	type ReliabilityBin,
	type RocAverages,
	type RunOptions,
	type Signature,
	type Stage,
	type SuspectStatus,
	type TensorData,
	type TypedArray,
	type ValueInfo,
	type VersionCosts,
} from 'harper-edge-ai';

export async function load(): Promise<Model> {
	const provider: ExecutionProviderName = 'tensorrt';
	const executionProviders = [provider, { name: 'cuda', options: { device_id: 1 } } as const];
	const options: EngineOptions = {
		engine: 'auto',
		executionProviders,
		cacheMaxModels: 4,
		cacheMaxBytes: 2 ** 28,
		timeoutMs: 1000,
	};
	using engine = new InferenceEngine(options);
	const files: ModelFile[] = [
		{ name: 'model.onnx', path: 'folder/model.onnx' },
		{ name: 'weights.bin', bytes: new Uint8Array(4) },
	];
	const sources: ModelSource[] = ['model.onnx', new URL('file:///model.onnx'), new Uint8Array(8), files];
	const loading: LoadOptions = { framework: 'onnx', engine: 'tract' };
	for (const source of sources) await engine.load(source, loading);
	// @ts-expect-error there is no such engine
	await engine.load('model.onnx', { engine: 'cuda' });
	// @ts-expect-error a model is no number
	await engine.load(7);
	// @ts-expect-error a file has content
	await engine.load([{ name: 'model.onnx' }]);
	// @ts-expect-error options are checked by name
	new InferenceEngine({ cacheMaxModel: 4 });
	// @ts-expect-error there is no such execution provider
	new InferenceEngine({ executionProviders: ['gpu'] });
	// @ts-expect-error models come from engine.load
	new Model();
	return engine.load('model.onnx');
}

export async function run(model: Model): Promise<number> {
	const dtype: DType = 'float32';
	const data: TensorData = new Float32Array([1, 2]);
	const feature: Feature = new Tensor(dtype, [1, 2], data);
	const features: Features = {
		tensor: feature,
		typed: new BigInt64Array(2),
		nested: [
			[1, 2n],
			['three', null],
		],
		shaped: { data: [1, 2], shape: [2, 1] },
		map: new Map([['a', 1]]),
		flag: true,
	};
	const options: RunOptions = { outputs: ['y'], timeoutMs: 100, signal: new AbortController().signal };
	const { outputs, confidence, latencyMs }: Prediction = await model.predict(features, options);
	const output: OutputValue | undefined = outputs['y'];
	if (output instanceof Tensor) output.toArray();
	if (output instanceof Map) output.get(1n);
	if (Array.isArray(output)) output.length satisfies number;
	if (Array.isArray(confidence)) confidence[0]?.toFixed(3);
	// @ts-expect-error inputs have names
	await model.predict([1, 2]);
	// @ts-expect-error a function is no value
	await model.predict({ x: () => 1 });
	// @ts-expect-error milliseconds are a number
	await model.predict(features, { timeoutMs: '100' });
	// @ts-expect-error the signal, not its controller
	await model.predict(features, { signal: new AbortController() });
	// @ts-expect-error there is no such dtype
	new Tensor('float', [1], new Float32Array(1));
	model.dispose();
	model[Symbol.dispose]();
	return latencyMs;
}

export function describe({ digest, engine, framework, signature }: Model): string {
	const { inputs, outputs, labels }: Signature = signature;
	const names = [...inputs, ...outputs].map(({ name, dtype, shape, type, optional }: ValueInfo) =>
		[name, dtype ?? type, shape?.join('x') ?? '', optional ?? false].join(' ')
	);
	return [digest, engine, framework, ...names, ...(labels ?? [])].join('\n');
}

export async function record(): Promise<Metrics> {
	const registry = new ModelRegistry();
	const monitor = new Monitor({ maxEvents: 100, profile: 'on', profileColumns: 10 });
	const stage: Stage = 'staging';
	const registered: ModelRecord = await registry.register({ modelId: 'm', version: '1', file: 'model.onnx', stage });
	registered.uploadedAt.toFixed();
	registry.find('m').digest satisfies string;
	registry.find('m', '1').files satisfies ModelFile[];
	registry.versions('m') satisfies ModelRecord[];
	registry.list() satisfies string[];
	// @ts-expect-error the version is missing
	await registry.register({ modelId: 'm', file: 'model.onnx' });
	// @ts-expect-error there is no such stage
	await registry.register({ modelId: 'm', version: '2', file: 'model.onnx', stage: 'testing' });

	const engine = new InferenceEngine({ registry, monitor });
	await engine.predict(
		'm',
		{ x: [1] },
		{ userId: 'u', sessionId: 's', segment: 'eu', requestId: 'r', record: false, timeoutMs: 5 }
	);
	const run: RecordedPrediction = await engine.predict({ modelId: 'm', version: '1' }, { x: [1] });
	// @ts-expect-error a version of what
	await engine.predict({ version: '1' }, { x: [1] });

	const { engines, cache, sessions, queued, running }: EngineStatus = engine.status();
	const { hits, misses }: CacheStatus = cache;
	const [quarantined]: SuspectStatus[] = engine.status().quarantine;
	if (quarantined) (await engine.release(quarantined.digest)) satisfies boolean;
	[engines.tract.available, hits + misses, sessions[0]?.meanRunMs, queued + running] satisfies unknown[];
	engine.dispose();
	engine[Symbol.dispose]();

	monitor.record({ id: 'e', modelId: 'm', modelVersion: '1', framework: 'onnx', features: { x: [1] } });
	const event: InferenceEvent = monitor.feedback(run.inferenceId, 'setosa', true);
	event.correct satisfies boolean | null | undefined;
	const filter: EventFilter = { modelId: 'm', startTime: 0, endTime: Date.now(), limit: 10 };
	monitor.events(filter) satisfies InferenceEvent[];
	// @ts-expect-error times are numbers
	monitor.events({ startTime: new Date() });
	const metrics = monitor.metrics('m', { version: '1' });
	const { profiles }: Profiles = monitor.profile('m', { version: '1' });
	const { changes }: Changes = monitor.changes('m', { version: '1' });
	const sides: StreamPart[] = changes.flatMap((change) => [change.before, change.after]);
	[changes[0].signal, changes[0].detector, sides[0].mean] satisfies [string, 'adwin' | 'page-hinkley', number];
	const { versions: paid }: Resources = monitor.resources('m', { version: '1' });
	const rate = ({ predictions, cpuSeconds }: Costs) => (cpuSeconds ?? Infinity) / predictions;
	const rates = ({ users, others }: VersionCosts) => [...users, others].map((costs) => costs && rate(costs));
	paid.map(rates) satisfies (number | null)[][];
	const told = async ({ predict }: Model): Promise<Receipt | undefined> =>
		(await predict({ x: 1 }, { receipt: true })).receipt;
	told satisfies unknown;
	const versions: ProfileDriftOptions = { version: '2', referenceVersion: '1', method: { x: 'ks' } };
	const missing = ({ missing: shares }: ColumnQuality): ProfileShares => shares;
	const drifted = ({ verdict, bounds, quality }: ProfileColumnDrift) => [
		verdict,
		bounds?.pValue,
		missing(quality).current,
	];
	const drifting = ({ columns }: ProfileDriftReport) => columns.map(drifted);
	const referenceRows = ({ rows }: ReferenceContents): number => rows;
	monitor.drift('m', versions).then(drifting) satisfies Promise<unknown>;
	const record = { modelId: 'm', version: '2', inputSchema: '{}', outputSchema: '{}' };
	monitor.reference(record, 'training', [{ x: 1 }], { label: 'y' }).then(referenceRows) satisfies Promise<number>;
	monitor.drift('m', { version: '2', reference: 'training' }) satisfies Promise<ProfileDriftReport>;
	const column: ColumnProfile | undefined = profiles[0]?.columns['x[0]'];
	const shown = (number: NumberProfile) => [number.mean, number.quantiles['0.5'], number.histogram?.edges];
	const words = ({ top, lengths, distinct }: StringsProfile) => [top[0]?.value.toUpperCase(), lengths.max, distinct];
	const norms = ({ norm, dimensions }: VectorProfile) => [norm.min, dimensions];
	const values = ({ lower, estimate, upper }: DistinctCount) => upper - lower < estimate;
	if (column?.kind === 'number') [shown(column), column.missing, values(column.distinct)] satisfies unknown[];
	if (column?.kind === 'category') words(column);
	if (column?.kind === 'vector') norms(column);
	const off: Deviation | null | undefined = monitor.events()[0]?.regression;
	[off?.mae, metrics.rmse] satisfies unknown[];
	const bySegment: MetricsFilter = { segment: 'eu', by: 'segment' };
	const numbers: OutputNumbers | undefined = monitor.metrics('m', bySegment).segments?.[0]?.outputs['y'];
	const fit: EstimatorOptions = {
		version: '1',
		chunkRows: 50,
		businessValue: [
			[1, -1],
			[-5, 10],
		],
	};
	const contents = ({ kind, rows }: EstimatorContents) => [kind, rows];
	monitor
		.fitEstimator('m', fit)
		.then(({ leftOut, ...fitted }) => [leftOut, contents(fitted)]) satisfies Promise<unknown>;
	const estimated: EstimatedQuality | undefined = monitor.metrics('m', { version: '1' }).estimated;
	[estimated?.measures.averagePrecision?.bound, estimated?.estimator.fittedAt] satisfies unknown[];
	const quality: RealisedQuality | null | undefined = metrics.versions[0]?.quality;
	[
		numbers?.p99,
		quality?.perClass[0]?.rocAucError,
		quality?.rocAuc?.oneVsRest.macro,
		quality?.calibration?.ece,
	] satisfies unknown[];
	const [first]: Measures[] = metrics.versions;
	first?.p99Latency?.toFixed(1);
	const before: DigestMeasures | undefined = metrics.versions[0]?.previous[0];
	before?.digest?.slice(0, 12);
	registry.delete('m', '1');
	return metrics;
}

export function isTransient(error: unknown): boolean {
	const transient: readonly ErrorCode[] = ['QUEUE_FULL', 'DEADLINE_EXCEEDED'];
	if (!(error instanceof EdgeAiError)) return false;
	// @ts-expect-error there is no such code
	if (error.code === 'TIMEOUT') return false;
	error.details?.['input'] satisfies string | undefined;
	return transient.includes(error.code) && error.message !== '' && error.name !== '';
}

interface Flower {
	readonly float_input: readonly number[];
}

interface Species {
	output_label: Tensor<'int64'>;
	output_probability: Map<bigint, number>;
}

export async function runTyped(engine: InferenceEngine, flower: Flower): Promise<number | undefined> {
	// An interface has no index signature, and what is constant is readonly.
	const model = await engine.load('model.onnx');
	await model.predict(flower);
	await model.predict({ x: [[1, 2] as const, [3, 4]] } as const);
	const shaped = { data: Float32Array.of(1, 2), shape: [1, 2] } as const;
	await model.predict({ x: shaped, y: { data: [1, 2], shape: [2] } });
	const bits: Feature = { data: Uint16Array.of(0x3c00), shape: [1], dtype: 'float16' };
	const array: TypedArray = new Uint8ClampedArray(3);
	await model.predict({ bits, array, bytes: Buffer.from([1]) }, { outputs: ['y'] as const });
	new Tensor('float32', [1, 2] as const, Float32Array.of(1, 2));
	// @ts-expect-error a DataView is no array of numbers
	await model.predict({ x: new DataView(new ArrayBuffer(4)) });

	const typed: Model<Flower, Species> = await engine.load<Flower, Species>('model.onnx');
	const { outputs } = await typed.predict(flower);
	const elements: ArrayOf['int64'] = outputs.output_label.data;
	elements[0]?.toString();
	// @ts-expect-error half floats are raw bits
	new Tensor('float16', [1], new Float32Array(1));
	new Tensor('string', [1], ['a'] as const);
	const recorded: RecordedPrediction<Species> = await engine.predict(typed, flower, {} satisfies RecordedRunOptions);
	// @ts-expect-error the input is missing
	await typed.predict({ other: [1] });
	// @ts-expect-error the input is missing
	await engine.predict(typed, { other: [1] });
	// @ts-expect-error there is no such output
	outputs.label;
	const named: Prediction<Species> = await engine.predict<Species>('flowers', { float_input: [1, 2, 3, 4] });
	await engine.predict('flowers', flower);
	const any: Prediction<AnyOutputs> = await model.predict({ x: [1] } satisfies FeaturesOf<{ x: number[] }>);
	any.outputs['y'].toArray();
	JSON.stringify(recorded) satisfies string;
	return named.outputs.output_probability.get(0n);
}

export function measure(truth: Column<ClassLabel>): (number | null | undefined)[] {
	const rows: ClassificationRows = {
		truth,
		predicted: BigInt64Array.of(0n, 1n),
		classes: [0, 1],
		probabilities: [[0.75, 0.25], Float32Array.of(0.5, 0.5)],
		weights: [1, 2],
		bins: 15,
		binning: 'equalMass',
	};
	const found: ClassificationQuality = classificationQuality(rows);
	// What only probabilities tell is there with them.
	classificationQuality({ truth, predicted: truth, classes: [0, 1], probabilities: [0.5] }).calibration.ece.toFixed();
	const [first]: ClassQuality[] = found.perClass;
	const calibration: Calibration | undefined = found.calibration;
	const [bin]: (ReliabilityBin | undefined)[] = calibration?.reliability ?? [];
	const averages: ClassAverages = found.macroOfDefined;
	const areas: RocAverages | undefined = found.rocAuc?.oneVsOne;
	classificationQuality({ truth: ['a'], predicted: ['b'] as const, classes: ['a', 'b'], scores: Float64Array.of(2.5) });
	// @ts-expect-error what was predicted is missing
	classificationQuality({ truth });
	// @ts-expect-error there is no such binning
	classificationQuality({ ...rows, binning: 'quantiles' });

	const numbers: RegressionRows = { truth: [1, 2n], predicted: Float32Array.of(1, 3) };
	const { mae, r2 }: RegressionQuality = regressionQuality(numbers);
	// @ts-expect-error texts are no numbers
	regressionQuality({ truth: ['1'], predicted: [1] });
	const of: LabelDraw = { scores: Float64Array.of(1, 2), size: 1, seed: 1 };
	const { drawn, probabilities }: DrawnForLabels = drawForLabels(of);
	const labelled: LabelledRows = { probabilities, correct: drawn.map(() => true), errors: [0.5] };
	const { accuracy }: EstimateFromLabels = estimateFromLabels(labelled);
	const estimate: LabelledEstimate | null | undefined = accuracy;
	estimate?.lower satisfies number | null | undefined;
	// @ts-expect-error without probabilities nothing is known of others
	estimateFromLabels({ correct: [true] });
	return [first?.f1, bin?.accuracy, averages.recall, areas?.macro, found.logLoss, mae, r2];
}

export function watch(errors: readonly number[]): boolean {
	const adwin = new Adwin({ delta: 0.05, clock: 1, maxBuckets: 5, minWindowLength: 5, gracePeriod: 10 });
	const test = new PageHinkley({ minInstances: 30, delta: 0.005, threshold: 10, alpha: 1, mode: 'up' });
	[adwin.width, adwin.total, adwin.mean, adwin.variance, test.count, test.mean] satisfies (number | null)[];
	// @ts-expect-error options are checked by name
	new Adwin({ Delta: 0.05 });
	// @ts-expect-error there is no such mode
	new PageHinkley({ mode: 'sideways' });
	// @ts-expect-error the width is not set
	adwin.width = 3;
	return errors.some((error) => [adwin.update(error), test.update(error)].includes(true));
}

export function estimateLosses(rows: DleRows): number | null {
	const reference: DleReference = { truth: [1, 2], predicted: new Float64Array(2), features: [[1], [2]], chunkRows: 1 };
	const { count, measures }: RegressionEstimates = new Dle(reference).estimate(rows);
	// @ts-expect-error losses are named by their means
	new Dle(reference).estimate({ losses: { rmse: [1] } });
	return count > 0 ? (measures.rmse?.value ?? null) : null;
}

export function estimate(rows: CbpeRows): number | null {
	const reference: CbpeReference = {
		truth: ['a', 'b'],
		predicted: ['a', 'a'],
		classes: ['a', 'b'],
		probabilities: [0.25, 0.5],
		chunkRows: 1,
		calibrate: [true, false],
	};
	const { measures, count }: QualityEstimates = new Cbpe(reference).estimate(rows);
	const { value, alert }: QualityEstimate = measures.f1;
	// @ts-expect-error the rows of a chunk are missing
	new Cbpe({ truth: [0], predicted: [0], classes: [0, 1], probabilities: [0.5] });
	return alert ? value : count;
}

export async function compareColumns(ages: readonly number[], plans: DriftValues): Promise<DriftVerdict> {
	const method: DriftMethod = 'psi';
	const kind: DriftKind = 'category';
	const options: DriftOptions = { method: { age: method }, kind: { plan: kind }, correction: 'holm', minRows: 5 };
	const report: DriftReport = await drift(
		{ age: ages, plan: plans },
		{ age: [1, null, 3], plan: ['a', true] },
		options
	);
	const column: ColumnDrift = await drift(Float64Array.of(1, 2), [1, 2, undefined], { method, threshold: 0.2 });
	const rows: DriftRows = column.reference;
	const histogram: DriftHistogram | null = column.histogram;
	if (histogram && 'edges' in histogram) histogram.edges.map((edge) => edge + rows.count);
	// @ts-expect-error there is no such method
	await drift([1], [2], { method: 'wassersten' });
	// @ts-expect-error a data set is compared with a data set
	await drift({ age: ages }, ages);
	return report.columns[0]?.verdict ?? report.verdict;
}

export function scraped(): string {
	const { contentType, text } = exposition({ format: 'text' });
	// @ts-expect-error there is no such format
	exposition({ format: 'json' });
	return contentType + text + exposition().text;
}
