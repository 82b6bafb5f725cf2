/// <reference lib="es2020" />
/// <reference lib="esnext.disposable" />

/**
 * Models in Node.js: ONNX models executed in Rust, shared by all threads of the process.
 *
 * ```js
 * import { InferenceEngine } from 'harper-edge-ai';
 *
 * const engine = new InferenceEngine();
 * const model = await engine.load('model.onnx');
 * const { outputs, confidence } = await model.predict({ float_input: [0.1, 0.2, 0.3] });
 * ```
 *
 * Failures are {@link EdgeAiError}s with a `code`; wrong use is a `TypeError` that names what to do instead.
 */

// Only what says so is exported.
export {};

/** The instances of a global class, where the types of Node.js or of the browser declare it. */
type GlobalInstance<Name extends string, Otherwise> =
	typeof globalThis extends Record<Name, { prototype: infer Instance }> ? Instance : Otherwise;

type AbortSignalLike = GlobalInstance<
	'AbortSignal',
	{ readonly aborted: boolean; readonly reason: any; throwIfAborted(): void }
>;
type UrlLike = GlobalInstance<'URL', { readonly href: string; readonly protocol: string }>;
type Float16ArrayIfAny = GlobalInstance<'Float16Array', never>;

/** What went wrong. The codes are stable; `details`, when there are any, are for programs. */
export type ErrorCode =
	| 'INVALID_JSON'
	| 'INVALID_REQUEST'
	| 'MODEL_NOT_FOUND'
	| 'INFERENCE_NOT_FOUND'
	| 'VERSION_EXISTS'
	| 'TOO_LARGE'
	| 'INVALID_MODEL'
	| 'UNSUPPORTED_MODEL'
	| 'SCHEMA_MISMATCH'
	| 'INVALID_INPUT'
	| 'RUN_FAILED'
	| 'MODEL_QUARANTINED'
	| 'QUEUE_FULL'
	| 'CANCELLED'
	| 'DEADLINE_EXCEEDED'
	| 'ENGINE_UNAVAILABLE'
	| 'FILE_UNAVAILABLE'
	| 'STORAGE_UNAVAILABLE'
	| 'CLOSED'
	| 'INTERNAL';

/** A failure that is not wrong use. */
export class EdgeAiError extends Error {
	constructor(code: ErrorCode, message: string, details?: Record<string, any>);
	code: ErrorCode;
	/** For programs; absent with most codes. */
	details?: Record<string, any>;
}

/**
 * Element types. In a {@link Tensor} `float16` and `bfloat16` are the raw 16 bits in a `Uint16Array`, `bool` is one byte each,
 * and types of less than a byte are packed in a `Uint8Array`, the first element in the lowest bits.
 */
export type DType = keyof ArrayOf;

/** The arrays that hold the elements of each dtype. */
export interface ArrayOf {
	float32: Float32Array;
	float64: Float64Array;
	float16: Uint16Array;
	bfloat16: Uint16Array;
	int8: Int8Array;
	int16: Int16Array;
	int32: Int32Array;
	int64: BigInt64Array;
	uint8: Uint8Array;
	uint16: Uint16Array;
	uint32: Uint32Array;
	uint64: BigUint64Array;
	bool: Uint8Array;
	string: string[];
	float8e4m3fn: Uint8Array;
	float8e4m3fnuz: Uint8Array;
	float8e5m2: Uint8Array;
	float8e5m2fnuz: Uint8Array;
	float8e8m0: Uint8Array;
	float4e2m1: Uint8Array;
	int4: Uint8Array;
	uint4: Uint8Array;
	int2: Uint8Array;
	uint2: Uint8Array;
}

export type TensorData = ArrayOf[DType];

type GivenArray<Type extends DType> = Type extends 'float16'
	? Uint16Array | Float16ArrayIfAny
	: Type extends 'string'
		? readonly string[]
		: ArrayOf[Type];

/** Half floats as numbers are for inputs only, where the runtime has the class. */
export type TypedArray = Exclude<TensorData, string[]> | Uint8ClampedArray | Float16ArrayIfAny;

/**
 * A value of a model: `data` holds the product of `shape` elements in row-major order. What a prediction gives has an array of its
 * own: `data.buffer` holds these elements and nothing else.
 */
export class Tensor<Type extends DType = DType> {
	constructor(dtype: Type, shape: readonly number[], data: GivenArray<Type>);
	dtype: Type;
	shape: number[];
	data: ArrayOf[Type];
	/**
	 * The elements as nested arrays; the one element of a tensor without dimensions. 64-bit integers are bigints, floats of
	 * less than 16 bits their raw bits.
	 */
	toArray(): any;
	/**
	 * The elements as nested arrays of what JSON has: integers beyond 2^53 are decimal texts, and NaN and the infinities are
	 * `"NaN"`, `"Infinity"`, `"-Infinity"`.
	 */
	toJSON(): any;
}

/**
 * A value for an input. Typed arrays of the input's dtype are copied as they are; everything else is converted without loss
 * or refused with `INVALID_INPUT`. A value without the batch dimension is one row, and the outputs come back without it. With a
 * `dtype` a typed array is the elements themselves: raw bits in a `Uint16Array` for `float16` and `bfloat16`.
 */
export type Feature =
	| Tensor
	| TypedArray
	| number
	| bigint
	| string
	| boolean
	| null
	| readonly Feature[]
	| ReadonlyMap<string | number | bigint, number | bigint | string>
	| {
			readonly data: TypedArray | readonly Feature[];
			readonly shape: readonly number[];
			readonly dtype?: DType | undefined;
	  };

/** Values by the name of the input. A model with one input takes it under any name. */
export type Features = { readonly [name: string]: Feature };

/** What a set of features must be: an object, an interface too, whose fields are {@link Feature}s. */
export type FeaturesOf<F> = F extends readonly any[] | TypedArray | Tensor | ReadonlyMap<any, any>
	? never
	: { readonly [Name in keyof F]: Feature };

/** What an output is: a tensor, a map by class, a sequence of those, or null for an empty optional. */
export type OutputValue = Tensor | Map<string | bigint, number | bigint | string> | OutputValue[] | null;

/**
 * Outputs by name, where nobody says what they are. With types of your own, such as
 * `engine.load<{ x: number[] }, { y: Tensor }>(path)`, they are checked.
 */
export type AnyOutputs = Record<string, any>;

/** An input or output as the model declares it. */
export interface ValueInfo {
	name: string;
	dtype?: DType;
	/** A number is a fixed size, a string a named free dimension, -1 an unnamed one; null when the model does not say. */
	shape?: (number | string)[] | null;
	/** For what is no tensor, such as `seq(map(int64,tensor(float32)))`. */
	type?: string;
	/** The model has a default for it. */
	optional?: true;
	/** Of an output: it is the predicted class, or has a number for each class, the largest for the predicted one. */
	role?: 'label' | 'scores';
	/** The names of the classes in the order of their positions, where the graph has them. */
	classes?: string[];
}

export interface Signature {
	inputs: ValueInfo[];
	outputs: ValueInfo[];
	/** Class names that came with the model. */
	labels?: string[];
}

export interface RunOptions {
	/** The outputs wanted; all by default. */
	outputs?: readonly string[];
	/** How long the run may take, waiting included. `DEADLINE_EXCEEDED` after that. */
	timeoutMs?: number;
	/** From -100 to 100: of the runs that wait for a model, those of a higher priority go first. 0 by default. */
	priority?: number;
	/** Whether it may run together with others, where the model allows it: true. */
	batching?: boolean;
	/** Whether the prediction comes with what it cost: false. */
	receipt?: boolean;
	/** Aborting rejects with the signal's reason and stops the run. */
	signal?: AbortSignalLike;
}

