/**
 * Predictions, and what belongs to them, for the code of an application in Harper: what the routes do, without HTTP.
 *
 * ```js
 * import { predict } from 'harper-edge-ai/harper';
 *
 * export class Species extends Resource {
 * 	static loadAsInstance = false;
 * 	post(_target, { sizes }) {
 * 		return predict({ modelId: 'iris', features: { float_input: sizes } }, { context: this.getContext() });
 * 	}
 * }
 * ```
 *
 * Every function takes a request, which has the fields of the route's body and parameters, and says on whose behalf it acts
 * ({@link Caller}). Its answer is a plain object, equal to the JSON that the route answers. Failures are errors with a `code`
 * ({@link HarperError}); wrong use is a `TypeError`. Nothing runs in the transaction of the request that calls: a prediction is
 * recorded whether that request succeeds or not, and sees what is committed.
 */
import type { ErrorCode, EstimatedQuality, Features, Measures, Metrics, Receipt, Signature, Stage } from './index.js';

/** A user as Harper has it, such as `server.getUser(name, null)` gives it. */
export interface HarperUser {
	username?: string;
	role: { permission?: object };
}

/**
 * On whose behalf a function acts. There is no default: one of the three is required.
 *
 * - `context`: the caller of a resource, as `this.getContext()` gives it. A caller without a user is anonymous.
 * - `user`: a user of Harper; null or undefined for an anonymous caller, who may do nothing but what `anonymousPredict` opens.
 * - `as: 'component'`: the component's own rights, which are all.
 */
export type Caller =
	| { context: object; user?: never; as?: never }
	| { user: HarperUser | null | undefined; context?: never; as?: never }
	| { as: 'component'; context?: never; user?: never };

/** Aborting rejects with the signal's reason and stops what runs. */
export type AbortableCaller = Caller & { signal?: AbortSignal };

/**
 * `traceparent` is that of W3C Trace Context: the events keep it where the caller may write the attribute. A malformed one is ignored, as
 * a header would be.
 */
export type TracedCaller = Caller & { traceparent?: string };

/** What went wrong: the codes of the library, and those that only Harper has. Each has an HTTP status. */
export type HarperErrorCode =
	| ErrorCode
	| 'UNAUTHENTICATED'
	| 'FORBIDDEN'
	| 'NOT_FOUND'
	| 'NOT_SUPPORTED'
	| 'MODEL_NOT_READY'
	| 'ENTITY_NOT_FOUND'
	| 'TABLE_NOT_FOUND'
	| 'JOB_NOT_FOUND';

/** A failure: an `EdgeAiError` of the package's main entry. Harper answers one that a resource does not catch with its `statusCode`. */
export interface HarperError extends Error {
	code: HarperErrorCode;
	/** The status that the route answers. */
	statusCode: number;
	details?: unknown;
}

/** A value of an output: integers beyond 2^53 are decimal strings, numbers that JSON lacks are `"NaN"`, `"Infinity"`, `"-Infinity"`. */
export type PredictedValue = number | string | boolean | null | PredictedValue[] | { [key: string]: PredictedValue };

/** What all rows of a request have in common. */
export interface PredictionFields {
	modelId: string;
	/** The default of the model when absent, see `defaultVersion`. */
	version?: string | null;
	/** In place of a version: of those in the stage the one uploaded last. */
	stage?: Stage | null;
	/** The outputs wanted; all when absent. */
	outputs?: string[] | null;
	/** Deadline in milliseconds, the load of a cold model included; the option of the component when absent. */
	timeoutMs?: number | null;
	/** From -100 to 100: of the runs that wait for a model, those of a higher priority go first. */
	priority?: number | null;
	/** Whether an event is written: true. */
	record?: boolean | null;
	/** Whether the answer says what it cost: false. */
	receipt?: boolean | null;
	userId?: string | null;
	sessionId?: string | null;
	/** Which part of the requests it is of, such as a country. */
	segment?: string | null;
	requestId?: string | null;
}

