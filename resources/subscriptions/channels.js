// What can be subscribed to over WebSocket and MQTT. Paths of resources are those of all applications of a Harper, so ours are below
// the name of our database; a WebSocket comes to the path of the route that tells the same.
import { answerOf, ApiError } from '../errors.js';
import { exportedResources, onRequest } from '../harper.js';
import { readQuery } from '../http/query.js';
import { tableInForce } from '../http/route-table.js';
import { subscribeToJob } from '../jobs/subscription.js';
import { FILTER_FIELDS } from '../monitoring/alerts/alerts.js';
import { subscribeToAlerts } from '../monitoring/alerts/subscription.js';
import { FILTER_FIELDS as RETRAINING_FIELDS } from '../monitoring/retraining/requests.js';
import { subscribeToRequests } from '../monitoring/retraining/subscription.js';
import { SUBSCRIPTION_FIELDS, subscribeToEvents } from '../monitoring/subscription.js';
import { resourceOf } from './channel.js';

/** @type {import('./channel.js').Channel[]} */
const CHANNELS = [
	{
		path: 'edge_ai/events',
		route: '/monitoring/events',
		needs: { InferenceEvent: ['read'] },
		open({ id, query }, user, how) {
			if (id !== undefined) {
				throw new ApiError('INVALID_REQUEST', `events are narrowed by parameters, such as ?modelId=${id}`);
			}
			return subscribeToEvents(readQuery(query, SUBSCRIPTION_FIELDS), user, how);
		},
	},
	{
		path: 'edge_ai/alerts',
		route: '/monitoring/alerts',
		needs: { Alert: ['read'], InferenceEvent: ['read'] },
		open({ id, query }, user, how) {
			if (id !== undefined) {
				throw new ApiError('INVALID_REQUEST', `alerts are narrowed by parameters, such as ?rule=${id}`);
			}
			return subscribeToAlerts(readQuery(query, FILTER_FIELDS), user, how);
		},
	},
	{
		path: 'edge_ai/retraining',
		route: '/monitoring/retraining',
		needs: { RetrainingRequest: ['read'], InferenceEvent: ['read'] },
		open({ id, query }, user, how) {
			if (id !== undefined) {
				throw new ApiError('INVALID_REQUEST', `requests are narrowed by parameters, such as ?modelId=${id}`);
			}
			return subscribeToRequests(readQuery(query, RETRAINING_FIELDS), user, how);
		},
	},
	{
		path: 'edge_ai/jobs',
		route: '/jobs/:id',
		needs: { Job: ['read'] },
		open({ id, query }, user, how) {
			readQuery(query, []);
			return subscribeToJob({ id }, user, how);
		},
	},
];

/**
 * Offers them.
 *
 * @param {() => string} prefixInForce what stands in front of all routes
 */
export function offerChannels(prefixInForce) {
	const routes = CHANNELS.map(({ path, route, needs }) => ['GET', route, needs, path]);
	const table = tableInForce([{ prefix: '', errors: answerOf, routes }], prefixInForce);
	for (const channel of CHANNELS) exportedResources().set(channel.path, resourceOf(channel));
	onRequest('beforeAuthentication', (request, next) => {
		const match = request.isWebSocket ? table().find(request.url) : undefined;
		const found = match?.take('GET');
		if (found) request.url = urlOf(found, match.search);
		return next(request);
	});
}

function urlOf({ route, params }, search) {
	const parts = [route.handler, ...Object.values(params).map(encodeURIComponent)];
	return `/${parts.join('/')}${search === '' ? '' : `?${search}`}`;
}
