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
import * as labels from './resources/monitoring/labels/routes.js';
import { ANSWERS } from './resources/monitoring/retraining/answers.js';
import * as models from './resources/registry/routes.js';
import * as monitoring from './resources/monitoring/routes.js';
import { describe } from './resources/openapi/routes.js';
import * as retraining from './resources/monitoring/retraining/routes.js';
import * as rules from './resources/monitoring/rules/routes.js';
import { needs } from './resources/serving/inference.js';
import { predict } from './resources/serving/predict.js';
import * as quarantine from './resources/registry/quarantine/routes.js';
import { start } from './resources/background/entries.js';
import { routePrefix } from './resources/options.js';
import { status } from './resources/status.js';
import { offerChannels } from './resources/subscriptions/channels.js';
import * as tensorflowServing from './resources/protocols/tensorflow-serving/routes.js';
import * as trainingData from './resources/monitoring/training-data/routes.js';
import { answerWith } from './resources/registry/registration.js';
import { uploadProgress, uploadWith } from './resources/registry/upload.js';
import * as webhooks from './resources/monitoring/webhooks/routes.js';
import * as v2 from './resources/protocols/v2/routes.js';

const routes = [
	['POST', '/model/upload', { Model: ['insert'] }, uploadWith(ANSWERS)],
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
	['GET', '/monitoring/retraining', { RetrainingRequest: ['read'], InferenceEvent: ['read'] }, retraining.list],
	['POST', '/monitoring/retraining', { RetrainingRequest: ['insert'] }, retraining.create],
	['GET', '/monitoring/retraining/:request', { RetrainingRequest: ['read'], InferenceEvent: ['read'] }, retraining.get],
	[
		'POST',
		'/monitoring/retraining/:request/approve',
		{ RetrainingRequest: ['update'], InferenceEvent: ['read'] },
		retraining.approve,
	],
	[
		'POST',
		'/monitoring/retraining/:request/reject',
		{ RetrainingRequest: ['update'], InferenceEvent: ['read'] },
		retraining.reject,
	],
	[
		'POST',
		'/monitoring/retraining/:request/start',
		{ RetrainingRequest: ['update'], InferenceEvent: ['read'] },
		retraining.start,
	],
	[
		'POST',
		'/monitoring/retraining/:request/complete',
		{ RetrainingRequest: ['update'], InferenceEvent: ['read'] },
		retraining.complete,
	],
	[
		'POST',
		'/monitoring/retraining/:request/fail',
		{ RetrainingRequest: ['update'], InferenceEvent: ['read'] },
		retraining.fail,
	],
	['GET', '/monitoring/training-data', { InferenceEvent: ['read'] }, trainingData.get],
	['GET', '/monitoring/webhooks', { Webhook: ['read'] }, webhooks.list],
	['POST', '/monitoring/webhooks', { Webhook: ['insert'] }, webhooks.create],
	['GET', '/monitoring/webhooks/:webhook', { Webhook: ['read'] }, webhooks.get],
	['PUT', '/monitoring/webhooks/:webhook', { Webhook: ['insert', 'update'] }, webhooks.put],
	['DELETE', '/monitoring/webhooks/:webhook', { Webhook: ['delete'] }, webhooks.remove],
	['POST', '/monitoring/webhooks/:webhook/rotate', { Webhook: ['update'] }, webhooks.rotate],
	['POST', '/monitoring/webhooks/:webhook/test', { Webhook: ['update'] }, webhooks.test],
	['GET', '/monitoring/webhooks/:webhook/deliveries', { Webhook: ['read'] }, webhooks.deliveries],
	['POST', '/monitoring/estimator', { Model: ['update'] }, monitoring.fit],
	['DELETE', '/monitoring/estimator', { Model: ['update'] }, monitoring.removeFit],
	['GET', '/monitoring/labels/queue', { InferenceEvent: ['read'] }, labels.queue],
	['POST', '/monitoring/labels/queue', { InferenceEvent: ['read', 'update'] }, labels.draw],
	['POST', '/monitoring/labels', { InferenceEvent: ['insert', 'update'] }, labels.answer],
	['GET', '/monitoring/labels/accuracy', { InferenceEvent: ['read'] }, labels.accuracy],
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

answerWith(ANSWERS);

const table = serve(groups, routePrefix);
offerChannels(routePrefix);

const lookForShadowed = shadowWatch(table, exportedResources, log.warn);
start([{ name: 'shadowed resources', owner: 'process', everyMs: 5000, run: lookForShadowed }]);