export interface PredictRequest extends PredictionFields {
	/** Values by the name of the input; absent only with `entityId`. */
	features?: Features | Map<string, Features[string]>;
	/** Inputs that `features` lacks are taken from the features of this entity. */
	entityId?: string | null;
	/** Whether class scores are given by the names of the classes. */
	labels?: boolean | null;
}

/** The names of the model are absent where the caller may not read them. `Outputs` are those of the model, where they are known. */
export interface PredictAnswer<Outputs = Record<string, any>> {
	/** A UUIDv7 */
	inferenceId: string;
	/** By the name of the output; see {@link PredictedValue}. */
	prediction: Outputs;
	confidence: number | (number | null)[] | null;
	modelId?: string;
	modelVersion?: string;
	framework?: 'onnx' | 'tensorflow';
	/** The run itself, in milliseconds. */
	latencyMs: number;
	/** Where the request asks for it. */
	receipt?: Receipt;
}

/** As `POST /predict`: one prediction, with its event on disk before it is answered. */
export function predict<Outputs = Record<string, any>>(
	request: PredictRequest,
	caller: AbortableCaller & TracedCaller
): Promise<PredictAnswer<Outputs>>;

export interface BatchRequest extends PredictionFields {
	/** The features of each row, at once or as they come. They are read as fast as they run, and no faster. */
	rows: Iterable<Features> | AsyncIterable<Features>;
}

/** Of a row, by its place from 0: its prediction, or what is wrong with it. */
export type RowAnswer =
	| (PredictAnswer & { row: number; error?: undefined; code?: undefined })
	| { row: number; error: string; code: HarperErrorCode; details?: unknown; prediction?: undefined };

/**
 * As `POST /predict/batch`: answers in the order of the rows. What is wrong with the request as a whole rejects the first step; what is
 * wrong with a row is its answer. Leaving the loop ends the rest.
 */
export function predictBatch(
	request: BatchRequest,
	caller: AbortableCaller & TracedCaller
): AsyncGenerator<RowAnswer, void, undefined>;

/**
 * As `POST /feedback`: what really happened, any value that JSON has. `correct` is computed when it is absent and the two can be
 * compared. `INFERENCE_NOT_FOUND`.
 */
export function feedback(
	request: { inferenceId: string; outcome: unknown; correct?: boolean | null },
	caller: Caller
): Promise<{ success: true; inferenceId: string }>;

/** Features of entities, with their history. */
export const features: {
	/** As `PUT /features/:entityId`: from `timestamp` on, in Unix milliseconds; from now on when absent. */
	put(
		request: { entityId: string; features: Record<string, unknown>; timestamp?: number | null },
		caller: Caller
	): Promise<{ success: true; entityId: string; timestamp: number }>;
	/** As `GET /features/:entityId`: all names when `names` is absent; what was known at `asOf`, now when absent. `ENTITY_NOT_FOUND`. */
	get(
		request: { entityId: string; names?: string[] | null; asOf?: number | null },
		caller: Caller
	): Promise<{ entityId?: string; features: Record<string, unknown>; timestamp?: number }>;
};

export interface ModelSummary {
	modelId?: string;
	latestVersion?: string;
	versions: number;
	framework?: 'onnx' | 'tensorflow';
	stage?: Stage;
	/** Unix milliseconds */
	uploadedAt?: number;
}

export interface VersionSummary {
	version?: string;
	framework?: 'onnx' | 'tensorflow';
	stage?: Stage;
	/** Unix milliseconds, strictly increasing within a model. */
	uploadedAt?: number;
	/** SHA-256 */
	digest?: string;
	/** Bytes */
	size?: number;
}

/** A version as `GET /model/:modelId/:version` gives it, without what the caller may not read. */
export interface ModelDescription extends VersionSummary {
	/** `modelId:version` */
	id?: string;
	modelId?: string;
	/** The engine that loaded it when it was uploaded. */
	engine?: 'onnxruntime' | 'tract';
	/** JSON text */
	inputSchema?: string;
	/** JSON text */
	outputSchema?: string;
	/** JSON text */
	metadata?: string | null;
	labels?: string[] | null;
	signature: Partial<Signature>;
	files?: { name: string; digest?: string; size?: number }[];
	/** The crashes for which it is quarantined. */
	quarantine?: unknown;
	/** What else was uploaded under the version, on nodes that did not hear of each other. */
	conflict?: { digest: string; uploadedAt: number; node: string }[];
}