/** What a prediction cost. Of a run that it shared with other requests, `cpuMs` and `wallMs` are its part, by rows. */
export interface Receipt {
	/** CPU time of the run, on all threads that it used; null where the system is not Linux. */
	cpuMs: number | null;
	/** Time of the run. */
	wallMs: number;
	/** From the request to the run: waiting, and loading where the model was unloaded. */
	queueMs: number;
	/** Rows of the run. */
	batchRows: number;
	/** The part of them that were the request's: 1 where it ran alone. */
	batchShare: number;
	/** Bytes of the tensors that were made for the outputs. */
	allocatedBytes: number;
	/** Bytes of the tensors that were given. */
	readBytes: number;
}

/** Sums of {@link Receipt}s. */
export interface Costs {
	/** Those that were answered. */
	predictions: number;
	/** Runs that failed; what they cost is in the sums. */
	failures: number;
	/** Null where the system is not Linux. */
	cpuSeconds: number | null;
	wallSeconds: number;
	queueSeconds: number;
	allocatedBytes: number;
	readBytes: number;
	predictionsPerCpuSecond: number | null;
}

/** What the predictions of a version cost. */
export interface VersionCosts extends Costs {
	version: string;
	digest: string;
	/** Who cost most comes first; null stands for predictions without `userId`. */
	users: (Costs & { userId: string | null })[];
	/** Of a thousand users those that cost most are told apart; these are the others. */
	others: Costs | null;
}

export interface Resources {
	modelId: string;
	versions: VersionCosts[];
}

/** Options of runs that a monitor may record. */
export interface RecordedRunOptions extends RunOptions {
	userId?: string;
	sessionId?: string;
	/** Which part of the requests it is of, such as a country. */
	segment?: string;
	requestId?: string;
	/** Whether the monitor records the run: true. */
	record?: boolean;
}

/** Its values are {@link OutputValue}s. `JSON.stringify` writes them as REST does: see {@link Tensor.toJSON}; a map is an object by class. */
export interface Prediction<Outputs = AnyOutputs> {
	outputs: Outputs;
	/**
	 * The largest probability of the row, when an output is a probability vector or a class map; `max(p, 1 - p)` of a single
	 * sigmoid probability; null otherwise. For a batch an array.
	 */
	confidence: number | (number | null)[] | null;
	/** The run itself, in milliseconds. */
	latencyMs: number;
	/** Where the options ask for it. */
	receipt?: Receipt;
}

export interface RecordedPrediction<Outputs = AnyOutputs> extends Prediction<Outputs> {
	/** A UUIDv7. */
	inferenceId: string;
	modelId: string;
	modelVersion: string;
}

/**
 * A path, the bytes, or several files: a model and its external data, or a TensorFlow.js `model.json` and its shards, which are
 * also found beside its path.
 */
export type ModelSource = string | UrlLike | Uint8Array | readonly ModelFile[];

export type ModelFile =
	{ readonly name: string; readonly path: string } | { readonly name: string; readonly bytes: Uint8Array };

export interface LoadOptions {
	/** What the bytes say when it is absent. */
	framework?: 'onnx' | 'tensorflow';
	engine?: 'auto' | 'onnxruntime' | 'tract';
	/** How long to wait. `DEADLINE_EXCEEDED` after that; the load goes on. */
	timeoutMs?: number;
}

/** What inside ONNX Runtime computes. Which of them there are depends on its library, see {@link EngineStatus}. */
export type ExecutionProviderName =
	| 'cpu'
	| 'acl'
	| 'azure'
	| 'cann'
	| 'coreml'
	| 'cuda'
	| 'directml'
	| 'migraphx'
	| 'nnapi'
	| 'nvrtx'
	| 'onednn'
	| 'openvino'
	| 'qnn'
	| 'rknpu'
	| 'tensorrt'
	| 'vitis'
	| 'vsinpu'
	| 'webgpu'
	| 'xnnpack';

/** A loaded model. Made by {@link InferenceEngine.load}, where its inputs and outputs may be told. */
export class Model<Inputs extends object = any, Outputs extends object = AnyOutputs> {
	private constructor();
	/** SHA-256 of the model. */
	digest: string;
	/** The engine that runs it. */
	engine: 'onnxruntime' | 'tract';
	/** The execution provider that runs it, or its first part. */
	executionProvider: ExecutionProviderName;
	framework: 'onnx' | 'tensorflow';
	signature: Signature;
	predict<F extends Inputs>(features: F & FeaturesOf<F>, options?: RunOptions): Promise<Prediction<Outputs>>;
	/** Lets go of the session; `CLOSED` afterwards. Other users of the same model are not disturbed. */
	dispose(): void;
	[Symbol.dispose](): void;
}

/** Options of the one engine of the process. Absent ones keep their values. */
export interface EngineOptions {
	/**
	 * Which engine runs models; `auto`: ONNX Runtime where its library can be loaded, tract otherwise. Default: `auto`. Takes
	 * effect at the next load.
	 */
	engine?: 'auto' | 'onnxruntime' | 'tract';
	/**
	 * What computes inside ONNX Runtime, the preferred one first. One that cannot be used gives way to the next; without `cpu`
	 * at the end, `ENGINE_UNAVAILABLE` when none can. Default: `cpu`. Takes effect at the next load.
	 */
	executionProviders?: readonly (
		ExecutionProviderName | { name: ExecutionProviderName; options?: Record<string, string | number> }
	)[];
	/**
	 * Sessions that stay loaded in the process. Least recently used ones go first. Those that a `Model` holds may go too: its
	 * next run loads them again from the same files. Default: 10.
	 */
	cacheMaxModels?: number;
	/** Bytes of weights that stay loaded. One session is always kept, however large. Default: 1073741824. */
	cacheMaxBytes?: number;
	/**
	 * Threads that share the work within one operator, for all sessions together. Default: the processors. Takes effect at the
	 * first load of the process.
	 */
	intraOpThreads?: number;
	/** Runs that are under way at the same time. Default: the processors. */
	runThreads?: number;
	/** Runs of one model that may wait for a thread; beyond, `QUEUE_FULL`. Default: 1024. */
	maxQueueSize?: number;
	/** Rows of different requests that may run together; 1 turns batching off. Default: 64. */
	maxBatchSize?: number;
	/** Milliseconds that a request may wait for others while its model is busy. A model that is idle never waits. Default: 0. */
	maxQueueDelayMs?: number;
	/** Batches of one model that run side by side. Default: 1. */
	maxConcurrentBatches?: number;
	/**
	 * Deadline of a request in milliseconds, unless it says otherwise: of its run, of its waiting, and in Harper of the load
	 * of a cold model. Default: 30000.
	 */
	timeoutMs?: number;
	/**
	 * Milliseconds that the load of a model, or the check of an upload, may take. Default: 120000. Takes effect at the next
	 * load.
	 */
	loadTimeoutMs?: number;
	/**
	 * Bytes that all runs together may allocate inside ONNX Runtime at one time. Default: 1073741824. Takes effect at the
	 * first load of the process.
	 */
	maxRunBytes?: number;
	/**
	 * A model that nobody has used for so many milliseconds leaves memory; the next request loads it again. 0: it stays. It is
	 * loaded again from the same files. One that was loaded from bytes stays as long as a `Model` holds it. Default: 0.
	 */
	idleUnloadMs?: number;
	/**
	 * The ONNX Runtime library. Default: `ORT_DYLIB_PATH`, else the library beside the addon. Takes effect at the first load
	 * of the process.
	 */
	libraryPath?: string;
	/**
	 * A folder for the journal of loads and runs: a model that was under way at two crashes of programs that use the folder is
	 * `MODEL_QUARANTINED` from then on. Default: none. Takes effect once in the process.
	 */
	journalDirectory?: string;
}

