// GET /status: what runs here.
import { readFileSync } from 'node:fs';
import { engineStatus, lostEvents } from '../binding.js';
import { options } from './options.js';
import { readQuery } from './query.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const PRIVATE = ['cacheDirectory'];

/** `GET /status` */
export async function status({ query }) {
	readQuery(query, []);
	// Paths of this machine are nobody's business.
	const shared = Object.entries(options()).filter(([name]) => !PRIVATE.includes(name));
	const shown = Object.fromEntries(shared);
	shown.executionProviders = shown.executionProviders.map((provider) => provider.name ?? provider);
	const events = { lost: lostEvents() };
	return { body: { version, node: process.version, ...engineStatus(), events, options: shown } };
}