export interface UploadRequest {
	modelId: string;
	version: string;
	/** The graph, and the files of its external data or its shards under their own names. Those that are streams are read in turn. */
	files: {
		name: string;
		content: ArrayBufferView | ArrayBuffer | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;
	}[];
	/** What the bytes say when it is absent. */
	framework?: 'onnx' | 'tensorflow' | 'tensorflowjs' | 'tfjs' | null;
	/** `development` when absent. */
	stage?: Stage | null;
	/** JSON text, or a value in its place; read from the model when absent. */
	inputSchema?: string | object | null;
	/** JSON text, or a value in its place; read from the model when absent. */
	outputSchema?: string | object | null;
	/** JSON text, or a value in its place. */
	metadata?: string | object | null;
	/** Under which `GET /model/upload/:uploadId/progress` knows it. */
	uploadId?: string | null;
	/** The id of the request for retraining that the version answers. */
	retrainingRequest?: string | null;
}

export interface UploadAnswer {
	success: true;
	modelId: string;
	version: string;
	/** `modelId:version` */
	id: string;
	/** Unix milliseconds */
	uploadedAt?: number;
	framework?: 'onnx' | 'tensorflow';
	/** SHA-256 */
	digest?: string;
	/** Bytes */
	size?: number;
	/** What is doubtful about the model. */
	warnings?: string[];
}

export interface VersionName {
	modelId: string;
	version: string;
}

/** The registry. `MODEL_NOT_FOUND`. */
export const models: {
	/**
	 * As `POST /model/upload`: the model is checked, loaded and run once before it is stored. The same bytes again give the same answer;
	 * other bytes under the same version are `VERSION_EXISTS`.
	 */
	upload(request: UploadRequest, caller: Caller): Promise<UploadAnswer>;
	/** As `GET /model`. */
	list(caller: Caller): Promise<{ models: ModelSummary[] }>;
	/** As `GET /model/versions`: in upload order. */
	versions(request: { modelId: string }, caller: Caller): Promise<{ modelId?: string; versions: VersionSummary[] }>;
	/** As `GET /model/:modelId/:version`. */
	get(request: VersionOrLatest, caller: Caller): Promise<ModelDescription>;
	/** As `PATCH /model/:modelId/:version`: absent fields stay. */
	patch(request: VersionName & { stage?: Stage | null; metadata?: unknown }, caller: Caller): Promise<ModelDescription>;
	/** As `DELETE /model/:modelId/:version`. */
	remove(request: VersionName, caller: Caller): Promise<{ success: true } & VersionName>;
};

export interface Condition {
	attribute: string;
	/** `equals` when absent. */
	comparator?: string;
	value: unknown;
}

export interface JobRequest extends VersionOrLatest {
	source: {
		/** `data` when absent. */
		database?: string;
		table: string;
		conditions?: (Condition | { operator: 'and' | 'or'; conditions: JobRequest['source']['conditions'] })[];
		/** By input the attribute, or the attributes that together are its values. */
		fields?: Record<string, string | string[]>;
	};
	target: {
		/** `data` when absent. */
		database?: string;
		table: string;
		/** By attribute the result: `prediction`, `prediction.<output>`, `confidence`, `inferenceId` ... */
		fields: Record<string, string>;
	};
	record?: boolean | null;
	/** Of the events. */
	segment?: string | null;
	timeoutMs?: number | null;
}

export interface VersionOrLatest {
	modelId: string;
	/** The default of the model when absent, see `defaultVersion`. */
	version?: string | null;
	/** In place of a version: of those in the stage the one uploaded last. */
	stage?: Stage | null;
}

export type JobState = 'running' | 'completed' | 'failed' | 'cancelled';