/** A model that was under way when a process was ended by a fatal signal. */
export interface SuspectStatus {
	digest: string;
	/** Since when it is quarantined, in Unix milliseconds; absent when it is not. */
	since?: number;
	crashes: { at: number; phase: 'load' | 'warm-up' | 'run'; signal: string }[];
}

export interface CacheStatus {
	models: number;
	maxModels: number;
	bytes: number;
	maxBytes: number;
	hits: number;
	misses: number;
	/** Dropped for the limits, or with their model. */
	evictions: number;
	/** Unloaded because nobody used them for `idleUnloadMs`. */
	idleUnloads: number;
	loads: number;
}

export interface EngineStatus {
	engines: Record<
		'onnxruntime' | 'tract',
		{
			available: boolean;
			version?: string;
			/** Those that the library was built with. What they need on the machine may still be missing. */
			executionProviders?: string[];
			reason?: string;
		}
	>;
	cache: CacheStatus;
	sessions: {
		digest: string;
		engine: string;
		/** The first of those asked for that runs the model, or a part of it. */
		executionProvider: string;
		/** The model's nodes by the provider that runs them; absent when that can only be `cpu`. */
		nodes?: Record<string, number>;
		/** Providers that were asked for and could not be used. */
		unusedProviders?: { name: string; reason: string }[];
		framework: string;
		bytes: number;
		runs: number;
		failures: number;
		/** Time of the first run with synthetic rows, after the load; null before, and when none can be made for the model. */
		warmUpMs: number | null;
		meanRunMs: number | null;
		batching: {
			/** Whether rows of different runs may run together; null while it is not known. */
			batchable: boolean | null;
			/** Why they may not; null where they may, and while it is not known. */
			reason: string | null;
			batches: number;
			batchedRows: number;
			/** Rows that the next batch may have. */
			bestRows: number;
			queued: number;
		};
	}[];
	/** How far preloading is, in Harper; null where nothing is to be preloaded. */
	preload: {
		done: boolean;
		models: number;
		loaded: number;
		skipped: number;
		failures: { modelId: string; version: string; code: string; error: string }[];
	} | null;
	/** Whether loads and runs are written down, and why not where that was asked for. */
	journal: { enabled: boolean; reason?: string };
	/** Neither loaded nor run, because they were under way at two crashes. */
	quarantine: SuspectStatus[];
	/** Under way at one crash. */
	suspects: SuspectStatus[];
	queued: number;
	running: number;
}

/** Loads, caches and runs models. Every engine of a process, in any thread, uses the same sessions. */
export class InferenceEngine {
	constructor(options?: EngineOptions & { registry?: ModelRegistry; monitor?: Monitor });
	/** Loads a model, once per process. External data may lie beside a path. */
	load<Inputs extends object = any, Outputs extends object = AnyOutputs>(
		source: ModelSource,
		options?: LoadOptions
	): Promise<Model<Inputs, Outputs>>;
	/** Runs a loaded model and records the run with the monitor. */
	predict<Inputs extends object, Outputs extends object, F extends Inputs>(
		target: Model<Inputs, Outputs>,
		features: F & FeaturesOf<F>,
		options?: RecordedRunOptions
	): Promise<RecordedPrediction<Outputs>>;
	/** Runs a model of the registry by name (the latest) or by name and version, and records the run with the monitor. */
	predict<Outputs extends object = AnyOutputs, F extends object = Features>(
		target: string | { readonly modelId: string; readonly version?: string },
		features: F & FeaturesOf<F>,
		options?: RecordedRunOptions
	): Promise<RecordedPrediction<Outputs>>;
	status(): EngineStatus;
	/** Ends the quarantine of a model, by its digest; false when no crash of it is known. */
	release(digest: string): Promise<boolean>;
	/** Forgets the models that this engine resolved by name. */
	dispose(): void;
	[Symbol.dispose](): void;
}

export type Stage = 'development' | 'staging' | 'production';

export interface ModelRecord {
	/** `modelId:version` */
	id: string;
	modelId: string;
	version: string;
	framework: 'onnx' | 'tensorflow';
	engine: string;
	stage: Stage;
	metadata?: unknown;
	/** JSON text */
	inputSchema: string;
	/** JSON text */
	outputSchema: string;
	labels?: string[];
	/** Unix milliseconds, strictly increasing within a model. */
	uploadedAt: number;
	/** SHA-256 */
	digest: string;
	/** bytes */
	size: number;
	files: ModelFile[];
}

/** Versions of models in memory, for tests and scripts. Versions do not change. */
export class ModelRegistry {
	/** Loads the model once and registers it. The same bytes again give the same record; other bytes are `VERSION_EXISTS`. */
	register(model: {
		modelId: string;
		version: string;
		file: ModelSource;
		framework?: 'onnx' | 'tensorflow';
		stage?: Stage;
		metadata?: unknown;
		inputSchema?: string;
		outputSchema?: string;
	}): Promise<ModelRecord>;
	/** A version, or the one registered last. `MODEL_NOT_FOUND`. */
	find(modelId: string, version?: string): ModelRecord;
	/** In the order of registration. */
	versions(modelId: string): ModelRecord[];
	list(): string[];
	delete(modelId: string, version: string): void;
}

export interface InferenceEvent {
	id: string;
	/** Unix milliseconds */
	timestamp: number;
	modelId: string;
	modelVersion: string;
	/** SHA-256 of the model that ran. */
	digest?: string;
	framework: string;
	userId?: string;
	sessionId?: string;
	/** Which part of the requests it is of. */
	segment?: string;
	requestId?: string;
	/** Null when the event was larger than the monitor. */
	features: Record<string, any> | null;
	outputs?: Record<string, OutputValue>;
	confidence?: Prediction['confidence'];
	latencyMs?: number;
	/** Milliseconds from the request to its run. */
	queueMs?: number;
	/** Rows of the run, of all requests in it. */
	batchRows?: number;
	/** Where the options of the run asked for it. */
	receipt?: Receipt;
	error?: Error;
	actualOutcome?: unknown;
	/** Unix milliseconds */
	feedbackTimestamp?: number;
	/** Null when the outcome could not be compared with the prediction. */
	correct?: boolean | null;
	/** Of a regression; null when the outcome has no number to compare with. */
	regression?: Deviation | null;
}

/** How far predicted numbers are from the true ones. */
export interface Deviation {
	/** Numbers. */
	count: number;
	/** Mean absolute error. */
	mae: number;
	/** Root mean squared error. */
	rmse: number;
	/** Mean error, predicted minus true. */
	bias: number;
}

export interface EventFilter {
	modelId?: string;
	version?: string;
	/** SHA-256 of the model that ran */
	digest?: string;
	userId?: string;
	sessionId?: string;
	segment?: string;
	/** Unix milliseconds, inclusive */
	startTime?: number;
	/** Unix milliseconds, inclusive */
	endTime?: number;
	/** 100 by default */
	limit?: number;
}

