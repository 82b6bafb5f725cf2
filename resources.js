// The routes: method and path, what the caller must be allowed to do, and who answers.
import { serve } from './resources/router.js';
import { batch } from './resources/batch.js';
import { compare } from './resources/benchmark.js';
import { feedback } from './resources/feedback.js';
import * as features from './resources/features.js';
import * as jobs from './resources/jobs.js';
import { watchJobs } from './resources/jobs/worker.js';
import * as models from './resources/models.js';
import * as monitoring from './resources/monitoring.js';
import { needs, predict } from './resources/predict.js';
import * as quarantine from './resources/quarantine/routes.js';
import { start } from './resources/start.js';
import { status } from './resources/status.js';
import * as tensorflowServing from './resources/tensorflow-serving/routes.js';
import { upload } from './resources/upload.js';
import * as v2 from './resources/v2/routes.js';

serve([
	['POST', '/model/upload', { Model: ['insert'] }, upload],
	['GET', '/model', { Model: ['read'] }, models.list],
	['GET', '/model/versions', { Model: ['read'] }, models.versions],
	['GET', '/model/:modelId/:version', { Model: ['read'] }, models.get],
	['GET', '/model/:modelId/:version/file', { Model: ['read'] }, models.file],
	['PATCH', '/model/:modelId/:version', { Model: ['update'] }, models.patch],
	['DELETE', '/model/:modelId/:version', { Model: ['delete'] }, models.remove],
	['DELETE', '/model/:modelId/:version/quarantine', { Model: ['update'] }, quarantine.ofModel],
	['POST', '/predict', needs, predict],
	['POST', '/predict/batch', { InferenceEvent: ['insert', 'update'] }, batch],
	['POST', '/jobs/predict', { InferenceEvent: ['insert', 'update'] }, jobs.create],
	['GET', '/jobs', { Job: ['read'] }, jobs.list],
	['GET', '/jobs/:id', { Job: ['read'] }, jobs.get],
	['DELETE', '/jobs/:id', { InferenceEvent: ['insert', 'update'] }, jobs.remove],
	['POST', '/feedback', { InferenceEvent: ['insert', 'update'] }, feedback],
	['GET', '/monitoring/events', { InferenceEvent: ['read'] }, monitoring.events],
	['GET', '/monitoring/metrics', { InferenceEvent: ['read'] }, monitoring.metrics],
	['PUT', '/features/:entityId', { Feature: ['insert', 'update'] }, features.put],
	['GET', '/features/:entityId', { Feature: ['read'] }, features.get],
	['POST', '/benchmark/compare', { InferenceEvent: ['insert', 'update'] }, compare],
	['GET', '/status', { Model: ['read'] }, status],
	['DELETE', '/status/quarantine/:digest', { Model: ['update'] }, quarantine.ofDigest],
	...v2.routes,
	...tensorflowServing.routes,
]);
watchJobs();
start();
