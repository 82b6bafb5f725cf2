// What harper.d.ts allows and what it refuses. It is compiled by scripts/check-types.js and never run.
import {
	events,
	features,
	feedback,
	jobs,
	models,
	predict,
	predictBatch,
	type AbortableCaller,
	type BatchRequest,
	type Caller,
	type Condition,
	type EventsRequest,
	type HarperError,
	type HarperErrorCode,
	type HarperUser,
	type Job,
	type JobRequest,
	type JobState,
	type MetricsFilter,
	type ModelDescription,
	type ModelSummary,
	type PredictAnswer,
	type PredictedValue,
	type PredictionFields,
	type PredictRequest,
	type RowAnswer,
	type StoredEvent,
	type TracedCaller,
	type UploadAnswer,
	type UploadRequest,
	type VersionName,
	type VersionOrLatest,
	type VersionSummary,
} from 'harper-edge-ai/harper';

declare const context: { user?: HarperUser; headers: Map<string, string> };
declare const user: HarperUser | undefined;

export async function predictions(): Promise<PredictedValue> {
	const caller: AbortableCaller = { context, signal: AbortSignal.timeout(100) };
	const request: PredictRequest = { modelId: 'iris', features: { float_input: new Float32Array(4) } };
	const answer: PredictAnswer = await predict(request, caller);
	await predict({ modelId: 'iris', entityId: 'rose', version: null }, { user });
	await predict({ modelId: 'iris', features: new Map([['a', [1, 2]]]) }, { as: 'component' });
	// @ts-expect-error on whose behalf?
	await predict(request);
	// @ts-expect-error on whose behalf?
	await predict(request, {});
	// @ts-expect-error one of them
	await predict(request, { context, as: 'component' });
	// @ts-expect-error nobody else
	await predict(request, { as: 'admin' });
	// @ts-expect-error a user is no name
	await predict(request, { user: 'admin' });
	// @ts-expect-error there is no such field
	await predict({ modelId: 'iris', feature: {} }, caller);
	const typed = await predict<{ output_label: PredictedValue }>(request, caller);
	// @ts-expect-error there is no such output
	console.log(typed.prediction.label);
	return answer.prediction['output_label'] ?? typed.prediction.output_label;
}

export async function* rows(): AsyncGenerator<string | number> {
	const common: PredictionFields = { modelId: 'iris', record: false, priority: -5 };
	const request: BatchRequest = { ...common, rows: [{ a: 1 }, { a: [2] }] };
	for await (const answer of predictBatch(request, { user: null })) {
		const row: RowAnswer = answer;
		if (row.error !== undefined) {
			const code: HarperErrorCode = row.code;
			yield code;
		} else yield row.latencyMs;
	}
}

export async function others(): Promise<void> {
	const own: Caller = { as: 'component' };
	await feedback({ inferenceId: 'id', outcome: { label: 1n } }, own);
	await features.put({ entityId: 'rose', features: { a: [1, 2] }, timestamp: 1 }, own);
	const { features: known } = await features.get({ entityId: 'rose', names: ['a'], asOf: 2 }, own);
	console.log(known['a']);

	const upload: UploadRequest = {
		modelId: 'iris',
		version: '2',
		metadata: { owner: 'ann' },
		files: [
			{ name: 'model.onnx', content: new Uint8Array(4) },
			{ name: 'weights', content: new Blob([]).stream() },
		],
	};
	const uploaded: UploadAnswer = await models.upload(upload, own);
	// @ts-expect-error the content is no text
	await models.upload({ ...upload, files: [{ name: 'model.onnx', content: 'text' }] }, own);
	console.log(uploaded.id, uploaded.warnings?.length);
	const { models: listed } = await models.list(own);
	const summary: ModelSummary | undefined = listed[0];
	const name: VersionName = { modelId: summary?.modelId ?? 'iris', version: '1' };
	const described: ModelDescription = await models.get(name, own);
	const { versions } = await models.versions({ modelId: 'iris' }, own);
	const version: VersionSummary | undefined = versions[0];
	await models.patch({ ...name, stage: 'production', metadata: { a: 1 } }, own);
	// @ts-expect-error there is no such stage
	await models.patch({ ...name, stage: 'live' }, own);
	await models.remove(name, own);
	console.log(described.signature.inputs?.[0]?.name, version?.digest);

	const condition: Condition = { attribute: 'state', value: 'open' };
	const latest: VersionOrLatest = { modelId: 'iris' };
	const request: JobRequest = {
		...latest,
		source: { table: 'Flower', conditions: [condition, { operator: 'or', conditions: [condition] }] },
		target: { table: 'Flower', fields: { species: 'prediction.output_label' } },
	};
	const traced: TracedCaller = { ...own, traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
	const job: Job = await jobs.create(request, traced);
	const state: JobState | undefined = (await jobs.get({ id: job.id }, own)).state;
	const page = await jobs.list({ ...(state && { state }), limit: 10 }, own);
	await jobs.cancel({ id: page.jobs[0]?.id ?? job.id }, own);

	const filter: MetricsFilter = { startTime: 1 };
	const asked: EventsRequest = { ...filter, userId: 'ann', limit: 5 };
	const found: StoredEvent | undefined = (await events.list(asked, own)).events[0];
	const metrics = await events.metrics({ ...filter, modelId: 'iris' }, own);
	for await (const event of events.subscribe({ modelId: 'iris' }, { ...own, signal: AbortSignal.timeout(1) })) {
		console.log(event.id);
	}
	const { estimated } = metrics;
	console.log(estimated?.measures.rocAuc?.bound, estimated?.estimator.fittedAt);
	console.log(found?.featuresIn, metrics.avgLatency, metrics.lostEvents, metrics.versions[0]?.previous);
}

export function statusOf(error: unknown): number {
	const { code, statusCode }: HarperError = error as HarperError;
	return code === 'JOB_NOT_FOUND' ? 404 : statusCode;
}