export interface MetricsFilter extends Pick<EventFilter, 'version' | 'digest' | 'segment' | 'startTime' | 'endTime'> {
	/** `segment`: also by segment. */
	by?: 'version' | 'segment';
}

/** What the numbers of an output were. */
export interface OutputNumbers {
	/** Numbers. */
	count: number;
	mean: number | null;
	min: number | null;
	max: number | null;
	/** The number that 10 % of them do not exceed. */
	p10: number | null;
	p50: number | null;
	p90: number | null;
	p95: number | null;
	p99: number | null;
	/** How far a quantile may be off, as a share of it. */
	quantileRelativeError: number;
}

/** Latencies in milliseconds over runs that succeeded; null where there is nothing to compute from. */
export interface Measures {
	/** Events. */
	count: number;
	/** Runs that failed. */
	errorCount: number;
	/** The share of runs that failed. */
	errorRate: number | null;
	/** How many of them failed with which code; `OTHER` stands for codes of other releases. */
	errorsByCode: Record<string, number>;
	/** Mean latency in milliseconds, of runs that succeeded. */
	avgLatency: number | null;
	/** Latency in milliseconds that 50 % of the runs that succeeded do not exceed, within 1 %. */
	p50Latency: number | null;
	/** Latency in milliseconds that 90 % of the runs that succeeded do not exceed, within 1 %. */
	p90Latency: number | null;
	/** Latency in milliseconds that 95 % of the runs that succeeded do not exceed, within 1 %. */
	p95Latency: number | null;
	/** Latency in milliseconds that 99 % of the runs that succeeded do not exceed, within 1 %. */
	p99Latency: number | null;
	/** How far a quantile of latencies may be off, as a share of it. */
	quantileRelativeError: number;
	/** Mean time from a request to its run, in milliseconds, of runs that succeeded; events of earlier releases do not tell it. */
	avgQueueMs: number | null;
	/** The time that 50 % of them do not exceed, within 1 %. */
	p50QueueMs: number | null;
	/** The time that 90 % of them do not exceed, within 1 %. */
	p90QueueMs: number | null;
	/** The time that 99 % of them do not exceed, within 1 %. */
	p99QueueMs: number | null;
	/** Mean number of rows of their runs, of all requests that ran together; a run counts once for each request. */
	avgBatchRows: number | null;
	/** The number that 50 % of them do not exceed, within 1 %. */
	p50BatchRows: number | null;
	/** The number that 90 % of them do not exceed, within 1 %. */
	p90BatchRows: number | null;
	/** The number that 99 % of them do not exceed, within 1 %. */
	p99BatchRows: number | null;
	/** Mean confidence, of predictions that have one. */
	avgConfidence: number | null;
	/** Confidence that 10 % of the predictions that have one do not exceed, within 0.001. */
	p10Confidence: number | null;
	/** Confidence that 50 % of the predictions that have one do not exceed, within 0.001. */
	p50Confidence: number | null;
	/** Confidence that 90 % of the predictions that have one do not exceed, within 0.001. */
	p90Confidence: number | null;
	/** How far a quantile of confidences may be off. */
	confidenceQuantileError: number;
	/**
	 * By output what its numbers were, of predictions without a confidence: `{count, mean, min, max, p10, p50, p90, p95, p99,
	 * quantileRelativeError}`; see below.
	 */
	outputs: Record<string, OutputNumbers>;
	/** Events with an outcome. */
	feedbackCount: number;
	/** The share of correct ones among the events whose correctness is known. */
	accuracy: number | null;
	/** Numbers that regressions predicted and whose true value is known. */
	regressionCount: number;
	/** Their mean absolute error: the mean of abs(predicted - true). */
	mae: number | null;
	/** Their root mean squared error: the square root of the mean of (predicted - true)². */
	rmse: number | null;
	/** Their mean error: the mean of predicted - true; above zero where the model predicts too much. */
	bias: number | null;
	/** The share of the variance of the true numbers that they tell: 1 - sum((true - predicted)²) / sum((true - mean)²). */
	r2: number | null;
	/** How good classifications with an outcome were; see below. */
	quality: RealisedQuality | null;
	/** Events per second, from `startTime` or the first event to `endTime` or the last one. */
	throughput: number | null;
}

/**
 * How good classifications were whose true class is known: one row for each class that a prediction tells. Measures are those of
 * {@link ClassificationQuality}, of all classes that occurred, and of those of a model that gives probabilities of up to ten.
 */
export interface RealisedQuality {
	/** Rows. */
	count: number;
	/** The share of them whose class is right. */
	accuracy: number | null;
	/** Names in their order, or positions of classes without names. */
	classes: string[];
	/** Rows by their true class, then by their predicted one; of the rest, where it has rows, behind the classes. */
	confusionMatrix: number[][];
	/** Rows whose true or predicted class is not told apart from others: classes beyond a model's first 50, or none of its classes. */
	restCount: number;
	perClass: (Omit<ClassQuality, 'calibration' | 'class'> & {
		class: string;
		/** With `rocAuc`: how far it may be off. */
		rocAucError?: number | null;
		/** With `averagePrecision`: how far it may be off. */
		averagePrecisionError?: number | null;
	})[];
	/** Null within where there is a rest. */
	macro: ClassAverages;
	macroOfDefined: ClassAverages;
	/** Of probabilities of up to ten classes, from bins of them; `error` is how far each of the means may be off. */
	rocAuc: { oneVsRest: RocAverages; error: number } | null;
	/** The same of average precisions. */
	averagePrecision: (RocAverages & { error: number }) | null;
	/** Rows with probabilities and a true class that is one of the model's: what is below is of them. */
	probabilityCount: number;
	logLoss: number | null;
	brier: number | null;
	/** Of ten bins. */
	calibration: Calibration | null;
}

export interface DigestMeasures extends Measures {
	/** SHA-256 of what ran; null where the events do not tell it. */
	digest: string | null;
}

export interface Metrics extends Measures {
	modelId: string;
	startTime: number | null;
	endTime: number | null;
	/** A version counts with the bytes that ran last under its name. */
	versions: (DigestMeasures & { version: string; previous: DigestMeasures[] })[];
	/** With `by: 'segment'`. */
	segments?: (Measures & { segment: string })[];
	/** With `by: 'segment'`: those that are not told apart. */
	otherSegments?: Measures | null;
}

/** What a version is estimated by. */
export interface EstimatorContents {
	kind: 'classification' | 'regression';
	/** That it was fitted to. */
	rows: number;
	/** Of a chunk, from which thresholds are. */
	chunkRows: number;
	/** Of a classification. */
	classes?: number;
	/** Whether the probabilities of each class are corrected; of two classes those of the second one. */
	calibrated?: boolean[];
	/** Of a regression. */
	features?: number;
	/** Unix milliseconds */
	fittedAt: number;
	/** Unix milliseconds: of the first and the last event that it was fitted to. */
	from: number;
	to: number;
}

/** The quality of a version as its estimator tells it, without labels. */
export interface EstimatedQuality {
	/** Rows. */
	count: number;
	/** Predictions that could not be read. */
	leftOut: number;
	/** `bound`: how far the value may be off because it is of a histogram. */
	measures: Record<string, QualityEstimate & { bound?: number }>;
	/** What it cannot see. */
	blindTo: string[];
	/** Unix milliseconds, of the hours that it is of; absent when there were no predictions, and in a `Monitor`. */
	from?: number;
	to?: number;
	estimator: EstimatorContents;
}

