// What the code of an application in Harper imports: predictions, and all that belongs to them, without HTTP. What the routes do
// and what these functions do is the same code. harper.d.ts documents them.
import { operation, stream } from './resources/application/operation.js';
import { uploadModel } from './resources/application/upload.js';
import { jsonValue } from './resources/application/values.js';
import { getFeatures, putFeatures } from './resources/features/features.js';
import { identifier } from './resources/http/query.js';
import { FIELDS as JOB_FIELDS } from './resources/jobs/definition.js';
import { cancelJob, createJob, listJobs, readJob } from './resources/jobs/jobs.js';
import { FEEDBACK_FIELDS, giveFeedback, NULLABLE } from './resources/monitoring/feedback.js';
import { EVENT_FIELDS, listEvents, METRICS_FIELDS, metricsOf } from './resources/monitoring/metrics.js';
import { followEvents, SUBSCRIPTION_FIELDS } from './resources/monitoring/subscription.js';
import {
	CHANGEABLE,
	changeModel,
	listModels,
	listVersions,
	readModel,
	removeModel,
} from './resources/registry/models.js';
import { FIELDS as UPLOAD_FIELDS } from './resources/registry/registration.js';
import { modelFor } from './resources/registry/stages.js';

export { predict, predictBatch } from './resources/application/predictions.js';

const READS_MODELS = { Model: ['read'] };
const PREDICTS = { InferenceEvent: ['insert', 'update'] };
const READS_EVENTS = { InferenceEvent: ['read'] };

export const feedback = operation(
	{ name: 'feedback', needs: PREDICTS, fields: FEEDBACK_FIELDS, nullable: NULLABLE },
	({ outcome, ...given }, { user }) =>
		giveFeedback(outcome === undefined ? given : { ...given, outcome: jsonValue('outcome', outcome) }, user)
);

export const features = Object.freeze({
	put: operation(
		{ name: 'features.put', needs: { Feature: ['insert', 'update'] }, fields: ['entityId', 'features', 'timestamp'] },
		(request, { user }) => putFeatures({ ...request, features: jsonValue('features', request.features ?? null) }, user)
	),
	get: operation(
		{ name: 'features.get', needs: { Feature: ['read'] }, fields: ['entityId', 'names', 'asOf'] },
		(request, { user }) => getFeatures(request, user)
	),
});

const versionOf = ({ modelId, version }) => ({
	modelId: identifier('modelId', modelId),
	version: identifier('version', version),
});

export const models = Object.freeze({
	upload: operation(
		{ name: 'models.upload', needs: { Model: ['insert'] }, fields: [...UPLOAD_FIELDS, 'files'], iterates: true },
		uploadModel
	),
	list: operation({ name: 'models.list', needs: READS_MODELS, hasRequest: false }, (_request, { user }) =>
		listModels(user)
	),
	versions: operation({ name: 'models.versions', needs: READS_MODELS, fields: ['modelId'] }, (request, { user }) =>
		listVersions(request, user)
	),
	get: operation(
		{ name: 'models.get', needs: READS_MODELS, fields: ['modelId', 'version', 'stage'] },
		async (request, { user }) => {
			identifier('modelId', request.modelId);
			return readModel(await modelFor(request, user), user);
		}
	),
	patch: operation(
		{ name: 'models.patch', needs: { Model: ['update'] }, fields: ['modelId', 'version', ...CHANGEABLE] },
		({ modelId, version, ...change }, { user }) =>
			changeModel(versionOf({ modelId, version }), jsonValue('the change', change), user)
	),
	remove: operation(
		{ name: 'models.remove', needs: { Model: ['delete'] }, fields: ['modelId', 'version'] },
		(request) => removeModel(versionOf(request))
	),
});

export const jobs = Object.freeze({
	create: operation(
		{ name: 'jobs.create', needs: PREDICTS, fields: JOB_FIELDS, mayTrace: true },
		(request, { user, traceparent }) => createJob(jsonValue('the request of jobs.create', request), user, traceparent)
	),
	get: operation({ name: 'jobs.get', needs: { Job: ['read'] }, fields: ['id'] }, (request, { user }) =>
		readJob(request, user)
	),
	list: operation(
		{ name: 'jobs.list', needs: { Job: ['read'] }, fields: ['state', 'limit', 'cursor'] },
		(request, { user }) => listJobs(request, user)
	),
	cancel: operation({ name: 'jobs.cancel', needs: PREDICTS, fields: ['id'] }, (request, { user }) =>
		cancelJob(request, user)
	),
});

export const events = Object.freeze({
	list: operation({ name: 'events.list', needs: READS_EVENTS, fields: EVENT_FIELDS }, (request, { user }) =>
		listEvents(request, user)
	),
	metrics: operation({ name: 'events.metrics', needs: READS_EVENTS, fields: METRICS_FIELDS }, (request, { user }) =>
		metricsOf(request, user)
	),
	subscribe: stream(
		{ name: 'events.subscribe', needs: READS_EVENTS, fields: SUBSCRIPTION_FIELDS, mayAbort: true },
		(request, { user, signal }) => followEvents(request, user, signal)
	),
});
