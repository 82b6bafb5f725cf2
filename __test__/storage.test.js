// A disk that is really full: a small file system of its own, which needs the right to mount one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startHarper } from './support/harper.js';
import { until } from './support/until.js';

const DISK_BYTES = 192 * 2 ** 20;
const BLOCK = Buffer.alloc(2 ** 20);
/** No answer takes that long, though the disk is full. */
const ANSWER_MS = 20_000;
const CALLERS = 8;
const CALLS = 40;

const disk = mkdtempSync(join(tmpdir(), 'edge ai disk '));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk]);
const skip = mounted.status === 0 ? false : 'no file system can be mounted here';

describe('a full disk', { skip }, () => {
	let harper;
	before(async () => {
		harper = await startHarper({ folder: disk });
		const { status } = await harper.upload({ modelId: 'iris', version: 'v1' }, ['examples/iris/model.onnx']);
		assert.equal(status, 201);
	});
	after(() => harper?.dispose());

	const predict = (fields) =>
		harper.predict(
			{ modelId: 'iris', features: { float_input: [5.1, 3.5, 1.4, 0.2] }, ...fields },
			{ signal: AbortSignal.timeout(ANSWER_MS) }
		);
	const filler = join(disk, 'filler');
	const fill = () => {
		for (let at = 0; ; at += 1) {
			try {
				writeFileSync(`${filler}${at}`, BLOCK);
			} catch (error) {
				assert.equal(error.code, 'ENOSPC');
				return;
			}
		}
	};
	const empty = () => {
		for (let at = 0; at < DISK_BYTES / BLOCK.length; at += 1) rmSync(`${filler}${at}`, { force: true });
	};

	/** The answers of several callers at once, counted by status. */
	const underLoad = async () => {
		const ids = [];
		const counts = {};
		const caller = async () => {
			for (let at = 0; at < CALLS; at += 1) {
				const { status, body } = await predict();
				const what = body.code ?? status;
				counts[what] = (counts[what] ?? 0) + 1;
				if (status === 200) ids.push(body.inferenceId);
			}
		};
		await Promise.all(Array.from({ length: CALLERS }, caller));
		return { ids, counts };
	};

	const storedIds = async () => {
		const { body } = await harper.get('/monitoring/events?modelId=iris&limit=1000');
		return new Set(body.events.map(({ id }) => id));
	};
	const lost = async () => (await harper.get('/status')).body.events.lost;

	test('is said with 503, also under load; predictions that are not recorded go on; with room all do', async () => {
		const before = await underLoad();
		assert.deepEqual(before.counts, { 200: CALLERS * CALLS });
		fill();
		const full = await underLoad();
		// What was checked a moment before the disk was full may still be written.
		assert.ok(full.counts.STORAGE_UNAVAILABLE > (CALLERS * CALLS) / 2, JSON.stringify(full.counts));
		const refused = await predict();
		assert.deepEqual([refused.status, refused.body.code], [503, 'STORAGE_UNAVAILABLE']);
		assert.equal((await predict({ record: false })).status, 200);
		assert.deepEqual(await lost(), {});

		empty();
		await until('predictions are recorded again', async () => (await predict()).status === 200);
		const stored = await storedIds();
		assert.deepEqual(
			[...before.ids, ...full.ids].filter((id) => !stored.has(id)),
			[]
		);
	});

	for (const eventDurability of ['best-effort', 'deferred']) {
		test(`with eventDurability: ${eventDurability} predictions are answered, and every event that is lost is counted`, async () => {
			await harper.restart({ eventDurability });
			fill();
			const { ids, counts } = await underLoad();
			assert.deepEqual(counts, { 200: CALLERS * CALLS });
			empty();
			const stored = await storedIds();
			const missing = ids.filter((id) => !stored.has(id)).length;
			assert.ok(missing > (CALLERS * CALLS) / 2, `${missing} are missing`);
			assert.deepEqual(await lost(), { iris: missing });
			assert.equal((await harper.get('/monitoring/metrics?modelId=iris')).body.lostEvents, missing);
			assert.equal((await harper.get('/monitoring/metrics?modelId=nothing')).body.lostEvents, 0);

			await until('predictions are recorded again', async () => {
				const { body } = await predict();
				return (await storedIds()).has(body.inferenceId);
			});
		});
	}
});

after(() => {
	if (!skip) spawnSync('umount', ['-l', disk]);
	rmdirSync(disk);
});
