// What the server is, and that it is there.
import { readFileSync } from 'node:fs';

const { name, version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

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

/** `GET /v2/health/live` and `GET /v2/health/ready`: routes exist only while Harper's tables do. */
export const health = async () => ({ body: { live: true, ready: true } });
