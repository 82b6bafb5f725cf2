// What the server is, and that it is there.
import { readFileSync } from 'node:fs';
import { isPreloaded } from '../../serving/preload.js';

const { name, version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));

const EXTENSIONS = [
	'binary_tensor_data',
	'model_configuration',
	'model_repository',
	'model_repository(unload_dependents)',
	'schedule_policy',
	'statistics',
];

/** `GET /v2` */
export const metadata = async () => ({ body: { name, version, extensions: EXTENSIONS } });

/** `GET /v2/health/live`: routes exist only while Harper's tables do. */
export const live = async () => ({ body: { live: true, ready: isPreloaded() } });

/** `GET /v2/health/ready`: 503 while models are preloaded. */
export async function ready() {
	const isReady = isPreloaded();
	return { status: isReady ? 200 : 503, body: { live: true, ready: isReady } };
}
