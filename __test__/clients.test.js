// The protocols as other people's Python clients speak them.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { models } from './support/fixtures.js';
import { ADMIN, credentials, root, startHarper } from './support/harper.js';

const run = promisify(execFile);
const PYTHON = join(root, '.venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

/** Why a package of Python cannot be used, or false. */
function absence(module, requirements) {
	if (!existsSync(PYTHON)) return `skipped: no .venv, see ${requirements}`;
	const { status } = spawnSync(PYTHON, ['-c', `import ${module}`]);
	return status !== 0 && `skipped: .venv lacks ${module}, see ${requirements}`;
}

describe('Python clients', () => {
	let harper;
	before(async () => {
		harper = await startHarper({ threads: 1 });
		for (const { name, file } of models) {
			assert.equal((await harper.upload({ modelId: name, version: '1' }, [file])).status, 201, name);
		}
	});
	after(() => harper?.dispose());

	for (const [client, module, script, requirements, address] of [
		['tritonclient', 'tritonclient.http', 'triton.py', 'scripts/requirements.txt', (url) => url.host],
		[
			'open-inference-openapi',
			'open_inference.openapi.client',
			'open_inference_client.py',
			'scripts/requirements.txt',
			(url) => url.origin,
		],
		[
			'InferenceRESTClient of KServe',
			'kserve',
			'kserve_client.py',
			'scripts/requirements-clients.txt',
			(url) => url.origin,
		],
	]) {
		test(client, { skip: absence(module, requirements) }, async () => {
			const { authorization } = credentials(ADMIN);
			const path = join(root, '__test__/clients', script);
			await run(PYTHON, [path, address(new URL(harper.base)), authorization], { timeout: 120_000 });
		});
	}

	test(
		'what a client asked for is an event',
		{ skip: absence('tritonclient.http', 'scripts/requirements.txt') },
		async () => {
			const { body } = await harper.get('/monitoring/events?userId=triton');
			assert.equal(body.count, 1);
			assert.equal(body.events[0].modelId, 'iris');
		}
	);
});
