// What a webhook says: checked before it is stored, and again when it is read, because roles may allow writing to the table itself.
import { isIP } from 'node:net';
import { hostOf, mayReach, readAllowed } from '../../../library/addresses.js';
import { ApiError } from '../../errors.js';
import { identifier, readFields, shown } from '../../http/query.js';
import { options } from '../../options.js';
import { SEVERITIES } from '../rules/definition.js';
import { KINDS } from './kinds.js';

export const WEBHOOK_FIELDS = ['id', 'url', 'events', 'modelId', 'minSeverity', 'enabled'];
export const MAX_URL_LENGTH = 2048;
const DEFAULT_EVENTS = ['alert.firing', 'alert.resolved'];

const refuse = (message) => {
	throw new ApiError('INVALID_REQUEST', message);
};

/**
 * A webhook as it is kept: with what it does not say.
 *
 * @param {unknown} given an object of {@link WEBHOOK_FIELDS}
 * @returns {object}
 * @throws {ApiError} INVALID_REQUEST, which names the field
 */
export function readWebhook(given) {
	const { id, url, events, modelId, minSeverity, enabled = true } = readFields('a webhook', given, WEBHOOK_FIELDS);
	if (minSeverity !== undefined && !SEVERITIES.includes(minSeverity)) {
		refuse(`minSeverity must be one of ${SEVERITIES.join(', ')}, received ${shown(minSeverity)}`);
	}
	if (typeof enabled !== 'boolean') refuse(`enabled must be true or false, received ${shown(enabled)}`);
	return {
		id: identifier('id', id),
		url: readUrl(url),
		events: readEvents(events),
		...(modelId !== undefined && { modelId: identifier('modelId', modelId) }),
		...(minSeverity !== undefined && { minSeverity }),
		enabled,
	};
}

/** A URL may hold a secret, so messages do not show it. */
function readUrl(given) {
	const isText = typeof given === 'string' && given.length <= MAX_URL_LENGTH;
	const url = isText && URL.canParse(given) ? new URL(given) : undefined;
	if (!url || !['http:', 'https:'].includes(url.protocol)) {
		refuse(`url must be one of http or https with at most ${MAX_URL_LENGTH} characters`);
	}
	if (url.username !== '' || url.password !== '') refuse('url must have no user and no password in it');
	if (url.hash !== '') refuse('url must have no fragment: nothing sends it');
	return url.href;
}

/**
 * Throws when the host of a URL is an address that is not reached; those of names are looked at when something is sent.
 *
 * @param {{url: string}} webhook
 */
export function checkAddress({ url }) {
	const host = hostOf(new URL(url));
	if (isIP(host) === 0 || mayReach(host, host, readAllowed(options().webhookAllow))) return;
	refuse(`url: ${host} is not a public address, and the option webhookAllow does not name it`);
}

function readEvents(given = DEFAULT_EVENTS) {
	const isList = Array.isArray(given) && given.length > 0 && given.every((kind) => KINDS.includes(kind));
	if (isList) return [...new Set(given)];
	return refuse(`events must be a list of some of ${KINDS.join(', ')}, received ${shown(given)}`);
}

/**
 * Whether a webhook asks for an event.
 *
 * @param {object} webhook
 * @param {{kind: string, modelId?: string, severity?: string}} event
 */
export const asksFor = ({ events, modelId, minSeverity }, event) =>
	events.includes(event.kind) &&
	(modelId === undefined || event.modelId === modelId) &&
	(minSeverity === undefined ||
		event.severity === undefined ||
		SEVERITIES.indexOf(event.severity) >= SEVERITIES.indexOf(minSeverity));
