// The routes, in groups that share a prefix and a form of errors: method and path, what the caller must be allowed to do, and who
// answers.
import { answerOf } from './resources/errors.js';
import { acceptedAnswerOf } from './resources/http/formats.js';
import { serve } from './resources/http/router.js';
import { shadowWatch } from './resources/http/shadows.js';
import { batch } from './resources/serving/batch.js';
import { compare } from './resources/serving/compare.js';
import { exportedResources, findHarper, log } from './resources/harper.js';
import * as alerts from './resources/monitoring/alerts/routes.js';
import * as features from './resources/features/routes.js';
import * as jobs from './resources/jobs/routes.js';
import * as models from './resources/registry/routes.js';
import * as monitoring from './resources/monitoring/routes.js';
import * as page from './resources/page/routes.js';
import { describe } from './resources/openapi/routes.js';
import * as rules from './resources/monitoring/rules/routes.js';
import { needs } from './resources/serving/inference.js';
import { predict } from './resources/serving/predict.js';
import * as quarantine from './resources/registry/quarantine/routes.js';
import { start } from './resources/background/entries.js';
import { routePrefix } from './resources/options.js';
import { status } from './resources/status.js';
import { offerChannels } from './resources/subscriptions/channels.js';
import * as tensorflowServing from './resources/protocols/tensorflow-serving/routes.js';
import { upload, uploadProgress } from './resources/registry/upload.js';
import * as v2 from './resources/protocols/v2/routes.js';

const routes = [
	['POST', '/model/upload', { Model: ['insert'] }, upload],
	['GET', '/model/upload/:uploadId/progress', { Model: ['insert'] }, uploadProgress],
	['GET', '/model', { Model: ['read'] }, models.list],
	['GET', '/model/versions', { Model: ['read'] }, models.versions],
	['GET', '/model/:modelId', { Model: ['read'] }, models.versionsOfModel],
	['GET', '/model/:modelId/:version', { Model: ['read'] }, models.get],
	['GET', '/model/:modelId/:version/file', { Model: ['read'] }, models.file],
	['GET', '/model/:modelId/:version/file/:path+', { Model: ['read'] }, models.fileAt],
	['PATCH', '/model/:modelId/:version', { Model: ['update'] }, models.patch],
	['DELETE', '/model/:modelId/:version', { Model: ['delete'] }, models.remove],
	['DELETE', '/model/:modelId/:version/quarantine', { Model: ['update'] }, quarantine.ofModel],
	['POST', '/predict/batch', { InferenceEvent: ['insert', 'update'] }, batch],
	['POST', '/jobs/predict', { InferenceEvent: ['insert', 'update'] }, jobs.create],
	['GET', '/jobs', { Job: ['read'] }, jobs.list],
	['GET', '/jobs/:id', { Job: ['read'] }, jobs.get],
	['DELETE', '/jobs/:id', { InferenceEvent: ['insert', 'update'] }, jobs.remove],
	['POST', '/feedback', { InferenceEvent: ['insert', 'update'] }, monitoring.feedback],
	['GET', '/monitoring/events', { InferenceEvent: ['read'] }, monitoring.events],
	['GET', '/monitoring/metrics', { InferenceEvent: ['read'] }, monitoring.metrics],
	['GET', '/metrics', { InferenceEvent: ['read'] }, monitoring.processMetrics],
	['GET', '/monitoring/profile', { InferenceEvent: ['read'] }, monitoring.profile],
	['GET', '/monitoring/drift', { InferenceEvent: ['read'] }, monitoring.drift],
	['GET', '/monitoring/changes', { InferenceEvent: ['read'] }, monitoring.changes],
	['GET', '/monitoring/resources', { InferenceEvent: ['read'] }, monitoring.resources],
	['POST', '/monitoring/reference', { Model: ['update'] }, monitoring.createReference],
	['GET', '/monitoring/reference', { InferenceEvent: ['read'] }, monitoring.listReferences],
	['DELETE', '/monitoring/reference', { Model: ['update'] }, monitoring.removeReference],
	['GET', '/monitoring/rules', { MonitoringRule: ['read'], InferenceEvent: ['read'] }, rules.list],
	['POST', '/monitoring/rules', { MonitoringRule: ['insert'], InferenceEvent: ['read'] }, rules.create],
	['GET', '/monitoring/rules/:rule', { MonitoringRule: ['read'], InferenceEvent: ['read'] }, rules.get],
	['PUT', '/monitoring/rules/:rule', { MonitoringRule: ['insert', 'update'], InferenceEvent: ['read'] }, rules.put],
	['DELETE', '/monitoring/rules/:rule', { MonitoringRule: ['delete'] }, rules.remove],
	['GET', '/monitoring/alerts', { Alert: ['read'], InferenceEvent: ['read'] }, alerts.list],
	['GET', '/monitoring/alerts/:alert', { Alert: ['read'], InferenceEvent: ['read'] }, alerts.get],
	[
		'POST',
		'/monitoring/alerts/:alert/acknowledge',
		{ Alert: ['update'], InferenceEvent: ['read'] },
		alerts.acknowledge,
	],
	['POST', '/monitoring/alerts/:alert/silence', { Alert: ['update'], InferenceEvent: ['read'] }, alerts.silence],
	['POST', '/monitoring/alerts/:alert/resolve', { Alert: ['update'], InferenceEvent: ['read'] }, alerts.resolve],
	['POST', '/monitoring/estimator', { Model: ['update'] }, monitoring.fit],
	['DELETE', '/monitoring/estimator', { Model: ['update'] }, monitoring.removeFit],
	['GET', '/monitoring', { InferenceEvent: ['read'] }, page.redirect],
	['GET', '/monitoring/', { InferenceEvent: ['read'] }, page.index],
	['GET', '/monitoring/page/:file+', { InferenceEvent: ['read'] }, page.file],
	['GET', '/monitoring/access', {}, (call) => page.access(groups, call)],
	['PUT', '/features/:entityId', { Feature: ['insert', 'update'] }, features.put],
	['GET', '/features/:entityId', { Feature: ['read'] }, features.get],
	['POST', '/benchmark/compare', { InferenceEvent: ['insert', 'update'] }, compare],
	['GET', '/status', { Model: ['read'] }, status],
	['DELETE', '/status/quarantine/:digest', { Model: ['update'] }, quarantine.ofDigest],
	['GET', '/openapi.json', {}, (call) => describe(groups, call)],
];

const groups = [
	{ prefix: '', errors: answerOf, routes },
	{ prefix: '', errors: acceptedAnswerOf, routes: [['POST', '/predict', needs, predict]] },
	v2.group,
	tensorflowServing.group,
];

await findHarper();

const table = serve(groups, routePrefix);
offerChannels(routePrefix);

const lookForShadowed = shadowWatch(table, exportedResources, log.warn);
start([{ name: 'shadowed resources', owner: 'process', everyMs: 5000, run: lookForShadowed }]);
