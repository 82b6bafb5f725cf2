// What a webhook is told of an event: what the user who wrote it last may read now.
import { authorize } from '../../http/access.js';
import { describe, knownTo } from '../alerts/alerts.js';
import { describe as describeRequest, knownTo as requestKnownTo } from '../retraining/requests.js';

/**
 * @typedef {object} Told
 * @property {Record<string, string[]>} needs permissions by table, as of a route
 * @property {(data: object, user: object) => object | undefined} shownTo what a user may know; nothing when it may not know of it at all
 */

/** By the first part of their kind. @type {Record<string, Told>} */
const TOLD = {
	alert: {
		needs: { Alert: ['read'], InferenceEvent: ['read'] },
		shownTo: (alert, user) => (knownTo(user)(alert) ? describe(alert, user) : undefined),
	},
	retraining: {
		needs: { RetrainingRequest: ['read'], InferenceEvent: ['read'] },
		shownTo: (request, user) => (requestKnownTo(user)(request) ? describeRequest(request, user) : undefined),
	},
	webhook: { needs: {}, shownTo: (data) => data },
};

/**
 * What a user may know of an event.
 *
 * @param {{kind: string, data: string}} delivery
 * @param {object | undefined} user Harper's user, who may be gone
 * @returns {object | undefined}
 */
export function toldTo({ kind, data }, user) {
	const { needs, shownTo } = TOLD[kind.split('.', 1)[0]];
	try {
		authorize(user, needs);
	} catch (error) {
		if (['UNAUTHENTICATED', 'FORBIDDEN'].includes(error.code)) return undefined;
		throw error;
	}
	return shownTo(JSON.parse(data), user);
}
