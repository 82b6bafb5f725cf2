// What happens to requests for retraining, as webhooks are told of it.

const SOURCE = '/monitoring/retraining';

/**
 * That a request has been made, or has come to have its state.
 *
 * @param {object} request as it is then
 * @returns {import('../webhooks/outbox.js').Event}
 */
export function eventOfRequest(request) {
	const { id: subject, modelId, state, changes } = request;
	return { kind: `retraining.${state}`, time: changes.at(-1).time, source: SOURCE, subject, modelId, data: request };
}