export interface EstimatorOptions {
	version: string;
	/** Of the last event of the version by default. */
	digest?: string;
	/** Rows of the chunks that thresholds are from; a tenth of all by default. */
	chunkRows?: number;
	/** What a prediction of a class is worth: a list for each true class, with a number for each predicted one, in the order of the model's. */
	businessValue?: readonly (readonly number[])[];
}

/** How many different values there are, with bounds that hold in 95 of 100 cases. */
export interface DistinctCount {
	estimate: number;
	lower: number;
	upper: number;
}

/** Numbers. Infinities are counted in `nonFinite` and not measured. */
export interface NumberProfile {
	kind: 'number';
	count: number;
	nonFinite: number;
	min: number | null;
	max: number | null;
	mean: number | null;
	/** Of the whole population, as is `skewness`. */
	std: number | null;
	skewness: number | null;
	/** By share, from "0.01" to "0.99". */
	quantiles: Record<string, number>;
	/** By how much the rank of a quantile is off at most, in 99 of 100 cases; 0 when they are exact. */
	rankError: number;
	distinct: DistinctCount;
	/** Bins from each edge on to below the next, which only the last one includes. */
	histogram: { edges: number[]; counts: number[] } | null;
	/** The most frequent values, while at most 64 are different. */
	top?: { value: number; count: number }[];
}

/** Strings: categories, or text when most are different or they are long. */
export interface StringsProfile {
	kind: 'category' | 'text';
	count: number;
	distinct: DistinctCount;
	/** The most frequent ones; of long ones the beginning and a digest. */
	top: { value: string; count: number }[];
	/** By how much a count in `top` may be too low. */
	countError: number;
	/** In characters. */
	lengths: NumberProfile;
	distinctWords: number;
}

/** A tensor that is not profiled column by column. */
export interface VectorProfile {
	kind: 'vector';
	count: number;
	nonFinite: number;
	/** Null when not all have the same. */
	dimensions: number | null;
	/** Euclidean. */
	norm: NumberProfile;
}

/** A column; `kind` is null while no value was given. `missing` counts NaN too, `mismatched` values of another kind. */
export type ColumnProfile = (NumberProfile | StringsProfile | VectorProfile | { kind: null; count: 0 }) & {
	missing: number;
	mismatched?: number;
};

export interface Profiles {
	modelId: string;
	profiles: {
		version: string;
		digest: string;
		rows: number;
		/** Values that are not profiled, when there are any. */
		leftOut?: number;
		/** Outputs under `output.`. */
		columns: Record<string, ColumnProfile>;
	}[];
}

/** Values that follow each other. */
export interface StreamPart {
	count: number;
	mean: number;
}

export interface Changes {
	modelId: string;
	changes: {
		version: string;
		digest: string;
		/** `correctness`, as errors of 0 and 1, `confidence`, or the column of an output as profiles name it. */
		signal: string;
		detector: 'adwin' | 'page-hinkley';
		/** When it was detected, in Unix milliseconds. */
		timestamp: number;
		before: StreamPart;
		after: StreamPart;
		/** Detections before it that are not told; 0 in a Monitor. */
		skipped: number;
	}[];
}

/** The last events in memory, for tests and scripts. */
export class Monitor {
	/** Older events are forgotten: beyond 10,000 of them and 64 MiB by default. */
	constructor(options?: {
		maxEvents?: number;
		maxBytes?: number;
		/** Whether features and outputs are profiled; 'on' by default. */
		profile?: 'on' | 'off';
		/** Columns of a tensor that are profiled each, up to 1024; a tensor with more is profiled as a vector. 256 by default. */
		profileColumns?: number;
		/** Which detectors watch predictions for changes in time; 'adwin' by default. */
		changeDetection?: 'off' | 'adwin' | 'page-hinkley' | 'both';
	});
	/** Keeps a copy. Of an event larger than `maxBytes` the features and outputs are left out. */
	record(event: Omit<InferenceEvent, 'timestamp'> & { timestamp?: number }): void;
	/** Adds what really happened; `correct` is computed when it is absent. `INFERENCE_NOT_FOUND`, `TOO_LARGE`. */
	feedback(inferenceId: string, outcome: unknown, correct?: boolean): InferenceEvent;
	/** Newest first. */
	events(filter?: EventFilter): InferenceEvent[];
	/** With `version`, no `segment` and no times also `estimated`, when an estimator was fitted. */
	metrics(modelId: string, filter?: MetricsFilter): Metrics & { estimated?: EstimatedQuality };
	/**
	 * Has the quality of all predictions of a version that an engine records with this monitor from now on estimated without labels, by an
	 * estimator that is fitted to the remembered events whose outcome is known. `leftOut` counts those that it could not use.
	 * `INVALID_REQUEST` for events that say too little, `TOO_LARGE` for more than 200 classes.
	 */
	fitEstimator(
		modelId: string,
		options: EstimatorOptions
	): Promise<EstimatorContents & { modelId: string; version: string; digest: string; leftOut: number }>;
	/** What features and outputs look like, of all predictions that an engine has recorded with this monitor. */
	profile(modelId: string, filter?: Pick<EventFilter, 'version' | 'digest'>): Profiles;
	/**
	 * When the correctness, the confidence or the outputs of the predictions that an engine has recorded with this monitor changed, newest
	 * first; the last 100 changes of each version.
	 */
	changes(modelId: string, filter?: Pick<EventFilter, 'version' | 'digest'>): Changes;
	/**
	 * What predictions cost, of all that an engine has recorded with this monitor, runs that failed included. The CPU time of most tiny runs is
	 * an estimate from those that were measured.
	 */
	resources(modelId: string, filter?: Pick<EventFilter, 'version' | 'digest'>): Resources;
	/**
	 * Keeps the profile of training data under a name, for `drift`. Rows are objects of columns, as profiles name them, or of whole
	 * inputs; labels, and columns that the model does not have, are kept apart. `INVALID_REQUEST` without rows; `SCHEMA_MISMATCH` and
	 * `INVALID_INPUT` for rows that do not fit the model; `TOO_LARGE`.
	 */
	reference(
		model: Pick<ModelRecord, 'modelId' | 'version' | 'inputSchema' | 'outputSchema'>,
		name: string,
		rows: Iterable<object> | AsyncIterable<object>,
		options?: {
			/** The column of labels; one called `label`, if there is one, by default. */
			label?: string;
		}
	): Promise<ReferenceContents>;
	/**
	 * Whether the features and outputs of a version are distributed otherwise than those of another one, from their profiles, or than in
	 * a reference. `INVALID_REQUEST` when a version has no profile or no such reference, and for unknown methods and columns; `SCHEMA_MISMATCH` for versions without a
	 * common column or with values of other kinds.
	 */
	drift(modelId: string, options: ProfileDriftOptions): Promise<ProfileDriftReport>;
}

/** What a class is called. Whole numbers may be bigints, as in tensors, and are the numbers that they are equal to. */
export type ClassLabel = string | number | bigint | boolean;

/** An item for each row. */
export type Column<Item> = readonly Item[] | TypedArray;

