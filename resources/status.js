// GET /status: what runs here.
import { readFileSync } from 'node:fs';
import { isUnrestricted, visibleTo } from './http/access.js';
import { engineStatus, lostEvents } from '../binding.js';
import { declaredState } from './monitoring/rules/record.js';
import { options } from './options.js';
import { named } from './registry/quarantine/names.js';
import { readQuery } from './http/query.js';
import { conflicts } from './registry/uploads.js';
import { idsApart } from './registry/batching.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** Of this machine, of its network, and what other routes tell to who may know. */
const PRIVATE = ['cacheDirectory', 'webhookAllow', 'rules'];

/** `GET /status` */
export async function status({ query, user }) {
	readQuery(query, []);
	const shared = Object.entries(options()).filter(([name]) => !PRIVATE.includes(name));
	const shown = Object.fromEntries(shared);
	shown.executionProviders = shown.executionProviders.map((provider) => provider.name ?? provider);
	return {
		body: {
			version,
			node: process.version,
			...(await engineFor(user)),
			events: eventsFor(user),
			models: await modelsFor(user),
			rules: await rulesFor(user),
			options: shown,
		},
	};
}

/** The state of the engine, without what the user may not read of models. */
async function engineFor(user) {
	const isVisible = visibleTo(user, 'Model');
	const without = (hidden) => (entry) =>
		Object.fromEntries(Object.entries(entry).filter(([name]) => !hidden.has(name)));
	const hidden = new Set(['modelId', 'version', 'digest', 'framework', 'engine'].filter((name) => !isVisible(name)));
	const { sessions, preload, quarantine, suspects, ...engine } = engineStatus();
	if (['id', 'digest', 'metadata'].every(isVisible)) {
		for (const { digest, batching } of sessions) batching.forbiddenBy = await idsApart(digest);
	}
	const failures = preload?.failures.map(without(hidden));
	const nameless = ({ models, ...suspect }) => ({ ...without(hidden)(suspect), models: models.map(without(hidden)) });
	return {
		...engine,
		sessions: sessions.map(without(hidden)),
		preload: preload && { ...preload, failures },
		quarantine: (await named(quarantine)).map(nameless),
		suspects: (await named(suspects)).map(nameless),
	};
}

/** Events that could not be written, by model. */
const eventsFor = (user) => (visibleTo(user, 'InferenceEvent')('modelId') ? { lost: lostEvents() } : {});

/** Versions that got different bytes on several nodes. */
async function modelsFor(user) {
	const isVisible = visibleTo(user, 'Model');
	return ['modelId', 'version', 'digest'].every(isVisible) ? { conflicts: await conflicts() } : {};
}

/** The rules of config.yaml. */
const rulesFor = async (user) => (isUnrestricted(user, 'MonitoringRule', 'read') ? declaredState() : undefined);
