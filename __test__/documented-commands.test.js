// Commands of the documentation that are about Harper, as printed but for ports and paths: backup and restore, GET /openapi, CORS.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { root, startHarper } from './support/harper.js';

const SETOSA = { float_input: [5.1, 3.5, 1.4, 0.2] };

/** The commands below a heading of a page. */
function commandsBelow(page, heading) {
	const text = readFileSync(join(root, page), 'utf8');
	const [section] = text.match(new RegExp(`^#+ ${heading}\n.*?(?=^## )`, 'ms'));
	return [...section.matchAll(/^```bash\n(.*?)^```/gms)].map(([, code]) => code);
}

let harper;
let folder;

/** Runs commands where the root path is `.harper`. */
async function shell(script) {
	const here = script
		.replaceAll('127.0.0.1:9926', new URL(harper.base).host)
		.replaceAll('127.0.0.1:9925', new URL(harper.operations).host)
		.replaceAll(/(?<=[ ])\.harper(?=[ /\n])/g, '"$ROOTPATH"');
	const env = { ...process.env, ROOTPATH: harper.rootPath };
	return promisify(execFile)('bash', ['-e', '-o', 'pipefail', '-c', here], { cwd: folder, env });
}

describe('backup and restore', () => {
	let inferenceId;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), 'backup '));
		harper = await startHarper({ variables: { AUTHENTICATION_AUTHORIZELOCAL: 'true' } });
		assert.equal((await harper.upload({ modelId: 'iris', version: 'v1' }, ['examples/iris/model.onnx'])).status, 201);
		({ inferenceId } = (await harper.predict({ modelId: 'iris', features: SETOSA })).body);
		await harper.addUser('viewer');
	});
	after(async () => {
		await harper?.dispose();
		await rm(folder, { recursive: true, force: true });
	});

	const backups = commandsBelow('docs/operations.md', 'Backup');
	const restores = commandsBelow('docs/operations.md', 'Restore');

	/** That all is there as it was, and goes on. */
	async function assertRestored() {
		const { body } = await harper.get(`/monitoring/events?inferenceId=${inferenceId}`, { user: 'viewer' });
		assert.deepEqual(
			body.events.map(({ id, modelId }) => [id, modelId]),
			[[inferenceId, 'iris']]
		);
		const answered = await harper.predict({ modelId: 'iris', features: SETOSA });
		assert.equal(answered.status, 200, JSON.stringify(answered.body));
		assert.equal((await harper.feedback({ inferenceId, outcome: 0 })).status, 200);
	}

	test('each backup has its restore', () => assert.deepEqual([backups.length, restores.length], [2, 2]));

	test('of the whole root path, after a stop', async () => {
		await harper.stop();
		await shell(backups[0]);
		const { stdout } = await promisify(execFile)('tar', ['-tzf', 'edge-ai-backup.tgz'], { cwd: folder });
		assert.ok(!stdout.includes('edge-ai-cache'));
		await rm(harper.rootPath, { recursive: true });
		await shell(restores[0]);
		await harper.start();
		await assertRestored();
	});

	test('of the tables and blobs, while Harper runs', async () => {
		await shell(backups[1]);
		assert.equal((await harper.request('DELETE', '/model/iris/v1')).status, 200);
		const { body: later } = await harper.predict({ modelId: 'iris', features: SETOSA });
		assert.equal(later.code, 'MODEL_NOT_FOUND');
		await harper.stop();
		await shell(restores[1]);
		await harper.start();
		await assertRestored();
	});
});

describe("what is Harper's own", () => {
	const [cors] = commandsBelow('docs/security.md', 'Pages of other origins');
	const [start, ...asking] = cors.split('\n');
	before(async () => {
		folder = tmpdir();
		const variables = Object.fromEntries(
			[...start.matchAll(/(HTTP_\w+)=(?:'([^']*)'|(\S+))/g)].map(([, name, a, b]) => [name, a ?? b])
		);
		assert.deepEqual(Object.keys(variables), ['HTTP_CORS', 'HTTP_CORSACCESSLIST']);
		harper = await startHarper({ variables: { AUTHENTICATION_AUTHORIZELOCAL: 'true', ...variables } });
		await harper.addUser('viewer');
	});
	after(() => harper?.dispose());

	test('CORS lets in the origins that docs/security.md names', async () => {
		const { stdout } = await shell(asking.join('\n'));
		assert.match(stdout, /^access-control-allow-origin: https:\/\/app\.example\r?$/im);
		assert.match(stdout, /^access-control-allow-headers: .*authorization/im);
		const { stdout: refused } = await shell(asking.join('\n').replace('app.example', 'evil.example'));
		assert.doesNotMatch(refused, /^access-control-allow-origin/im);
	});

	test('GET /openapi shows what docs/rest.md says, to superusers', async () => {
		const [command] = commandsBelow('docs/rest.md', 'OpenAPI');
		const { openapi, paths } = JSON.parse((await shell(command)).stdout);
		assert.match(openapi, /^3\./);
		const text = readFileSync(join(root, 'docs/rest.md'), 'utf8');
		const ours = [...new Set(Object.keys(paths).map((path) => path.match(/^\/(edge_ai\/\w+)/)?.[1] ?? path))];
		assert.deepEqual(ours.toSorted(), [
			'edge_ai/Job',
			'edge_ai/alerts',
			'edge_ai/events',
			'edge_ai/jobs',
			'edge_ai/retraining',
		]);
		for (const path of ours) assert.ok(text.includes(`\`${path}\``), path);
		assert.equal((await harper.get('/openapi', { user: 'viewer' })).status, 403);
	});
});