/** Classifications whose truth is known, one a row. */
export interface ClassificationRows {
	/** The true classes. */
	readonly truth: Column<ClassLabel>;
	/** The predicted classes. */
	readonly predicted: Column<ClassLabel>;
	/** All classes; needed with probabilities or scores, whose order it tells. By default those that occur, sorted. */
	readonly classes?: Column<ClassLabel>;
	/**
	 * Probabilities of the classes: a list for each row, which adds up to 1 within 0.001, or all row by row. With two classes also
	 * one number for each row, the probability of the second class.
	 */
	readonly probabilities?: Column<number> | readonly Column<number>[];
	/** In place of probabilities: any numbers of which only the order tells something, such as margins. In the same form. */
	readonly scores?: Column<number> | readonly Column<number>[];
	/** How much each row counts: at least 0. 1 by default. */
	readonly weights?: Column<number>;
	/** Bins of the reliability tables, up to 1000: 10. */
	readonly bins?: number;
	/** Bins of equal width, or with as many rows in each: `equalWidth`. */
	readonly binning?: 'equalWidth' | 'equalMass';
	/** With `classes`, what a prediction is worth: a list for each true class, with a number for each predicted one. */
	readonly businessValue?: readonly (readonly number[])[];
}

/** A bin of a reliability table. */
export interface ReliabilityBin {
	/** Of equal width: its bounds, of which only the last upper one belongs to it. Of equal mass: its least and largest confidence. */
	lower: number;
	upper: number;
	/** Rows. */
	count: number;
	/** The sum of their weights. */
	weight: number;
	meanConfidence: number;
	/** The share of them that is right. */
	accuracy: number;
}

export interface Calibration {
	/** Expected calibration error: the mean of abs(meanConfidence - accuracy) over the bins, each by its weight. */
	ece: number;
	/** Maximum calibration error: the largest of them. */
	mce: number;
	/** Without bins that have no rows. */
	reliability: ReliabilityBin[];
}

/** A class against all others. */
export interface ClassQuality {
	class: ClassLabel;
	/** Of the rows that were predicted to be of the class, the share that is. */
	precision: number;
	/** Of the rows of the class, the share that was predicted to be. */
	recall: number;
	/** The harmonic mean of both. */
	f1: number;
	/** The weight of the rows of the class. */
	support: number;
	/** Those of the three that would divide by 0, and are 0 instead. */
	undefined: ('precision' | 'recall' | 'f1')[];
	/** With probabilities or scores: the area under the ROC curve; null when no row is of the class, or every one. */
	rocAuc?: number | null;
	/** With probabilities or scores: the mean over the rows of the class of the precision down to their score; null without such rows. */
	averagePrecision?: number | null;
	/** With probabilities: of the probability of this class. */
	calibration?: Calibration;
}

/** Means over classes; null where there is nothing to average. */
export interface ClassAverages {
	precision: number | null;
	recall: number | null;
	f1: number | null;
}

export interface RocAverages {
	/** All count the same. */
	macro: number | null;
	/** By the weight of the rows of the class, or of both classes. */
	weighted: number | null;
}

export interface ClassificationQuality {
	/** In the order of `perClass` and of the confusion matrix. */
	classes: ClassLabel[];
	/** Rows. */
	count: number;
	/** The sum of their weights. */
	weight: number;
	/** The share of rows whose class is right. */
	accuracy: number;
	/** Weights of rows: a row for each true class, a column for each predicted one. */
	confusionMatrix: number[][];
	perClass: ClassQuality[];
	/** Means over all classes; what is undefined counts as 0. */
	macro: ClassAverages;
	/** Means over the classes for which a measure is defined. Its recall is the balanced accuracy. */
	macroOfDefined: ClassAverages;
	/** With probabilities or scores: means of areas under ROC curves. With two classes all are the same. */
	rocAuc?: {
		/** Each class against all others. `macro` is null when a class has no rows. */
		oneVsRest: RocAverages;
		/** Over the pairs of classes that have rows. */
		oneVsOne: RocAverages;
	};
	/** With probabilities or scores: means of the average precisions of classes. `macro` is null when a class has no rows. */
	averagePrecision?: RocAverages;
	/** With `businessValue`: what all predictions are worth. */
	businessValue?: number;
	/** With probabilities: the mean of -ln(probability of the true class), which is clipped at 2.2e-16. */
	logLoss?: number;
	/** With probabilities: the mean of (p - y)² for the second of two classes; with more, of its sum over the classes. */
	brier?: number;
	/** With probabilities: of the largest probability of a row, and whether its class is the true one. */
	calibration?: Calibration;
	/** With probabilities: the mean of the expected calibration errors of the classes. */
	classwiseEce?: number;
}

/**
 * Measures classifications, as scikit-learn defines them, at once on this thread. `INVALID_REQUEST` for rows that cannot be measured,
 * `TOO_LARGE` for more than 1,000 classes.
 */
export function classificationQuality(
	rows: ClassificationRows & Required<Pick<ClassificationRows, 'probabilities'>>
): Required<Omit<ClassificationQuality, 'businessValue'>> & Pick<ClassificationQuality, 'businessValue'>;
export function classificationQuality(
	rows: ClassificationRows & Required<Pick<ClassificationRows, 'scores'>>
): ClassificationQuality & Required<Pick<ClassificationQuality, 'rocAuc' | 'averagePrecision'>>;
export function classificationQuality(rows: ClassificationRows): ClassificationQuality;

/** Numbers whose truth is known, one a row. */
export interface RegressionRows {
	readonly truth: Column<number | bigint>;
	readonly predicted: Column<number | bigint>;
	/** How much each row counts: at least 0. 1 by default. */
	readonly weights?: Column<number>;
}

export interface RegressionQuality {
	/** Rows. */
	count: number;
	/** The sum of their weights. */
	weight: number;
	/** Mean absolute error. */
	mae: number;
	/** Root mean squared error. */
	rmse: number;
	/** Mean error, predicted minus true. */
	bias: number;
	/**
	 * 1 - sum((true - predicted)²) / sum((true - mean(true))²); below 0 where the mean of the truth would predict better. Of a
	 * constant truth 1 where every prediction is right, else 0; null for a single row.
	 */
	r2: number | null;
}

/** Measures regressions, as scikit-learn defines them, at once on this thread. `INVALID_REQUEST` for rows that cannot be measured. */
export function regressionQuality(rows: RegressionRows): RegressionQuality;

/** Predictions of which some are to be labelled. */
export interface LabelDraw {
	/** How much a label of each is worth: at least 0; NaN where that is not known. */
	readonly scores: Column<number>;
	/** How many are drawn: all, where there are not more. */
	readonly size: number;
	/** Of the random numbers, from 0 to 2^32 - 1: the same seed draws the same again. One at random by default. */
	readonly seed?: number;
}

export interface DrawnForLabels {
	/** Positions, in random order: who labels only the first ones has labelled a random part. */
	drawn: number[];
	/** With which each was drawn. */
	probabilities: number[];
	seed: number;
}

/**
 * Draws predictions to be labelled, at once on this thread: in proportion to one half and one half of the score over the mean score, so
 * that each can be drawn. `INVALID_REQUEST` for scores that are none.
 */
export function drawForLabels(of: LabelDraw): DrawnForLabels;

/** Labels of a draw. */
export interface LabelledRows {
	/** With which each was drawn: above 0, at most 1. */
	readonly probabilities: Column<number>;
	/** Whether each prediction was right. */
	readonly correct?: Column<boolean>;
	/** Of numbers: how far each is off. */
	readonly errors?: Column<number>;
}

export interface LabelledEstimate {
	value: number;
	/** Null, as `upper`, where there are too few labels for an interval. */
	lower: number | null;
	upper: number | null;
}