export interface Job {
	/** A UUIDv7 */
	id: string;
	state?: JobState;
	modelId?: string;
	modelVersion?: string;
	source?: object;
	target?: object;
	record?: boolean;
	timeoutMs?: number;
	/** Whose rights it has; absent when it has the component's own. */
	userId?: string;
	/** Rows that it has, once they are counted. */
	total?: number;
	/** Rows that ran. */
	processed?: number;
	/** Rows of the target that hold their results. */
	written?: number;
	/** Rows that failed. */
	failed?: number;
	/** The first failures. */
	errors?: { id: unknown; code: string; error: string }[];
	/** Why the job failed. */
	error?: { code: string; error: string };
	/** Unix milliseconds */
	createdAt?: number;
	/** Unix milliseconds */
	finishedAt?: number;
}

/**
 * Predictions for the rows of a table, which go on after a restart with the rights of who made the job. Rows that the request of the
 * caller has written, but not committed yet, are not seen. `JOB_NOT_FOUND`.
 */
export const jobs: {
	/** As `POST /jobs/predict`. */
	create(request: JobRequest, caller: TracedCaller): Promise<Job>;
	/** As `GET /jobs/:id`. */
	get(request: { id: string }, caller: Caller): Promise<Job>;
	/** As `GET /jobs`: newest first. */
	list(
		request: { state?: JobState | null; limit?: number | null; cursor?: string | null },
		caller: Caller
	): Promise<{ jobs: Job[]; count: number; cursor?: string }>;
	/** Stops a job that runs; one that has ended stays as it is. */
	cancel(request: { id: string }, caller: Caller): Promise<Job>;
};

/** What metrics, and events among other things, are asked for by. */
export interface MetricsFilter {
	modelId?: string | null;
	version?: string | null;
	/** SHA-256 of the model that ran */
	digest?: string | null;
	/** Unix milliseconds, inclusive */
	startTime?: number | null;
	/** Unix milliseconds, inclusive */
	endTime?: number | null;
}

export interface EventsRequest extends MetricsFilter {
	inferenceId?: string | null;
	userId?: string | null;
	sessionId?: string | null;
	segment?: string | null;
	/** 1 to 1000; 100 when absent. */
	limit?: number | null;
	/** That of the page before. */
	cursor?: string | null;
}

/** An event, without what the caller may not read. */
export interface StoredEvent {
	id: string;
	/** Unix milliseconds */
	timestamp?: number;
	modelId?: string;
	modelVersion?: string;
	/** SHA-256 of the model that ran */
	digest?: string;
	framework?: string;
	/** JSON text */
	featuresIn?: string;
	/** JSON text */
	prediction?: string;
	confidence?: number | (number | null)[];
	latencyMs?: number;
	userId?: string;
	sessionId?: string;
	segment?: string;
	requestId?: string;
	/** The W3C trace of the request */
	traceparent?: string;
	correct?: boolean;
	/** JSON text */
	actualOutcome?: string;
	/** Unix milliseconds */
	feedbackTimestamp?: number;
	/** With which it was drawn to be labelled */
	samplingProbability?: number;
	/** In which draw */
	labelDraw?: string;
	/** Of a run that failed. */
	error?: { code: string; message: string };
}

/** What was predicted. */
export const events: {
	/** As `GET /monitoring/events`: newest first. */
	list(request: EventsRequest, caller: Caller): Promise<{ events: StoredEvent[]; count: number; cursor?: string }>;
	/**
	 * Every event from now on, of all threads and nodes: when it is recorded, and again when feedback changes it. It begins with the
	 * first step, and ends with the loop or the signal. A reader that is slow misses nothing, but what waits is in memory.
	 */
	subscribe(
		request: Omit<EventsRequest, 'inferenceId' | 'startTime' | 'endTime' | 'limit' | 'cursor'>,
		caller: AbortableCaller
	): AsyncGenerator<StoredEvent, void, undefined>;
	/** As `GET /monitoring/metrics`. */
	metrics(
		request: MetricsFilter & { modelId: string; segment?: string | null; by?: 'version' | 'segment' | null },
		caller: Caller
	): Promise<Omit<Metrics, keyof Measures> & Partial<Measures> & { lostEvents: number; estimated?: EstimatedQuality }>;
};