/** What labels of a draw say of all predictions that could be drawn. */
export interface EstimateFromLabels {
	/** Weighted by inverse probabilities, divided by the sum of the weights. */
	method: 'inverse-propensity';
	/** How often the intervals cover the truth. */
	level: number;
	labels: number;
	/** How many labels of equal weights would tell as much, by Kish. */
	effectiveLabels: number;
	/** The sum of the weights. */
	predictions: number;
	/** With `correct`. */
	accuracy?: LabelledEstimate | null;
	/** With `errors`: mean absolute error. */
	mae?: LabelledEstimate | null;
	/** With `errors`: root mean squared error. */
	rmse?: LabelledEstimate | null;
}

/** Estimates accuracy or errors of all predictions from the labels of a draw. `INVALID_REQUEST` for rows that are none. */
export function estimateFromLabels(rows: LabelledRows): EstimateFromLabels;

/** Rows whose truth is known, from which {@link Cbpe} learns what probabilities are worth. */
export interface CbpeReference extends CbpeRows {
	/** The true classes. */
	readonly truth: Column<ClassLabel>;
	/** All classes, in the order of the probabilities. */
	readonly classes: Column<ClassLabel>;
	/** Thresholds are from the measures of chunks of so many rows; of the reference there are at least two. */
	readonly chunkRows: number;
	/**
	 * Whether probabilities are calibrated, by isotonic regression; for all classes or for each. By default where it lowers the expected
	 * calibration error on tenths of the reference that it was not fitted to.
	 */
	readonly calibrate?: boolean | readonly boolean[];
	/** What a prediction is worth: a list for each true class, with a number for each predicted one. */
	readonly businessValue?: readonly (readonly number[])[];
}

/** Rows whose truth need not be known. */
export interface CbpeRows {
	/** The predicted classes. */
	readonly predicted: Column<ClassLabel>;
	/** As of {@link ClassificationRows}. */
	readonly probabilities: Column<number> | readonly Column<number>[];
}

export interface QualityEstimate {
	/** Null where it is not defined. */
	value: number | null;
	/** One standard error, by chance alone, as the reference shows it. */
	samplingError: number | null;
	/** The value less three standard errors, at least 0 but for what predictions are worth. */
	lower: number | null;
	/** The value and three standard errors, at most 1 where the measure is. */
	upper: number | null;
	/** The mean over chunks of the reference less three standard deviations, in the range of `lower`; null where no chunk has the measure. */
	lowerThreshold: number | null;
	/** The mean over chunks of the reference and three standard deviations, in the range of `upper`. */
	upperThreshold: number | null;
	/** Whether the value is beyond a threshold. */
	alert: boolean;
}

export interface QualityEstimates {
	/** Rows. */
	count: number;
	/**
	 * With two classes of the second one; with more the means over classes, but for accuracy. With `businessValue` also the sum of what
	 * predictions are worth, whose thresholds are of `chunkRows` rows.
	 */
	measures: Record<
		'accuracy' | 'precision' | 'recall' | 'specificity' | 'f1' | 'rocAuc' | 'averagePrecision',
		QualityEstimate
	> & { businessValue?: QualityEstimate };
	/**
	 * How many rows are of a class and were predicted to be of another: a list for each true class, with one for each predicted one. Their
	 * thresholds are of `chunkRows` rows. Of up to 50 classes.
	 */
	confusion?: QualityEstimate[][];
}

/**
 * Quality without labels: confidence-based performance estimation, as NannyML defines it. Right while probabilities mean what they meant
 * in the reference, so where inputs shift. It cannot see that the truth for the same inputs has changed (concept drift), or that inputs
 * are such as the model has never seen.
 */
export class Cbpe {
	/** `INVALID_REQUEST` for rows that cannot be measured, `TOO_LARGE` for more than 1,000 classes. */
	constructor(reference: CbpeReference);
	/** Over all rows that are given. `INVALID_REQUEST` for rows that cannot be measured. */
	estimate(rows: CbpeRows): QualityEstimates;
}

/** Rows whose truth is known, from which {@link Dle} learns how far off predictions are. */
export interface DleReference {
	/** The true values. */
	readonly truth: Column<number>;
	/** The predicted values. */
	readonly predicted: Column<number>;
	/** A list of numbers for each row, or the numbers of all rows one behind the other. Without them only losses that are told count. */
	readonly features?: Column<number> | readonly Column<number>[];
	/** Thresholds are from the measures of chunks of so many rows; of the reference there are at least two. */
	readonly chunkRows: number;
}

/** Rows whose truth need not be known: features and predictions, or losses that something else has estimated. */
export interface DleRows {
	readonly predicted?: Column<number>;
	/** As of {@link DleReference}. */
	readonly features?: Column<number> | readonly Column<number>[];
	/** The loss of each row: absolute, absolute as a share of the truth, squared, squared of the logarithms of 1 + value. */
	readonly losses?: Partial<Record<'mae' | 'mape' | 'mse' | 'msle', Column<number>>>;
}

export interface RegressionEstimates {
	/** Rows. */
	count: number;
	/** Without those of logarithms where the reference has numbers below 0. None has an upper end of its own. */
	measures: Partial<Record<'mae' | 'mape' | 'mse' | 'rmse' | 'msle' | 'rmsle', QualityEstimate>>;
}

/**
 * Quality of regressions without labels: direct loss estimation, as NannyML defines it, with boosted trees for the loss of a row. Right
 * while predictions for such rows are as far off as in the reference. It cannot see that the truth for the same inputs has changed
 * (concept drift), or that inputs are such as the reference does not have.
 */
export class Dle {
	/** `INVALID_REQUEST` for rows that cannot be measured. */
	constructor(reference: DleReference);
	/** Over all rows that are given. `INVALID_REQUEST` for rows that cannot be measured. */
	estimate(rows: DleRows): RegressionEstimates;
}

/**
 * Detects a change of the mean in a stream of values: ADWIN (Bifet and Gavaldà, 2007), a window that is as long as the mean does not
 * change. It takes memory for the logarithm of its width.
 */
export class Adwin {
	constructor(options?: {
		/** The probability of a detection where nothing changes: 0.002. */
		delta?: number;
		/** A change is looked for at every so many values: 32. */
		clock?: number;
		/** Buckets of each size, 5; with more the window is cut more finely. */
		maxBuckets?: number;
		/** Both parts of a window that is cut have at least so many values: 5. */
		minWindowLength?: number;
		/** Nothing is detected in windows of up to so many values: 10. */
		gracePeriod?: number;
	});
	/**
	 * Adds a value; whether the mean has changed. After a detection the window starts over with the next value. `INVALID_REQUEST` for
	 * a value that is not finite, or beyond 1e100.
	 */
	update(value: number): boolean;
	/** Values in the window; after a detection those of its newer part. */
	get width(): number;
	/** Their sum. */
	get total(): number;
	/** Their mean; null without any. */
	get mean(): number | null;
	/** The mean of their squared distances from it; null without any. */
	get variance(): number | null;
}

/**
 * Detects a change of the mean in a stream of values: the Page-Hinkley test, which adds up how far values are from their mean. The
 * threshold is in the unit of the values.
 */
export class PageHinkley {
	constructor(options?: {
		/** Nothing is detected before so many values: 30. */
		minInstances?: number;
		/** Changes of up to so much are none: 0.005. */
		delta?: number;
		/** What the sum has to reach: 50. */
		threshold?: number;
		/** What remains of the sum at each value: 0.9999. */
		alpha?: number;
		/** Which changes of the mean are looked for: `both`. */
		mode?: 'up' | 'down' | 'both';
	});
	/**
	 * Adds a value; whether the mean has changed. After a detection it starts over with the next value. `INVALID_REQUEST` for a value
	 * that is not finite, or beyond 1e100.
	 */
	update(value: number): boolean;
	/** Values since the start. */
	get count(): number;
	/** Their mean; null without any. */
	get mean(): number | null;
}

/** The values of a column; null, undefined and NaN are missing. */
export type DriftValues =
	| readonly (number | null | undefined)[]
	| readonly (string | number | boolean | null | undefined)[]
	| readonly (readonly number[] | TypedArray | null | undefined)[]
	| TypedArray;

/**
 * A test or distance between two samples. Where Evidently has one, name, form and threshold are Evidently's; the others are named
 * after it.
 */
export type DriftMethod =
	| 'ks'
	| 'ks_asymptotic'
	| 'wasserstein'
	| 'ed'
	| 'cramer_von_mises'
	| 'cramer_von_mises_permutation'
	| 'anderson'
	| 'anderson_right'
	| 'anderson_continuous'
	| 'mannw'
	| 'mannw_two_sided'
	| 't_test'
	| 't_test_welch'
	| 'empirical_mmd'
	| 'es'
	| 'chisquare'
	| 'chisquare_two_sample'
	| 'g_test'
	| 'g_test_two_sample'
	| 'z'
	| 'fisher_exact'
	| 'TVD'
	| 'l_infinity'
	| 'psi'
	| 'psi_deciles'
	| 'jensenshannon'
	| 'jensenshannon_base2'
	| 'kl_div'
	| 'hellinger';

export type DriftKind = 'number' | 'category' | 'text' | 'vector';

/** `insufficient`: too few values, or no defined statistic. */
export type DriftVerdict = 'drift' | 'ok' | 'insufficient';

export interface DriftOptions {
	/** For all columns or by column; by default Evidently's rule chooses. */
	method?: DriftMethod | Readonly<Record<string, DriftMethod>>;
	/** Instead of the method's own; for all columns or by column. */
	threshold?: number | Readonly<Record<string, number>>;
	/** What a column is, where it is not what its values look like. */
	kind?: DriftKind | Readonly<Record<string, DriftKind>>;
	/** Of the p-values of all columns. */
	correction?: 'benjamini_hochberg' | 'benjamini_yekutieli' | 'holm' | 'bonferroni';
	/** Fewer values on a side are `insufficient`; 30 by default. */
	minRows?: number;
	/** From this share of drifted columns on the data set drifts; 0.5 by default. */
	driftShare?: number;
}

export interface DriftRows {
	/** Values that are compared. */
	count: number;
	missing: number;
	/** Infinite numbers, which are not compared. */
	infinite: number;
	distinct: number;
}

/** Counts of both sides over the same bins. */
export type DriftHistogram =
	| { edges: number[]; reference: number[]; current: number[] }
	| {
			/** At most 50, the most frequent first. */
			categories: (string | number | boolean)[];
			reference: number[];
			current: number[];
			/** All further categories together. */
			others?: { categories: number; reference: number; current: number };
	  };

export interface ColumnDrift {
	kind: DriftKind;
	verdict: DriftVerdict;
	/** Why the verdict is `insufficient`. */
	reason?: string;
	method?: DriftMethod;
	/** Why this method. */
	why: string;
	/** As the literature of the method defines it; may be infinite. */
	statistic?: number;
	degreesOfFreedom?: number;
	/** Where the distribution functions differ most, by `ks`. */
	location?: number;
	/** Of a test. */
	pValue?: number;
	/** With `correction`: what decides instead of `pValue`. */
	adjustedPValue?: number;
	/** Of a distance. */
	distance?: number;
	threshold?: number;
	reference: DriftRows;
	current: DriftRows;
	/** Null when a side has no value, and of vectors. */
	histogram: DriftHistogram | null;
}

export interface DriftReport {
	verdict: DriftVerdict;
	driftedColumns: number;
	insufficientColumns: number;
	/** Drifted columns among all. */
	driftedShare: number;
	columns: (ColumnDrift & { name: string })[];
}

export interface ProfileDriftOptions extends Pick<DriftOptions, 'method' | 'correction' | 'minRows' | 'driftShare'> {
	version: string;
	/** The version that it is compared with. This or `reference`. */
	referenceVersion?: string;
	/** The reference of the version that it is compared with. */
	reference?: string;
	/** Instead of each method's own. */
	threshold?: number;
}

/** On both sides; null where a side has no row. */
export interface ProfileShares {
	reference: number | null;
	current: number | null;
}

/** What changed beside the distribution. */
export interface ColumnQuality {
	missing: ProfileShares;
	infinite: ProfileShares;
	/** Values of another kind than the column's. */
	mismatched: ProfileShares;
	/** Whether all values are one and the same. */
	constant: { reference: boolean; current: boolean };
	/** Shares of numbers below and above all of the reference, each within `error` in 99 of 100 cases. */
	outOfRange?: { below: number; above: number; error: number };
	/** Categories that the reference does not have: how many, their share of the rows, the most frequent ones. */
	unseen?: { categories: number; share: number; names: string[]; isExact: boolean };
	/** Of text: the share of words that the reference does not have. */
	newWords?: number;
	/** Of vectors: the mean cosine to the mean of the reference. */
	meanCosine?: number;
}

export interface ProfileColumnDrift extends Omit<ColumnDrift, 'verdict' | 'histogram'> {
	name: string;
	/** `uncertain`: the threshold lies within the bounds. */
	verdict: DriftVerdict | 'uncertain';
	/** Between which values those of all rows lie in 99 of 100 cases; after a correction of the adjusted p-value. */
	bounds?: { statistic: [number, number]; pValue?: [number, number]; distance?: [number, number] };
	histogram?: DriftHistogram;
	quality: ColumnQuality;
}

export interface ReferenceContents {
	rows: number;
	/** `kind` is null where all values are missing. */
	columns: { name: string; kind: 'number' | 'category' | 'text' | 'vector' | null; count: number; missing: number }[];
	/** Of the labels, as of a column of strings. */
	labels?: ColumnProfile;
	/** The first columns that the model does not have. */
	ignored: string[];
}

export interface ProfileDriftReport {
	modelId: string;
	reference: { name?: string; version: string; rows: number };
	current: { version: string; rows: number };
	verdict: DriftVerdict | 'uncertain';
	driftedColumns: number;
	uncertainColumns: number;
	insufficientColumns: number;
	/** Drifted columns among all. */
	driftedShare: number;
	/** Those of the reference. */
	columns: ProfileColumnDrift[];
	/** Columns that only the current side has. */
	notInReference: string[];
}

/**
 * What this process has counted since it started, on all its threads, as Prometheus reads it: predictions and errors by model and
 * version, histograms of their times, sessions and their cache, CPU time and memory. `format` is OpenMetrics 1.0 by default; `text`
 * is Prometheus' older format, 0.0.4.
 */
export function exposition(options?: { format?: 'openmetrics' | 'text' }): { contentType: string; text: string };

/**
 * Compares columns with a reference: whether the values are distributed otherwise. The work is done off the event loop.
 * `INVALID_REQUEST` for an unknown method, and for one that does not fit a column.
 */
export function drift(reference: DriftValues, current: DriftValues, options?: DriftOptions): Promise<ColumnDrift>;
export function drift(
	reference: Readonly<Record<string, DriftValues>>,
	current: Readonly<Record<string, DriftValues>>,
	options?: DriftOptions
): Promise<DriftReport>;
